"""What a training budget leads to, and what budget a wished score takes.

A plane in log10 ND of every language, over the models whose budgets are known, with prediction intervals for a model
of a family never seen: plus and minus t for the number of families times the root of the mean squared
leave-one-family-out error, each family weighing the same, stretched by the leverage of the question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from stages.analysis.scaling.budgets import BILLION
from stages.analysis.scaling.forecasting import Errors, complete, designs
from stages.analysis.scaling.laws import log_budget
from stages.analysis.scaling.stand_ins import PARAMETERS, RELEASED, STAND_INS
from stages.contracts.rows import texts

Array = NDArray[np.float64]

FLAT = 1e-9
"""Slopes below this per factor of ten count as none."""

MOST_STEPS = 300
"""Steps of 2 % in the number of families after which no number is said to do."""

LIMIT = 6.0
"""Factors of ten in budget beyond which a wish counts as out of reach."""


@dataclass(frozen=True)
class Plan:
    """A training budget to predict from.

    Attributes:
        params_b: Active parameters in billions.
        tokens_b: Language to tokens in billions; empty where budgets are not what predicts.
        released: Year of release with its fraction, where that predicts.
    """

    params_b: float
    tokens_b: Mapping[str, float]
    released: float = np.nan

    def logs(self, predictors: Sequence[str]) -> Array:
        """Return log10 ND of each language, parameters x tokens in plain units, or what stands in for it (q,)."""
        parameters = self.params_b * BILLION
        others = {PARAMETERS: np.log10(parameters), RELEASED: self.released}
        return np.array(
            [
                others[name] if name in others else np.log10(parameters * self.tokens_b[name] * BILLION)
                for name in predictors
            ]
        )


@dataclass(frozen=True)
class Surface:
    """The planes of all responses.

    Attributes:
        predictors: Language codes, or what stands in for budgets (q of them).
        coefficients: Intercept, then slope per factor of ten in each, or per year (q + 1, n_responses).
        error: Root of the mean squared leave-one-family-out error, each family weighing the same (n_responses,).
        blind: The same of the mean, which knows no budget.
        span: Largest minus smallest value of the models (n_responses,).
        families: Number of families.
        bread: Inverse of the design's cross-products.
        leverages: Leverage of each model.
        params_b: Parameters of the models, billions.
        tokens_b: Tokens of the models, billions (n_models, n_languages); no columns where budgets do not predict.
        released: Year of release of the models, NaN where unknown or where it does not predict.
    """

    predictors: list[str]
    coefficients: pd.DataFrame
    error: pd.Series
    blind: pd.Series
    span: pd.Series
    families: int
    bread: Array
    leverages: Array
    params_b: pd.Series
    tokens_b: pd.DataFrame
    released: pd.Series

    @property
    def languages(self) -> list[str]:
        """Languages whose budgets predict; none where something else does."""
        return [str(name) for name in self.tokens_b]

    def parameter_slope(self, response: str) -> float:
        """Return the change of a response per factor of ten in parameters, all else the same."""
        slopes = self.coefficients[response]
        return float(slopes[self.languages or [PARAMETERS]].sum())


def fit_surface(
    responses: pd.DataFrame, models: pd.DataFrame, logs: pd.DataFrame, errors: Errors, predictors: Sequence[str]
) -> Surface:
    """Fit the planes.

    Args:
        responses: PC scores and benchmark scores (n_models, n_responses).
        models: With active_params_b and tokens_<l>_b.
        logs: Predictors (n_models, q + 1), the last that of the line; NaN where unknown. See `forecasting.with_line`.
        errors: Leave-one-family-out errors of the same responses.
        predictors: Language codes, or what stands in for budgets.
    """
    usable = complete(logs.to_numpy())
    design = designs(logs.to_numpy()[usable])["budgets"]
    chosen = models[usable]
    languages = [name for name in predictors if name not in STAND_INS]
    solution = np.linalg.lstsq(design, responses[usable].to_numpy(), rcond=None)[0]
    bread: Array = np.asarray(np.linalg.inv(design.T @ design), dtype=float)
    error, blind = (
        np.sqrt((found**2).groupby(errors.codes).mean().mean())[responses.columns]
        for found in (errors.budgets, errors.mean)
    )
    return Surface(
        predictors=list(predictors),
        coefficients=pd.DataFrame(solution, ["intercept", *predictors], responses.columns),
        error=error,
        blind=blind,
        span=responses[usable].max() - responses[usable].min(),
        families=len(np.unique(errors.codes)),
        bread=bread,
        leverages=np.einsum("ij,jk,ik->i", design, bread, design),
        params_b=chosen["active_params_b"],
        tokens_b=chosen[[f"tokens_{name}_b" for name in languages]].set_axis(languages, axis=1),
        released=log_budget(chosen, RELEASED) if RELEASED in predictors else pd.Series(dtype=float),
    )


def predict(surface: Surface, plan: Plan, level: float) -> pd.DataFrame:
    """Return response, estimate, low, high for a budget, as index and columns.

    Args:
        surface: The planes.
        plan: The budget; every token count positive.
        level: Coverage of the interval for one new model of a new family.
    """
    estimate = np.append(1.0, plan.logs(surface.predictors)) @ surface.coefficients
    half = surface.error * _multiple(surface, plan, level, surface.families)
    return pd.DataFrame({"estimate": estimate, "low": estimate - half, "high": estimate + half})


def _multiple(surface: Surface, plan: Plan, level: float, families: int) -> float:
    """Return half the length of an interval in units of the error, with this many families like those here."""
    x = np.append(1.0, plan.logs(surface.predictors))
    share = surface.families / families
    stretch = (1 + share * (x @ surface.bread @ x)) / (1 + share * surface.leverages.mean())
    return float(special.stdtrit(families - 1, (1 + level) / 2) * np.sqrt(stretch))


def families_needed(surface: Surface, plan: Plan, level: float) -> pd.Series:
    """Return how many families like those here could tell a new model from any model of the study (n_responses,).

    An interval as long as all models of the study are apart says nothing of a model. 0 where it is shorter already,
    infinity where no number of families shortens it enough or the budget predicts no better than the mean does.

    Args:
        surface: The planes.
        plan: The budget.
        level: Coverage of the interval.
    """
    multiples = pd.Series({n: _multiple(surface, plan, level, n) for n in _numbers(surface.families)})
    needed = {}
    for name in texts(surface.error.index):
        error = surface.error[name]
        enough = multiples.index[2 * multiples * error < surface.span[name]]
        needed[name] = float(enough[0]) if len(enough) and error < surface.blind[name] else np.inf
    return pd.Series(needed).where(lambda n: n > surface.families, 0.0)


def _numbers(first: int) -> list[int]:
    """Return numbers of families from that of a study on, ever further apart."""
    return sorted({round(first * 1.02**step) for step in range(MOST_STEPS)} | {first + step for step in range(50)})


def outside(surface: Surface, plan: Plan) -> list[str]:
    """Return one line for each way in which a budget lies outside the data."""
    lines = []
    amounts = [("parameters", plan.params_b, surface.params_b)]
    amounts += [(f"{name} tokens", plan.tokens_b[name], surface.tokens_b[name]) for name in surface.languages]
    if len(surface.released):
        first, last = surface.released.min(), surface.released.max()
        if not first <= plan.released <= last:
            lines.append(f"outside the data: released {plan.released:.1f}, the models here {first:.1f} to {last:.1f}")
    for what, value, known in amounts:
        if not known.min() <= value <= known.max():
            lines.append(
                f"outside the data: {value:g} B {what}, the models here have {known.min():g} to {known.max():g} B"
            )
    x = np.append(1.0, plan.logs(surface.predictors))
    leverage, most = float(x @ surface.bread @ x), float(surface.leverages.max())
    if leverage > most and not lines:
        lines.append(
            "outside the data: each amount occurs, but no model here combines them like this "
            f"(leverage {leverage:.2f}, largest here {most:.2f})"
        )
    return lines


@dataclass(frozen=True)
class Way:
    """One way to reach a wished score.

    Attributes:
        what: `parameters`, or the language whose tokens change.
        amount: Billions needed, NaN where this cannot reach the score.
        low: Billions if this budget does better than predicted by one interval, at least 0.
        high: Billions if it does worse.
        line: The answer in words.
    """

    what: str
    amount: float
    low: float
    high: float
    line: str


def reach(surface: Surface, plan: Plan, response: str, wish: float, level: float) -> list[Way]:
    """Return what reaches a wished score: more parameters, or more tokens of one language, all else as planned.

    On the plane, more parameters raise the budget in all languages and move the score by the sum of the slopes; more
    tokens of a language move it by that language's slope.

    Args:
        surface: The planes.
        plan: The budget to start from.
        response: What is wished for.
        wish: Wished value.
        level: Coverage of the interval of the amount.
    """
    found = predict(surface, plan, level).T[response]
    slopes = surface.coefficients[response]
    ways = {"parameters": (plan.params_b, surface.parameter_slope(response), surface.params_b)}
    ways |= {name: (plan.tokens_b[name], float(slopes[name]), surface.tokens_b[name]) for name in surface.languages}
    return [_way(what, *way, found=found, wish=wish) for what, way in ways.items()]


def _way(what: str, now: float, slope: float, known: pd.Series, *, found: pd.Series, wish: float) -> Way:
    unit = "B parameters" if what == "parameters" else f"B {what} tokens"
    decades = (wish - found["estimate"]) / slope if abs(slope) > FLAT else np.inf
    if not abs(decades) <= LIMIT:
        return Way(what, np.nan, np.nan, np.nan, f"no number of {unit[2:]} within reach leads there")
    if slope < 0 < wish - found["estimate"]:
        text = f"the models here score lower with more {unit[2:]}: more of them do not lead there"
        return Way(what, np.nan, np.nan, np.nan, text)
    ends = sorted((wish - found[end]) / slope for end in ("low", "high"))
    low, high = (float(now * 10.0 ** np.clip(end, -300, 300)) for end in ends)
    amount = float(now * 10.0**decades)
    text = f"{amount:.4g} {unit} ({low:.3g} to {high:.3g})"
    if not known.min() <= amount <= known.max():
        text += f", outside the data ({known.min():g} to {known.max():g})"
    return Way(what, amount, low, high, text)


def trades(surface: Surface, response: str) -> list[tuple[str, float]]:
    """Return per language by what factor its tokens can shrink when parameters double, the prediction unchanged.

    Languages without a positive slope, for which there is no such factor, are left out.
    """
    slopes = surface.coefficients[response]
    total = surface.parameter_slope(response)
    return [
        (name, float(2.0 ** (-total / slopes[name])))
        for name in surface.languages
        if slopes[name] > FLAT and total > FLAT
    ]
