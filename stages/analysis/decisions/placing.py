"""Coordinates of new models in the frozen space of a study, from all or some of its benchmarks.

Missing scores are expected given those that are there, under probabilistic PCA of the study's models. The interval
holds what the missing scores leave open, and the sampling error of the given ones. The first is calibrated:
families of the study are left out in turn, placed from the same benchmarks by a model of the others, and the errors
compared with what that model promised.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from stages.analysis.components.ppca import fit_ppca
from stages.analysis.scores.families import Codes

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOST_LEFT_OUT = 40
"""Parts that the study is left out in."""

HALF = 0.5
"""Share of a component's variance below which the given benchmarks are said to leave it open."""


@dataclass(frozen=True)
class Gauss:
    """A normal model of standardised scores: mean (p,) and covariance (p, p)."""

    mean: Array
    covariance: Array


@dataclass(frozen=True)
class Space:
    """The frozen space.

    Attributes:
        X: The study's score matrix without missing cells (n_models, n_benchmarks).
        loadings: U (n_benchmarks, k).
        centre: Mean of each benchmark (n_benchmarks,).
        spread: Its divisor.
        stderr: Typical standard error of each benchmark (n_benchmarks,), 0 where unknown.
        model: Normal model of the study's standardised scores.
        left_out: The same without each family.
        codes: Family of each model.
    """

    X: pd.DataFrame
    loadings: pd.DataFrame
    centre: Array
    spread: Array
    stderr: Array
    model: Gauss
    left_out: list[Gauss]
    codes: Codes

    @property
    def Z(self) -> Array:
        """Standardised scores of the study (n_models, n_benchmarks)."""
        Z: Array = (self.X.to_numpy() - self.centre) / self.spread
        return Z


class Placed(NamedTuple):
    """One new model.

    Attributes:
        model_id: Its name.
        given: Number of benchmarks with a score.
        estimate: Coordinates (k,).
        low: Lower ends (k,).
        high: Upper ends (k,).
        determined: Share of each component's variance that the given benchmarks determine (k,).
        following: Benchmark that narrows the intervals most when measured next, empty when none is missing.
        narrowed: Length of each interval then, as a share of its length now (k,).
    """

    model_id: str
    given: int
    estimate: Array
    low: Array
    high: Array
    determined: Array
    following: str
    narrowed: Array


def build_space(
    X: pd.DataFrame, loadings: pd.DataFrame, moments: tuple[Array, Array], stderr: Array, codes: Codes
) -> Space:
    """Freeze the space of a study.

    Args:
        X: Score matrix (n_models, n_benchmarks) without missing cells.
        loadings: U (n_benchmarks, k).
        moments: Centre and spread of each benchmark, two arrays (n_benchmarks,).
        stderr: Typical standard error of each benchmark, 0 where unknown.
        codes: Family of each model; with one family models are left out one at a time instead, and more than
            `MOST_LEFT_OUT` families are left out several at a time.
    """
    k = loadings.shape[1]
    if codes.max() == 0:
        codes = np.arange(len(codes))
    codes = codes % MOST_LEFT_OUT
    centre, spread = moments
    Z = pd.DataFrame((X.to_numpy() - centre) / spread, X.index, X.columns)
    left_out = [_gauss(Z[codes != g], k) for g in range(int(codes.max()) + 1)]
    return Space(X, loadings, centre, spread, stderr, _gauss(Z, k), left_out, codes)


def _gauss(Z: pd.DataFrame, k: int) -> Gauss:
    """Return the normal model of probabilistic PCA with k abilities."""
    varying = Z.columns[Z.max() > Z.min()]
    fitted = fit_ppca(Z[varying], k)
    mean, covariance = Z.mean().to_numpy(), np.zeros((Z.shape[1], Z.shape[1]))
    at = Z.columns.get_indexer(varying)
    scale = fitted.spread.to_numpy()
    covariance[np.ix_(at, at)] = fitted.covariance * np.outer(scale, scale)
    return Gauss(mean, covariance)


