"""What is known of models besides their scores, as numbers for `model.fit_completion`."""

import numpy as np
import pandas as pd

FEWEST = 3
"""Models that a category needs for an effect of its own."""


def encode_side(table: pd.DataFrame, like: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return numbers of mean 0 and standard deviation 1 over the reference models, 0 where unknown.

    Numbers and truth values stay one column, dates (2025, 2024-09, 2025-01-31) become years, every other text one
    column for each category with enough models. A column without differences is left out.

    Args:
        table: What is known (n_models, n_columns).
        like: The models that the coding is taken from, those of `table` where none are given.

    Returns:
        (n_models, n_side), same index.
    """
    reference = table if like is None else like
    columns: dict[str, pd.Series] = {}
    for name in reference.columns:
        for label, (own, known) in _numbers(table[name], reference[name]).items():
            spread = known.std(ddof=0)
            if spread > 0:
                columns[label] = ((own - known.mean()) / spread).fillna(0.0)
    return pd.DataFrame(columns, index=table.index, dtype=float)


def _numbers(own: pd.Series, known: pd.Series) -> dict[str, tuple[pd.Series, pd.Series]]:
    """Return label to the numbers of the models asked for and of the reference models."""
    name = str(known.name)
    if pd.api.types.is_numeric_dtype(known) or pd.api.types.is_bool_dtype(known):
        return {name: (own.astype(float), known.astype(float))}
    if pd.api.types.is_datetime64_any_dtype(known) or _dates(known.dropna()):
        return {name: (_years(own), _years(known))}
    counts = known.value_counts()
    return {
        f"{name}={value}": (_is(own, value), _is(known, value)) for value in sorted(counts.index[counts >= FEWEST])
    }


def _dates(known: pd.Series) -> bool:
    return bool(len(known)) and bool(known.astype(str).str.fullmatch(r"\d{4}(-\d{2}){0,2}").all())


def _years(series: pd.Series) -> pd.Series:
    """Return dates as years with fraction, NaN where there is none."""
    dates = pd.to_datetime(series.where(series.notna()).astype(object), format="ISO8601")
    return pd.Series(dates.dt.year + (dates.dt.day_of_year - 1) / 365.25, series.index, dtype=float)


def _is(series: pd.Series, value: object) -> pd.Series:
    return (series == value).astype(float).where(series.notna(), np.nan)
