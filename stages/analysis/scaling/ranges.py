"""Training budgets that are known as a range only."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stages.analysis.scaling.budgets import token_column
from stages.analysis.scaling.laws import TOTAL, budget_column


def range_problems(models: pd.DataFrame, languages: Sequence[str], where: str) -> list[str]:
    """Return one line for each token count that lies outside its own range, or whose range has one end only.

    Args:
        models: Indexed by model_id; `tokens_<l>_b_low` and `tokens_<l>_b_high` where the study gives ranges.
        languages: Language codes.
        where: Path of the table, to show in messages.
    """
    problems = []
    for name in (*languages, TOTAL):
        column = token_column(name)
        low, high = _given(models, column)
        for model_id in models.index[low.notna() | high.notna()]:
            value, ends = models.loc[model_id, column], (low[model_id], high[model_id])
            if not ends[0] <= value <= ends[1]:
                problems.append(
                    f"{where}: {column} of {model_id} is {value:g} with the range {ends[0]:g} to {ends[1]:g}: give "
                    "both ends, and a value between them"
                )
    return problems


def log_ranges(
    models: pd.DataFrame, languages: Sequence[str], derived: pd.DataFrame, tolerance: float, error: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lower and upper ends of log10 ND per model.

    A range is, in this order: what models.csv gives; the two values where a printed count disagrees with the study's
    own rules; a count derived by rule, plus and minus a relative error. Other budgets are certain.

    Args:
        models: Indexed by model_id, with the budgets and the origin of each token count.
        languages: Language codes.
        derived: Counts by rule, in billions, columns `tokens_<l>_b`.
        tolerance: Relative difference up to which printed and derived counts agree.
        error: Relative error of a count derived by rule.

    Returns:
        Two tables (n_models, n_languages + 1), columns nd_<l> and nd_total; NaN where a budget is unknown.
    """
    lows, highs = {}, {}
    for name in (*languages, TOTAL):
        column = token_column(name)
        value = models[column].where(models[column] > 0)
        low, high = value.copy(), value.copy()
        if name != TOTAL:
            rule = derived[column].where(derived[column] > 0)
            apart = (value - rule).abs() > tolerance * rule
            low, high = low.mask(apart, np.minimum(value, rule)), high.mask(apart, np.maximum(value, rule))
            by_rule = models[f"tokens_{name}_origin"] == "derived"
            low, high = low.mask(by_rule, value * (1 - error)), high.mask(by_rule, value * (1 + error))
        given_low, given_high = _given(models, column)
        low = low.mask(given_low > 0, given_low)
        high = high.mask(given_high > 0, given_high)
        logs = np.log10(models[budget_column(name)].where(value.notna()))
        lows[budget_column(name)] = logs + np.log10(low / value)
        highs[budget_column(name)] = logs + np.log10(high / value)
    return pd.DataFrame(lows), pd.DataFrame(highs)


def _given(models: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series]:
    """Return the ends of a token count that models.csv gives, NaN where it gives none."""
    missing = pd.Series(np.nan, models.index)
    return models.get(f"{column}_low", missing), models.get(f"{column}_high", missing)
