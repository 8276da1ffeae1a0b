"""Leading components of many weighted versions of a score matrix at once.

The correlation matrices of all samples are one matrix product, decomposed in batches; no sample is copied out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NO_VARIANCE = 1e-9
"""Share of the variance at which an axis is rounding error of the arithmetic."""

TINY = 1e-12
"""Share of its variance in the full data below which a benchmark counts as constant in a sample."""


@dataclass(frozen=True)
class Spectra:
    """Leading eigenpairs of the correlation matrix of every sample, not aligned.

    Attributes:
        vectors: (n_samples, n_benchmarks, m), unit-norm columns by falling eigenvalue, signs by chance; zeros where
            a sample has no further component (see `with_variance`).
        ratio: Explained variance ratio (n_samples, m).
        centre: Mean of each benchmark (n_samples, n_benchmarks).
        spread: Its divisor (n_samples, n_benchmarks): standard deviation with ddof 0, or 1.
        correlation: Correlations (n_samples, n_benchmarks, n_benchmarks).
    """

    vectors: Array
    ratio: Array
    centre: Array
    spread: Array
    correlation: Array


def spectra(X: Array, weights: Array, m: int, *, unit_variance: bool = True, unknown: Array | None = None) -> Spectra:
    """Decompose weighted versions of a score matrix. All is NaN where a benchmark is constant in a sample.

    Args:
        X: (n_models, n_benchmarks), or (n_samples, n_models, n_benchmarks) where scores differ too.
        weights: Number of times that each model counts in each sample (n_samples, n_models).
        m: Eigenpairs to keep.
        unit_variance: Whether benchmarks are scaled to unit variance (ddof 0) in each sample.
        unknown: Covariance that each sample has besides (n_samples, n_benchmarks, n_benchmarks): that of scores which
            are only expected.
    """
    middle = X.reshape(-1, X.shape[-1]).mean(axis=0)
    scale = X.reshape(-1, X.shape[-1]).std(axis=0)
    share = weights / weights.sum(axis=1, keepdims=True)
    means, moments = weighted_moments((X - middle) / scale, share)
    if unknown is not None:
        moments = moments + unknown / np.outer(scale, scale)
    variance = np.einsum("bii->bi", moments)
    usable = (variance > TINY).all(axis=1)
    deviation = np.sqrt(np.where(usable[:, None], variance, np.nan))
    correlation = moments / (deviation[:, :, None] * deviation[:, None, :])
    spread = deviation * scale if unit_variance else np.where(usable[:, None], 1.0, np.nan) * np.ones_like(scale)
    matrix = correlation if unit_variance else moments * (scale[:, None] * scale)
    vectors = np.full((len(share), len(scale), m), np.nan)
    ratio = np.full((len(share), m), np.nan)
    values, found = np.linalg.eigh(matrix[usable])
    vectors[usable] = with_variance(values, found)[:, :, : -m - 1 : -1]
    ratio[usable] = values[:, : -m - 1 : -1] / values.sum(axis=1, keepdims=True)
    return Spectra(vectors, ratio, middle + means * scale, spread, correlation)


def with_variance(values: Array, vectors: Array) -> Array:
    """Return eigenvectors with zeros in place of those that carry no variance.

    Every basis of a null space is as good as any other: which one an eigensolver returns is an accident of the
    processor's arithmetic, not a fact about the data.

    Args:
        values: All eigenvalues of each matrix (b, p).
        vectors: Their eigenvectors (b, p, p), in the same order.
    """
    share = values / values.sum(axis=1, keepdims=True)
    kept: Array = np.where(share[:, None, :] > NO_VARIANCE, vectors, 0.0)
    return kept


def weighted_moments(Z: Array, share: Array) -> tuple[Array, Array]:
    """Return means (b, p) and covariances (b, p, p) of Z (n, p) or (b, n, p) under weights (b, n) that sum to 1."""
    p = Z.shape[-1]
    if Z.ndim == 3:
        means = np.einsum("bn,bnp->bp", share, Z, optimize=True)
        deviations = Z - means[:, None, :]
        return means, np.swapaxes(deviations * share[:, :, None], 1, 2) @ deviations
    upper = np.triu_indices(p)
    means = share @ Z
    moments = np.empty((len(share), p, p))
    moments[:, upper[0], upper[1]] = share @ (Z[:, upper[0]] * Z[:, upper[1]])
    moments[:, upper[1], upper[0]] = moments[:, upper[0], upper[1]]
    return means, moments - means[:, :, None] * means[:, None, :]


def pc_scores(X: Array, found: Spectra, loadings: Array) -> Array:
    """Return the scores of all models on the axes of each sample, also of models not drawn (n_samples, n, k).

    Args:
        X: (n_models, n_benchmarks) or (n_samples, n_models, n_benchmarks).
        found: Centre and spread of each sample.
        loadings: Aligned loadings (n_samples, n_benchmarks, k).
    """
    weights = loadings / found.spread[:, :, None]
    S: Array = X @ weights - (found.centre[:, None, :] @ weights)
    return S
