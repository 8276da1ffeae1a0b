"""`observatory place`: coordinates of new models in the frozen space of the current state."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from stages.analysis.components.gaps import NotImputableError
from stages.analysis.decisions.placing import HALF, Placed, Space, build_space
from stages.analysis.decisions.placing import place as place_all
from stages.analysis.scores.cells import (
    binomial_stderr,
    divisors,
    evaluated_cells,
    raw_ranges,
    scaled_ranges,
    to_matrix,
)
from stages.analysis.scores.families import family_codes
from stages.commands.shown import Grid
from stages.contracts.csv.table import read_table
from stages.contracts.errors import InputError, raise_all
from stages.contracts.names import listed
from stages.contracts.params import Params
from stages.contracts.ranges import range_problems
from stages.contracts.rows import rows_of, texts
from stages.contracts.study.newcomers import is_long, long_table, wide_table
from stages.workspace import analysed, outputs, paths, results
from stages.workspace.facts import load_params, read_fact
from stages.workspace.files import read_parquet, read_text, replacing, write_text

COLUMNS = ["model_id", "benchmark", "score", "stderr", "n_items", "protocol"]


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
        """Return the same."""
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
    stderr = to_matrix(scores, "stderr", list(wide.index), list(wide.columns)).fillna(0.0)
    problems += too_few(wide, space, source)
    raise_all(problems)
    warnings += outside_lines(wide, space)
    placed = place_all(space, wide, stderr, params.stability.level, ahead)
    components = [str(name) for name in space.loadings.columns]
    warnings += open_lines(placed, components)
    return Placement(placed, components, warnings, space)


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


def read_scores(source: str, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Read new scores as long rows with `COLUMNS`, scaled by max_score.

    Raises:
        InputError: The file is wrong, or there is neither a file nor an evaluation of that name.
    """
    path = Path(source)
    if path.is_file():
        return from_file(path, benchmarks)
    evaluation = paths.EVALUATIONS / source / "scores.json"
    if not evaluation.is_file():
        known = sorted(str(p.parent.relative_to(paths.EVALUATIONS)) for p in paths.EVALUATIONS.rglob("scores.json"))
        raise InputError(
            [f"{source}: neither a CSV file nor an evaluated model; evaluated: {listed(known) if known else 'none'}"]
        )
    return evaluated_cells(source, json.loads(read_text(evaluation)), benchmarks)[COLUMNS]


def from_file(path: Path, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Read a wide or a long table of scores.

    Raises:
        InputError: Something is wrong with it; every problem is named.
    """
    data, where, names = path.read_bytes(), str(path), [str(name) for name in benchmarks.index]
    long = is_long(data)
    table = long_table(path.name) if long else wide_table(path.name, names)
    reading = read_table(data, where, table, {"benchmark": names} if long else {})
    raise_all(reading.problems)
    frame = reading.frame
    raw = frame.pivot(index="model_id", columns="benchmark", values="score").reset_index() if long else frame
    ranges = {name: limits for name, limits in raw_ranges(benchmarks).items() if name in raw}
    raise_all(range_problems(raw, where, ranges, "model_id"))
    if not long:
        frame = frame.melt("model_id", var_name="benchmark", value_name="score").dropna(subset="score")
        frame = frame.assign(protocol="", n_items=pd.array([pd.NA] * len(frame), dtype="Int64"))
    frame = frame.assign(score=frame["score"] / frame["benchmark"].map(divisors(benchmarks)))
    items = frame["n_items"].astype("Int64").fillna(frame["benchmark"].map(benchmarks["n_items"]).astype("Int64"))
    return frame.assign(stderr=binomial_stderr(frame["score"], items), n_items=items)[COLUMNS]


class _Measured(NamedTuple):
    model_id: str
    benchmark: str
    protocol: str


def protocol_lines(scores: pd.DataFrame, source: str, *, mixed_allowed: bool) -> tuple[list[str], list[str]]:
    """Compare the protocols of new scores with those of the study: problems and warnings."""
    table = read_parquet(paths.CELLS)
    usual = table.groupby("benchmark")["protocol"].agg(lambda column: column.value_counts().index[0])
    lines = []
    for row in rows_of(scores, _Measured):
        if row.protocol and row.protocol != usual[row.benchmark]:
            lines.append(
                f"{source}: {row.benchmark} of {row.model_id} was measured as '{row.protocol}', in the study as "
                f"'{usual[row.benchmark]}'"
            )
    silent = scores.loc[scores["protocol"] == "", "benchmark"].nunique()
    note = f"{source}: no protocol is stated for {silent} benchmarks: taken to be the study's (a long table states it)"
    if mixed_allowed:
        return [], [*lines, *([note] if silent else [])]
    fix = ": leave the score out, or place it all the same with --mixed-protocols"
    return [line + fix for line in lines], [note] if silent else []


def too_few(wide: pd.DataFrame, space: Space, source: str) -> list[str]:
    """Return one line for each model with fewer benchmarks than the space has dimensions."""
    least = space.loadings.shape[1]
    given = wide.notna().sum(axis=1)
    if wide.empty:
        return [f"{source}: no score of any benchmark of the study"]
    return [
        f"{source}: {name} has scores on {given[name]} benchmarks, {least} are needed to place it: measure more"
        for name in wide.index[given < least]
    ]


def outside_lines(wide: pd.DataFrame, space: Space) -> list[str]:
    """Return one line for each score outside the range of the study's models."""
    low, high = space.X.min(), space.X.max()
    lines = []
    for name, row in wide.iterrows():
        outside = row[(row < low) | (row > high)]
        for benchmark in texts(outside.index):
            lines.append(
                f"{benchmark} of {name} is {outside[benchmark]:.4g}, outside the study's {low[benchmark]:.4g} to "
                f"{high[benchmark]:.4g}: the coordinates are an extrapolation"
            )
    return lines


def open_lines(placed: Sequence[Placed], components: Sequence[str]) -> list[str]:
    """Return one line for each model some of whose coordinates its benchmarks leave open."""
    lines = []
    for one in placed:
        names = [name for name, share in zip(components, one.determined, strict=True) if share < HALF]
        if names:
            lines.append(
                f"{one.model_id}: its {one.given} benchmarks determine less than half of the variance of "
                f"{', '.join(names)}: too few benchmarks"
            )
    return lines


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
