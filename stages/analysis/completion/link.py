"""From scores to a scale on which abilities act linearly, and back.

Bounded scores go through a logit, with half a point in a hundred added at either end so that 0 and 1 stay finite (the
empirical logit, Cox and Snell, Analysis of Binary Data, 1989, section 2.1.6); unbounded ones stay as they are. Each
benchmark is then centred and divided by its standard deviation, which benchmarks with few scores borrow in part from
the others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EDGE = 0.005
"""Added to a score's share of its range at either end before the logit."""
BORROWED = 3.0
"""Scores' worth of weight that a benchmark's variance gives to the typical benchmark's (inverse-gamma prior)."""
UNKNOWN_SPREAD = 0.1
"""Standard deviation over the mean of an unbounded benchmark whose scores tell none."""


@dataclass(frozen=True)
class Link:
    """How scores become standardised linear ones.

    Attributes:
        lower: Smallest possible score (n_benchmarks,), NaN where unbounded.
        upper: Largest possible score (n_benchmarks,), NaN where unbounded.
        centre: Mean on the linear scale (n_benchmarks,).
        spread: Standard deviation on the linear scale (n_benchmarks,), positive.
    """

    lower: Floats
    upper: Floats
    centre: Floats
    spread: Floats

    def forward(self, scores: Floats) -> Floats:
        """Return standardised linear scores (..., n_benchmarks), NaN where the scores are."""
        return (_linear(scores, self.lower, self.upper) - self.centre) / self.spread

    def inverse(self, Z: Floats) -> Floats:
        """Return scores (..., n_benchmarks) within their bounds, from standardised linear ones."""
        linear = Z * self.spread + self.centre
        bounded = _bounded(self.lower, self.upper)
        share = (1 + 2 * EDGE) / (1 + np.exp(-np.clip(linear, -700, 700))) - EDGE
        width = np.where(bounded, self.upper - self.lower, 0.0)
        scores: Floats = np.where(bounded, self.lower + width * np.clip(share, 0.0, 1.0), linear)
        return scores

    def slope(self, Z: Floats) -> Floats:
        """Return the change of scores with standardised linear ones, same shape as Z."""
        linear = Z * self.spread + self.centre
        share = 1 / (1 + np.exp(-np.clip(linear, -700, 700)))
        bounded = _bounded(self.lower, self.upper)
        width = np.where(bounded, self.upper - self.lower, 1.0)
        slope: Floats = self.spread * np.where(bounded, width * (1 + 2 * EDGE) * share * (1 - share), 1.0)
        return slope


def fit_link(scores: Floats, lower: Floats, upper: Floats) -> Link:
    """Fit centre and spread to the scores that are there.

    Args:
        scores: (n_models, n_benchmarks), NaN where missing.
        lower: Smallest possible scores (n_benchmarks,), NaN where unbounded.
        upper: Largest possible scores (n_benchmarks,), NaN where unbounded.
    """
    bounded = _bounded(lower, upper)
    linear = _linear(scores, lower, upper)
    there = np.isfinite(linear)
    count = there.sum(axis=0)
    centre = np.where(there, linear, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(there, (linear - centre) ** 2, 0.0).sum(axis=0)
    typical = _typical(squares, count, bounded)
    # a benchmark without scores is expected where the others are; at half its range when there are none
    usable = bounded & (count > 0)
    centre = np.where(count > 0, centre, centre[usable].mean() if usable.any() else 0.0)
    variance = np.where(
        bounded,
        (squares + BORROWED * typical) / (np.maximum(count - 1, 0) + BORROWED),
        squares / np.maximum(count - 1, 1),
    )
    known = bounded | ((count >= 3) & (variance > 1e-18 * centre**2) & (variance > 0))
    unknown = np.where(centre == 0, 1.0, UNKNOWN_SPREAD * np.abs(centre))
    return Link(lower, upper, centre, np.where(known, np.sqrt(np.where(known, variance, 1.0)), unknown))


def _typical(squares: Floats, count: NDArray[np.int_], bounded: Bools) -> float:
    """Return the median variance of the bounded benchmarks with scores that differ, 1 where there is none."""
    usable = bounded & (count >= 3) & (squares > 0)
    return float(np.median(squares[usable] / (count[usable] - 1))) if usable.any() else 1.0


def _bounded(lower: Floats, upper: Floats) -> Bools:
    return np.isfinite(lower) & np.isfinite(upper)


def _linear(scores: Floats, lower: Floats, upper: Floats) -> Floats:
    bounded = _bounded(lower, upper)
    width = np.where(bounded, upper - lower, 1.0)
    share = np.clip((scores - np.where(bounded, lower, 0.0)) / width, 0.0, 1.0)
    linear: Floats = np.where(bounded, np.log((share + EDGE) / (1 + EDGE - share)), scores)
    return linear
