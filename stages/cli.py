"""The console command `observatory`.

Subcommands import what they need when they run: `observatory --help` must not wait for Great Expectations or MLflow.
"""

import sys
from pathlib import Path

import click

from stages.commands.decision_cli import place, plan
from stages.commands.evaluation_cli import diagnose
from stages.commands.lineage_cli import diff, export, trace, verify
from stages.workspace.running import run_stage


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="local-llm-observatory")
def main() -> None:
    """Check, track and trace an observational study of language models."""


@main.command()
@click.argument("study", required=False, type=click.Path(path_type=Path))
def check(study: Path | None) -> None:
    """Run the gate on the tables of STUDY (metadata/NAME; default: the study of params.yaml)."""

    def run() -> None:
        from stages.commands.check import check as run_check

        verdict = run_check(study)
        for finding in verdict.findings:
            click.echo(f"{finding.severity}: {finding.message}")
        for sentence in verdict.unexplained:
            click.echo(f"error: {sentence}")
        severities = [finding.severity for finding in verdict.findings] + ["error"] * len(verdict.unexplained)
        counts = ", ".join(f"{severities.count(s)} {s}" for s in ("error", "warning", "waived", "corrected"))
        click.echo(f"gate {'open' if verdict.passed else 'closed'}: {counts}; details in {verdict.docs}")
        if not verdict.passed:
            sys.exit(1)

    run_stage(run)


@main.command()
def summary() -> None:
    """Print the paper's numbers against ours and where the report is."""

    def run() -> None:
        from stages.commands.summary import summary as lines

        for line in lines():
            click.echo(line)

    run_stage(run)


@main.command()
@click.option("--rebuild", is_flag=True, help="Also create the MLflow store when it was deleted.")
def track(*, rebuild: bool) -> None:
    """Log the current state to MLflow unless it has its run there."""

    def run() -> None:
        from stages.commands.track import track as run_track

        click.echo(run_track(rebuild=rebuild))

    run_stage(run)


for command in (diagnose, trace, verify, diff, export, place, plan):
    main.add_command(command)


if __name__ == "__main__":
    main()
