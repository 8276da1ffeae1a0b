"""Principal component analysis of a score matrix."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stages.analysis.components.alignment import align

Array = NDArray[np.float64]

NO_VARIANCE = 1e-9
"""Share of the variance at which an axis is rounding error of the arithmetic."""

CHUNK = 256
"""Leave-one-out correlation matrices decomposed at once: bounds the memory of a large study."""


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
        anchors: Component name to benchmark; benchmarks that are absent are passed over.
    """
    signs = np.ones(loadings.shape[1])
    for i, name in enumerate(loadings.columns):
        column = loadings[name]
        anchor = anchors.get(str(name))
        if anchor in column.index:
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


def with_variance(values: Array, vectors: Array) -> Array:
    """Return eigenvectors with zeros in place of those that carry no variance.

    Every basis of a null space is as good as any other: which one an eigensolver returns is an accident of the
    processor's arithmetic, and no fact about the data.

    Args:
        values: All eigenvalues of each matrix (b, p).
        vectors: Their eigenvectors (b, p, p), in the same order.
    """
    share = values / values.sum(axis=1, keepdims=True)
    kept: Array = np.where(share[:, None, :] > NO_VARIANCE, vectors, 0.0)
    return kept


def leave_one_out(
    X: pd.DataFrame, full: Decomposition, *, unit_variance: bool = True, roots: Mapping[int, Array] | None = None
) -> Array:
    """Return the loadings without each model in turn, matched and signed to the full solution.

    The cross-products without model i are those of all models minus n / (n - 1) times the outer product of its
    deviations (Welford 1962), so no pass over the data is needed per model. Where scores were missing, the covariance
    of those of model i goes with it; the others stay as they were predicted from all models.

    Args:
        X: Score matrix (n_models, n_benchmarks), at least three models.
        full: Its decomposition into k components.
        unit_variance: As in `decompose`.
        roots: For scores that were missing, see `gaps.Filled`.

    Returns:
        (n_models, n_benchmarks, k); all NaN where a benchmark is constant without that model, a column NaN where the
        other models have no such component.
    """
    values = X.to_numpy(dtype=float)
    n = len(values)
    reference = full.loadings.to_numpy()
    deviations = values - values.mean(axis=0)
    gram = deviations.T @ deviations
    unknown = roots or {}
    if unknown:
        gram = gram + sum(root @ root.T for root in unknown.values())
    result = np.empty((n, *reference.shape))
    # matrices this small are slower on several BLAS threads than on one
    with threadpool_limits(limits=1):
        for start in range(0, n, CHUNK):
            rows = slice(start, start + CHUNK)
            part = deviations[rows]
            own = n / (n - 1) * part[:, :, None] * part[:, None, :]
            for i in range(len(part)):
                if start + i in unknown:
                    own[i] += unknown[start + i] @ unknown[start + i].T
            result[rows] = _without_each(own, gram, reference, unit_variance=unit_variance)
    return result


def _without_each(own: Array, gram: Array, reference: Array, *, unit_variance: bool) -> Array:
    """Return `leave_one_out` for the models whose part in the cross-products is given (m, p, p)."""
    result = np.full((len(own), *reference.shape), np.nan)
    grams = gram - own
    diagonal = np.einsum("ijj->ij", grams)
    usable = (diagonal > 1e-12 * np.diag(gram)).all(axis=1)
    if unit_variance:
        scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        grams = grams / (scale[:, :, None] * scale[:, None, :])
    vectors = with_variance(*np.linalg.eigh(grams[usable]))[:, :, ::-1]
    spare = min(2 * reference.shape[1], vectors.shape[2])
    result[usable] = align(reference, vectors[:, :, :spare]).loadings
    return result


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
