"""Principal component analysis of a score matrix."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stages.analysis.components.alignment import align
from stages.analysis.components.spectra import spectra
from stages.analysis.scores.families import without_each

Array = NDArray[np.float64]

CHUNK = 256
"""Models left out at once: bounds the memory of a large study."""

MOST_SHARES = 4
"""Components among the headline numbers; all others are in the table of explained variance."""


@dataclass(frozen=True)
class Decomposition:
    """Result of `decompose`.

    Attributes:
        loadings: U (n_benchmarks, k), unit-norm columns PC1, PC2, ...
        pc_scores: S = Z @ U (n_models, k).
        explained_variance_ratio: Fraction of the total variance per component (k,).
        centre: Mean of each benchmark (n_benchmarks,).
        spread: Divisor of each benchmark (n_benchmarks,): standard deviation with ddof 0, or 1.
    """

    loadings: pd.DataFrame
    pc_scores: pd.DataFrame
    explained_variance_ratio: pd.Series
    centre: pd.Series
    spread: pd.Series


def component_names(k: int) -> list[str]:
    """Return PC1 to PCk."""
    return [f"PC{i + 1}" for i in range(k)]


def usable_components(n_models: int, n_benchmarks: int, wanted: int) -> int:
    """Return how many components exist: centring costs one model."""
    return max(min(wanted, n_models - 1, n_benchmarks), 0)


def standardise(X: pd.DataFrame, *, unit_variance: bool = True) -> tuple[Array, Array, Array]:
    """Centre the columns of X and, by default, scale them to unit variance with ddof 0.

    Args:
        X: Score matrix (n_models, n_benchmarks) without missing cells.
        unit_variance: Whether to divide by the standard deviation.

    Returns:
        Z (n_models, n_benchmarks), the means and the divisors (n_benchmarks,).

    Raises:
        ValueError: A cell is missing, or a column is constant.
    """
    values = X.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise ValueError("the score matrix has missing cells")
    centre = values.mean(axis=0)
    deviations = values - centre
    spread = values.std(axis=0) if unit_variance else np.ones(values.shape[1])
    if not (np.ptp(values, axis=0) > 0).all():
        constant = list(X.columns[np.ptp(values, axis=0) == 0])
        raise ValueError(f"constant benchmarks: {', '.join(constant)}")
    return deviations / spread, centre, spread


def orientation(loadings: pd.DataFrame, anchors: Mapping[str, str]) -> Array:
    """Return the sign (k,) that orients each component.

    The first component is positive on the mean of all benchmarks. A later one is positive on its anchor
    benchmark where the study names one, else on its largest absolute loading.

    Args:
        loadings: (n_benchmarks, k), any signs.
        anchors: Component name to benchmark; benchmarks that are absent are ignored.
    """
    signs = np.ones(loadings.shape[1])
    for i, name in enumerate(loadings.columns):
        column = loadings[name]
        anchor = anchors.get(str(name))
        if anchor is not None and anchor in column.index:
            value = column[anchor]
        elif i == 0:
            value = column.mean()
        else:
            value = column.iloc[int(np.argmax(np.abs(column.to_numpy())))]
        signs[i] = -1.0 if value < 0 else 1.0
    return signs


def decompose(
    X: pd.DataFrame, n_components: int, anchors: Mapping[str, str], *, unit_variance: bool = True
) -> Decomposition:
    """Decompose a score matrix into principal components.

    Args:
        X: Score matrix (n_models, n_benchmarks), at least two models, no missing cell, no constant column.
        n_components: Components wanted; fewer are returned when fewer exist.
        anchors: See `orientation`.
        unit_variance: Whether benchmarks are scaled to unit variance first.

    Raises:
        ValueError: See `standardise`.
    """
    Z, centre, spread = standardise(X, unit_variance=unit_variance)
    k = usable_components(Z.shape[0], Z.shape[1], n_components)
    _, singular, right_t = np.linalg.svd(Z, full_matrices=False)
    variance = singular**2
    names = component_names(k)
    U = pd.DataFrame(right_t[:k].T, index=X.columns, columns=names)
    U = U * orientation(U, anchors)
    return Decomposition(
        loadings=U,
        pc_scores=pd.DataFrame(Z @ U.to_numpy(), index=X.index, columns=names),
        explained_variance_ratio=pd.Series(variance[:k] / variance.sum(), index=names),
        centre=pd.Series(centre, index=X.columns),
        spread=pd.Series(spread, index=X.columns),
    )


def leave_one_out(
    X: pd.DataFrame, full: Decomposition, *, unit_variance: bool = True, roots: Mapping[int, Array] | None = None
) -> Array:
    """Return the loadings without each model in turn, matched and signed to the full solution.

    Where scores were missing, the covariance of those of the model left out goes with it; the others stay as they
    were predicted from all models.

    Args:
        X: Score matrix (n_models, n_benchmarks), at least three models.
        full: Its decomposition into k components.
        unit_variance: As in `decompose`.
        roots: For scores that were missing, see `gaps.Filled`.

    Returns:
        (n_models, n_benchmarks, k); all NaN where a benchmark is constant without that model, a column NaN where the
        other models have no such component.
    """
    values, reference = X.to_numpy(dtype=float), full.loadings.to_numpy()
    each = np.arange(len(values))
    spare = min(2 * reference.shape[1], values.shape[1])
    result = np.full((len(values), *reference.shape), np.nan)
    # matrices this small are slower on several BLAS threads than on one
    with threadpool_limits(limits=1):
        for start in range(0, len(values), CHUNK):
            weights = without_each(each, start, CHUNK)
            unknown = _unknown(roots, weights) if roots else None
            found = spectra(values, weights, spare, unit_variance=unit_variance, unknown=unknown)
            usable = np.flatnonzero(~np.isnan(found.ratio).any(axis=1))
            result[start + usable] = align(reference, found.vectors[usable]).loadings
    return result


def _unknown(roots: Mapping[int, Array], weights: Array) -> Array:
    """Return the covariance of missing scores per model in each sample (n_samples, n_benchmarks, n_benchmarks)."""
    each = np.array([root @ root.T for root in roots.values()])
    unknown: Array = np.tensordot(weights[:, list(roots)], each, axes=1) / weights.sum(axis=1)[:, None, None]
    return unknown


def summarise_loo(loadings: Array, full: Decomposition) -> pd.DataFrame:
    """Return mean and standard deviation (ddof 1) of each loading over the left-out models.

    Args:
        loadings: From `leave_one_out` (n_models, n_benchmarks, k).
        full: The full solution; names benchmarks and components.

    Returns:
        One row per component and benchmark: benchmark, component, full, mean, std; the last two NaN where fewer than
        two models can be left out.
    """
    frames = []
    for j, name in enumerate(full.loadings.columns):
        usable = loadings[~np.isnan(loadings[:, :, j]).any(axis=1), :, j]
        enough = len(usable) > 1
        frames.append(
            pd.DataFrame(
                {
                    "benchmark": full.loadings.index,
                    "component": name,
                    "full": full.loadings[name].to_numpy(),
                    "mean": usable.mean(axis=0) if enough else np.nan,
                    "std": usable.std(axis=0, ddof=1) if enough else np.nan,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def headline(shape: tuple[int, int], ratio: pd.Series) -> dict[str, object]:
    """Return the numbers for decompose.json: models, benchmarks, shares of the first `MOST_SHARES` components.

    Args:
        shape: n_models, n_benchmarks.
        ratio: Fraction of the total variance per component (k,).
    """
    n_models, n_benchmarks = shape
    shares = ratio.iloc[:MOST_SHARES].to_dict()
    return {"n_models": n_models, "n_benchmarks": n_benchmarks, "explained_variance_ratio": shares}
