"""What laws and predictions rest on where token counts, and so budgets, are not known: parameters, day of release."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from stages.analysis.scaling.budgets import BILLION

PARAMETERS, RELEASED = "params", "released"
STAND_INS = (PARAMETERS, RELEASED)
"""Log10 of the active parameters in plain units, and the year of release with its fraction."""

HALF = 0.5
"""Share of the models below which the budget of a language counts as not known."""

FEWEST = 4
"""Fewer models than this say nothing, see `laws.FEWEST`."""


def stand_in(models: pd.DataFrame, name: str) -> pd.Series:
    """Return one of `STAND_INS` for the models for which it is known.

    Args:
        models: Indexed by model_id, with active_params_b and, optionally, released.
        name: Which.
    """
    if name == PARAMETERS:
        return pd.Series(np.log10(models["active_params_b"].dropna() * BILLION))
    if RELEASED not in models:
        return pd.Series(dtype=float)
    return models[RELEASED][models[RELEASED] != ""].map(year_of).astype(float)


def year_of(day: str) -> float:
    """Return a day, YYYY-MM-DD, as a year with its fraction.

    Raises:
        ValueError: It is not a date in this form.
    """
    found = date.fromisoformat(day)
    return found.year + (found - date(found.year, 1, 1)).days / 365.25


def stand_ins(models: pd.DataFrame, languages: Sequence[str]) -> pd.DataFrame:
    """Return what laws rest on besides budgets (n_models, q), of `STAND_INS`; NaN where unknown.

    There are no columns where the budget of every language is known for `HALF` of the models, and none of what is the
    same for all.

    Args:
        models: Indexed by model_id, with the budgets `nd_<l>` of `languages`.
        languages: Language codes.
    """
    known = models[[f"nd_{language}" for language in languages]].notna().mean()
    if not (known < HALF).any():
        return pd.DataFrame(index=models.index)
    found = pd.DataFrame({name: stand_in(models, name).reindex(models.index) for name in STAND_INS})
    return found.loc[:, (found.notna().sum() >= FEWEST) & (found.nunique() > 1)]


def stand_in_line(models: pd.DataFrame, languages: Sequence[str], others: Sequence[str]) -> str:
    """Return in words that laws rest on something else besides budgets.

    Args:
        models: Indexed by model_id, with the budgets of `languages`.
        languages: Language codes.
        others: Those of `STAND_INS` that exist.
    """
    known = models[[f"nd_{language}" for language in languages]].notna()
    counts = ", ".join(f"{name} for {n}" for name, n in zip(languages, known.sum(), strict=True))
    words = {PARAMETERS: "active parameters", RELEASED: "the year of release"}
    return (
        f"budgets are known of {len(models)} models in {counts}: laws against "
        f"{' and '.join(words[name] for name in others)} stand beside those against budgets"
    )
