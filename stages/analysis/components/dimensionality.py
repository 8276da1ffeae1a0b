"""How many components a score matrix supports."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stages.analysis.components.pca import component_names, standardise

Array = NDArray[np.float64]

CHUNK = 2**22
"""Random numbers drawn at once."""


def eigenvalues(X: pd.DataFrame) -> Array:
    """Return the eigenvalues of the correlation matrix, falling (n_benchmarks,); they sum to n_benchmarks."""
    Z, _, _ = standardise(X)
    found: Array = np.asarray(np.linalg.eigvalsh(Z.T @ Z / len(Z)), dtype=float)[::-1]
    return found


def parallel_thresholds(n: int, p: int, draws: int, level: float, rng: np.random.Generator) -> Array:
    """Return what eigenvalues n independent models on p unrelated benchmarks would give.

    Source: Horn (1965), with the quantile of Glorfeld (1995) in place of the mean.

    Args:
        n: Models.
        p: Benchmarks.
        draws: Random matrices of normal numbers.
        level: Quantile over the draws.
        rng: Source of the numbers.

    Returns:
        (p,), falling.
    """
    found = np.empty((draws, p))
    step = max(CHUNK // (n * p), 1)
    with threadpool_limits(limits=1):
        for start in range(0, draws, step):
            rows = slice(start, min(start + step, draws))
            noise = rng.standard_normal((rows.stop - start, n, p))
            noise -= noise.mean(axis=1, keepdims=True)
            noise /= np.linalg.norm(noise, axis=1, keepdims=True)
            found[rows] = np.linalg.eigvalsh(np.swapaxes(noise, 1, 2) @ noise)[:, ::-1]
    threshold: Array = np.quantile(found, level, axis=0)
    return threshold


def broken_stick(p: int) -> Array:
    """Return the expected lengths of the pieces of a stick of length p broken at random: sum over i >= j of 1 / i.

    Source: Frontier (1976); Jackson (1993).
    """
    pieces: Array = np.cumsum(1 / np.arange(p, 0, -1))[::-1]
    return pieces


def average_partials(X: pd.DataFrame) -> Array:
    """Return the mean squared partial correlation after removing 0, 1, ... n_benchmarks - 2 components.

    Source: Velicer (1976), minimum average partial; NaN where nothing is left of a benchmark.
    """
    Z, _, _ = standardise(X)
    values, vectors = np.linalg.eigh(Z.T @ Z / len(Z))
    weights = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))
    p = len(values)
    result = np.full(p - 1, np.nan)
    for m in range(p - 1):
        # the sum of what is left: as a difference from the correlations it would lose its digits
        left = weights[:, m:] @ weights[:, m:].T
        diagonal = np.diag(left)
        if (diagonal > 1e-10).all():
            partial = left / np.sqrt(np.outer(diagonal, diagonal))
            result[m] = ((partial**2).sum() - p) / (p * (p - 1))
    return result


def spectrum(X: pd.DataFrame, draws: int, level: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return one row per component: component, eigenvalue, cumulative, parallel, broken_stick, average_partial.

    `average_partial` is what is left after removing the components before this one.

    Args:
        X: Score matrix (n_models, n_benchmarks) without missing cells.
        draws: Random matrices for the parallel analysis.
        level: Quantile of the parallel analysis.
        rng: Source of the random matrices.
    """
    n, p = X.shape
    found = eigenvalues(X)
    return pd.DataFrame(
        {
            "component": component_names(p),
            "eigenvalue": found,
            "cumulative": np.cumsum(found) / p,
            "parallel": parallel_thresholds(n, p, draws, level, rng),
            "broken_stick": broken_stick(p),
            "average_partial": np.append(average_partials(X), np.nan),
        }
    )


def criteria(table: pd.DataFrame, cumulative: float) -> pd.DataFrame:
    """Return how many components each criterion keeps: criterion, components.

    Args:
        table: From `spectrum`.
        cumulative: Share of the variance that a plain count of components has to reach.
    """
    values = table["eigenvalue"].to_numpy()

    def leading(above: NDArray[np.bool_]) -> int:
        return int(np.argmin(np.append(above, False)))

    rows = {
        "parallel analysis": leading(values > table["parallel"].to_numpy()),
        "minimum average partial": int(np.nanargmin(table["average_partial"].to_numpy())),
        "broken stick": leading(values > table["broken_stick"].to_numpy()),
        "eigenvalue above 1": leading(values > 1),
        f"{100 * cumulative:g} % of the variance": int(np.argmax(table["cumulative"].to_numpy() >= cumulative)) + 1,
    }
    return pd.DataFrame({"criterion": list(rows), "components": list(rows.values())})
