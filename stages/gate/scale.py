"""Checks of benchmarks.csv against the scores: ranges, chance levels, directions and numbers of items."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.analysis.scores.cells import MEASURED, Cell, divisors, falling, raw_ranges
from stages.contracts.names import listed
from stages.contracts.ranges import digits, range_cells
from stages.contracts.rows import rows_of, texts
from stages.gate.findings import Finding
from stages.gate.sources import Sources

Floats = NDArray[np.float64]

LARGE = 10.0
"""A max_score from which on scores that never exceed 1, and a chance below 1, are taken for shares."""
FEW_MODELS = 8
"""Fewer models than this have no meaningful correlation."""
FEW_BENCHMARKS = 6
"""Fewer benchmarks than this have no common direction."""
AGAINST, NEGATIVE = -0.4, 0.8
"""A benchmark runs against the others when its median correlation with them is less, and this share is negative."""
AGREED, OUTLIERS = 0.4, 0.25
"""Median correlation of all but this share of the other benchmarks among themselves; less is not agreement."""
MOST_ITEMS = 2_000
"""Largest number of items that is recognised by its fractions."""
SURELY = 1e-6
"""Largest probability of a coincidence at which fractions of another number of items count as evidence."""
FEW_VALUES = 5
"""With fewer different scores than this the number of items cannot be inferred."""
DECIMALS = 12
"""Digits after the point beyond which scores count as exact."""


def range_findings(X: pd.DataFrame, benchmarks: pd.DataFrame, sources: Sources) -> list[Finding]:
    """Name the scores outside their declared range, in the unit of the table."""
    raw = X * divisors(benchmarks)
    own, other = (
        pd.DataFrame([[(m, b) in part for b in X] for m in X.index], X.index, X.columns, dtype=bool)
        for part in (sources.evaluated, sources.imported)
    )
    ranges, declared = raw_ranges(benchmarks), "min_score and max_score in benchmarks.csv"
    return [
        Finding(
            "range", "error", problem.row, problem.column, f"{where}: {problem.text}", kind=f"{where} {problem.kind}"
        )
        for where, part, remedy in (
            (sources.where, raw.mask(own | other), "correct it"),
            (sources.imports, raw.where(other), "look at its source"),
            ("own evaluation", raw.where(own), "look at its answers"),
        )
        for problem in range_cells(
            part.rename_axis("model_id").reset_index(), ranges, "model_id", f"{remedy}, or {declared}"
        )
    ]


def scale_findings(X: pd.DataFrame, benchmarks: pd.DataFrame, where: str) -> Iterator[Finding]:
    """Name the benchmarks whose range or chance level is in another unit than their scores, each for one thing.

    Args:
        X: Score matrix (n_models, n_benchmarks).
        benchmarks: benchmarks.csv, indexed by benchmark.
        where: Path of the scores, to show in messages.
    """
    raw, down, told = X * divisors(benchmarks), falling(benchmarks), "write it in their unit in benchmarks.csv"
    for name, (low, high) in raw_ranges(benchmarks).items():
        column = raw[name].dropna() if name in raw else raw.iloc[:0, 0]
        chance = float(benchmarks["chance"][name])
        if len(column) > 2 and high >= LARGE and 0 < column.max() <= 1 and column.min() >= 0:
            too = f" and chance {digits(chance / high)}" if chance > 1 else ""
            seen = f"{where}: {name} runs from {column.min():g} to {column.max():g}, max_score is {high:g}"
            text = f"{seen}: write max_score 1{too} in benchmarks.csv"
            yield Finding("scale", "error", "", name, text, kind="max_score")
        elif chance < low or chance > high or (chance == high and name not in down):
            share = f", {digits(chance / 100)} if it is in percent" if high <= 1 < chance <= 100 else ""
            text = f"chance of {name} is {chance:g}, its scores range from {low:g} to {high:g}: {told}"
            yield Finding("scale", "error", "", name, text + share, kind="chance")
        elif high >= LARGE and 0 < chance < 1:
            text = f"chance of {name} is {chance:g}, its scores range from {low:g} to {high:g}: {told}"
            share = f", {digits(chance * high)} if it is a share, or waive `scale`"
            yield Finding("scale", "warning", "", name, text + share, kind="chance is a share")


def direction_findings(X: pd.DataFrame, benchmarks: pd.DataFrame, where: str) -> Iterator[Finding]:
    """Name the benchmarks that correlate negatively with the others: an error rate entered as accuracy, perhaps."""
    down = falling(benchmarks)
    turned = X * [-1.0 if name in down else 1.0 for name in X.columns]
    r = turned.corr(min_periods=FEW_MODELS).mask(np.eye(X.shape[1], dtype=bool))
    middle, negative = r.median(), (r < 0).sum() / r.notna().sum().clip(lower=1)
    against = middle[(middle < AGAINST) & (negative >= NEGATIVE)].index
    rest = r.drop(index=against, columns=against).median()
    if X.shape[1] < FEW_BENCHMARKS or len(against) > OUTLIERS * X.shape[1] or not rest.quantile(OUTLIERS) > AGREED:
        return
    for name in texts(against):
        seen = f"{where}: {name} runs against the other benchmarks (median correlation {middle[name]:.2f})"
        now = "true" if name in down else "false"
        fix = f"if lower is {'not ' if name in down else ''}better, write higher_is_better {now} in benchmarks.csv"
        yield Finding("direction", "warning", "", name, f"{seen}: {fix}", kind="down" if name in down else "up")


def more_items_findings(cells: pd.DataFrame, benchmarks: pd.DataFrame) -> Iterator[Finding]:
    """Name the evaluated cells that cover more items than the benchmark is said to have."""
    for cell in rows_of(cells[cells["origin"].isin(MEASURED)], Cell):
        declared = benchmarks["n_items"][cell.benchmark]
        if not pd.isna(declared) and not pd.isna(cell.n_items) and cell.n_items > declared:
            text = (
                f"{cell.benchmark} of {cell.model_id} was evaluated on {cell.n_items} items, benchmarks.csv gives "
                f"{declared}: another version of the benchmark? correct n_items, or waive `items`"
            )
            yield Finding("items", "warning", cell.model_id, cell.benchmark, text, kind="more")


def grid_findings(X: pd.DataFrame, benchmarks: pd.DataFrame, where: str) -> Iterator[Finding]:
    """Name the benchmarks with scores that are fractions of another number of items than declared."""
    for name in texts(X.columns):
        column = X[name].dropna()
        if pd.isna(benchmarks["n_items"][name]) or not len(column):
            continue
        declared = int(benchmarks["n_items"][name])
        by = float(divisors(benchmarks)[name])
        values, half = column.to_numpy(dtype=np.float64), rounding(column.to_numpy() * by) / by
        off = ~_multiples(values, np.array([declared]), half)[:, 0]
        items = _items_of(np.unique(values[off]), half, declared)
        if items:
            models = texts(column.index[off])
            text = (
                f"{where}: {len(models)} of {len(column)} scores on {name} ({listed(models, 2)}) are multiples of "
                f"1/{items}, none of them of 1/{declared}: measured on another number of items? correct n_items in "
                "benchmarks.csv, or waive `items`"
            )
            yield Finding("items", "warning", "", name, text, kind="grid")


def rounding(values: Floats) -> float:
    """Return half a unit of the last digit that numbers are given with; almost nothing where they are exact."""
    for decimals in range(DECIMALS):
        if np.allclose(values, np.round(values, decimals), rtol=0, atol=1e-12 * max(1.0, float(np.abs(values).max()))):
            return 0.5 * 10.0**-decimals
    return 10.0**-DECIMALS


def _multiples(values: Floats, items: NDArray[np.int64], half: float) -> NDArray[np.bool_]:
    """Return which values can be a count divided by each number of items (n_values, n_items)."""
    counts = np.outer(values, items)
    fits: NDArray[np.bool_] = np.abs(counts - np.round(counts)) <= items * half * 1.001 + 1e-9
    return fits


def _items_of(values: Floats, half: float, declared: int) -> int:
    """Return the smallest number of items that explains all values and could not do so by luck, 0 if there is none."""
    some = values[:: max(1, len(values) // 200)]
    if len(some) < FEW_VALUES:
        return 0
    candidates = np.arange(2, MOST_ITEMS + 1)
    luck = np.minimum(2 * candidates * half * 1.001 + 2e-9, 1.0) ** len(some)
    candidates = candidates[(luck <= SURELY) & (candidates % declared != 0)]
    fits = _multiples(some, candidates, half).all(axis=0)
    return int(candidates[np.argmax(fits)]) if fits.any() else 0


def distrusted(found: Sequence[Finding]) -> set[str]:
    """Return the benchmarks whose scores are not in the unit that benchmarks.csv says."""
    return {finding.benchmark for finding in found if (finding.check, finding.severity) == ("scale", "error")}
