"""Training budgets that are known as a range only."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stages.analysis.scaling.budgets import given_range, token_column
from stages.analysis.scaling.laws import TOTAL, budget_column


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
        given_low, given_high = given_range(models, column)
        low = low.mask(given_low > 0, given_low)
        high = high.mask(given_high > 0, given_high)
        logs = np.log10(models[budget_column(name)].where(value.notna()))
        lows[budget_column(name)] = logs + np.log10(low / value)
        highs[budget_column(name)] = logs + np.log10(high / value)
    return pd.DataFrame(lows), pd.DataFrame(highs)
