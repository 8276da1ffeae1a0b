"""Cells that fall short of what the model's other scores predict, though no worse models did well.

Weak models are not failed models. Where ability ends, scores bend and a linear prediction is too high by nature. So
no cell is suspected on its prediction alone. It is compared with the models *predicted* nearest to it: where they too
fall short of their predictions, its own is lowered; where they scatter more, its spread is widened. And models that
are no better elsewhere must have done better.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from stages.contracts.params import SuspicionParams
from stages.gate.prediction import Bools, Floats, Prediction, Predictor, column_quantile, predict

Ints = NDArray[np.int64]

ROUNDS = 6
"""Bound on rounds of predicting and judging; each hides the suspects of the one before, three mostly settle it."""
P70_TO_SD = 1 / 1.0364
"""Standard deviation of a normal sample over the 70 % quantile of its absolute deviations."""
SLACK = 0.1
"""Levels no further apart than this, in standard deviations of scores, count as equal."""
FEW = 4
"""Fewer scores near zero than this say nothing about their relation to ability."""


@dataclass(frozen=True)
class Comparison:
    """Each surprisingly low cell, against the models predicted nearest to it; the rest as predicted.

    Attributes:
        expected: Prediction, lowered where the nearest models' median falls below theirs (n_models, n_benchmarks).
        spread: The larger of the prediction's spread and the nearest models' scatter (n_models, n_benchmarks).
        low: Which cells are surprisingly low before the comparison (n_models, n_benchmarks).
    """

    expected: Floats
    spread: Floats
    low: Bools


@dataclass(frozen=True)
class Shortfalls:
    """Cells found, all (n_models, n_benchmarks).

    Attributes:
        zero: Near zero.
        far: Far below prediction, other than those near zero.
        doubted: Cells the prediction was not fitted to.
        expected: Predicted scores.
        z: Robust standard deviations from there.
        better: Models of no better level that score more than a third of the way up to the prediction; 0 for
            cells not found.
    """

    zero: Bools
    far: Bools
    doubted: Bools
    expected: Floats
    z: Floats
    better: Ints


def predictor(n_items: Floats, t: SuspicionParams) -> Predictor:
    """Return how scores are predicted under these thresholds."""
    return Predictor(n_items, t.components, t.min_scores, t.min_spread)


def find_shortfalls(X: Floats, chance: Floats, n_items: Floats, t: SuspicionParams) -> Shortfalls:
    """Predict and judge until the suspects stay the same, each time without the suspects of the time before.

    Args:
        X: Scores (n_models, n_benchmarks), NaN = missing; no benchmark is constant.
        chance: Score of guessing on each benchmark (n_benchmarks,).
        n_items: Items of each benchmark (n_benchmarks,), infinite where unknown.
        t: What counts as suspicious.
    """
    seen = np.isfinite(X)
    near_zero = seen & (t.zero_share * column_quantile(X, seen, 0.75) >= X)
    hidden, doubted = near_zero, near_zero
    set_aside = unexplained = np.zeros_like(seen)
    for _ in range(ROUNDS):
        prediction = predict(X, hidden, doubted, predictor(n_items, t))
        c = compare(X, chance, prediction, near_zero, set_aside, t)
        z = (X - c.expected) / c.spread
        low = c.low & (c.expected - X >= t.min_drop)
        zero = _zeros(low & (t.zero_share * c.expected >= X), z, near_zero & ~set_aside, prediction.freedom, t)
        below = low & (X - chance <= t.far_share * (c.expected - chance))
        far = below & (z <= -stretched(t.far_z, prediction.freedom)) & ~zero
        outdone, better = outdone_cells(X, c.expected, zero | far, doubted, t)
        zero, far = zero & outdone, far & outdone
        found = Shortfalls(zero, far, doubted, c.expected, z, better)
        before = (hidden, doubted, set_aside)
        # what was suspected once stays aside, whatever the later rounds say of it: so the rounds settle
        set_aside = set_aside | zero | far
        unexplained = unexplained | (near_zero & c.low)
        doubted = set_aside | unexplained
        hidden = hidden | set_aside | (below & (z <= -t.far_z / 2))
        if all((old == new).all() for old, new in zip(before, (hidden, doubted, set_aside), strict=True)):
            break
    return found


def stretched(z: float, freedom: Floats) -> Floats:
    """Quantile of Student's t where z is the normal one, to first order: z + (z^3 + z) / (4 freedom).

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 26.7.5.
    """
    return z + (z**3 + z) / (4 * freedom)


def normal_bound(level: float, chances: int) -> float:
    """Return the z that `chances` normal scores fall below `level` times in all, on average."""
    return -NormalDist().inv_cdf(min(level / max(chances, 1), 0.5))


def _zeros(core: Bools, z: Floats, near_zero: Bools, freedom: Floats, t: SuspicionParams) -> Bools:
    """Judge scores near zero: the more there are, the lower one must lie; less so beside another of its model.

    Args:
        core: Cells that may be failures but for their distance from the prediction.
        z: That distance.
        near_zero: All cells near zero never suspected so far: as many chances of a false alarm.
        freedom: Degrees of freedom of each benchmark.
        t: What counts as suspicious.
    """
    alone = core & (z <= -stretched(normal_bound(t.zero_level, int(near_zero.sum())), freedom))
    return alone | (core & (z <= -stretched(t.linked_z, freedom)) & alone.any(axis=1, keepdims=True))


def compare(
    X: Floats, chance: Floats, prediction: Prediction, near_zero: Bools, set_aside: Bools, t: SuspicionParams
) -> Comparison:
    """Compare each surprisingly low cell with the models predicted nearest to it on the same benchmark.

    Args:
        X: Scores (n_models, n_benchmarks), NaN = missing.
        chance: Score of guessing on each benchmark (n_benchmarks,).
        prediction: Prediction of the same cells.
        near_zero: Cells near zero: no comparison where this has little to do with ability.
        set_aside: Cells that others are not compared with.
        t: What counts as suspicious.
    """
    expected, spread = prediction.expected.copy(), prediction.spread.copy()
    # the comparison only narrows a gap, so one too small to matter needs none
    low = expected - X >= np.maximum(t.min_drop, t.linked_z * spread)
    low &= X - chance <= t.far_share * (expected - chance)
    for j in range(X.shape[1]):
        x, e = X[:, j], prediction.expected[:, j]
        pool = np.isfinite(x) & np.isfinite(e) & ~set_aside[:, j]
        sound = pool & ~near_zero[:, j]
        related = _ordered_share(e[near_zero[:, j]], e[sound]) >= t.ordered
        order = np.flatnonzero(pool if related else sound)
        order = order[np.argsort(e[order], kind="stable")]
        for i in np.flatnonzero(low[:, j]):
            others = order[order != i]
            first = int(np.searchsorted(e[others], e[i])) - t.neighbours // 2
            first = min(max(first, 0), max(len(others) - t.neighbours, 0))
            off = (x - e)[others[first : first + t.neighbours]]
            if len(off):
                middle = _order_statistic(off, 0.5)
                expected[i, j] += min(middle, 0.0)
                spread[i, j] = max(spread[i, j], P70_TO_SD * _order_statistic(np.abs(off - middle), 0.7))
    return Comparison(expected, spread, low)


def outdone_cells(X: Floats, expected: Floats, cells: Bools, doubted: Bools, t: SuspicionParams) -> tuple[Bools, Ints]:
    """Return which cells are outdone by models of no better level, and by how many.

    Level is the mean standardised score over the benchmarks on which the cell's model is not in doubt. It guards
    against a prediction that is too high because most of what shows a model to be weak is itself suspect. A third of
    the way from score to prediction counts as outdoing: these models may be weaker still.
    """
    trusted = np.where(doubted, np.nan, X)
    spread = np.nanstd(trusted, axis=0)
    Z = (trusted - np.nanmean(trusted, axis=0)) / np.where(spread > 0, spread, np.nan)
    outdone, better = np.zeros_like(cells), np.zeros(cells.shape, dtype=np.int64)
    for i in np.flatnonzero(cells.any(axis=1)):
        theirs = Z[:, np.isfinite(Z[i])]
        counts = np.isfinite(theirs).sum(axis=1)
        comparable = (2 * counts >= theirs.shape[1]) & (counts > 0)
        level = np.where(comparable, np.nansum(theirs, axis=1) / np.maximum(counts, 1), np.nan)
        order = np.argsort(level, kind="stable")
        order = order[(level[order] <= level[i] + SLACK) & (order != i)]
        for j in np.flatnonzero(cells[i]):
            no_better = order[np.isfinite(trusted[order, j])][-t.neighbours :]
            better[i, j] = (X[no_better, j] >= (2 * X[i, j] + expected[i, j]) / 3).sum()
            outdone[i, j] = better[i, j] >= max(t.min_better, t.better_share * len(no_better))
    return outdone, better


def _order_statistic(values: Floats, q: float) -> float:
    """Quantile without interpolation, which numpy computes slowly for so few values."""
    return float(np.sort(values)[int(q * len(values))])


def _ordered_share(low: Floats, high: Floats) -> float:
    """Share of pairs (a of low, b of high) with a < b; 1 where there are too few to tell."""
    low, high = low[np.isfinite(low)], np.sort(high[np.isfinite(high)])
    if len(low) < FEW or not len(high):
        return 1.0
    return float(1 - np.searchsorted(high, low, side="right").mean() / len(high))
