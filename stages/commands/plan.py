"""`observatory plan`: what a training budget leads to, and what budget a wished score takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from stages.analysis.decisions.planning import (
    Plan,
    Surface,
    Way,
    families_needed,
    fit_surface,
    outside,
    predict,
    reach,
    trades,
)
from stages.analysis.scaling.forecasting import Errors, can_predict, left_out_errors, with_line
from stages.analysis.scaling.laws import TOTAL
from stages.analysis.scaling.stand_ins import RELEASED, stand_ins, year_of
from stages.analysis.scores.cells import divisors, raw_ranges, scaled_ranges
from stages.analysis.scores.families import family_codes
from stages.commands.shown import Grid
from stages.contracts.errors import InputError, raise_all
from stages.contracts.names import Names, listed
from stages.contracts.params import Params
from stages.contracts.rows import texts
from stages.workspace import analysed
from stages.workspace.base import read_base
from stages.workspace.facts import load_info, read_fact
from stages.workspace.outputs import read_table
from stages.workspace.parameters import load_params


@dataclass(frozen=True)
class Forecast:
    """Result of `plan`.

    Attributes:
        plan: The budget asked about.
        components: PC1, PC2, ...
        expected: response to estimate, low, high, rmse, rmse_mean, rmse_total; benchmarks in the unit of scores.csv.
        n: Models behind the prediction.
        families: Their families.
        level: Coverage of the intervals.
        needed: Response to the number of families that could answer for it, 0 where those here can; infinity: none.
        outside: One line for each way in which the question lies outside the data.
        wishes: Response to wished value and the ways to reach it.
        trades: Response to the factor by which tokens of a language can shrink when parameters double.
    """

    plan: Plan
    components: list[str]
    expected: pd.DataFrame
    n: int
    families: int
    level: float
    needed: pd.Series
    outside: list[str]
    wishes: dict[str, tuple[float, list[Way]]]
    trades: dict[str, list[tuple[str, float]]]
    ok: ClassVar[bool] = True

    def text(self) -> Iterator[str | Grid]:
        """Yield the prediction, then the ways to each wish."""
        tokens = [f"{value:g} B {name} tokens" for name, value in self.plan.tokens_b.items()]
        day = [] if np.isnan(self.plan.released) else [f"released {self.plan.released:.1f}"]
        yield ", ".join([f"{self.plan.params_b:g} B parameters", *tokens, *day])
        if not tokens:
            yield "predicted from parameters, not from budgets: token counts are known for too few models or families"
        line = "total budget" if tokens else "parameters"
        yield (
            f"planes through {self.n} models of {self.families} families; intervals ({100 * self.level:g} %) and "
            f"errors (root mean square, also of the mean and of a line in the {line}) are for a family never seen"
        )
        yield from self.outside
        columns = ("", "estimate", "low", "high", "error", "of the mean", "of the total" if tokens else "of the line")
        names = ("low", "high", "rmse", "rmse_mean", "rmse_total")
        rows = [
            (str(name), f"{row['estimate']:.4g}", *(f"{row[column]:.3g}" for column in names))
            for name, row in self.expected.iterrows()
        ]
        yield Grid(columns, rows, frozenset(columns[1:]))
        yield from self.unanswered()
        for name, (wish, ways) in self.wishes.items():
            if self.needed[name]:
                yield f"for {name} {wish:g}: the data cannot answer, see above"
                continue
            yield f"for {name} {wish:g}, all else as planned:"
            yield from (f"  {way.line}" for way in ways)
            for language, factor in self.trades[name]:
                yield f"  twice the parameters stand for {1 / factor:.3g} times the {language} tokens"

    def unanswered(self) -> Iterator[str]:
        """Yield what the data cannot answer, and how many families could."""
        more = {str(name): int(number) for name, number in self.needed.items() if 0 < number < np.inf}
        never = [str(name) for name, number in self.needed.items() if number == np.inf]
        wide = "the interval is as wide as all models of the study are apart"
        if more:
            could = ", ".join(f"{name} ({number} could)" for name, number in more.items())
            yield f"{self.families} families cannot answer for {could}: {wide}"
        if never:
            yield (
                f"no number of families like these answers for {', '.join(never)}: {wide}, or the budget predicts no "
                "better than the mean"
            )

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        wishes = {
            name: {
                "wished": wish,
                "ways": [
                    {
                        "what": way.what,
                        "billions": way.amount,
                        "low": way.low,
                        "high": way.high,
                    }
                    for way in ways
                ],
                "tokens_per_doubled_parameters": dict(self.trades[name]),
            }
            for name, (wish, ways) in self.wishes.items()
        }
        return {
            "params_b": self.plan.params_b,
            "tokens_b": dict(self.plan.tokens_b),
            "released": None if np.isnan(self.plan.released) else self.plan.released,
            "level": self.level,
            "models": self.n,
            "families": self.families,
            "outside_the_data": self.outside,
            "families_needed": {str(name): None if n == np.inf else int(n) for name, n in self.needed.items()},
            "components": self._records(self.components),
            "benchmarks": self._records([name for name in self.expected.index if name not in self.components]),
            "wishes": wishes,
        }

    def _records(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        return {name: {key: float(self.expected[key][name]) for key in texts(self.expected)} for name in names}


def plan(
    params_b: float,
    tokens_b: Mapping[str, float],
    wishes: Mapping[str, float],
    unread: Sequence[str] = (),
    released: str = "",
) -> Forecast:
    """Predict components and benchmarks from a budget, and find budgets for wished values.

    Args:
        params_b: Active parameters in billions.
        tokens_b: Language to tokens in billions, for every language of the study; nothing where these are not known.
        wishes: Component or benchmark to the wished value, benchmarks in the unit of scores.csv.
        unread: Problems of wishes that could not be read, to be reported with all others.
        released: Day of release, YYYY-MM-DD, for a study whose token counts are not known.

    Raises:
        InputError: There is no state, a number or name is wrong, or the study allows no prediction.
    """
    analysed.require_state()
    params = load_params()
    languages = list(load_info(params.study).languages)
    benchmarks = read_fact("benchmarks")
    surface, errors, responses = read_surface(params, languages)
    scale = divisors(benchmarks).reindex(responses.columns, fill_value=1.0)
    components = [name for name in responses.columns if name not in benchmarks.index]
    wrong = _wish_problems(wishes, list(responses.columns), raw_ranges(benchmarks))
    problems = _amount_problems(params_b, tokens_b, languages, surface.languages)
    raise_all([*problems, *_day_problems(released, surface.predictors), *unread, *wrong])
    year = year_of(released) if released else float("nan")
    asked, level = Plan(params_b, {name: tokens_b[name] for name in surface.languages}, year), params.stability.level
    expected = _within(predict(surface, asked, level), benchmarks)
    told = errors.table().set_index("response")[["rmse", "rmse_mean", "rmse_total"]]
    return Forecast(
        plan=asked,
        components=components,
        expected=expected.join(told).mul(scale, axis=0),
        n=len(errors.models),
        families=surface.families,
        level=level,
        needed=families_needed(surface, asked, level),
        outside=outside(surface, asked),
        wishes={name: (wish, reach(surface, asked, name, wish / scale[name], level)) for name, wish in wishes.items()},
        trades={name: trades(surface, name) for name in wishes},
    )


def read_surface(params: Params, languages: Sequence[str]) -> tuple[Surface, Errors, pd.DataFrame]:
    """Fit the planes of the current state.

    Returns:
        The planes, their leave-one-family-out errors, and the responses (n_models, k + n_benchmarks).

    Raises:
        InputError: The study allows no prediction.
    """
    base = read_base(params, list(languages))
    models = analysed.read_models(base.X)
    codes, predictors, logs = family_codes(models), list(languages), base.logs
    why = can_predict(logs.to_numpy(), codes, [*languages, TOTAL], params.scale.min_models)
    others = stand_ins(models, languages)
    if why and others.shape[1]:
        values, names = with_line(others)
        predictors, logs = names[:-1], pd.DataFrame(values, others.index)
        why = can_predict(values, codes, names, params.scale.min_models)
    if why:
        raise InputError([f"{params.study}, subset {params.subset}: no {why}"])
    X, reference = base.filled.X, base.loadings.to_numpy()
    errors = left_out_errors(X, reference, logs.to_numpy(), codes, unit_variance=base.unit_variance)
    responses = read_table("pca_scores", "model_id").loc[X.index].join(X)
    return fit_surface(responses, models, logs, errors, predictors), errors, responses


def _within(expected: pd.DataFrame, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Return predictions held within the range that a benchmark's scores can have."""
    table = expected.copy()
    for name, (low, high) in scaled_ranges(benchmarks).items():
        if name in table.index:
            table.loc[name] = table.loc[name].clip(low, high)
    return table


