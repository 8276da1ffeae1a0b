"""Subcommands on lineage: trace, verify, diff, export. They import what they need when they run."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from stages import workspace

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
        from stages.commands.trace import trace as lines

        for line in lines(target, down=down, samples=samples, rev=rev, machine=machine):
            click.echo(line)

    workspace.run_stage(run)
