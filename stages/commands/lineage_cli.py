"""Subcommands on lineage: trace, verify, diff, export. They import what they need when they run."""

import sys
from pathlib import Path

import click

from stages.contracts.errors import InputError
from stages.workspace.running import run_stage

REV = click.option("--rev", metavar="REV", help="Commit, tag or DVC experiment; default: the workspace.")


@click.command()
@click.argument("target")
@click.option("--down", is_flag=True, help="What depends on TARGET instead of what it depends on.")
@click.option("--samples", type=click.IntRange(min=0), default=0, metavar="K", help="Show K answers behind a cell.")
@click.option("--json", "machine", is_flag=True, help="For machines.")
@REV
def trace(target: str, *, down: bool, samples: int, machine: bool, rev: str | None) -> None:
    """Show where TARGET comes from.

    TARGET is a file (reports/figures/scaling_pc1.png), a metric (scale.PC1.en.rho), a claim_id, a cell
    (MODEL:BENCHMARK), a model_id or an MLflow run (run:ID).
    """

    def run() -> None:
        from stages.commands.trace.target import trace as lines

        for line in lines(target, down=down, samples=samples, rev=rev, machine=machine):
            click.echo(line)

    run_stage(run)


@click.command()
@click.argument("crate", required=False, type=click.Path(path_type=Path))
@click.option("--deep", is_flag=True, help="Run the analysis again and compare every number.")
@REV
def verify(crate: Path | None, *, deep: bool, rev: str | None) -> None:
    """Compare every file, number and MLflow run of the state with what it should be, or check an exported CRATE."""

    def run() -> None:
        from stages.commands.verify.state import verify as verify_state
        from stages.commands.verify.state import verify_crate

        if crate and rev:
            raise InputError([f"{crate}: an exported state has no revisions: leave --rev out"])
        report = verify_crate(crate, deep=deep) if crate else verify_state(rev, deep=deep)
        for line in report.notes:
            click.echo(f"note: {line}")
        for line in report.mismatches:
            click.echo(line)
        counted = ", ".join(f"{number} {what}" for what, number in report.counts.items())
        click.echo(f"{len(report.mismatches)} mismatches; compared: {counted}")
        if report.mismatches:
            sys.exit(1)

    run_stage(run)


@click.command()
@click.argument("rev1")
@click.argument("rev2", default="workspace")
@click.option("--all", "everything", is_flag=True, help="Every line of every part.")
def diff(rev1: str, rev2: str, *, everything: bool) -> None:
    """Show which facts, parameters, code and data changed from REV1 to REV2, and which numbers moved."""

    def run() -> None:
        from stages.commands.diff import SHOWN
        from stages.commands.diff import diff as lines

        for line in lines(rev1, rev2, None if everything else SHOWN):
            click.echo(line)

    run_stage(run)


@click.command()
@click.option("--ro-crate", "target", required=True, type=click.Path(path_type=Path), metavar="FILE.zip")
@click.option("--samples", is_flag=True, help="Also the answers of evaluations.")
@REV
def export(target: Path, *, samples: bool, rev: str | None) -> None:
    """Write the state as a Workflow Run RO-Crate, to deposit; `observatory verify FILE.zip` checks it anywhere."""

    def run() -> None:
        from stages.commands.export import export as write

        click.echo(write(target, rev, samples=samples))

    run_stage(run)
