"""Subcommands on evaluation: fetch, evaluate, diagnose. Each imports what it needs when it runs."""

import sys

import click

from stages.commands.answering import JSON, answer, example
from stages.commands.shown import Result


@click.command(epilog=example("diagnose llm-jp/llm-jp-13b-v2.0 --benchmark niilc"))
@click.argument("model")
@click.option("--benchmark", metavar="B", help="Ask items of this benchmark; default: plain questions.")
@click.option("--items", type=click.IntRange(min=1), default=8, metavar="K", help="Items to ask, default 8.")
@click.option("--write", is_flag=True, help="Add the workaround for the benchmark to the study's workarounds.yaml.")
@JSON
def diagnose(model: str, benchmark: str | None, items: int, *, write: bool, machine: bool) -> None:
    """Find out why MODEL answers with nothing, and what fixes it.

    MODEL is a model_id of models.csv or a folder with a model. Known causes are tried on a few items, one by one and,
    unless one of them is it, in pairs.
    """

    def run() -> Result:
        from stages.workspace.progress import hide_bars

        # a bar for each trial would bury the table
        hide_bars(on_terminals=True)
        from stages.commands.diagnose import diagnose as run_diagnosis

        return run_diagnosis(model, benchmark, items, write=write, tell=lambda line: click.echo(line, err=True))

    answer(run, machine=machine, quiet=True)


@click.command(epilog=example("fetch --model llm-jp/llm-jp-13b-v2.0 --to /shared/offline"))
@click.option("--benchmark", "benchmarks", multiple=True, metavar="B", help="Only this; default: all of the study.")
@click.option("--model", "models", multiple=True, metavar="M", help="Also this model_id of models.csv.")
@click.option("--to", metavar="DIR", type=click.Path(file_okay=False), help="Folder; default: this user's cache.")
@JSON
def fetch(benchmarks: tuple[str, ...], models: tuple[str, ...], to: str | None, *, machine: bool) -> None:
    """Bring data and models here, for evaluations without internet.

    Data of all benchmarks of the study, and the models that are named, in their publishers' formats, with SHA256SUMS
    beside them. What is there is checked and not fetched again, a cut download goes on where it ended. --benchmark
    and --model may be given several times.
    """

    def run() -> Result:
        from stages.workspace.progress import hide_bars

        hide_bars(on_terminals=False)
        from stages.commands.fetch import fetch as run_fetch

        return run_fetch(benchmarks, models, to, tell=lambda line: click.echo(line, err=True))

    answer(run, machine=machine, quiet=True)


@click.command(epilog=example("evaluate --engine local --dry-run"))
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--engine", type=click.Choice(["local", "slurm", "ray"]), help="Default: evaluate.engine of params.yaml."
)
@click.option("--only", metavar="B1,B2", default="", help="Only these benchmarks; default: all of the study.")
@click.option("--dry-run", is_flag=True, help="Print what is to do, with tokens, memory and hours; run nothing.")
@click.option("--status", is_flag=True, help="Print who works on what, why benchmarks failed, and where logs are.")
@JSON
def evaluate(
    models: tuple[str, ...], engine: str | None, only: str, *, dry_run: bool, status: bool, machine: bool
) -> None:
    """Run the missing benchmarks of models, here or on a cluster.

    MODEL is one of evaluate.models; default: all of them. Nothing is run twice: finished benchmarks are kept in
    evaluate.store, a second command shares the work, and `dvc repro` publishes it. Ctrl-C ends what the command
    started.
    """

    def run() -> "Result":
        from stages.commands.evaluate import evaluate as run_evaluation
        from stages.commands.evaluation_plan import plan
        from stages.commands.evaluation_plan import status as run_status
        from stages.workspace.progress import hide_bars

        benchmarks = [name.strip() for name in only.split(",") if name.strip()]
        if status:
            return run_status(models)
        if dry_run:
            return plan(models, benchmarks)
        hide_bars(on_terminals=True)
        # a terminal shows how far all models are
        shown = sys.stderr.isatty()
        return run_evaluation(models, benchmarks, engine, lambda line: None if shown else click.echo(line, err=True))

    answer(run, machine=machine, quiet=not dry_run)
