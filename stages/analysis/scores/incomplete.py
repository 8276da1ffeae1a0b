"""Leaving out of a score matrix what lacks a score."""

from collections.abc import Sequence

import pandas as pd


def leave_out(X: pd.DataFrame, policy: str) -> pd.DataFrame:
    """Return the matrix without the models or the benchmarks that lack a score.

    Args:
        X: Score matrix (n_models, n_benchmarks), NaN where a cell is missing.
        policy: `drop_models` or `drop_benchmarks`; any other leaves the matrix as it is.
    """
    if policy == "drop_models":
        return X[X.notna().all(axis=1)]
    return X.loc[:, X.notna().all(axis=0)] if policy == "drop_benchmarks" else X


def left_out_line(models: Sequence[str], benchmarks: Sequence[str], X: pd.DataFrame) -> str:
    """Return what a matrix leaves out of these models and benchmarks, in one line; empty when nothing."""
    lost = {
        "models": [name for name in models if name not in X.index],
        "benchmarks": [name for name in benchmarks if name not in X.columns],
    }
    parts = [f"{kind} {', '.join(names)}" for kind, names in lost.items() if names]
    return f"left out for missing scores: {'; '.join(parts)}" if parts else ""
