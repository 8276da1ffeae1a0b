"""Log-linear laws: ability against training budget."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.analysis.components.spectra import TINY, weighted_moments
from stages.analysis.scaling.stand_ins import STAND_INS, stand_in, stand_in_line, stand_ins
from stages.contracts.names import listed
from stages.contracts.params import ScaleParams

Array = NDArray[np.float64]

FEWEST = 4
"""Different models below which nothing is said about a law: three lie too often on a line."""

TOTAL = "total"
"""Name of the budget over all languages."""
MOST_LAWS = 3
"""Laws among the headline numbers; all others are in the table of laws."""


class Law(NamedTuple):
    """Least-squares line of a response on log10 of a budget.

    Attributes:
        response: Component or factor, `PC1`.
        language: Language code of the budget, `total`, or one of `STAND_INS`.
        n: Models with a positive known budget.
        rho: Pearson correlation of log10 budget and response.
        slope: Change of the response per factor of ten in budget.
        intercept: Response at a budget of one.
    """

    response: str
    language: str
    n: int
    rho: float
    slope: float
    intercept: float


class Line(NamedTuple):
    """Least-squares line.

    Attributes:
        rho: Pearson correlation.
        slope: Change of the response per unit of x.
        intercept: Response at x = 0.
    """

    rho: float
    slope: float
    intercept: float


def budget_column(language: str) -> str:
    """Return the column that holds the budget ND of a language."""
    return f"nd_{language}"


def log_budget(models: pd.DataFrame, language: str) -> pd.Series:
    """Return log10 of ND for the models where it is known and positive; of `STAND_INS`, see there.

    Args:
        models: Indexed by model_id, with `nd_<language>` in parameters x tokens.
        language: Language code, `total` or one of `STAND_INS`.
    """
    if language in STAND_INS:
        return stand_in(models, language)
    budget = models[budget_column(language)]
    return pd.Series(np.log10(budget[budget > 0]))


def log_budgets(models: pd.DataFrame, languages: Sequence[str], min_models: int) -> pd.DataFrame:
    """Return log10 ND of every language and of the total, where a law can be fitted to it.

    Args:
        models: Indexed by model_id, with `nd_<language>` and `nd_total`.
        languages: Language codes.
        min_models: Fewest models with a known budget.

    Returns:
        (n_models, n_languages + 1), columns nd_<l> and nd_total; NaN where unknown, and throughout where a budget is
        known for too few models or the same for all.
    """
    columns = [budget_column(name) for name in (*languages, TOTAL)]
    logs = pd.DataFrame(np.log10(models[columns].where(models[columns] > 0)))
    few = (logs.notna().sum() < min_models) | (logs.nunique() < 2)
    return logs.mask(few | pd.DataFrame(False, logs.index, logs.columns))


def with_all_budgets(models: pd.DataFrame, languages: Sequence[str]) -> pd.DataFrame:
    """Return the models whose budget is known in every language."""
    return models[models[[budget_column(language) for language in languages]].notna().all(axis=1)]


def joint(values: Array, weights: Array) -> tuple[Array, Array]:
    """Return standard deviations (b, q) and covariances (b, q, q) of variables over models, in many samples.

    Args:
        values: (b, n, q).
        weights: Number of times that each model counts in each sample (b, n).

    Returns:
        NaN where fewer than `FEWEST` different models count, deviations also where too little varies.
    """
    enough = (weights > 0).sum(axis=1, keepdims=True) >= FEWEST
    share = weights / np.where(enough, weights.sum(axis=1, keepdims=True), np.nan)
    _, covariance = weighted_moments(values, share)
    variance = np.einsum("bii->bi", covariance)
    ends = np.nanmax(np.abs(values), axis=(0, 1), initial=TINY) ** 2
    return np.sqrt(np.where(variance > TINY * ends, variance, np.nan)), covariance


def lines(S: Array, x: Array, weights: Array) -> tuple[Array, Array]:
    """Return correlation and slope of every response against log10 of a budget (b, k), in many samples; see `joint`.

    Args:
        S: Responses (b, n, k).
        x: log10 budgets (b, n).
        weights: Number of times that each model counts in each sample (b, n).
    """
    k = S.shape[2]
    spread, covariance = joint(np.concatenate([S, x[:, :, None]], axis=2), weights)
    across = covariance[:, :k, k]
    return across / (spread[:, :k] * spread[:, k:]), across / spread[:, k:] ** 2


def correlate(response: pd.Series, logs: pd.Series) -> float:
    """Return the correlation over the models that have both, NaN where they are too few or too little varies.

    Args:
        response: By model_id; NaN where unknown.
        logs: log10 budgets by model_id, likewise.
    """
    return fit_line(response, logs).rho


def fit_line(response: pd.Series, x: pd.Series) -> Line:
    """Return the line through the models that have both, NaN where they are too few or too little varies.

    Args:
        response: By model_id; NaN where unknown.
        x: Likewise, log10 budgets or scores.
    """
    both = pd.DataFrame({"y": response, "x": x}).dropna().astype(float)
    if len(both) < FEWEST:
        return Line(np.nan, np.nan, np.nan)
    values = both.to_numpy()
    rho, slope = (
        float(found[0, 0]) for found in lines(values[None, :, :1], values[None, :, 1], np.ones((1, len(both))))
    )
    return Line(rho, slope, float(both["y"].mean() - slope * both["x"].mean()))


def fit_law(response: pd.Series, logs: pd.Series, language: str) -> Law:
    """Fit a line through (log10 budget, response) over the models that have both.

    Args:
        response: Component scores by model_id; its name is the response.
        logs: log10 budgets by model_id.
        language: Recorded in the law.

    Raises:
        ValueError: Fewer than `FEWEST` models, or all budgets equal.
    """
    common = response.index.intersection(logs.index)
    line = fit_line(response.loc[common], logs.loc[common])
    if not np.isfinite(line.slope):
        raise ValueError(f"a law needs {FEWEST} models with different budgets")
    return Law(str(response.name), language, len(common), *line)


def fit_laws(
    responses: pd.DataFrame, models: pd.DataFrame, languages: Sequence[str], min_models: int
) -> tuple[list[Law], list[str]]:
    """Fit every response against every budget.

    Args:
        responses: (n_models, k) component and factor scores.
        models: Indexed by model_id, with the budgets of `languages`.
        languages: Language codes and `total`.
        min_models: Fewest models for a fit.

    Returns:
        The laws, and one line for each budget that could not be used or that models without tokens fall out of.
    """
    laws: list[Law] = []
    skipped: list[str] = []
    inside = models[models.index.isin(responses.index)]
    for language in languages:
        why = unusable(inside, language, min_models)
        if why:
            skipped.append(f"no scaling law for the {language} budget: {why}")
            continue
        logs = log_budget(inside, language)
        laws += [fit_law(responses[name], logs, language) for name in responses.columns]
        zero = [] if language in STAND_INS else list(inside.index[inside[budget_column(language)] == 0])
        if zero:
            skipped.append(f"laws of the {language} budget leave out models without such tokens: {listed(zero)}")
    return sorted(laws, key=lambda law: list(responses.columns).index(law.response)), skipped


def unusable(models: pd.DataFrame, language: str, min_models: int) -> str:
    """Return why no law can be fitted to a budget, empty where one can.

    Args:
        models: Indexed by model_id, with the budget of the language.
        language: Language code or `total`.
        min_models: Fewest models for a fit.
    """
    logs = log_budget(models, language)
    if len(logs) < min_models and language in STAND_INS:
        return f"known for {len(logs)} models, {min_models} needed"
    if len(logs) < min_models:
        known = models[budget_column(language)].notna().sum()
        zero = f", zero for {known - len(logs)} of them" if known > len(logs) else ""
        return f"known for {known} models{zero}, {min_models} needed"
    return f"it is the same for all {len(logs)} models" if np.ptp(logs.to_numpy()) == 0 else ""


def fit_all_laws(
    pc_scores: pd.DataFrame,
    factor_scores: pd.DataFrame,
    models: pd.DataFrame,
    languages: Sequence[str],
    params: ScaleParams,
) -> tuple[list[Law], list[str]]:
    """Fit the laws of components, then of factors.

    Args:
        pc_scores: (n_models, k) component scores.
        factor_scores: (n_models, m) factor scores; m may be 0.
        models: Indexed by model_id, with budgets.
        languages: Language codes.
        params: Section `scale`.

    Returns:
        The laws, and one line for each budget that could not be used.
    """
    inside = models[models.index.isin(pc_scores.index)]
    others = [str(name) for name in stand_ins(inside, languages)]
    budgets = [*languages, TOTAL]
    laws, skipped = fit_laws(pc_scores, models, [*budgets, *others], params.min_models)
    skipped += [stand_in_line(inside, languages, others)] if others else []
    if not factor_scores.shape[1]:
        return laws, skipped
    if params.factor_models == "available":
        return [*laws, *fit_laws(factor_scores, models, [*budgets, *others], params.min_models)[0]], skipped
    common = with_all_budgets(models[models.index.isin(factor_scores.index)], languages)
    of_factors, _ = fit_laws(factor_scores, common, budgets, params.min_models)
    of_factors += fit_laws(factor_scores, models, others, params.min_models)[0]
    fitted = {law.language for law in laws} - {law.language for law in of_factors}
    new = [
        f"no scaling law of factors for the {language} budget: scale.factor_models=common keeps the {len(common)} "
        f"models whose budget is known in every language; of these, {unusable(common, language, params.min_models)}"
        for language in budgets
        if language in fitted
    ]
    return [*laws, *of_factors], [*skipped, *new]


def law_points(responses: pd.DataFrame, models: pd.DataFrame, laws: Sequence[Law]) -> pd.DataFrame:
    """Return the points that each law was fitted to.

    Args:
        responses: (n_models, k) component scores.
        models: Indexed by model_id, with budgets.
        laws: Laws of these responses, and of others, which are ignored.

    Returns:
        Columns model_id, response, language, log10_budget and score, a row for each point.
    """
    tables = []
    for law in laws:
        if law.response in responses.columns:
            x = log_budget(models, law.language).rename("log10_budget")
            table = responses[[law.response]].set_axis(["score"], axis=1).join(x, how="inner")
            tables.append(table.reset_index(names="model_id").assign(response=law.response, language=law.language))
    columns = ["model_id", "response", "language", "log10_budget", "score"]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def headline(laws: Sequence[Law], named: Sequence[tuple[str, str]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return {response: {language: {rho, n}}} of at most `MOST_LAWS` laws, for scale.json.

    The laws that the study names come first, then those of the first response: the total budget before the languages.

    Args:
        laws: Laws of components, then of factors.
        named: Response and budget of the laws that the study is about, in order; those that could not be fitted are
            ignored.
    """
    fitted = {(law.response, law.language): law for law in laws}
    first = [key for key in fitted if key[0] == laws[0].response]
    others = sorted(first, key=lambda key: key[1] != TOTAL)
    chosen = [key for key in dict.fromkeys([*named, *others]) if key in fitted][:MOST_LAWS]
    result: dict[str, dict[str, dict[str, float]]] = {}
    for response, language in chosen:
        law = fitted[response, language]
        result.setdefault(response, {})[language] = {"rho": law.rho, "n": law.n}
    return result
