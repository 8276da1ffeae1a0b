"""Subcommands for decisions: compare, place, plan. They import what they need when they run."""

import math
from pathlib import Path
from typing import Any

import click

from stages.commands.answering import JSON, answer, example
from stages.commands.shown import Result
from stages.contracts.errors import InputError

WISH = "BENCHMARK=SCORE"


@click.command(epilog=example("compare org/model-a org/model-b --benchmark gsm8k"))
@click.argument("first", metavar="MODEL")
@click.argument("second", metavar="MODEL")
@click.option("--benchmark", "benchmarks", multiple=True, metavar="B", help="Only this, may repeat; default: all.")
@JSON
def compare(first: str, second: str, benchmarks: tuple[str, ...], *, machine: bool) -> None:
    """Say which of two models is better, item by item.

    On the items that both answered: difference with its paired standard error, test, smallest difference that could
    have been seen, and which items turned. The first model is better, worse, or the items cannot tell.
    """

    def run() -> Result:
        from stages.commands.paired import compare as run_comparison

        return run_comparison(first, second, benchmarks)

    answer(run, machine=machine)


@click.command(epilog=example("place new.csv --figure placed.svg"))
@click.argument("scores")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Also write the coordinates to this CSV.")
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw study and new models: FILE.png or .svg.",
)
@click.option("--mixed-protocols", is_flag=True, help="Place scores measured under another protocol all the same.")
@click.option(
    "--next",
    "ahead",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Benchmarks to measure next that are named for each model, those that tell most first.",
)
@JSON
def place(
    scores: str, *, out: Path | None, figure: Path | None, mixed_protocols: bool, ahead: int, machine: bool
) -> None:
    """Show where new models lie among those of the study.

    SCORES is a CSV file, one row per model and one column per benchmark, any of which may be left out or empty; or one
    row per score with the columns model_id, benchmark, score and, optionally, protocol and n_items; or an evaluated
    model.
    """

    def run() -> Result:
        from stages.commands.place import draw, write_out
        from stages.commands.place import place as run_place

        found = run_place(scores, mixed_protocols=mixed_protocols, ahead=ahead)
        if out is not None:
            write_out(found, out)
        if figure is not None:
            draw(found, figure)
        return found

    answer(run, machine=machine)


class OfLanguages(click.Command):
    """A command with an option --tokens-LANGUAGE-b for each language of the study of params.yaml."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options, those of the languages after the first."""
        first, *others = super().get_params(ctx)
        return [first, *self.token_options(), *others]

    @staticmethod
    def token_options() -> list[click.Parameter]:
        """Return the options of the languages; none outside a repository, where the command says what is missing."""
        from stages.workspace.facts import load_info
        from stages.workspace.parameters import load_params

        try:
            languages = load_info(load_params().study).languages
        except InputError:
            return []
        return [
            click.Option(
                [f"--tokens-{code}-b", f"tokens_{code}"],
                type=float,
                help=f"Billions of {name} tokens, where the study knows token counts.",
            )
            for code, name in languages.items()
        ]


@click.command(
    cls=OfLanguages, epilog=example("plan --params-b 13 --tokens-en-b 2000 --tokens-ja-b 500 --wish niilc=0.7")
)
@click.option("--params-b", type=float, required=True, help="Billions of active parameters.")
@click.option("--released", default="", metavar="DAY", help="Day of release, where the study knows no token counts.")
@click.option("--wish", "wishes", multiple=True, metavar=WISH, help="Budget for this score or component; may repeat.")
@JSON
def plan(
    params_b: float,
    released: str,
    wishes: tuple[str, ...],
    *,
    machine: bool,
    **tokens: Any,  # noqa: ANN401 (click)
) -> None:
    """Predict scores from a training budget, budgets from scores.

    With an interval for each component and benchmark, and the ways to each wished score.
    """

    def run() -> Result:
        from stages.commands.plan import plan as run_plan

        given = {name.removeprefix("tokens_"): value for name, value in tokens.items() if value is not None}
        return run_plan(
            params_b, {name: float(value) for name, value in given.items()}, *read_wishes(wishes), released
        )

    answer(run, machine=machine)


def read_wishes(wishes: tuple[str, ...]) -> tuple[dict[str, float], list[str]]:
    """Read the values of --wish: those that can be read, and one line for each problem."""
    found: dict[str, float] = {}
    problems = []
    for wish in wishes:
        name, _, text = (part.strip() for part in wish.partition("="))
        try:
            value = float(text)
        except ValueError:
            problems.append(f"--wish {wish}: expected {WISH}, such as mmlu=0.7")
            continue
        if not math.isfinite(value):
            problems.append(f"--wish {wish}: the score must be finite")
        elif name in found:
            problems.append(f"--wish {wish}: {name} is wished twice: ask once for each score")
        else:
            found[name] = value
    return found, problems
