"""Score matrices with missing cells: leave models out, leave benchmarks out, or a model of the missing values.

The model is probabilistic PCA: each score is a linear function of k normal abilities plus noise of one variance.
Its EM algorithm uses exactly the cells that are there (Tipping and Bishop 1999, appendix B; Ilin and Raiko 2010).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.analysis.components.alignment import align
from stages.analysis.components.pca import (
    Decomposition,
    component_names,
    decompose,
    leave_one_out,
    orientation,
    summarise_loo,
    usable_components,
)
from stages.analysis.scores.incomplete import leave_out
from stages.contracts.missing import Policy

Array = NDArray[np.float64]

TOLERANCE = 1e-9
"""Largest change of an imputed score, in standard deviations, at which EM has converged."""

STEPS = 20_000


class NotImputableError(Exception):
    """The cells that are there do not determine the model; the message says why."""


@dataclass(frozen=True)
class Ppca:
    """Probabilistic PCA of standardised scores.

    Attributes:
        centre: Mean of each benchmark, raw scores (n_benchmarks,).
        spread: Standard deviation (ddof 0) of the scores that are there (n_benchmarks,).
        weights: W (n_benchmarks, k) in standardised units.
        noise: Variance of the noise in standardised units.
        completed: X with conditional means where cells were missing (n_models, n_benchmarks).
    """

    centre: pd.Series
    spread: pd.Series
    weights: Array
    noise: float
    completed: pd.DataFrame

    @property
    def covariance(self) -> Array:
        """Covariance of the standardised scores, W W' + noise I (n_benchmarks, n_benchmarks)."""
        matrix: Array = self.weights @ self.weights.T + self.noise * np.eye(len(self.weights))
        return matrix


@dataclass(frozen=True)
class Resolved:
    """A matrix without missing cells.

    Attributes:
        X: (n_models, n_benchmarks) without missing cells.
        imputed: Number of cells with modelled values.
        ppca: The model, where one was fitted.
    """

    X: pd.DataFrame
    imputed: int = 0
    ppca: Ppca | None = None


def resolve(X: pd.DataFrame, policy: Policy, k: int) -> Resolved:
    """Deal with missing cells.

    Args:
        X: Score matrix (n_models, n_benchmarks), NaN where missing.
        policy: `drop_models`, `drop_benchmarks` or `ppca`.
        k: Abilities of the model, for `ppca`.

    Raises:
        NotImputableError: See `fit_ppca`; or nothing is left after leaving out.
    """
    gaps = X.isna()
    if not gaps.to_numpy().any():
        return Resolved(X)
    if policy == "ppca":
        fitted = fit_ppca(X, k)
        return Resolved(fitted.completed, imputed=int(gaps.to_numpy().sum()), ppca=fitted)
    kept = leave_out(X, policy)
    if len(kept) < 3 or kept.shape[1] < 2:
        raise NotImputableError(f"{policy} leaves {kept.shape[0]} models and {kept.shape[1]} benchmarks")
    return Resolved(kept)


def fit_ppca(X: pd.DataFrame, k: int) -> Ppca:
    """Fit probabilistic PCA to the cells that are there, by EM until the imputed scores stand still.

    Args:
        X: Score matrix (n_models, n_benchmarks), NaN where missing.
        k: Abilities, fewer where the matrix has fewer components.

    Raises:
        NotImputableError: A model or benchmark has no score, a benchmark is constant, or EM does not converge.
    """
    values = X.to_numpy(dtype=float)
    there = np.isfinite(values)
    _check(X, there)
    k = min(usable_components(X.shape[0], X.shape[1], k), X.shape[1] - 1)
    count = there.sum(axis=0)
    centre = np.where(there, values, 0.0).sum(axis=0) / count
    deviations = np.where(there, values - centre, 0.0)
    spread = np.sqrt((deviations**2).sum(axis=0) / count)
    Z = deviations / spread
    mean, weights, noise = _start(Z, k)
    filled = Z
    for _ in range(STEPS):
        abilities, second = _expect(Z - mean, there, weights, noise)
        before, filled = filled, np.where(there, Z, abilities[:, :-1] @ weights.T + mean)
        if np.abs(filled - before).max() <= TOLERANCE:
            break
        mean, weights, noise = _maximise(Z, there, abilities, second)
    else:
        raise NotImputableError(f"probabilistic PCA did not converge in {STEPS} steps: too many cells are missing")
    completed = pd.DataFrame(np.where(there, values, filled * spread + centre), X.index, X.columns)
    return Ppca(
        centre=pd.Series(centre + mean * spread, X.columns),
        spread=pd.Series(spread, X.columns),
        weights=weights,
        noise=noise,
        completed=completed,
    )


def _check(X: pd.DataFrame, there: NDArray[np.bool_]) -> None:
    empty = [*X.index[~there.any(axis=1)], *X.columns[there.sum(axis=0) < 2]]
    if empty:
        raise NotImputableError(f"too few scores to model {', '.join(map(str, empty))}")
    constant = X.columns[X.max() == X.min()]
    if len(constant):
        raise NotImputableError(f"constant benchmarks: {', '.join(map(str, constant))}")


def _start(Z: Array, k: int) -> tuple[Array, Array, float]:
    """Return mean, W and noise of the complete-data solution, missing cells at their mean.

    Source: Tipping and Bishop (1999), equations 7 and 8.
    """
    n, p = Z.shape
    _, singular, right_t = np.linalg.svd(Z, full_matrices=False)
    values = np.zeros(p)
    values[: len(singular)] = singular**2 / n
    noise = max(float(values[k:].mean()), 1e-6)
    weights = right_t[:k].T * np.sqrt(np.maximum(values[:k] - noise, 1e-6))
    return np.zeros(p), weights, noise


