"""Statistics of many resampled studies at once: components, scores, correlations, scaling laws.

A bootstrap sample is a row of weights. The correlation matrices of all samples are one matrix product, decomposed in
batches; no sample is copied out. What is asked of the samples is accumulated, so that memory does not grow with them.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stages.analysis.components.alignment import align, cosines, rotations
from stages.analysis.components.spectra import pc_scores, spectra
from stages.analysis.scaling.laws import FEWEST, joint, lines
from stages.analysis.uncertainty.inference import partial_correlations
from stages.analysis.uncertainty.resampling import Samples

Array = NDArray[np.float64]
Statistics = Mapping[str, Array]

THREADS = 2
"""Pieces of a chunk that are computed at once."""

EDGE = 1e-9
"""Distance from the ends of a scale that logit and Fisher's z cannot go beyond."""


def statistics(sample: Samples, reference: Array, *, unit_variance: bool = True) -> dict[str, Array]:
    """Return what the study reports, for each sample; NaN where it cannot be computed.

    A sample of few different models may have fewer components than the full data; it says nothing of the others, and
    nothing of the rotated ones.

    Args:
        sample: Resampled versions of the data.
        reference: Loadings of the full solution (n_benchmarks, k); every sample is aligned to them.
        unit_variance: As in `spectra`.

    Returns:
        ratio (b, k); loadings and rotated (b, p, k), aligned by permutation and sign, and by a Procrustes rotation
        on top; scores (b, n, k); correlation (b, p, p); rho, slope, partial (b, k, n_budgets) and contrast (b, k,
        n_pairs), see `laws`; cosine, turned, swapped (b, k), the last 0 or 1.
    """
    p, k = reference.shape
    found = spectra(sample.X, sample.weights, min(2 * k, p), unit_variance=unit_variance)
    usable = np.asarray(~np.isnan(found.ratio).any(axis=1))
    aligned = align(reference, found.vectors[usable])
    axis = ~np.isnan(aligned.loadings[:, 0])
    whole = np.asarray(axis.all(axis=1))
    turned = _spread_out(aligned.loadings[whole] @ rotations(reference, aligned.loadings[whole]), whole)
    loadings = _spread_out(aligned.loadings, usable)
    S = pc_scores(sample.X, found, loadings)
    ratio = np.take_along_axis(found.ratio[usable], aligned.order, axis=1)
    return {
        "ratio": _spread_out(np.where(axis, ratio, np.nan), usable),
        "loadings": loadings,
        "rotated": _spread_out(turned, usable),
        "scores": S,
        "correlation": found.correlation,
        **laws(S, sample.logs, sample.weights),
        "cosine": _spread_out(cosines(reference, aligned.loadings), usable),
        "turned": _spread_out(cosines(reference, turned), usable),
        "swapped": _spread_out(np.where(axis, aligned.swapped, np.nan), usable),
    }


def all_statistics(
    parts: Iterable[Samples], reference: Array, *, unit_variance: bool = True
) -> Iterator[dict[str, Array]]:
    """Yield the statistics of all samples, some at a time, in order.

    Args:
        parts: Chunks of samples.
        reference: As in `statistics`.
        unit_variance: As in `spectra`.
    """
    compute = partial(statistics, reference=reference, unit_variance=unit_variance)
    # matrices this small are slower on several BLAS threads than on one; NumPy works on several pieces at once
    with threadpool_limits(limits=1), ThreadPoolExecutor(THREADS) as pool:
        for part in parts:
            yield from pool.map(compute, part.pieces())


def _spread_out(values: Array, usable: NDArray[np.bool_]) -> Array:
    """Return values with rows of NaN where a sample is not usable."""
    if usable.all():
        return values
    result = np.full((len(usable), *values.shape[1:]), np.nan)
    result[usable] = values
    return result