def _amount_problems(
    params_b: float, tokens_b: Mapping[str, float], languages: Sequence[str], needed: Sequence[str]
) -> list[str]:
    """Return one line for each amount that is missing, unknown, of no use or not positive.

    Args:
        params_b: As in `plan`.
        tokens_b: Likewise.
        languages: Languages of the study.
        needed: Those whose tokens predict.
    """
    amounts = {"params-b": params_b} | {f"tokens-{name}-b": value for name, value in tokens_b.items()}
    problems = [
        f"--{name} is {value:g}: a positive number of billions is needed"
        for name, value in amounts.items()
        if not 0 < value < np.inf
    ]
    missing = [name for name in needed if name not in tokens_b]
    problems += [f"--tokens-{name}-b is missing: every language of the study needs its tokens" for name in missing]
    problems += [
        f"--tokens-{name}-b: budgets predict nothing in this study, too few token counts are known: leave it out"
        for name in tokens_b
        if name in languages and name not in needed
    ]
    return problems + [
        f"--tokens-{name}-b: the study has no language {name}; it has {', '.join(languages)}"
        for name in tokens_b
        if name not in languages
    ]


def _day_problems(released: str, predictors: Sequence[str]) -> list[str]:
    """Return what is wrong with the day of release."""
    if RELEASED not in predictors:
        return ["--released: this study predicts without it: leave it out"] if released else []
    try:
        year_of(released)
    except ValueError:
        return [f"--released is {released or 'missing'}: a day YYYY-MM-DD is needed, as token counts are not known"]
    return []


def _wish_problems(
    wishes: Mapping[str, float], responses: Sequence[str], ranges: Mapping[str, tuple[float, float]]
) -> list[str]:
    """Return one line for each wish for something unknown, or for a score that its benchmark cannot give."""
    names = Names(responses)
    problems = []
    for name, value in wishes.items():
        low, high = ranges.get(name, (-np.inf, np.inf))
        if name not in names:
            problems.append(f"--wish {name}{names.hint(name) or ': unknown; known: ' + listed(names.known)}")
        elif not low <= value <= high:
            percent = ": looks like percent, divide by 100" if high <= 1 < value <= 100 else ""
            problems.append(f"--wish {name}={value:g}: outside {low:g} to {high:g}{percent}")
    return problems
