"""Subcommands on the current state: check, summary, track. They import what they need when they run."""

from pathlib import Path

import click

from stages.commands.answering import JSON, answer, example
from stages.commands.shown import Result


@click.command(epilog=example("check metadata/japanese-2024"))
@click.argument("study", required=False, type=click.Path(path_type=Path))
@JSON
def check(study: Path | None, *, machine: bool) -> None:
    """Run the gate on the tables of a study.

    STUDY is a folder metadata/NAME, default that of params.yaml.
    """

    def run() -> Result:
        from stages.commands.check import check as run_check

        return run_check(study)

    answer(run, machine=machine)


@click.command(epilog=example("summary"))
@JSON
def summary(*, machine: bool) -> None:
    """Print published vs. reproduced numbers and where the report is."""

    def run() -> Result:
        from stages.commands.summary import summary as read_summary

        return read_summary()

    answer(run, machine=machine)


@click.command(epilog=example("track --rebuild --all"))
@click.option("--rebuild", is_flag=True, help="Also create the MLflow store when it was lost.")
@click.option("--all", "everything", is_flag=True, help="Every state of git's commits and DVC's experiments.")
@JSON
def track(*, rebuild: bool, everything: bool, machine: bool) -> None:
    """Log the current state to MLflow unless its run is there."""

    def run() -> Result:
        from stages.commands.track import track as run_track

        return run_track(rebuild=rebuild, everything=everything)

    answer(run, machine=machine)
