"""What the subcommands share: options, and how a result or a problem reaches the terminal.

Only click and light modules are imported here and beside the subcommands: `observatory --help` loads them all.
"""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from stages.commands.shown import Result

JSON = click.option("--json", "machine", is_flag=True, help="Print JSON, for programs.")
REV = click.option("--rev", metavar="REV", help="Commit, tag or DVC experiment; default: the workspace.")


def example(line: str) -> str:
    """Return the end of a subcommand's help."""
    return f"\b\nExample: observatory {line}"


def answer(run: "Callable[[], Result]", *, machine: bool, quiet: bool = False) -> None:
    """Run a subcommand and print its result; problems become lines on stderr and exit code 1.

    Args:
        run: Does the work. What it imports is imported when it runs.
        machine: Whether to print JSON.
        quiet: Whether the work itself prints what it is doing.
    """
    from stages.commands.shown import lines
    from stages.commands.shown import machine as as_json
    from stages.workspace.progress import working
    from stages.workspace.running import run_stage

    def main() -> None:
        with nullcontext() if quiet else working(click.get_current_context().command_path):
            result = run()
        if machine:
            click.echo(as_json(result))
        else:
            for line in lines(result):
                click.echo(line)
        if not result.ok:
            sys.exit(1)

    run_stage(main)
