"""Checks of what is there: enough models, enough scores, and what the gaps of the matrix make impossible."""

import numpy as np
import pandas as pd

from stages.analysis.scores.correlation import FEWEST
from stages.contracts.names import listed
from stages.gate.findings import Finding, Severity


def missing_findings(X: pd.DataFrame, where: str, *, modelled: bool = False) -> list[Finding]:
    """Name the missing cells, one line for each model.

    Args:
        X: Score matrix (n_models, n_benchmarks).
        where: Path of the scores, to show in messages.
        modelled: Whether the analysis models missing cells: then they are a warning instead of an error.
    """
    severity: Severity = "warning" if modelled else "error"
    fix = "it is modelled" if modelled else "add the scores, or choose what to do with assemble.missing"
    found = []
    for model_id, row in X.isna().iterrows():
        gaps = [str(name) for name in X.columns[row.to_numpy(dtype=bool)]]
        if gaps:
            names = listed(gaps) if len(gaps) < X.shape[1] else "every benchmark"
            message = f"{where}: {model_id} has no score on {names}: {fix}"
            only = gaps[0] if len(gaps) == 1 else ""
            found.append(Finding("complete", severity, str(model_id), only, message, kind="gaps"))
    return found


def sparse_findings(X: pd.DataFrame, where: str) -> list[Finding]:
    """Name the models and benchmarks with too few scores for a model of what is missing."""
    empty, counts = X.index[X.isna().all(axis=1)], X.notna().sum()
    found = [
        Finding(
            "size",
            "error",
            str(name),
            "",
            f"{where}: {name} has no score at all: evaluate it (evaluate.models), or remove it from models.csv and "
            "scores.csv",
            kind="empty",
        )
        for name in empty
    ]
    for name, n in counts[counts < FEWEST].items():
        known = f"{n} score{'s' * (n != 1)}"
        text = f"{where}: {name} has {known}: too few to predict the missing ones, at least {FEWEST} are needed"
        found.append(Finding("size", "error", "", str(name), text, kind="few scores"))
    return found


def apart_findings(X: pd.DataFrame, where: str) -> list[Finding]:
    """Report how many pairs of benchmarks too few models share: such a pair has no correlation."""
    seen = X.notna().to_numpy().astype(int)
    pairs = np.argwhere(np.triu(seen.T @ seen < FEWEST, k=1))
    if not len(pairs):
        return []
    first, second = (X.columns[i] for i in pairs[0])
    text = (
        f"{where}: fewer than {FEWEST} models have scores on both benchmarks in {len(pairs)} of the pairs, such as "
        f"{first} and {second}: no correlation is computed for them"
    )
    return [Finding("size", "warning", "", "", text, kind="apart")]


def size_findings(X: pd.DataFrame, where: str, policy: str) -> list[Finding]:
    """Report what too few models or benchmarks make impossible.

    Args:
        X: Score matrix (n_models, n_benchmarks).
        where: Path of the scores, to show in messages.
        policy: What missing scores do, `assemble.missing`: it may have left out models or benchmarks.
    """
    n, p = X.shape
    left = f" after assemble.missing: {policy}, choose another policy" if policy.startswith("drop") else ""
    if p == 0:
        return [Finding("size", "error", "", "", f"{where}: no benchmark is left{left}")]
    if n < FEWEST:
        text = f"{where}: {n} models in this subset, at least {FEWEST} are needed for a correlation{left}"
        return [Finding("size", "error", "", "", text)]
    if n <= p:
        text = (
            f"{where}: {n} models for {p} benchmarks: the correlation matrix is singular, so maximum-likelihood "
            f"factors cannot be computed and at most {min(n - 1, p)} components exist"
        )
        return [Finding("size", "warning", "", "", text)]
    return []
