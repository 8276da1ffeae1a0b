"""The console command `observatory`.

A subcommand is imported when it is asked for, and what it needs when it runs: `observatory --help` must not wait for
pandas, DVC, Great Expectations or MLflow.
"""

from importlib import import_module
from keyword import iskeyword

import click

from stages.commands.answering import example

COMMANDS = {
    "init": "stages.commands.intake_cli",
    "import": "stages.commands.intake_cli",
    "check": "stages.commands.state_cli",
    "summary": "stages.commands.state_cli",
    "trace": "stages.commands.lineage_cli",
    "diff": "stages.commands.lineage_cli",
    "verify": "stages.commands.lineage_cli",
    "export": "stages.commands.lineage_cli",
    "track": "stages.commands.state_cli",
    "fetch": "stages.commands.evaluation_cli",
    "evaluate": "stages.commands.evaluation_cli",
    "diagnose": "stages.commands.evaluation_cli",
    "compare": "stages.commands.decision_cli",
    "place": "stages.commands.decision_cli",
    "plan": "stages.commands.decision_cli",
}
"""Subcommand to the module that defines it, in the order in which the help lists them."""


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand; return None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        function = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), function)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=example("trace scale.PC1.en.rho"),
)
@click.version_option(package_name="local-llm-observatory")
def main() -> None:
    """Check, track and trace an observational study of language models."""
    from stages.lineage.git import interrupted_experiment

    note = interrupted_experiment()
    if note:
        click.echo(f"note: {note}", err=True)


if __name__ == "__main__":
    main()
