"""`observatory place`: coordinates of new models in the frozen space of the current state."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from stages.analysis.components.gaps import NotImputableError
from stages.analysis.decisions.placing import HALF, Placed, Space, build_space
from stages.analysis.decisions.placing import place as place_all
from stages.analysis.scores.cells import divisors, failing_ends, scaled_ranges, to_matrix
from stages.analysis.scores.families import family_codes
from stages.commands.newcomers import (
    all_worst,
    outside_lines,
    protocol_lines,
    read_scores,
    some,
    too_few,
    unknown_errors,
    worst_lines,
)
from stages.commands.shown import Grid
from stages.contracts.errors import InputError, raise_all
from stages.contracts.params import Params
from stages.workspace import analysed, outputs, paths, results
from stages.workspace.facts import read_fact
from stages.workspace.files import read_parquet, replacing, write_text
from stages.workspace.parameters import load_params


@dataclass(frozen=True)
class Placement:
    """Result of `place`.

    Attributes:
        placed: The new models.
        components: PC1, PC2, ...
        warnings: One line for each thing that makes a coordinate doubtful.
        space: The space they were placed in.
    """

    placed: list[Placed]
    components: list[str]
    warnings: list[str]
    space: Space
    ok: ClassVar[bool] = True

    def table(self) -> pd.DataFrame:
        """Return model_id, PC1, PC1_low, PC1_high, PC2, ..."""
        rows = []
        for one in self.placed:
            row: dict[str, object] = {"model_id": one.model_id}
            for name, value, low, high in zip(self.components, one.estimate, one.low, one.high, strict=True):
                row |= {name: value, f"{name}_low": low, f"{name}_high": high}
            rows.append(row)
        return pd.DataFrame(rows)

    def text(self) -> Iterator[str | Grid]:
        """Yield coordinates and what to measure next, model by model, then the warnings."""
        p = len(self.space.loadings)
        for one in self.placed:
            yield f"{one.model_id}: {one.given} of {p} benchmarks"
            numbers = zip(self.components, one.estimate, one.low, one.high, strict=True)
            rows = [(name, *(f"{value:.2f}" for value in values)) for name, *values in numbers]
            yield Grid(("component", "estimate", "low", "high"), rows, frozenset({"estimate", "low", "high"}))
            for number, step in enumerate(one.following):
                best = int(np.argmin(step.narrowed))
                yield (
                    f"  {'then' if number else 'measured next'}, {step.benchmark} would tell most: it leaves "
                    f"{100 * step.open:.0f} % of what is open in all scores, and narrows the intervals on average to "
                    f"{100 * step.narrowed.mean():.0f} %, that of {self.components[best]} to "
                    f"{100 * step.narrowed[best]:.0f} %"
                )
        yield from (f"warning: {line}" for line in self.warnings)

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        models = {
            one.model_id: {
                "benchmarks": one.given,
                "coordinates": {
                    name: {"estimate": value, "low": low, "high": high, "determined": share}
                    for name, value, low, high, share in zip(
                        self.components, one.estimate, one.low, one.high, one.determined, strict=True
                    )
                },
                "measure_next": [
                    {
                        "benchmark": step.benchmark,
                        "narrowed_to": dict(zip(self.components, step.narrowed, strict=True)),
                        "open": step.open,
                    }
                    for step in one.following
                ],
            }
            for one in self.placed
        }
        return {"models": models, "warnings": self.warnings}


def place(source: str, *, mixed_protocols: bool = False, ahead: int = 1) -> Placement:
    """Place new models in the space of the current state.

    Args:
        source: A CSV file of scores, wide or long (see `study.newcomers`), in the unit of scores.csv; or a model
            with an evaluation under data/evaluations/.
        mixed_protocols: Whether scores measured under another protocol than the study's are placed with a warning
            instead of refused.
        ahead: Benchmarks to measure next that are named for each model.

    Raises:
        InputError: There is no state, the scores cannot be read, or a model cannot be placed; every problem is named.
    """
    analysed.require_state()
    params = load_params()
    benchmarks = read_fact("benchmarks")
    space = read_space(params)
    scores = read_scores(source, benchmarks)
    allowed = mixed_protocols or params.assemble.mixed_protocols
    problems, warnings = protocol_lines(scores, source, mixed_allowed=allowed)
    wide = to_matrix(scores, "score", list(dict.fromkeys(scores["model_id"])), list(space.loadings.index))
    worst = pd.Series(failing_ends(benchmarks)) / divisors(benchmarks)
    problems += [*too_few(wide, space.loadings.shape[1], source), *all_worst(wide, worst, source)]
    raise_all(problems)
    warnings += [*worst_lines(wide, worst), *outside_lines(wide, space.X)]
    stderr = sampling_errors(scores, wide, space)
    warnings += unknown_errors(wide, stderr)
    placed = place_all(space, wide, stderr, params.stability.level, ahead)
    components = [str(name) for name in space.loadings.columns]
    warnings += open_lines(placed, components)
    return Placement(placed, components, warnings, space)


def sampling_errors(scores: pd.DataFrame, wide: pd.DataFrame, space: Space) -> pd.DataFrame:
    """Return the standard error of each new score, 0 where nothing is known (n_new, n_benchmarks).

    A score at an end of the range, where the binomial error is zero, and one without a number of items have the
    typical error of the study's scores.
    """
    known = to_matrix(scores, "stderr", list(wide.index), list(wide.columns))
    return known.where(known > 0).fillna(pd.Series(space.stderr, index=space.loadings.index))


def read_space(params: Params) -> Space:
    """Freeze the space of the current state.

    Raises:
        InputError: The matrix of the state has too many missing cells to be modelled.
    """
    X = read_parquet(paths.MATRIX)
    loadings = outputs.read_table("pca_loadings", "benchmark")
    table = read_parquet(paths.CELLS)
    stderr = to_matrix(table, "stderr", list(X.index), list(X.columns)).mean().fillna(0.0).to_numpy()
    codes = family_codes(analysed.read_models(X))
    try:
        unit_variance = params.decompose.standardize
        return build_space(
            X, scaled_ranges(read_fact("benchmarks")), loadings, stderr, codes, unit_variance=unit_variance
        )
    except NotImputableError as error:
        raise InputError([f"{paths.MATRIX}: {error}"]) from None


def open_lines(placed: Sequence[Placed], components: Sequence[str]) -> list[str]:
    """Return one line on the models some of whose coordinates their benchmarks leave open."""
    items = []
    for one in placed:
        names = [name for name, share in zip(components, one.determined, strict=True) if share < HALF]
        if names:
            items.append(f"{', '.join(names)} of {one.model_id} ({one.given} benchmarks)")
    if not items:
        return []
    return [f"too few benchmarks: they determine less than half of the variance of {some(items)}"]


def write_out(found: Placement, out: Path) -> None:
    """Write the coordinates as CSV."""
    write_text(out, found.table().to_csv(index=False, float_format="%.12g", lineterminator="\n"))


def draw(found: Placement, target: Path) -> None:
    """Draw the study's models with the new ones among them.

    Args:
        found: The new models.
        target: FILE.png or FILE.svg.

    Raises:
        InputError: The suffix is another.
    """
    # matplotlib takes a second to import: only a figure pays for it
    from stages.figures.placing import draw_newcomers, newcomers_words
    from stages.figures.style import save

    if target.suffix not in {".png", ".svg"}:
        raise InputError([f"{target}: expected a name that ends in .png or .svg"])
    params = load_params()
    table = found.table().set_index("model_id")
    figure = draw_newcomers(results.load_results(params), table, params.stability.level)
    with tempfile.TemporaryDirectory() as folder, replacing(target) as beside:
        words = newcomers_words(table, params.stability.level, target.suffix == ".png")
        save(figure, words, Path(folder), params.report.dpi)
        beside.write_bytes((Path(folder) / f"{words.name}{target.suffix}").read_bytes())
