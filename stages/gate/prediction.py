"""Predict each score of a matrix from the model's other scores, by factors fitted to the other models.

The factor model is Z = S U' + e with independent e of variance psi_j. Conditioned on the scores o that a model has,

    E[z_j | z_o] = l_j' A^-1 L_o' Psi_o^-1 z_o,   Var[z_j | z_o] = l_j' A^-1 l_j + psi_j,   A = I + L_o' Psi_o^-1 L_o

(Bishop, Pattern Recognition and Machine Learning, 2006, section 12.2.4, with one psi for each benchmark). Missing
scores need no filling in, and a model with few informative scores gets a wide prediction rather than a wrong one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MAD_TO_SD = 1.4826
"""Standard deviation of a normal sample over its median absolute deviation."""
P90_TO_SD = 1 / 1.6449
"""Standard deviation of a normal sample over the 90 % quantile of its absolute deviations."""
ONE_BY_ONE = 60
"""Up to this many models each is predicted from all others; more are dealt into `FOLDS` parts."""
FOLDS = 20
"""A part is predicted from the others."""
MIN_UNIQUENESS = 0.05
"""Share of a benchmark's variance that is never attributed to the common factors."""
STEPS = 8
"""Steps of principal-axis factoring: the communalities need two digits, not convergence."""


@dataclass(frozen=True)
class Predictor:
    """How scores are predicted.

    Attributes:
        n_items: Items of each benchmark (n_benchmarks,); infinite where unknown: no sampling noise is then added.
        components: Factors; fewer where models or benchmarks do not allow as many.
        min_scores: Fewest other scores of a model for a prediction.
        min_spread: Smallest standard deviation of a prediction, in the unit of the scores.
    """

    n_items: Floats
    components: int
    min_scores: int
    min_spread: float


@dataclass(frozen=True)
class Prediction:
    """What the other scores say of each cell; NaN where they say nothing.

    Attributes:
        expected: Predicted scores (n_models, n_benchmarks).
        spread: Robust standard deviation of the score around it (n_models, n_benchmarks).
        freedom: Degrees of freedom behind the spread of each benchmark (n_benchmarks,).
    """

    expected: Floats
    spread: Floats
    freedom: Floats


@dataclass(frozen=True)
class _Factors:
    """Fitted factor model; `mean` is NaN and `loadings` 0 for a benchmark with too few scores."""

    mean: Floats
    spread: Floats
    loadings: Floats
    uniqueness: Floats


