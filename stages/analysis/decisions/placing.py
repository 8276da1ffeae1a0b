"""Coordinates of new models in the frozen space of a study, from all or some of its benchmarks.

Missing scores are expected given those that are there, by the model of missing scores fitted to the study
(`analysis.completion`). The interval holds what the missing scores leave open, and the sampling error of the given
ones. The first is calibrated: families of the study are left out in turn, placed from the same benchmarks by a model
of the others, and the errors compared with what that model promised.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from stages.analysis.completion.model import Completion
from stages.analysis.completion.placing import expect, next_benchmarks
from stages.analysis.components.gaps import Ranges, complete, decompose_filled, filled_by
from stages.analysis.scores.families import Codes

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PARTS = 5
"""Parts of whole families that the study is left out in."""
MOST_CHECKED = 40
"""Models of the study that are placed to calibrate the interval of one new model."""
MOST_FAMILIES = 40
"""Families beyond which the calibration does not get surer."""

HALF = 0.5
"""Share of a component's variance below which the given benchmarks are said to leave it open."""


@dataclass(frozen=True)
class Space:
    """The frozen space.

    Attributes:
        X: The study's score matrix without missing cells (n_models, n_benchmarks).
        loadings: U (n_benchmarks, k).
        centre: Mean of each benchmark (n_benchmarks,).
        spread: Its divisor.
        stderr: Typical standard error of each benchmark (n_benchmarks,), 0 where unknown.
        model: Model of missing scores, fitted to the study.
        left_out: The same without each part.
        codes: Part of each model.
        families: Number of families, `MOST_FAMILIES` at most.
        variance: Variance of the study's models along each component (k,).
    """

    X: pd.DataFrame
    loadings: pd.DataFrame
    centre: Array
    spread: Array
    stderr: Array
    model: Completion
    left_out: list[Completion]
    codes: Codes
    families: int
    variance: Array

    @property
    def slopes(self) -> Array:
        """Change of the coordinates with scores (n_benchmarks, k)."""
        slopes: Array = self.loadings.to_numpy() / self.spread[:, None]
        return slopes


class Step(NamedTuple):
    """A benchmark to measure next.

    Attributes:
        benchmark: Its name.
        open: Share of what is open now in all scores that is left once it is measured, after those before it.
        narrowed: Length of the interval of each coordinate then, as a share of its length now (k,).
    """

    benchmark: str
    open: float
    narrowed: Array


class Placed(NamedTuple):
    """One new model.

    Attributes:
        model_id: Its name.
        given: Number of benchmarks with a score.
        estimate: Coordinates (k,).
        low: Lower ends (k,).
        high: Upper ends (k,).
        determined: Share of each component's variance that the given benchmarks determine (k,).
        following: Benchmarks to measure next, each the most informative one after those before it.
    """

    model_id: str
    given: int
    estimate: Array
    low: Array
    high: Array
    determined: Array
    following: list[Step]


def build_space(
    X: pd.DataFrame,
    ranges: Ranges,
    loadings: pd.DataFrame,
    stderr: Array,
    codes: Codes,
    *,
    unit_variance: bool,
) -> Space:
    """Freeze the space of a study.

    Args:
        X: Score matrix (n_models, n_benchmarks), NaN where a cell is missing.
        ranges: Smallest and largest possible score of each benchmark.
        loadings: U (n_benchmarks, k).
        stderr: Typical standard error of each benchmark, 0 where unknown.
        codes: Family of each model; with one family models are left out on their own instead.
        unit_variance: Whether the components are those of standardised benchmarks.

    Raises:
        NotImputableError: See `gaps.complete`.
    """
    model = complete(X, ranges)
    filled = filled_by(model)
    full = decompose_filled(filled, loadings.shape[1], {}, unit_variance=unit_variance)
    codes = codes if codes.max() > 0 else np.arange(len(codes))
    parts = codes % PARTS
    slopes = loadings.to_numpy() / full.spread.to_numpy()[:, None]
    unknown = sum((((slopes.T @ root) ** 2).sum(axis=1) for root in filled.roots.values()), np.zeros(slopes.shape[1]))
    return Space(
        X=filled.X,
        loadings=loadings,
        centre=full.centre.to_numpy(),
        spread=full.spread.to_numpy(),
        stderr=stderr,
        model=model,
        left_out=[complete(X[parts != part], ranges, briefly=True) for part in range(int(parts.max()) + 1)],
        codes=parts,
        families=min(len(np.unique(codes)), MOST_FAMILIES),
        variance=(filled.X.to_numpy() @ slopes).var(axis=0) + unknown / len(X),
    )


