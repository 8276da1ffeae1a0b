"""New models in a fitted completion: expected scores from those they have, and which benchmark to measure next.

Each kept draw of the fitted model has its own answer; the abilities of a new model, its noise and the weights of its
scores are found by variational Bayes (Tipping and Lawrence, Neurocomputing 69 (2005), 123-141: factors with Student's
t noise), then draws are averaged. Nothing is fitted again, and nothing is random.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.analysis.completion.intervals import correlated, deviation, half_width
from stages.analysis.completion.link import Bools, Floats
from stages.analysis.completion.model import Completion
from stages.analysis.completion.sampler import FREEDOM, MODEL_SHAPE

STEPS = 200
TOLERANCE = 1e-12
"""Largest change of an ability at which they have converged."""


@dataclass(frozen=True)
class Placement:
    """Expected scores of new models, from those they have.

    Attributes:
        mean: Expected scores (n_models, n_benchmarks).
        lower: Lower ends of the intervals, at the level of the completion.
        upper: Upper ends.
    """

    mean: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame


def place(fitted: Completion, rows: pd.DataFrame, side: pd.DataFrame | None = None) -> Placement:
    """Predict all scores of new models.

    Args:
        fitted: The completion.
        rows: Scores of new models (n_models, n_benchmarks), NaN where missing; benchmarks of the completion.
        side: Side information of the new models, coded like that of the completion; average where none is given.

    Raises:
        ValueError: A model has no score, or the benchmarks are others.
    """
    if list(rows.columns) != list(fitted.scores.columns):
        raise ValueError("the benchmarks are not those of the completion, in their order")
    Z = fitted.link.forward(rows.to_numpy(dtype=float))
    empty = rows.index[np.flatnonzero(~np.isfinite(Z).any(axis=1))]
    if len(empty):
        raise ValueError("; ".join(f"no score of {name}: nothing to predict it from" for name in empty))
    known = _known(fitted, rows.index, side)
    found = [_predict(fitted, z, s) for z, s in zip(Z, known, strict=True)]
    mean, variance, noise = (np.array([one[part] for one in found]) for part in range(3))
    half = fitted.stretch * half_width(variance, noise, fitted.level)
    low, middle, high = (
        pd.DataFrame(fitted.link.inverse(z), rows.index, rows.columns) for z in (mean - half, mean, mean + half)
    )
    return Placement(mean=middle, lower=low, upper=high)


class Expected(NamedTuple):
    """What is expected of one new model, in the unit of the scores.

    Attributes:
        scores: Given scores, and expected ones where they are missing (n_benchmarks,).
        root: L (n_benchmarks, n_missing) of the covariance L L' of the missing ones, see `Completion.roots`.
        gain: Change of all scores with each given one (n_benchmarks, n_given).
    """

    scores: Floats
    root: Floats
    gain: Floats


def expect(fitted: Completion, scores: Floats) -> Expected:
    """Return the missing scores of a new model with their covariance, and what the given ones do to them.

    Args:
        fitted: The completion.
        scores: Scores of one model (n_benchmarks,), NaN where missing, at least one given.
    """
    z = fitted.link.forward(scores)
    given = np.isfinite(z)
    means, covariance, noise, gain = _joint(fitted, z, np.zeros(len(fitted.side_means)))
    mean = means.mean(axis=0)
    covariance = covariance + np.cov(means.T, bias=True)
    half = fitted.stretch * half_width(np.diag(covariance), noise, fitted.level)
    deviations = deviation(fitted.link.inverse(mean - half), fitted.link.inverse(mean + half), fitted.level)
    open_ = ~given
    root = np.zeros((len(z), open_.sum()))
    root[open_] = correlated(covariance[np.ix_(open_, open_)], noise[open_], deviations[open_])
    slope = fitted.link.slope(np.where(given, z, mean))
    moved = slope[:, None] * gain / slope[given]
    moved[given] = np.eye(given.sum())
    return Expected(np.where(given, scores, fitted.link.inverse(mean)), root, moved)


def next_benchmarks(
    fitted: Completion,
    scores: pd.Series,
    count: int,
    *,
    candidates: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    side: pd.DataFrame | None = None,
) -> pd.Series:
    """Choose which benchmarks to measure next, each the one that leaves least variance after those before it.

    Greedy choice of sensors in a Gaussian model (Krause, Singh and Guestrin, JMLR 9 (2008), section 4; here with the
    sum of variances that is left, "A-optimality"). Every target counts alike, in standardised units.

    Args:
        fitted: The completion.
        scores: Scores of the model by benchmark, NaN where missing; all missing for a model of which nothing is known.
        count: Benchmarks to choose; fewer where fewer are missing.
        candidates: Benchmarks that could be measured; all that are missing where not given.
        targets: Benchmarks that matter; all where not given.
        side: One row of side information of the model.

    Returns:
        Chosen benchmarks in order, to the share of the targets' variance that is left once it is measured.
    """
    names = [str(name) for name in fitted.scores.columns]
    z = fitted.link.forward(scores[fitted.scores.columns].to_numpy(dtype=float))
    known = _known(fitted, pd.Index([scores.name]), side)[0]
    means, covariance, noise, _ = _joint(fitted, z, known)
    covariance = covariance + np.cov(means.T, bias=True)
    wanted = np.isin(names, names if targets is None else list(targets))
    possible = np.isin(names, names if candidates is None else list(candidates)) & ~np.isfinite(z)
    start = float(np.diag(covariance)[wanted].sum())
    chosen: dict[str, float] = {}
    for _ in range(min(count, int(possible.sum()))):
        told = np.diag(covariance) + noise
        gain = np.where(possible, (covariance[wanted] ** 2).sum(axis=0) / told, -1.0)
        best = int(gain.argmax())
        covariance = covariance - np.outer(covariance[best], covariance[best]) / told[best]
        possible[best] = False
        chosen[names[best]] = float(np.diag(covariance)[wanted].sum()) / start
    return pd.Series(chosen, dtype=float)


def _known(fitted: Completion, index: pd.Index, side: pd.DataFrame | None) -> Floats:
    """Return centred side information (n_models, n_side)."""
    size = len(fitted.side_means)
    if side is None:
        return np.zeros((len(index), size))
    if side.shape != (len(index), size):
        raise ValueError(f"side information is {side.shape[0]} x {side.shape[1]}, expected {len(index)} x {size}")
    centred: Floats = side.to_numpy(dtype=float) - fitted.side_means
    return centred


def _predict(fitted: Completion, z: Floats, known: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean and variance of the noiseless z, and squared scale of its noise, each (n_benchmarks,)."""
    means, covariance, noise, _ = _joint(fitted, z, known)
    return means.mean(axis=0), np.diag(covariance) + means.var(axis=0), noise


