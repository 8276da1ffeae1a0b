"""Sentences that captions and text alternatives share."""

import numpy as np
import pandas as pd

from stages.analysis.scores.results import Results
from stages.contracts.rows import texts
from stages.figures.parts import two_decimals

POINTS = "Colour and shape tell the group. Pointing at a model names it with its values."


def counted(n: int, what: str) -> str:
    """Return "1 model", "35 models"."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def span(numbers: pd.Series | np.ndarray, what: str) -> str:
    """Return "35 models", or "24 to 74 models" where not all are the same; `numbers` has at least one."""
    low, high = int(np.min(numbers)), int(np.max(numbers))
    return counted(low, what) if low == high else f"{low} to {high} {what}s"


def pair_counts(X: pd.DataFrame) -> np.ndarray:
    """Return how many models have both scores, for each pair of different benchmarks (n_pairs,)."""
    known = X.notna().to_numpy().astype(int)
    both: np.ndarray = known.T @ known
    return both[np.triu_indices(len(both), 1)]


def on(results: Results) -> str:
    """Return "35 models on 19 benchmarks"."""
    n_models, n_benchmarks = results.X.shape
    return f"{counted(n_models, 'model')} on {counted(n_benchmarks, 'benchmark')}"


def ends(values: pd.Series, names: pd.Series) -> str:
    """Return the highest and the lowest value with their names."""
    top, bottom = texts([values.idxmax(), values.idxmin()])
    return (
        f"highest {names[top]} ({two_decimals(values[top])}), lowest {names[bottom]} ({two_decimals(values[bottom])})"
    )


def ends_of_all(table: pd.DataFrame, names: pd.Series) -> str:
    """Return the ends of each column of a table, as a sentence."""
    return "; ".join(f"{name}: {ends(values, names)}" for name, values in table.items()) + "."
