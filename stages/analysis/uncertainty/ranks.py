"""Ranks of models on each benchmark and on the first component, with intervals, and pairs that cannot be told apart.

Another set of test items, or another protocol (wording of prompts, harness), would have given other scores. Both
errors are taken as normal and independent between models; models that answer the same items share part of them, so
that true differences are known a little better than this.

- `low` and `high` say where the rank of a model falls when all are measured again: quantiles over draws of the errors
  (parametric bootstrap, Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 6.5; of ranks, Goldstein
  and Spiegelhalter 1996). Where many models are close, they hold the true rank less often than they say (Hall and
  Miller, Annals of Statistics 37 (2009), 3929-3959).
- `best` and `worst` are the ranks that cannot be excluded, for all models of a benchmark at once (Al Mohamad, Goeman
  and van Zwet, Biometrics 78 (2022), 238-247): two models are told apart when they differ by more than
  q / sqrt(2) * sqrt(s1^2 + s2^2), q the quantile of the studentised range of as many normal numbers as there are
  models (Tukey 1953, Kramer 1956; with unequal errors it is too wide rather than too narrow, Hayter, Annals of
  Statistics 12 (1984), 61-75). The best rank is 1 + the number of models that are distinguishably better.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from stages.analysis.components.gaps import Ranges
from stages.analysis.uncertainty.tables import Study

Array = NDArray[np.float64]
Ints = NDArray[np.int_]

DIGITS = 9
"""Decimals of values and errors that ranks are made from: processors differ beyond them."""
NUMBERS = 2**25
"""Random numbers drawn for all measures of a large study."""
FEWEST_DRAWS = 200
CHUNK = 2**20
"""Random numbers drawn at once."""
BLOCK = 512
"""Models compared with all others at once."""
MOST_LISTED = 100
"""With more models than this their pairs are counted, not listed."""

COLUMNS = ["measure", "model_id", "rank", "low", "high", "best", "worst", "alike", "models"]
PAIR_COLUMNS = ["measure", "model_id", "other", "difference", "needed"]


class Measure(NamedTuple):
    """What models are ranked by.

    Attributes:
        name: Benchmark, or PC1.
        rows: Positions of the models that have a value (m,).
        values: Larger is better (m,).
        errors: Their standard errors (m,), positive.
    """

    name: str
    rows: Ints
    values: Array
    errors: Array


def measures(study: Study, measured: NDArray[np.bool_], ranges: Ranges, protocol_error: float) -> list[Measure]:
    """Return the first component, then each benchmark whose sampling error is known.

    Args:
        study: The study.
        measured: Which scores were measured, not predicted (n_models, n_benchmarks).
        ranges: Smallest and largest possible score of each benchmark; one without is as wide as its scores.
        protocol_error: Standard deviation of a score between protocols, share of the range of its benchmark.
    """
    data = study.data
    known = data.stderr.any(axis=0)
    if not known.any():
        return []
    ends = np.array([ranges.get(name, (np.nan, np.nan)) for name in study.benchmarks])
    widths = np.where(np.isfinite(ends).all(axis=1), ends[:, 1] - ends[:, 0], np.ptp(data.X, axis=0))
    variance = _item_errors(data.stderr) ** 2 + (protocol_error * widths) ** 2
    variance = np.where(measured, variance, 0.0)
    weights = study.reference[:, 0] / (data.X.std(axis=0) if study.unit_variance else 1.0)
    axis = variance @ weights**2
    for i, root in data.fill_roots.items():
        axis[i] += ((weights @ root) ** 2).sum()
    everyone = np.arange(len(data.X))
    found = [Measure(study.components[0], everyone, study.estimate["scores"][:, 0], np.sqrt(axis))]
    for j in np.flatnonzero(known).tolist():
        rows = np.flatnonzero(measured[:, j])
        found.append(Measure(study.benchmarks[j], rows, data.X[rows, j], np.sqrt(variance[rows, j])))
    return [
        one._replace(values=np.round(one.values, DIGITS), errors=np.round(one.errors, DIGITS))
        for one in found
        if len(one.rows) > 1
    ]


def _item_errors(stderr: Array) -> Array:
    """Return the errors with the smallest other one of the benchmark where a score at its bound has none."""
    smallest = np.where(stderr > 0, stderr, np.inf).min(axis=0)
    errors: Array = np.where((stderr > 0) | ~np.isfinite(smallest), stderr, smallest)
    return errors


def ranks_table(
    study: Study, found: list[Measure], draws: int, level: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Return one row per measure and model that has a value on it.

    Args:
        study: Names of the models.
        found: From `measures`.
        draws: Draws of the errors; fewer for a large study, at least `FEWEST_DRAWS`.
        level: Coverage of the intervals.
        rng: Source of the draws.

    Returns:
        measure, model_id, rank (1 is best, equals share the better one), low, high, best, worst, alike (other models
        that it cannot be told apart from), models (how many are ranked).
    """
    size = max(sum(len(one.rows) for one in found), 1)
    draws = max(min(draws, NUMBERS // size), FEWEST_DRAWS)
    frames = [_ranks(study, one, draws, level, rng) for one in found]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)


def _ranks(study: Study, one: Measure, draws: int, level: float, rng: np.random.Generator) -> pd.DataFrame:
    m = len(one.rows)
    ascending = np.sort(one.values)
    low, high = _redrawn(one, draws, level, rng)
    better, worse = _told_apart(one, level)
    return pd.DataFrame(
        {
            "measure": one.name,
            "model_id": [study.models[i] for i in one.rows],
            "rank": 1 + m - np.searchsorted(ascending, one.values, side="right"),
            "low": low,
            "high": high,
            "best": 1 + better,
            "worst": m - worse,
            "alike": m - 1 - better - worse,
            "models": m,
        }
    )


def _redrawn(one: Measure, draws: int, level: float, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return the quantiles of each rank over draws of the errors (m,), each a rank that occurred."""
    m = len(one.rows)
    found = np.empty((m, draws), dtype=np.int32)
    step = max(CHUNK // m, 1)
    places = np.arange(1, m + 1, dtype=np.int32)
    for start in range(0, draws, step):
        count = min(step, draws - start)
        order = np.argsort(-(one.values + one.errors * rng.standard_normal((count, m))), axis=1)
        ranks = np.empty((count, m), dtype=np.int32)
        np.put_along_axis(ranks, order, places[None], axis=1)
        found[:, start : start + count] = ranks.T
    outside = int((1 - level) / 2 * draws)
    found.partition([outside, draws - 1 - outside], axis=1)
    return found[:, outside].astype(int), found[:, draws - 1 - outside].astype(int)


def needed_differences(one: Measure, level: float) -> Array:
    """Return the smallest difference that distinguishes each pair of models (m, m)."""
    squares = one.errors**2
    multiple = studentised_range(len(one.rows), level) / np.sqrt(2)
    needed: Array = multiple * np.sqrt(squares[:, None] + squares[None, :])
    return needed


def _told_apart(one: Measure, level: float) -> tuple[Ints, Ints]:
    """Return how many models are distinguishably better than each, and how many worse (m,)."""
    m = len(one.rows)
    order = np.argsort(-one.values, kind="stable")
    values, needed = one.values[order], one.errors[order] ** 2 * studentised_range(m, level) ** 2 / 2
    better, worse = np.zeros(m, dtype=int), np.zeros(m, dtype=int)
    for start in range(0, m, BLOCK):
        rows = slice(start, start + BLOCK)
        # only models further down: each pair once
        told = (values[rows, None] - values[start:]) ** 2 > needed[rows, None] + needed[start:]
        told &= np.arange(start, m) > np.arange(m)[rows, None]
        worse[order[rows]] += told.sum(axis=1)
        better[order[start:]] += told.sum(axis=0)
    return better, worse


@cache
def studentised_range(m: int, level: float) -> float:
    """Return the quantile of the range of m independent standard normal numbers.

    P(range <= q) = m times the integral of phi(z) (Phi(z) - Phi(z - q))^(m - 1) (Tukey 1953), by the trapezoidal rule.

    Args:
        m: At least 2.
        level: Probability.
    """
    z = np.linspace(-9.0, 9.0, 4001)
    density, below = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), special.ndtr(z)
    low, high = 0.0, 18.0
    for _ in range(60):
        q = (low + high) / 2
        inside = m * np.trapezoid(density * (below - special.ndtr(z - q)) ** (m - 1), z)
        low, high = (q, high) if inside < level else (low, q)
    return round(low, DIGITS)


def pairs_table(study: Study, found: list[Measure], level: float) -> pd.DataFrame:
    """Return the pairs that cannot be told apart, the better model first; none for more than `MOST_LISTED` models.

    Returns:
        measure, model_id, other, difference (of the values, not negative), needed (difference from which they are
        told apart).
    """
    rows = [row for one in found if len(study.models) <= MOST_LISTED for row in _alike(study, one, level)]
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def _alike(study: Study, one: Measure, level: float) -> Iterator[tuple[str, str, str, float, float]]:
    order = np.argsort(-one.values, kind="stable")
    needed = needed_differences(one, level)[np.ix_(order, order)]
    difference = np.subtract.outer(one.values[order], one.values[order])
    names = [study.models[row] for row in one.rows[order]]
    for i, j in np.argwhere(np.triu(difference <= needed, k=1)):
        yield one.name, names[i], names[j], difference[i, j], needed[i, j]
