"""Leaving models or benchmarks without a score out of a score matrix, with reasons."""

from collections.abc import Sequence

import pandas as pd

from stages.contracts.names import listed
from stages.contracts.rows import texts

COLUMNS = ["kind", "name", "reason"]


def leave_out(X: pd.DataFrame, policy: str) -> pd.DataFrame:
    """Return the matrix without the models or the benchmarks that lack a score.

    Args:
        X: Score matrix (n_models, n_benchmarks), NaN where a cell is missing.
        policy: `drop_models` or `drop_benchmarks`; any other leaves the matrix as it is.
    """
    if policy == "drop_models":
        return X[X.notna().all(axis=1)]
    return X.loc[:, X.notna().all(axis=0)] if policy == "drop_benchmarks" else X


def outside(subset: str) -> str:
    """Return why a model that belongs to another subset is left out."""
    return f"not in the subset {subset}"


def why_model(model: str, missing: pd.DataFrame, policy: str) -> str:
    """Return why a model of the subset is left out, empty where it is not.

    Args:
        model: Its model_id.
        missing: Which cells have no score, bool (n_models, n_benchmarks).
        policy: assemble.missing.
    """
    lacking = texts(missing.columns[missing.loc[model].to_numpy(dtype=bool)]) if policy == "drop_models" else []
    if not lacking:
        return ""
    return f"left out by assemble.missing={policy}: {model} has no score on {listed(lacking)}"


def why_benchmark(benchmark: str, missing: pd.DataFrame, policy: str) -> str:
    """Return why a benchmark is left out, empty where it is not; see `why_model`."""
    without = texts(missing.index[missing[benchmark]])
    if policy != "drop_benchmarks" or not without:
        return ""
    return f"left out by assemble.missing={policy}: {benchmark} has no score of {listed(without)}"


def left_out(models: Sequence[str], X: pd.DataFrame, subset: str, policy: str) -> pd.DataFrame:
    """Return the models and benchmarks of a study that its analysis leaves out, and why.

    Args:
        models: All models of the study.
        X: Scores of the subset (n_models, n_benchmarks) before anything is left out.
        subset: Name of the subset.
        policy: assemble.missing.

    Returns:
        kind (model or benchmark), name, reason; no rows where nothing is left out.
    """
    members, missing = set(X.index), X.isna()
    reasons = [
        ("model", name, why_model(name, missing, policy) if name in members else outside(subset)) for name in models
    ]
    reasons += [("benchmark", name, why_benchmark(name, missing, policy)) for name in texts(X)]
    return pd.DataFrame([row for row in reasons if row[2]], columns=COLUMNS, dtype="str")


def left_out_line(table: pd.DataFrame) -> str:
    """Return in one line what `left_out` found that lacks scores; empty when nothing."""
    lacking = table[table["reason"].str.startswith("left out by")] if len(table) else table
    parts = [f"{kind}s {', '.join(part['name'])}" for kind, part in lacking.groupby("kind", sort=False)]
    return f"left out for missing scores: {'; '.join(parts)}" if parts else ""