def _joint(fitted: Completion, z: Floats, known: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean z of each draw (n_draws, n_benchmarks), average covariance within draws, noise and gain.

    The gain (n_benchmarks, n_given) is the change of the mean with each given z, at the weights that these have.
    """
    given = np.isfinite(z)
    bias, loadings = fitted.draws[:, :, 0], fitted.draws[:, :, 1:]
    ability, inverse, certainty, omega = _abilities(fitted, z, given, known)
    means: Floats = bias + np.asarray(np.einsum("dpk,dk->dp", loadings, ability), dtype=float)
    root = loadings @ np.linalg.cholesky(inverse)
    covariance: Floats = np.asarray(np.einsum("dpk,dqk->pq", root, root, optimize=True), dtype=float) / len(root)
    noise: Floats = (1 / (fitted.precision * omega[:, None])).mean(axis=0)
    response = inverse @ np.swapaxes(loadings[:, given] * certainty[:, :, None], 1, 2)
    gain: Floats = np.asarray(np.einsum("dpk,dkg->pg", loadings, response, optimize=True), dtype=float) / len(root)
    return means, covariance, noise, gain


def _abilities(fitted: Completion, z: Floats, given: Bools, known: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean (n_draws, k) and covariance of the abilities, and precisions of scores and model by draw."""
    loadings = fitted.draws[:, given, 1:]
    residual = z[given] - fitted.draws[:, given, 0]
    tau = fitted.precision[:, given]
    prior = known @ fitted.effects
    weights, omega, ability = np.ones(tau.shape), np.ones(len(tau)), prior
    for _ in range(STEPS):
        certainty = weights * tau * omega[:, None]
        weighted = loadings * certainty[:, :, None]
        inverse: Floats = np.asarray(
            np.linalg.inv(np.swapaxes(weighted, 1, 2) @ loadings + np.eye(loadings.shape[2])), dtype=float
        )
        before, ability = (
            ability,
            np.einsum("dkl,dl->dk", inverse, np.einsum("dmk,dm->dk", weighted, residual) + prior),
        )
        left = (residual - np.einsum("dmk,dk->dm", loadings, ability)) ** 2
        left = tau * (left + ((loadings @ inverse) * loadings).sum(axis=2))
        if np.abs(ability - before).max() <= TOLERANCE:
            break
        weights = (FREEDOM + 1) / (FREEDOM + left * omega[:, None])
        omega = (MODEL_SHAPE + given.sum() / 2) / (MODEL_SHAPE + (weights * left).sum(axis=1) / 2)
    return ability, inverse, certainty, omega
