"""Subcommands that bring results in: init, import. They import what they need when they run."""

from pathlib import Path

import click

from stages.commands.answering import JSON, answer, example
from stages.commands.shown import Result

PATH = click.Path(path_type=Path)


@click.command(epilog=example("init mine leaderboard.csv"))
@click.argument("name")
@click.argument("table", required=False, type=PATH)
@click.option(
    "--models", type=click.Choice(["rows", "columns"]), help="Where TABLE has its models; default: by names."
)
@click.option("--language", "languages", multiple=True, metavar="CODE=NAME", help="Default en=English.")
@JSON
def init(name: str, table: Path | None, models: str | None, languages: tuple[str, ...], *, machine: bool) -> None:
    """Begin a study under metadata/, from a table or empty.

    NAME is that of its folder. TABLE has one score per cell, models in rows or columns: CSV, TSV, Parquet, XLSX or
    JSON records. What it states and what names state is written, the rest left blank and listed. --language may be
    given several times; the first is that of every benchmark until benchmarks.csv says otherwise.
    """

    def run() -> Result:
        from stages.commands.init import init as begin

        return begin(name, table, models, languages)

    answer(run, machine=machine)


@click.command("import", epilog=example("import results/ --study mine"))
@click.argument("given", nargs=-1, required=True, metavar="PATH...", type=PATH)
@click.option("--study", required=True, metavar="NAME", help="Study under metadata/, created if it does not exist.")
@click.option("--format", "form", metavar="F", help="Format of all files; default: recognised file by file.")
@click.option("--metric", "metrics", multiple=True, metavar="[TASK=]METRIC", help="Which of a task's scores counts.")
@click.option("--newest", is_flag=True, help="Of several scores of a cell the newest counts.")
@click.option("--harness", metavar="TOOL", help="Of several scores of a cell that of this tool counts.")
@click.option("--add", is_flag=True, help="Add models and benchmarks that the study lacks.")
@click.option("--skip-refused", is_flag=True, help="Leave out what cannot be used, and import the rest.")
@JSON
def import_(  # noqa: PLR0913 (each an option)
    given: tuple[Path, ...],
    study: str,
    form: str | None,
    metrics: tuple[str, ...],
    harness: str | None,
    *,
    newest: bool,
    add: bool,
    skip_refused: bool,
    machine: bool,
) -> None:
    """Import results of other tools into a study.

    PATH is a file or folder of lm-eval, Every Eval Ever, lighteval, EuroEval or inspect, with or without samples.
    Scores go to imports.csv of the study, raw files to data/imports/ under DVC. --metric, as METRIC[,FILTER], may be
    given several times.
    """

    def run() -> Result:
        from stages.commands.importing import Options, import_results

        options = Options(form, metrics, "newest" if newest else harness or "", add, skip_refused)
        return import_results(given, study, options)

    answer(run, machine=machine, quiet=True)