def laws(S: Array, logs: Array, weights: Array) -> dict[str, Array]:
    """Fit every component against every budget in every sample, over the models where the budget is known.

    Args:
        S: Scores (b, n, k).
        logs: log10 budgets (n, n_budgets) or (b, n, n_budgets), NaN where unknown; the last is the total.
        weights: (b, n).

    Returns:
        rho, slope and partial (b, k, n_budgets). `partial` is given the other languages, over the models whose
        budgets in all languages are known; NaN for the total and in a study of one language. Over the same models,
        `contrast` (b, k, n_pairs) is rho with the first language of a pair minus rho with the second.
    """
    b, _, k = S.shape
    n_budgets = logs.shape[-1]
    rho, slope, partial = (np.full((b, k, n_budgets), np.nan) for _ in range(3))
    pairs = np.array(language_pairs(n_budgets), dtype=np.intp).reshape(-1, 2)
    contrast = np.full((b, k, len(pairs)), np.nan)
    at = logs if logs.ndim == 2 else logs[0]
    for j in range(n_budgets):
        known = np.isfinite(at[:, j])
        if known.sum() >= FEWEST:
            x = np.broadcast_to(logs[..., known, j], (b, int(known.sum())))
            rho[:, :, j], slope[:, :, j] = lines(S[:, known], x, weights[:, known])
    known = np.isfinite(at[:, :-1]).all(axis=1)
    if n_budgets > 2 and known.sum() > n_budgets:
        x = np.broadcast_to(logs[..., known, :-1], (b, int(known.sum()), n_budgets - 1))
        spread, covariance = joint(np.concatenate([S[:, known], x], axis=2), weights[:, known])
        correlation = covariance / (spread[:, :, None] * spread[:, None, :])
        partial[:, :, :-1] = partial_correlations(correlation, k)
        contrast[:] = correlation[:, :k, k + pairs[:, 0]] - correlation[:, :k, k + pairs[:, 1]]
    return {"rho": rho, "slope": slope, "partial": partial, "contrast": contrast}


def language_pairs(n_budgets: int) -> list[tuple[int, int]]:
    """Return the pairs of languages among budgets whose last is the total."""
    return list(combinations(range(n_budgets - 1), 2))


def logit(values: Array) -> Array:
    """Return ln(v / (1 - v)) of fractions."""
    inside = np.clip(values, EDGE, 1 - EDGE)
    result: Array = np.log(inside / (1 - inside))
    return result


def fisher(values: Array) -> Array:
    """Return Fisher's z = artanh(r) of correlations."""
    result: Array = np.arctanh(np.clip(values, -1 + EDGE, 1 - EDGE))
    return result


SCALES = {"ratio": logit, "correlation": fisher, "rho": fisher, "partial": fisher}
"""Scales on which a statistic is about normal; the others are taken as they are."""


@dataclass
class Summary:
    """Moments and extremes of one statistic over samples, in its own scale and shape.

    Attributes:
        count: Samples in which it could be computed.
        total: Sum of the differences from the estimate.
        squares: Sum of their squares.
        least: Smallest value.
        most: Largest value.
    """

    estimate: Array
    count: Array = field(init=False)
    total: Array = field(init=False)
    squares: Array = field(init=False)
    least: Array = field(init=False)
    most: Array = field(init=False)

    def __post_init__(self) -> None:
        shape = self.estimate.shape
        self.count, self.total, self.squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.least, self.most = np.full(shape, np.inf), np.full(shape, -np.inf)

    def add(self, values: Array) -> None:
        """Take in the values of some samples (b, ...)."""
        there = np.isfinite(values)
        difference = np.where(there, values - self.estimate, 0.0)
        self.count += there.sum(axis=0)
        self.total += difference.sum(axis=0)
        self.squares += (difference**2).sum(axis=0)
        self.least = np.minimum(self.least, np.where(there, values, np.inf).min(axis=0))
        self.most = np.maximum(self.most, np.where(there, values, -np.inf).max(axis=0))

    def mean(self) -> Array:
        """Return the mean over samples."""
        with np.errstate(invalid="ignore"):
            return self.estimate + self.total / self.count

    def deviation(self) -> Array:
        """Return the standard deviation over samples (ddof 1), NaN with fewer than two."""
        count = np.where(self.count > 1, self.count, np.nan)
        variance: Array = (self.squares - self.total**2 / count) / (count - 1)
        return np.sqrt(np.maximum(variance, 0.0))


def summarise(
    parts: Iterable[Samples], reference: Array, estimate: Statistics, *, unit_variance: bool = True
) -> dict[str, Summary]:
    """Compute the statistics of all samples and keep their moments and extremes.

    Args:
        parts: Chunks of samples.
        reference: As in `statistics`.
        estimate: Statistics of the full data, without a leading axis.
        unit_variance: As in `spectra`.

    Returns:
        Statistic to its summary on the scale of `SCALES`.
    """
    result = {name: Summary(scaled(name, value)) for name, value in estimate.items()}
    for found in all_statistics(parts, reference, unit_variance=unit_variance):
        for name, values in found.items():
            result[name].add(scaled(name, values))
    return result


def scaled(name: str, values: Array) -> Array:
    """Return the values of a statistic on the scale on which it is about normal."""
    return SCALES[name](values) if name in SCALES else values


def unscaled(name: str, values: Array) -> Array:
    """Undo `scaled`."""
    if SCALES.get(name) is logit:
        fraction: Array = 1 / (1 + np.exp(-values))
        return fraction
    return np.tanh(values) if SCALES.get(name) is fisher else values