def predict(X: Floats, hidden: Bools, doubted: Bools, how: Predictor) -> Prediction:
    """Predict every cell from other cells of its row, by a model fitted to other rows, and calibrate the spread.

    Args:
        X: Scores (n_models, n_benchmarks), NaN = missing.
        hidden: Cells that do not help to predict other cells of their row. No cell ever helps to predict itself.
        doubted: Cells that take no part in fitting and calibrating.
        how: Choices.
    """
    n, p = X.shape
    k = max(1, min(how.components, (n - 2) // 5, (p - 1) // 3))
    fold = np.arange(n) % (n if n <= ONE_BY_ONE else FOLDS)
    shown, trusted = np.where(hidden, np.nan, X), np.where(doubted, np.nan, X)
    expected, spread = np.empty_like(X), np.empty_like(X)
    # matrices this small are many times slower on several BLAS threads than on one
    with threadpool_limits(limits=1):
        for part in range(int(fold.max()) + 1):
            rows = fold == part
            expected[rows], spread[rows] = _condition(shown[rows], _fit(trusted[~rows], k))
    given = np.isfinite(shown).sum(axis=1, keepdims=True) - np.isfinite(shown)
    expected = np.where(given >= how.min_scores, expected, np.nan)
    sure = np.isfinite(trusted) & np.isfinite(expected)
    return Prediction(expected, _calibrated(X - expected, spread, expected, sure, how), _freedom(sure, k))


def _freedom(sure: Bools, k: int) -> Floats:
    """Models that calibrate a benchmark, less those that k factors and a mean use up; at least 3."""
    freedom: Floats = np.maximum(sure.sum(axis=0) - k - 1.0, 3.0)
    return freedom


def _calibrated(residual: Floats, spread: Floats, expected: Floats, sure: Bools, how: Predictor) -> Floats:
    """Widen the factor model's spread to what the residuals of trusted cells show, column by column, then by row."""
    spread = np.maximum(spread, how.min_spread)
    off = np.abs(residual) / spread
    # two quantiles: residuals of score matrices have heavier tails than their middle tells
    middle, outer = column_quantile(off, sure, 0.5), column_quantile(off, sure, 0.9)
    spread = spread * np.fmax(MAD_TO_SD * middle, P90_TO_SD * outer)
    likely = np.clip(expected, how.min_spread, 1 - how.min_spread)
    sampling = np.sqrt(likely * (1 - likely) / how.n_items)
    spread = np.fmax(np.fmax(spread, sampling), how.min_spread)
    # a model that the factors describe badly is predicted badly on every benchmark
    loose = MAD_TO_SD * column_quantile((np.abs(residual) / spread).T, sure.T, 0.5)
    widened: Floats = spread * np.fmax(loose, 1.0)[:, None]
    return widened


def column_quantile(values: Floats, use: Bools, q: float) -> Floats:
    """Return the quantile q of each column over the cells in use, NaN where there are none."""
    quantile: Floats = pd.DataFrame(np.where(use, values, np.nan)).quantile(q).to_numpy(dtype=np.float64)
    return quantile


def _fit(X: Floats, k: int) -> _Factors:
    """Fit k factors to the scores there are; a correlation is taken over the models that have both benchmarks."""
    seen = np.isfinite(X)
    weight = seen.astype(np.float64)
    count = weight.sum(axis=0)
    mean = np.where(count > k, np.where(seen, X, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
    centred = np.where(seen & np.isfinite(mean), X - mean, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / np.maximum(count, 1))
    squares = (centred**2).T @ weight
    scale = np.sqrt(squares * squares.T)
    known = (scale > 0) & (weight.T @ weight > k + 1)
    correlation = np.divide(centred.T @ centred, scale, out=np.zeros_like(scale), where=known)
    return _Factors(mean, spread, *_principal_axes(correlation, k))


def _principal_axes(correlation: Floats, k: int) -> tuple[Floats, Floats]:
    """Principal-axis factoring: put h_j = sum_c l_jc^2 on the diagonal, take k eigenvectors, repeat.

    Returns:
        Loadings (n_benchmarks, k) and uniquenesses 1 - h_j (n_benchmarks,), the latter at least `MIN_UNIQUENESS`.
    """
    reduced = correlation.copy()
    common = np.full(len(reduced), 0.7)
    for _ in range(STEPS):
        np.fill_diagonal(reduced, common)
        values, vectors = np.linalg.eigh(reduced)
        loadings = vectors[:, -k:] * np.sqrt(np.clip(values[-k:], 0, None))
        length = (loadings**2).sum(axis=1)
        common = np.minimum(length, 1 - MIN_UNIQUENESS)
    return loadings * np.sqrt(common / np.maximum(length, np.finfo(np.float64).tiny))[:, None], 1 - common


def _condition(X: Floats, model: _Factors) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each cell given the other cells of its row, both as X.

    Args:
        X: (n, n_benchmarks), NaN where a score is missing or hidden.
        model: Fitted without these rows.
    """
    used = np.isfinite(X) & np.isfinite(model.mean) & (model.spread > 0)
    z = np.where(used, (X - model.mean) / np.where(model.spread > 0, model.spread, 1.0), 0.0)
    weighted = model.loadings / model.uniqueness[:, None]
    outer = model.loadings[:, :, None] * weighted[:, None, :]
    precision = np.eye(outer.shape[1]) + np.einsum("nj,jkl->nkl", used.astype(np.float64), outer)
    reach = model.loadings @ np.linalg.inv(precision)
    # from all observed cells to all but the cell itself, by the formula of Sherman and Morrison
    own = (reach * model.loadings).sum(axis=2)
    share = np.where(used, own / model.uniqueness, 0.0)
    mean = (np.einsum("njk,nk->nj", reach, z @ weighted) - share * z) / (1 - share)
    variance = own / (1 - share) + model.uniqueness
    return model.mean + model.spread * mean, model.spread * np.sqrt(variance)
