"""Subcommand on evaluation: diagnose. It imports what it needs when it runs."""

import os

import click

from stages.workspace.running import run_stage


@click.command()
@click.argument("model")
@click.option("--benchmark", metavar="B", help="Ask items of this benchmark; default: plain questions.")
@click.option("--items", type=click.IntRange(min=1), default=8, metavar="K", help="Items to ask, 8 unless told.")
@click.option("--write", is_flag=True, help="Add the workaround to the study's workarounds.yaml.")
def diagnose(model: str, benchmark: str | None, items: int, *, write: bool) -> None:
    """Find out why MODEL answers with nothing, and what mends it.

    MODEL is a model_id of models.csv or a folder with a model. Known causes are tried on a few items, one by one and,
    unless one of them is it, in pairs.
    """

    def run() -> None:
        # read when tqdm is first imported: a bar for each trial would bury the table
        os.environ["TQDM_DISABLE"] = "1"
        from stages.commands.diagnose import diagnose as lines

        for line in lines(model, benchmark, items, write=write):
            click.echo(line)

    run_stage(run)
