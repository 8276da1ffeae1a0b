"""How far a score may lie from its expectation: a normal of the model's doubt plus Student's t noise, checked.

Student's t is a normal whose precision is gamma distributed, so that the sum of both is a mixture of normals and its
quantiles need one integral (Geweke 1993). What the model says is then compared with scores that were hidden from it.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import special

from stages.analysis.completion.link import Bools, Floats, fit_link
from stages.analysis.completion.sampler import FREEDOM, Posterior, sample

PARTS = 8
"""Parts in which the scores are dealt: hiding one leaves nearly all that the model has seen."""
STARTS = 2
"""Starts for each part."""
CHECKED = 3
"""Parts that are hidden in turn."""
SWEEPS = (30, 40)
"""Sweeps to forget the start, and to average."""
FEWEST_HIDDEN = 20
"""Below as many hidden scores there is no check."""
TRUST = 100.0
"""Hidden scores at which the check counts as much as the model's own estimate."""
QUADRATURE = 400
"""Points at which the mixture is evaluated."""


def half_width(variance: Floats, noise: Floats, level: float) -> Floats:
    """Return h with P(|N(0, variance) + sqrt(noise) t_nu| < h) = level, same shape as the arguments.

    Args:
        variance: Variance of the normal part, any shape.
        noise: Squared scale of the Student's t part, positive.
        level: Probability inside.
    """
    ratios, multiples = _multiples(level)
    width: Floats = np.interp(np.sqrt(variance / noise), ratios, multiples) * np.sqrt(variance + noise)
    return width


@lru_cache(maxsize=8)
def _multiples(level: float) -> tuple[Floats, Floats]:
    """Return ratios of normal to Student scale, and half width over root of the sum of squared scales, each (62,)."""
    ratios = np.append(0.0, np.geomspace(0.02, 50.0, 61))
    at = (np.arange(QUADRATURE) + 0.5) / QUADRATURE
    # standard deviations of the normals in the mixture: precision of the noise is gamma, the normal part adds to it
    spreads = np.sqrt(FREEDOM / 2 / special.gammaincinv(FREEDOM / 2, at) + ratios[:, None] ** 2)
    low, high = np.zeros(len(ratios)), 100 * (1 + ratios)
    for _ in range(60):
        middle = (low + high) / 2
        inside = (2 * special.ndtr(middle[:, None] / spreads) - 1).mean(axis=1) < level
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return ratios, low / np.hypot(1.0, ratios)


def pool(found: list[Posterior]) -> tuple[Floats, Floats, Floats]:
    """Return mean, variance and noise of all starts together, each (n_models, n_benchmarks)."""
    means = np.array([one.mean for one in found])
    variance = np.mean([one.variance for one in found], axis=0) + means.var(axis=0)
    return means.mean(axis=0), variance, np.mean([one.noise for one in found], axis=0)


def deviation(low: Floats, high: Floats, level: float) -> Floats:
    """Return the standard deviations of the normals whose intervals are as long as these, same shape."""
    deviations: Floats = (high - low) / (2 * special.ndtri((1 + level) / 2))
    return deviations


def correlated(covariance: Floats, noise: Floats, deviations: Floats) -> Floats:
    """Return a root L (m, m) of the covariance L L' of missing scores of one model.

    Correlations are those of the linear scores, noise included; an increasing link hardly changes them.

    Args:
        covariance: Covariance of the noiseless linear scores (m, m).
        noise: Squared scales of their Student's t noise (m,), positive.
        deviations: Standard deviations of the scores (m,).
    """
    total = covariance + np.diag(noise)
    each = np.sqrt(np.diag(total))
    root: Floats = deviations[:, None] * np.linalg.cholesky(total / np.outer(each, each))
    return root


def check_stretch(
    scores: Floats,
    bounds: tuple[Floats, Floats],
    side: Floats,
    rng: Generator,
    level: float,
    effort: tuple[int, int] = (CHECKED, STARTS),
) -> float:
    """Return the factor by which intervals must be stretched to cover scores hidden from the model.

    Args:
        scores: (n_models, n_benchmarks), NaN where missing.
        bounds: Smallest and largest possible scores, each (n_benchmarks,), NaN where unbounded.
        side: Centred side information (n_models, n_side).
        rng: Chooses the hidden scores and draws.
        level: Coverage of the intervals.
        effort: Parts that are hidden in turn, and starts for each.

    Returns:
        The quantile of (error / half width) among hidden scores, drawn towards 1 where they are few.
    """
    parts = np.where(np.isfinite(scores), rng.integers(PARTS, size=scores.shape), -1)
    checked, starts = effort

    def posteriors(Z: Floats) -> list[Posterior]:
        return [sample(Z, side, rng, SWEEPS, 1) for _ in range(starts)]

    found = [_misses(scores, _hideable(parts, part), bounds, level, posteriors) for part in range(checked)]
    misses = np.concatenate([np.zeros(0), *found])
    if len(misses) < FEWEST_HIDDEN:
        return 1.0
    weight = len(misses) / (len(misses) + TRUST)
    return float(np.exp(weight * np.log(np.quantile(misses, level))))


def _hideable(parts: NDArray[np.int_], part: int) -> Bools:
    """Return which scores of a part to hide: a model keeps one score at least, a benchmark two."""
    hidden = parts == part
    left = (parts >= 0) & ~hidden
    hidden = hidden & (left.sum(axis=0) >= 2)
    left = (parts >= 0) & ~hidden
    hideable: Bools = hidden & left.any(axis=1)[:, None]
    return hideable


def _misses(
    scores: Floats,
    hidden: Bools,
    bounds: tuple[Floats, Floats],
    level: float,
    posteriors: Callable[[Floats], list[Posterior]],
) -> Floats:
    """Return error over half width of the interval for each hidden score (n_hidden,)."""
    if not hidden.any():
        return np.zeros(0)
    seen = np.where(hidden, np.nan, scores)
    link = fit_link(seen, *bounds)
    mean, variance, noise = pool(posteriors(link.forward(seen)))
    misses: Floats = (np.abs(link.forward(scores) - mean) / half_width(variance, noise, level))[hidden]
    return misses