def _project(model: Gauss, U: Array, given: Mask) -> tuple[Array, Array]:
    """Return the map from the given scores to coordinates (k, n_given), and the covariance left open (k, k)."""
    across = model.covariance[np.ix_(~given, given)]
    own = model.covariance[np.ix_(given, given)]
    weights = np.linalg.solve(own, across.T).T
    left = model.covariance[np.ix_(~given, ~given)] - weights @ across.T
    return U[given].T + U[~given].T @ weights, U[~given].T @ left @ U[~given]


def _place(model: Gauss, U: Array, given: Mask, Z: Array) -> tuple[Array, Array]:
    """Return coordinates (n, k) from given standardised scores (n, n_given), and the covariance left open."""
    mapping, left = _project(model, U, given)
    # the map applies to differences from the model's mean; the mean itself has known coordinates
    return (Z - model.mean[given]) @ mapping.T + model.mean @ U, left


def calibration(space: Space, given: Mask) -> Array:
    """Return by what factor the errors of placing a family left out exceed what the model promised (k,).

    Root of the mean over models of (error / promised standard deviation) squared; 1 where nothing is left open.
    """
    U, Z = space.loadings.to_numpy(), space.Z
    if given.all():
        return np.ones(U.shape[1])
    squares = np.zeros(U.shape[1])
    for g, model in enumerate(space.left_out):
        own = space.codes == g
        found, left = _place(model, U, given, Z[own][:, given])
        squares += ((found - Z[own] @ U) ** 2 / np.diag(left)).sum(axis=0)
    factor: Array = np.sqrt(squares / len(Z))
    return factor


def place(space: Space, scores: pd.Series, stderr: pd.Series, level: float) -> Placed:
    """Place one model.

    Args:
        space: The frozen space.
        scores: By benchmark of the space, scaled, NaN where missing; its name is the model. At least one.
        stderr: Standard error of each score, 0 where unknown.
        level: Coverage of the intervals.
    """
    U = space.loadings.to_numpy()
    x = scores[space.loadings.index].to_numpy(dtype=float)
    given = np.isfinite(x)
    z = ((x - space.centre) / space.spread)[given]
    estimate, left = _place(space.model, U, given, z[None])
    sampling = (stderr[space.loadings.index].to_numpy(dtype=float) / space.spread)[given]
    half = _half(space, given, sampling, level)
    following, narrowed = _following(space, given, sampling, level, half)
    everything = np.einsum("pk,pq,qk->k", U, space.model.covariance, U)
    return Placed(
        model_id=str(scores.name),
        given=int(given.sum()),
        estimate=estimate[0],
        low=estimate[0] - half,
        high=estimate[0] + half,
        determined=1 - np.diag(left) / everything,
        following=following,
        narrowed=narrowed,
    )


def _half(space: Space, given: Mask, sampling: Array, level: float) -> Array:
    """Return half the length of the intervals (k,)."""
    mapping, left = _project(space.model, space.loadings.to_numpy(), given)
    open_variance = calibration(space, given) ** 2 * np.diag(left)
    multiple = stats.t.ppf((1 + level) / 2, len(space.left_out) - 1)
    error = stats.norm.ppf((1 + level) / 2) ** 2 * (mapping**2 @ sampling**2)
    half: Array = np.sqrt(multiple**2 * open_variance + error)
    return half


def _following(space: Space, given: Mask, sampling: Array, level: float, half: Array) -> tuple[str, Array]:
    """Return the missing benchmark that shortens the intervals most on average, and what is left of each."""
    best, left = "", np.ones(len(half))
    for j in np.flatnonzero(~given):
        more = given.copy()
        more[j] = True
        errors = np.zeros(len(given))
        errors[given] = sampling
        errors[j] = space.stderr[j] / space.spread[j]
        shares = _half(space, more, errors[more], level) / np.where(half > 0, half, 1.0)
        if shares.mean() < left.mean():
            best, left = str(space.loadings.index[j]), shares
    return best, left
