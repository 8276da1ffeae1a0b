"""Subcommands on lineage: trace, diff, verify, export. They import what they need when they run."""

from collections.abc import Callable
from pathlib import Path

import click

from stages.commands.answering import JSON, REV, answer, example
from stages.commands.shown import Result
from stages.contracts.errors import InputError


@click.command(epilog=example("trace scale.PC1.en.rho"))
@click.argument("target")
@click.option("--down", is_flag=True, help="What depends on TARGET instead of what it depends on.")
@click.option("--samples", type=click.IntRange(min=0), default=0, metavar="K", help="Show K answers behind a cell.")
@JSON
@REV
def trace(target: str, *, down: bool, samples: int, machine: bool, rev: str | None) -> None:
    """Show where TARGET comes from.

    TARGET is a file (reports/figures/scaling_pc1.svg), a metric (scale.PC1.en.rho), a claim_id, a cell
    (MODEL:BENCHMARK), a model_id or an MLflow run (run:ID).
    """

    def run() -> Result:
        from stages.commands.trace.target import trace as run_trace

        return run_trace(target, down=down, samples=samples, rev=rev)

    answer(run, machine=machine)


@click.command(epilog=example("verify --rev v1.0"))
@click.argument("crate", required=False, type=click.Path(path_type=Path))
@click.option("--deep", is_flag=True, help="Run the analysis again and compare every number.")
@JSON
@REV
def verify(crate: Path | None, *, deep: bool, machine: bool, rev: str | None) -> None:
    """Check every file, number and MLflow run of the state.

    CRATE is a file that `observatory export` wrote, to check in place of the repository's state.
    """

    def run() -> Result:
        from stages.commands.verify.state import verify as verify_state
        from stages.commands.verify.state import verify_crate

        if crate and rev:
            raise InputError([f"{crate}: an exported state has no revisions: leave --rev out"])
        return verify_crate(crate, deep=deep) if crate else verify_state(rev, deep=deep)

    answer(run, machine=machine)


@click.command(epilog=example("diff HEAD workspace"))
@click.argument("rev1")
@click.argument("rev2", default="workspace")
@click.option("--all", "everything", is_flag=True, help="Every line of every part; JSON has them all.")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Also write a page that shows both states."
)
@JSON
def diff(rev1: str, rev2: str, *, everything: bool, page: Path | None, machine: bool) -> None:
    """Show what changed between two states.

    Which facts, parameters, code and data changed from REV1 to REV2, and which numbers moved because of it.
    """

    def run() -> Result:
        from stages.commands.diff import SHOWN
        from stages.commands.diff import diff as run_diff

        shown = None if everything else SHOWN
        if page is None:
            return run_diff(rev1, rev2, shown)
        # the page needs the look of the figures, which takes time to import
        from stages.commands.diff_page import diff_with_page

        return diff_with_page(rev1, rev2, page, shown)

    answer(run, machine=machine)


def _folder(form: str, what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    path = click.Path(path_type=Path, file_okay=False)
    return click.option(f"--{form}", type=path, metavar="DIR", help=f"Write {what} to this folder.")


@click.command(epilog=example("export --ro-crate state.zip --latex tables"))
@click.option("--ro-crate", "crate", type=click.Path(path_type=Path), metavar="FILE.zip", help="Write a crate.")
@_folder("eee", "records of Every Eval Ever 0.3.0")
@_folder("csv", "the tables of a paper as CSV")
@_folder("parquet", "the same as Parquet")
@_folder("latex", "the tables as the report shows them, for LaTeX with booktabs,")
@click.option("--samples", is_flag=True, help="Also the answers of evaluations, in crate and records.")
@JSON
@REV
def export(crate: Path | None, *, samples: bool, machine: bool, rev: str | None, **folders: Path | None) -> None:
    """Write the state for others: to deposit, to share, to print.

    As a Workflow Run RO-Crate, which `observatory verify FILE.zip` checks anywhere, without the repository; as records
    of Every Eval Ever; as tables. Several may be written at once.
    """

    def run() -> Result:
        from stages.commands.export.forms import write

        return write(crate, {form: path for form, path in folders.items() if path}, rev, samples=samples)

    answer(run, machine=machine)
