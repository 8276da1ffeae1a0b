"""How often the intervals of `planning` hold the value of a model of a family never seen."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special
from threadpoolctl import threadpool_limits

from stages.analysis.scaling.forecasting import complete, designs, left_out_errors, scores_without
from stages.analysis.scores.families import Codes

Array = NDArray[np.float64]

MOST_FOLDS = 20
"""Parts in which families are left out, where there are more families than this."""


def coverage(
    X: pd.DataFrame, reference: Array, logs: Array, codes: Codes, level: float, *, unit_variance: bool = True
) -> pd.Series:
    """Return the share of models whose value lies in the interval predicted from the other families alone.

    Each family in turn is left out of everything that makes an interval: the components, the plane, and the errors
    with families left out that set the interval's length (nested cross-validation, Varma and Simon 2006).

    Args:
        X: Score matrix (n_models, n_benchmarks) without missing cells.
        reference: Loadings of the full solution (n_benchmarks, k).
        logs: Predictors (n_models, q + 1), NaN where unknown; see `forecasting.left_out_errors`.
        codes: Family of each model (n_models,).
        level: Wished coverage.
        unit_variance: As in `pca.decompose`.

    Returns:
        By response; NaN where it could not be predicted without a family.
    """
    usable, values = complete(logs), X.to_numpy(dtype=float)
    parts = codes % MOST_FOLDS if len(np.unique(codes[usable])) > MOST_FOLDS else codes
    names = [*[f"PC{j + 1}" for j in range(reference.shape[1])], *map(str, X.columns)]
    inside = []
    for g in np.unique(parts[usable]):
        outside = parts != g
        with threadpool_limits(limits=1):
            ((_, S),) = scores_without(values, parts, np.array([g]), reference, unit_variance=unit_variance)
        responses = np.hstack([S, values])
        try:
            errors = left_out_errors(X[outside], reference, logs[outside], parts[outside], unit_variance=unit_variance)
        except ValueError:
            # the families left cannot hold the plane without a further one
            continue
        error = np.sqrt((errors.budgets**2).groupby(errors.codes).mean().mean()).to_numpy()
        train, held = outside & usable, ~outside & usable
        estimate, half = _intervals(logs[train], responses[train], logs[held], len(np.unique(errors.codes)), level)
        missed = np.abs(estimate - responses[held]) > half[:, None] * error
        unknown = ~np.isfinite(error) | ~np.isfinite(responses).all(axis=0)
        inside.append(np.where(unknown, np.nan, 1.0 - missed))
    share = np.concatenate(inside).mean(axis=0) if inside else np.full(len(names), np.nan)
    return pd.Series(share, names)


def _intervals(logs: Array, responses: Array, new: Array, families: int, level: float) -> tuple[Array, Array]:
    """Return predictions for new models (n_new, n_responses) and half their intervals in units of the error (n_new,).

    See `planning.predict`.
    """
    design, x = designs(logs)["budgets"], designs(new)["budgets"]
    estimate: Array = x @ np.linalg.lstsq(design, np.nan_to_num(responses), rcond=None)[0]
    bread = np.linalg.inv(design.T @ design)
    own, theirs = (np.einsum("ij,jk,ik->i", rows, bread, rows) for rows in (design, x))
    half: Array = special.stdtrit(families - 1, (1 + level) / 2) * np.sqrt((1 + theirs) / (1 + own.mean()))
    return estimate, half
