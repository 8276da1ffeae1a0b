"""Abilities and scores predicted from training budgets, and how wrong that is for a family never seen.

The prediction is a least-squares plane in log10 ND of every language. Its error is measured with each family left out
of everything in turn: components, plane and baselines come from the other families alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stages.analysis.components.alignment import align
from stages.analysis.components.spectra import pc_scores, spectra
from stages.analysis.scores.families import Codes

Array = NDArray[np.float64]

CHUNK = 128
"""Families left out at once: bounds the memory of a large study."""

METHODS = ("budgets", "mean", "total")
"""The plane in the budgets of all languages, and two trivial baselines: the mean, a line in log10 of the total ND."""


@dataclass(frozen=True)
class Errors:
    """Prediction errors for models of families left out.

    Attributes:
        models: Names of the models, those with all budgets known.
        codes: Their families.
        budgets: Errors of the plane, prediction minus value (n, n_responses).
        mean: Errors of the mean, same shape.
        total: Errors of the line in the total budget, same shape.
    """

    models: pd.Index
    codes: Codes
    budgets: pd.DataFrame
    mean: pd.DataFrame
    total: pd.DataFrame

    def table(self) -> pd.DataFrame:
        """Return response, n, families, rmse, rmse_mean, rmse_total, family_rmse.

        family_rmse weighs each family the same instead of each model.
        """
        rows = {
            "n": len(self.models),
            "families": len(np.unique(self.codes)),
            "rmse": rmse(self.budgets),
            "rmse_mean": rmse(self.mean),
            "rmse_total": rmse(self.total),
            "family_rmse": np.sqrt((self.budgets**2).groupby(self.codes).mean().mean()),
        }
        return pd.DataFrame(rows, index=self.budgets.columns).rename_axis("response").reset_index()


def rmse(errors: pd.DataFrame) -> pd.Series:
    """Return the root of the mean squared error of each column."""
    return pd.Series(np.sqrt((errors**2).mean()))


def with_line(stand_ins: pd.DataFrame) -> tuple[Array, list[str]]:
    """Return predictors that stand in for budgets laid out as budgets: the first again in place of the total.

    Args:
        stand_ins: (n_models, q), see `laws.stand_ins`.

    Returns:
        (n_models, q + 1) and the names of the columns.
    """
    names = [str(name) for name in stand_ins]
    return stand_ins[[*names, names[0]]].to_numpy(dtype=float), [*names, names[0]]


def designs(logs: Array) -> dict[str, Array]:
    """Return the design matrix of each method.

    Args:
        logs: log10 budgets (n, n_budgets), the last the total.
    """
    ones = np.ones((len(logs), 1))
    return {
        "budgets": np.hstack([ones, logs[:, :-1]]),
        "mean": ones,
        "total": np.hstack([ones, logs[:, -1:]]),
    }


def complete(logs: Array) -> NDArray[np.bool_]:
    """Return for which models all budgets are known (n,)."""
    return np.asarray(np.isfinite(logs).all(axis=1))


def left_out_errors(
    X: pd.DataFrame, reference: Array, logs: Array, codes: Codes, *, unit_variance: bool = True
) -> Errors:
    """Predict PC scores and benchmark scores of each family from the other families.

    Args:
        X: Score matrix (n_models, n_benchmarks) without missing cells.
        reference: Loadings of the full solution (n_benchmarks, k); those without a family are aligned to it.
        logs: log10 budgets (n_models, n_budgets), NaN where unknown; the last is the total.
        codes: Family of each model (n_models,).
        unit_variance: As in `pca.decompose`.

    Raises:
        ValueError: The families left cannot hold the plane; see `can_predict`.
    """
    usable = complete(logs)
    values = X.to_numpy(dtype=float)
    rows = np.flatnonzero(usable)
    names = [*[f"PC{j + 1}" for j in range(reference.shape[1])], *map(str, X.columns)]
    errors = {method: np.full((len(rows), len(names)), np.nan) for method in METHODS}
    # threads of BLAS wait for one another: on matrices as small as these they take twenty times as long
    with threadpool_limits(limits=1):
        for g, S in scores_without(values, codes, np.unique(codes[usable]), reference, unit_variance=unit_variance):
            held = rows[codes[rows] == g]
            responses = np.hstack([S, values])
            # the models outside a family may have fewer components than all models
            there = np.flatnonzero(np.isfinite(responses).all(axis=0))
            train = rows[codes[rows] != g]
            at = np.searchsorted(rows, held)
            inside, new = designs(logs[train]), designs(logs[held])
            for method in METHODS:
                solution, _, rank, _ = np.linalg.lstsq(inside[method], responses[train][:, there], rcond=None)
                if rank < inside[method].shape[1]:
                    raise ValueError("the budgets of the families left are not different enough")
                errors[method][np.ix_(at, there)] = new[method] @ solution - responses[held][:, there]
    frames = {method: pd.DataFrame(found, X.index[rows], names) for method, found in errors.items()}
    return Errors(X.index[rows], codes[rows], **frames)


def scores_without(
    X: Array, codes: Codes, families: Codes, reference: Array, *, unit_variance: bool
) -> Iterator[tuple[int, Array]]:
    """Yield each family with the scores of all models (n, k) on the components of those outside it."""
    k = reference.shape[1]
    for start in range(0, len(families), CHUNK):
        part = families[start : start + CHUNK]
        weights = (codes[None, :] != part[:, None]).astype(float)
        found = spectra(X, weights, min(2 * k, X.shape[1]), unit_variance=unit_variance)
        scores = pc_scores(X, found, align(reference, found.vectors).loadings)
        yield from zip(part.tolist(), scores, strict=True)


def can_predict(logs: Array, codes: Codes, budgets: Sequence[str], min_models: int) -> str:
    """Return why no prediction from budgets is possible, or nothing.

    Args:
        logs: log10 budgets (n_models, n_budgets), NaN where unknown.
        codes: Family of each model.
        budgets: Names of the budgets.
        min_models: Fewest models with all budgets known.
    """
    usable = complete(logs)
    languages = ", ".join(budgets[:-1])
    unknown = [name for name, column in zip(budgets, logs.T, strict=True) if not np.isfinite(column).any()]
    if unknown:
        few = f"known for fewer than {min_models} models or the same for all"
        return f"prediction from budgets: the budget in {', '.join(unknown)} is {few}"
    needed = max(min_models, len(budgets) + 2)
    if usable.sum() < needed:
        return f"prediction from budgets: {usable.sum()} models have all of {languages} and total, {needed} needed"
    families = np.unique(codes[usable])
    if len(families) < 3:
        return f"prediction from budgets: the models with all of {languages} and total are {len(families)} families"
    for g in families:
        design = designs(logs[usable & (codes != g)])["budgets"]
        if np.linalg.matrix_rank(design - [0, *design[:, 1:].mean(axis=0)]) < design.shape[1]:
            return f"prediction from budgets: without one family the budgets in {languages} are not different enough"
    return ""