def _expect(deviations: Array, there: NDArray[np.bool_], weights: Array, noise: float) -> tuple[Array, Array]:
    """Return E[(t, 1)] (n, k + 1) and E[(t, 1)(t, 1)'] (n, k + 1, k + 1) of each model's abilities t."""
    n, k = len(there), weights.shape[1]
    products = np.einsum("pk,pl->pkl", weights, weights).reshape(len(weights), -1)
    precision = (there @ products).reshape(n, k, k) + noise * np.eye(k)
    inverse = np.linalg.inv(precision)
    means = np.einsum("nkl,nl->nk", inverse, np.where(there, deviations, 0.0) @ weights)
    longer = np.concatenate([means, np.ones((n, 1))], axis=1)
    second = longer[:, :, None] * longer[:, None, :]
    second[:, :k, :k] += noise * inverse
    return longer, second


def _maximise(Z: Array, there: NDArray[np.bool_], abilities: Array, second: Array) -> tuple[Array, Array, float]:
    """Return mean, W and noise that fit the expected abilities best: a regression per benchmark."""
    p, size = Z.shape[1], abilities.shape[1]
    moments = (there.T.astype(float) @ second.reshape(len(second), -1)).reshape(p, size, size)
    crossed = np.where(there, Z, 0.0).T @ abilities
    solution: Array = np.linalg.solve(moments, crossed[:, :, None])[:, :, 0].astype(float)
    left = (np.where(there, Z, 0.0) ** 2).sum(axis=0) - (solution * crossed).sum(axis=1)
    noise = max(float(left.sum() / there.sum()), 1e-8)
    return solution[:, -1], solution[:, :-1], noise


def decompose_ppca(fitted: Ppca, anchors: Mapping[str, str]) -> Decomposition:
    """Return the components of the model's covariance, and each model's expected scores on them.

    Without missing cells they are the principal components.

    Args:
        fitted: The model.
        anchors: See `pca.orientation`.
    """
    values, vectors = np.linalg.eigh(fitted.covariance)
    k = fitted.weights.shape[1]
    names = component_names(k)
    U = pd.DataFrame(vectors[:, : -k - 1 : -1], fitted.centre.index, names)
    U = U * orientation(U, anchors)
    Z = (fitted.completed - fitted.centre) / fitted.spread
    return Decomposition(
        loadings=U,
        pc_scores=pd.DataFrame(Z.to_numpy() @ U.to_numpy(), fitted.completed.index, names),
        explained_variance_ratio=pd.Series(values[: -k - 1 : -1] / values.sum(), names),
        centre=fitted.centre,
        spread=fitted.spread,
    )


def leave_one_out_ppca(X: pd.DataFrame, full: Decomposition, k: int) -> Array:
    """Return the loadings without each model in turn, as `pca.leave_one_out` does for complete matrices.

    Args:
        X: Score matrix (n_models, n_benchmarks), NaN where missing.
        full: Components of all models.
        k: Abilities of the model.

    Returns:
        (n_models, n_benchmarks, k'); NaN where the model cannot be fitted without that one.
    """
    reference = full.loadings.to_numpy()
    result = np.full((len(X), *reference.shape), np.nan)
    for i in range(len(X)):
        try:
            without = decompose_ppca(fit_ppca(X.drop(index=X.index[i]), k), {})
        except NotImputableError:
            continue
        if without.loadings.shape[1] == reference.shape[1]:
            result[i] = align(reference, without.loadings.to_numpy()[None]).loadings[0]
    return result


def decompose_with_loo(
    X: pd.DataFrame, k: int, anchors: Mapping[str, str], *, unit_variance: bool
) -> tuple[Decomposition, pd.DataFrame]:
    """Decompose a matrix, and again without each model in turn.

    Args:
        X: Score matrix (n_models, n_benchmarks) that passed the gate. With missing cells the decomposition is a
            probabilistic PCA of the standardised benchmarks.
        k: Components, fewer when the matrix has no more.
        anchors: Component to the benchmark on which it is positive.
        unit_variance: Whether each benchmark of a complete matrix is scaled to unit variance (ddof 0).

    Returns:
        The decomposition, and the mean and standard deviation of every loading over the left-out models.

    Raises:
        NotImputableError: The cells that are there do not determine the model.
    """
    if X.isna().to_numpy().any():
        full = decompose_ppca(fit_ppca(X, k), anchors)
        return full, summarise_loo(leave_one_out_ppca(X, full, k), full)
    full = decompose(X, k, anchors, unit_variance=unit_variance)
    return full, summarise_loo(leave_one_out(X, full, unit_variance=unit_variance), full)


def fill_roots(fitted: Ppca, X: pd.DataFrame) -> dict[int, Array]:
    """Return by how much imputed scores could differ: matrix roots of their covariance given the scores there.

    Args:
        fitted: The model.
        X: The matrix it was fitted to, NaN where missing.

    Returns:
        Position of a model to its root (n_benchmarks, n_missing), rows of zeros where it has scores; raw units.
    """
    covariance, spread = fitted.covariance, fitted.spread.to_numpy()
    roots = {}
    for i, row in enumerate(X.isna().to_numpy()):
        if row.any():
            across = covariance[np.ix_(row, ~row)]
            explained = across @ np.linalg.solve(covariance[np.ix_(~row, ~row)], across.T)
            given = covariance[np.ix_(row, row)] - explained
            root = np.zeros((len(covariance), int(row.sum())))
            root[row] = spread[row, None] * np.linalg.cholesky(given)
            roots[i] = root
    return roots