def calibration(space: Space, given: Mask) -> Array:
    """Return by what factor the errors of placing a family left out exceed what the model promised (k,).

    Root of the mean over models of (error / promised standard deviation) squared, over the scores that the study has;
    1 where nothing is left open.
    """
    scores = space.model.scores.to_numpy(dtype=float)
    there = np.isfinite(scores)
    usable = np.flatnonzero((there & given).any(axis=1) & (there & ~given).any(axis=1))
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, MOST_CHECKED).astype(int))] if len(usable) else usable
    squares = []
    for i in chosen:
        seen, hidden = there[i] & given, there[i] & ~given
        found = expect(space.left_out[space.codes[i]], np.where(seen, scores[i], np.nan))
        slopes = space.slopes[hidden]
        promised = ((slopes.T @ found.root[hidden]) ** 2).sum(axis=1)
        error = (found.scores - scores[i])[hidden] @ slopes
        squares.append(np.where(promised > 0, error**2 / np.where(promised > 0, promised, 1.0), 1.0))
    factor: Array = np.sqrt(np.mean(squares, axis=0)) if squares else np.ones(space.loadings.shape[1])
    return factor


def place(space: Space, scores: pd.DataFrame, stderr: pd.DataFrame, level: float, ahead: int = 1) -> list[Placed]:
    """Place new models.

    Args:
        space: The frozen space.
        scores: (n_new, n_benchmarks), scaled, NaN where missing; at least one per model.
        stderr: Standard error of each score, same shape, 0 where unknown.
        level: Coverage of the intervals.
        ahead: Benchmarks to measure next that are named, fewer where fewer are missing.
    """
    scores, stderr = scores[space.loadings.index], stderr[space.loadings.index]
    given = scores.notna().to_numpy()
    factors = {mask.tobytes(): calibration(space, mask) for mask in np.unique(given, axis=0)}
    return [
        _place(space, row, errors, factors[mask.tobytes()], level, ahead)
        for (_, row), errors, mask in zip(scores.iterrows(), stderr.to_numpy(dtype=float), given, strict=True)
    ]


class _Doubt(NamedTuple):
    """What makes a new model's coordinates uncertain.

    Attributes:
        covariance: Covariance of its scores, given those that it has (n_benchmarks, n_benchmarks).
        multiple: Standard deviations that half an interval holds of it (k,).
        error: Square of half the interval that the sampling error alone would have (k,).
    """

    covariance: Array
    multiple: Array
    error: Array

    def left(self, space: Space) -> Array:
        """Return the variance of each coordinate that the missing scores leave open (k,)."""
        variance: Array = np.einsum("pk,pq,qk->k", space.slopes, self.covariance, space.slopes)
        return np.maximum(variance, 0.0)

    def half(self, space: Space) -> Array:
        """Return half the length of the intervals (k,)."""
        half: Array = np.sqrt(self.multiple**2 * self.left(space) + self.error)
        return half

    def measured(self, space: Space, j: int, quantile: float) -> "_Doubt":
        """Return what is left once benchmark j is measured, with its typical sampling error."""
        covariance = self.covariance
        if covariance[j, j] > 0:
            covariance = covariance - np.outer(covariance[j], covariance[j]) / covariance[j, j]
        return self._replace(
            covariance=covariance, error=self.error + (quantile * space.stderr[j] * space.slopes[j]) ** 2
        )


def _place(space: Space, scores: pd.Series, stderr: Array, factor: Array, level: float, ahead: int) -> Placed:
    """Place one model, with the factor by which the model's promise is stretched."""
    x = scores.to_numpy(dtype=float)
    given = np.isfinite(x)
    found = expect(space.model, x)
    estimate = (found.scores - space.centre) @ space.slopes
    quantile = float(special.ndtri((1 + level) / 2))
    doubt = _Doubt(
        covariance=found.root @ found.root.T,
        multiple=special.stdtrit(space.families - 1, (1 + level) / 2) * factor,
        error=quantile**2 * ((space.slopes.T @ found.gain) ** 2) @ stderr[given] ** 2,
    )
    half = doubt.half(space)
    return Placed(
        model_id=str(scores.name),
        given=int(given.sum()),
        estimate=estimate,
        low=estimate - half,
        high=estimate + half,
        determined=np.maximum(1 - doubt.left(space) / space.variance, 0.0),
        following=_following(space, scores, doubt, quantile, ahead),
    )


def _following(space: Space, scores: pd.Series, doubt: _Doubt, quantile: float, ahead: int) -> list[Step]:
    """Return which benchmarks to measure next, and how long the intervals are then."""
    now = doubt.half(space)
    steps = []
    for name, share in next_benchmarks(space.model, scores, ahead).items():
        doubt = doubt.measured(space, list(space.loadings.index).index(name), quantile)
        steps.append(Step(str(name), float(share), doubt.half(space) / np.where(now > 0, now, 1.0)))
    return steps
