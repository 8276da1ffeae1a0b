"""Resampled versions of a study: which models count how often, what scores and token counts could have been."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.analysis.scores.families import Codes

Array = NDArray[np.float64]

MEMORY = 2**22
"""Numbers that the arrays of one chunk may hold each: bounds the memory of a large study."""

PIECE = 2**18
"""Numbers that the arrays of one piece of a chunk may hold each: they fit a processor's cache."""


@dataclass(frozen=True)
class Data:
    """What is resampled.

    Attributes:
        X: Score matrix (n_models, n_benchmarks) without missing cells, no column constant.
        logs: log10 budgets (n_models, n_budgets), NaN where unknown.
        stderr: Standard error of each score (n_models, n_benchmarks), 0 where unknown.
        log_low: Lower ends of the budgets (n_models, n_budgets), equal to logs where they are certain.
        log_high: Upper ends, likewise.
        fill_roots: For imputed scores: model to the matrix root (n_benchmarks, n_benchmarks) whose product with
            standard normal numbers is what the imputed scores of that model could differ by.
    """

    X: Array
    logs: Array
    stderr: Array
    log_low: Array
    log_high: Array
    fill_roots: dict[int, Array]


@dataclass(frozen=True)
class Samples:
    """Some resampled versions of the data.

    Attributes:
        weights: Number of times that each model counts (n_samples, n_models).
        X: (n_models, n_benchmarks) when all samples share the scores, else (n_samples, n_models, n_benchmarks).
        logs: (n_models, n_budgets) or (n_samples, n_models, n_budgets), likewise.
    """

    weights: Array
    X: Array
    logs: Array

    def pieces(self) -> "Iterator[Samples]":
        """Yield some samples at a time, in order; how many depends on the shape of the data alone."""
        own = [values.ndim == 3 for values in (self.X, self.logs)]
        n, p = self.X.shape[-2:]
        step = max(PIECE // size_of_sample(n, p, self.logs.shape[-1] if own[1] else 0, own_scores=own[0]), 1)
        for start in range(0, len(self.weights), step):
            rows = slice(start, start + step)
            X, logs = (v[rows] if its else v for v, its in zip((self.X, self.logs), own, strict=True))
            yield Samples(self.weights[rows], X, logs)


def size_of_sample(n: int, p: int, own_logs: int, *, own_scores: bool) -> int:
    """Return how many numbers the largest array of one sample holds.

    Args:
        n: Models.
        p: Benchmarks.
        own_logs: Budgets of each model where every sample has its own, else 0.
        own_scores: Whether every sample has its own scores.
    """
    return max(p * p, n * p if own_scores else 0, n * own_logs, 8 * n)


def model_weights(n: int, draws: int, rng: np.random.Generator) -> Array:
    """Return how often each of n models stands in each bootstrap sample of n models (draws, n)."""
    weights: Array = rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(float)
    return weights


def family_weights(codes: Codes, draws: int, rng: np.random.Generator) -> Array:
    """Return how often each model stands in each sample of as many whole families as there are (draws, n)."""
    return model_weights(int(codes.max()) + 1, draws, rng)[:, codes]


@dataclass(frozen=True)
class Weights:
    """The weights of all samples, made as they are needed: those of a large study would fill the memory.

    Attributes:
        count: Number of samples.
        make: Position of the first sample and their number to their weights (n_samples, n_models).
    """

    count: int
    make: Callable[[int, int], Array]


def samples(
    data: Data, weights: Weights, rng: np.random.Generator | None, *, items: bool = False
) -> Iterator[Samples]:
    """Yield the resampled versions in chunks.

    Imputed scores and budgets known as a range vary from sample to sample; the scores vary by their standard
    errors when asked to.

    Args:
        data: What is resampled.
        weights: How often each model counts in each sample.
        rng: Source of the variation; None keeps scores and budgets as they are.
        items: Whether the scores vary as if other test items had been drawn.
    """
    n, p = data.X.shape
    uncertain = np.isfinite(data.logs) & (data.log_high > data.log_low)
    own_scores = rng is not None and (items or bool(data.fill_roots))
    own_logs = rng is not None and bool(uncertain.any())
    size = size_of_sample(n, p, data.logs.shape[1] if own_logs else 0, own_scores=own_scores)
    step = max(MEMORY // size, 1)
    for start in range(0, weights.count, step):
        part = weights.make(start, min(step, weights.count - start))
        X, logs = data.X, data.logs
        if rng is not None and own_scores:
            X = vary_scores(data, len(part), rng, items=items)
        if rng is not None and own_logs:
            logs = np.repeat(logs[None], len(part), axis=0)
            low, high = data.log_low[uncertain], data.log_high[uncertain]
            logs[:, uncertain] = rng.uniform(low, high, (len(part), len(low)))
        yield Samples(part, X, logs)


def vary_scores(data: Data, draws: int, rng: np.random.Generator, *, items: bool) -> Array:
    """Return versions of the scores (draws, n_models, n_benchmarks): other test items, other imputed values."""
    X = np.repeat(data.X[None], draws, axis=0)
    if items:
        X += rng.standard_normal(X.shape) * data.stderr
    for i, root in sorted(data.fill_roots.items()):
        X[:, i] += rng.standard_normal((draws, root.shape[1])) @ root.T
    return X
