"""Complete a score matrix with gaps: expected scores and intervals of all cells.

Scores go through a link (`link`) and a hierarchical factor model with heavy-tailed noise (`sampler`)
is sampled from several random starts. A prediction averages over the starts and over everything the scores leave
open: abilities, loadings, noise, rank. Its interval (`intervals`) is stretched by what it missed among scores
that were hidden on purpose, as in split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a
Random World, 2005, section 4.1). Models and benchmarks are put in an order of their own first, so that the order in
which they come does not matter. `placing` predicts new models from the result and says what to measure next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stages.analysis.completion.intervals import (
    CHECKED,
    STARTS,
    check_stretch,
    correlated,
    deviation,
    half_width,
    pool,
)
from stages.analysis.completion.link import Floats, Link, fit_link
from stages.analysis.completion.sampler import Posterior, sample

LEVEL = 0.9
LARGE = 50_000
"""Cells above which starts and checks are fewer and shorter: the many scores determine the model."""
SHOWN = 4
"""Axes whose agreement between starts is reported."""
SAME_AXIS = 0.95
"""Congruence from which axes count as equal (Lorenzo-Seva and ten Berge, Methodology 2 (2006), 57-64)."""

Order = NDArray[np.intp]


class _Effort(NamedTuple):
    """How much is computed.

    Attributes:
        starts: Random starts.
        sweeps: Sweeps of each to forget the start, and to average.
        kept: Draws kept of each.
        checked: Parts of the scores that are hidden to check the intervals, and starts for each.
    """

    starts: int
    sweeps: tuple[int, int]
    kept: int = 40
    checked: tuple[int, int] = (CHECKED, STARTS)


@dataclass(frozen=True)
class Completion:
    """A completed score matrix and the model behind it; scores in the unit they came in.

    Attributes:
        scores: X as given (n_models, n_benchmarks), NaN where missing.
        mean: Expected scores of all cells, those that are there too (n_models, n_benchmarks).
        lower: Lower ends of the intervals of a score (n_models, n_benchmarks).
        upper: Upper ends.
        starts: Expected scores by each start (n_starts, n_models, n_benchmarks).
        axes: Unit axes of the completed standardised matrix, most important first (n_benchmarks, n_axes).
        agreement: Smallest congruence of each axis between a start and the average of all (n_axes,).
        level: Coverage of the intervals.
        stretch: Factor by which the check on hidden scores widened (above 1) or narrowed the intervals.
        link: From scores to standardised linear ones; benchmarks as in `scores`.
        draws: b and V of kept draws (n_draws, n_benchmarks, 1 + k).
        precision: Noise precision of kept draws (n_draws, n_benchmarks).
        effects: Effects of side information on abilities (n_draws, n_side, k).
        side_means: Mean of each column of the side information (n_side,).
        noise: Expected squared scale of the noise, standardised linear units (n_models, n_benchmarks).
        gaps: Noiseless standardised linear scores in place of the missing ones (n_draws, n_missing), row by row.
    """

    scores: pd.DataFrame
    mean: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame
    starts: Floats
    axes: pd.DataFrame
    agreement: pd.Series
    level: float
    stretch: float
    link: Link
    draws: Floats
    precision: Floats
    effects: Floats
    side_means: Floats
    noise: Floats
    gaps: Floats

    @property
    def spread(self) -> pd.DataFrame:
        """Standard deviation of the expected score between starts (n_models, n_benchmarks)."""
        return pd.DataFrame(self.starts.std(axis=0), self.scores.index, self.scores.columns)

    def roots(self) -> dict[int, Floats]:
        """Return how much the missing scores of each model could differ from those expected, together.

        Returns:
            Position of a model to a root L (n_benchmarks, n_missing) of the covariance L L', in the unit of the
            scores; rows of zeros where there is a score, no entry where nothing is missing. Normal intervals of these
            variances are as long as those of the completion.
        """
        missing = self.scores.isna().to_numpy()
        deviations = deviation(self.lower.to_numpy(), self.upper.to_numpy(), self.level)
        ends = np.cumsum(missing.sum(axis=1))
        found = {}
        for i in np.flatnonzero(missing.any(axis=1)):
            own = missing[i]
            draws = self.gaps[:, ends[i] - own.sum() : ends[i]]
            root = np.zeros((len(own), own.sum()))
            root[own] = correlated(
                np.cov(draws.T, bias=True).reshape(own.sum(), -1), self.noise[i, own], deviations[i, own]
            )
            found[int(i)] = root
        return found

    @property
    def completed(self) -> pd.DataFrame:
        """X with expected scores where they are missing (n_models, n_benchmarks)."""
        return self.scores.where(self.scores.notna(), self.mean)

    @property
    def undetermined(self) -> list[str]:
        """Axes on which the starts disagree: the scores that are there do not determine them."""
        return [str(name) for name in self.agreement.index[self.agreement < SAME_AXIS]]


def fit_completion(
    X: pd.DataFrame,
    lower: Floats,
    upper: Floats,
    *,
    side: pd.DataFrame | None = None,
    seed: int = 0,
    level: float = LEVEL,
) -> Completion:
    """Fit the model and predict every cell.

    Args:
        X: Scores (n_models, n_benchmarks), NaN where missing.
        lower: Smallest possible score of each benchmark (n_benchmarks,), NaN where unbounded.
        upper: Largest possible score of each benchmark (n_benchmarks,), NaN where unbounded.
        side: Numbers known of each model (n_models, n_side) as `side.encode_side` gives them, same index.
        seed: Seed of the random starts.
        level: Coverage of the intervals.

    Raises:
        ValueError: A model has no score, an unbounded benchmark has none, scores lie outside their bounds, or the
            side information is not of these models; one line with all problems.
    """
    if X.size > LARGE:
        return _fit(X, (lower, upper), side, seed, level, _Effort(2, (40, 60), checked=(1, 1)))
    return _fit(X, (lower, upper), side, seed, level, _Effort(3, (40, 100)))


def sketch_completion(X: pd.DataFrame, lower: Floats, upper: Floats) -> Completion:
    """Fit the model as `fit_completion` does, but briefly, for many fits of which none is shown.

    One short start, few draws kept, intervals not checked.
    """
    return _fit(X, (lower, upper), None, 0, LEVEL, _Effort(1, (40, 60), kept=12, checked=(0, 0)))


def _fit(
    X: pd.DataFrame, bounds: tuple[Floats, Floats], side: pd.DataFrame | None, seed: int, level: float, effort: _Effort
) -> Completion:
    """Check the arguments, fit, and return the result in their order."""
    lower, upper = (np.asarray(ends, dtype=float) for ends in bounds)
    problems = _problems(X, lower, upper, side)
    if problems:
        raise ValueError("; ".join(problems))
    known = np.zeros((len(X), 0)) if side is None else side.to_numpy(dtype=float)
    return _assemble(X, _run(X.to_numpy(dtype=float), (lower, upper), known, seed, level, effort), level)


@dataclass(frozen=True)
class _Run:
    """What the sampler found, models and benchmarks in its own order, and the way back to theirs."""

    Z: Floats
    link: Link
    found: list[Posterior]
    stretch: float
    side_means: Floats
    by_row: Order
    by_column: Order


def _run(
    values: Floats, bounds: tuple[Floats, Floats], known: Floats, seed: int, level: float, effort: _Effort
) -> _Run:
    """Sample from all starts, and check the intervals."""
    rows, columns = _order(values), _order(values.T)
    values, known = values[np.ix_(rows, columns)], known[rows]
    lower, upper = bounds[0][columns], bounds[1][columns]
    link = fit_link(values, lower, upper)
    Z = link.forward(values)
    side_means = known.mean(axis=0)
    centred = known - side_means
    *starts, last = (np.random.default_rng((seed, start)) for start in range(effort.starts + 1))
    # matrices this small are many times slower on several BLAS threads than on one
    with threadpool_limits(limits=1):
        found = [sample(Z, centred, rng, effort.sweeps, effort.kept) for rng in starts]
        stretch = check_stretch(values, (lower, upper), centred, last, level, effort.checked)
    return _Run(Z, link, found, stretch, side_means, np.argsort(rows), np.argsort(columns))


def _assemble(X: pd.DataFrame, run: _Run, level: float) -> Completion:
    """Average over the starts, in the order of X."""
    mean, variance, noise = pool(run.found)
    half = run.stretch * half_width(variance, noise, level)
    link, columns = run.link, run.by_column
    cells = np.ix_(run.by_row, columns)

    def framed(found: Floats) -> pd.DataFrame:
        return pd.DataFrame(found[cells], X.index, X.columns)

    axes, agreement = _axes(run.Z, run.found)
    return Completion(
        scores=X,
        mean=framed(link.inverse(mean)),
        lower=framed(link.inverse(mean - half)),
        upper=framed(link.inverse(mean + half)),
        starts=np.array([framed(link.inverse(one.mean)) for one in run.found]),
        axes=pd.DataFrame(axes[columns], X.columns, [f"axis{number + 1}" for number in range(len(agreement))]),
        agreement=pd.Series(agreement, [f"axis{number + 1}" for number in range(len(agreement))]),
        level=level,
        stretch=run.stretch,
        link=Link(link.lower[columns], link.upper[columns], link.centre[columns], link.spread[columns]),
        draws=np.concatenate([one.draws for one in run.found])[:, columns],
        precision=np.concatenate([one.precision for one in run.found])[:, columns],
        effects=np.concatenate([one.effects for one in run.found]),
        side_means=run.side_means,
        noise=noise[cells],
        gaps=np.concatenate([one.gaps for one in run.found])[:, _positions(run)],
    )


def _positions(run: _Run) -> Order:
    """Return where the missing cells, taken row by row in the order of X, are among those of the run."""
    missing = np.isnan(run.Z)
    number = np.zeros(missing.shape, dtype=np.intp)
    number[missing] = np.arange(missing.sum())
    cells = np.ix_(run.by_row, run.by_column)
    positions: Order = number[cells][missing[cells]]
    return positions


def _problems(X: pd.DataFrame, lower: Floats, upper: Floats, side: pd.DataFrame | None) -> list[str]:
    """Return what is wrong with the arguments, one line each."""
    values = X.to_numpy(dtype=float)
    if X.shape[0] < 2 or X.shape[1] < 2 or lower.shape != (X.shape[1],) or upper.shape != (X.shape[1],):
        return [
            f"{X.shape[0]} models, {X.shape[1]} benchmarks, {len(lower)} and {len(upper)} bounds: need 2, 2, equal"
        ]
    there = ~np.isnan(values)
    bounded = np.isfinite(lower) & np.isfinite(upper)
    problems = [f"no score of {name}: nothing to predict it from" for name in X.index[~there.any(axis=1)]]
    empty = X.columns[~there.any(axis=0) & ~bounded]
    problems += [f"no score on {name}, which has no bounds: nothing to predict it from" for name in empty]
    problems += [
        f"{X.columns[j]}: lower bound {lower[j]:g} is not below {upper[j]:g}"
        for j in np.flatnonzero(lower >= upper).tolist()
    ]
    outside = np.isinf(values) | (bounded & ((values < lower) | (values > upper)))
    problems += [
        f"{X.columns[j]} of {X.index[i]} is {values[i, j]:g}, expected {lower[j]:g} to {upper[j]:g}"
        for i, j in np.argwhere(outside)
    ]
    if side is not None and not side.index.equals(X.index):
        problems.append("side information is not of the same models in the same order")
    elif side is not None and not np.isfinite(side.to_numpy(dtype=float)).all():
        problems.append("side information has gaps")
    return problems


def _order(values: Floats) -> Order:
    """Return an order of the rows that depends on what they hold, not on the order of rows or columns."""
    return np.lexsort(np.sort(values, axis=1).T[::-1])


def _axes(Z: Floats, found: Sequence[Posterior]) -> tuple[Floats, Floats]:
    """Return the axes of the completed standardised matrix, and how well the starts agree on each.

    Axes are those of a principal component analysis with the predictions in the gaps, positive where their largest
    loading is. Congruence is Tucker's, the cosine of the angle between two axes.
    """
    count = min(SHOWN, Z.shape[0] - 1, Z.shape[1])
    gaps = np.isnan(Z)
    pooled = _principal(np.where(gaps, np.mean([one.mean for one in found], axis=0), Z), count)
    largest = np.abs(pooled).argmax(axis=0)
    pooled = pooled * np.sign(pooled[largest, np.arange(count)])
    starts = [_principal(np.where(gaps, one.mean, Z), count) for one in found]
    agreement: Floats = np.min([np.abs((axes * pooled).sum(axis=0)) for axes in starts], axis=0)
    return pooled, agreement


def _principal(Z: Floats, count: int) -> Floats:
    """Return the first principal axes (n_benchmarks, count) of Z."""
    right_t = np.linalg.svd(Z - Z.mean(axis=0), full_matrices=False)[2]
    axes: Floats = right_t[:count].T
    return axes
