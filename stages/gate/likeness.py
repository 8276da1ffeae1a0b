"""Rows and columns that are alike: copies, averages and totals of others, names that differ by a sign."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.analysis.scores.cells import divisors, raw_ranges
from stages.contracts.names import label, listed
from stages.contracts.rows import texts
from stages.gate.findings import Finding
from stages.gate.scale import rounding

Floats = NDArray[np.float64]

MIN_SHARED = 3
"""Cells that two rows or columns must share before their equality is evidence of a copy."""
NEARLY = 0.9
"""Share of the models with one and the same score from which on a benchmark hardly distinguishes models."""
FLAT = 0.005
"""Share of the declared range within which all scores of a benchmark that hardly distinguishes models lie."""
CROWD = 8
"""Fewer models than this do not make a benchmark nearly constant."""
SURELY = 6
"""Cells in which a row or column is the mean of others, unsaid by its name, that exclude a coincidence."""
SUMMARY = re.compile(
    r"(?:(?:the|macro|micro|weighted|grand|overall|[a-z]{2}) )?"
    r"(?:average|avg|mean|median|total|sum|overall|aggregate|std|stdev|平均|合計|総合)"
    r"(?: (?:score|row|overall|[a-z]{2,3}))?"
)
"""Names of rows and columns that summarise others."""


def plain(name: str) -> str:
    """Return a name without case, Unicode form and the choice of punctuation."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "-", text).strip("-")


def _summarises(name: str) -> bool:
    return SUMMARY.fullmatch(plain(name.rsplit("/", 1)[-1]).replace("-", " ")) is not None


def constant_findings(
    X: pd.DataFrame, benchmarks: pd.DataFrame, subsets: Mapping[str, Collection[str]], where: str
) -> Iterator[Finding]:
    """Name the benchmarks on which all models have one score, or nearly all, or all of a subset.

    Args:
        X: Score matrix (n_models, n_benchmarks).
        benchmarks: benchmarks.csv, indexed by benchmark.
        subsets: Subset that the study offers to its models.
        where: Path of the scores, to show in messages.
    """
    ranges = raw_ranges(benchmarks)
    parts = {name: X[X.index.isin(list(members))] for name, members in subsets.items()}
    offered = {name: part for name, part in parts.items() if MIN_SHARED <= len(part) < len(X)}
    for name in texts(X.columns):
        column = X[name].dropna()
        values = column.value_counts()
        if len(values) == 1 < len(column):
            text = (
                f"{name} is {column.iloc[0]:g} for all {len(column)} models: nothing can be learnt from it, drop the "
            )
            yield Finding("constant", "error", "", name, f"{where}: {text}benchmark or choose another subset")
        elif said := _nearly(column, values, *ranges[name]):
            text = f"{where}: {name} {said}: hardly anything can be learnt from it, drop it or waive `constant`"
            yield Finding("constant", "warning", "", name, text, kind="nearly")
        else:
            yield from _constant_part(name, offered, where)


def _nearly(column: pd.Series, values: pd.Series, low: float, high: float) -> str:
    """Return how a benchmark is nearly constant, nothing if it is not."""
    n, by = len(column), high if high > 0 else 1.0
    if n < CROWD:
        return ""
    if values.iloc[0] >= NEARLY * n:
        return f"is {values.index[0]:g} for {values.iloc[0]} of {n} models"
    if column.max() - column.min() < FLAT * (high - low) / by:
        return f"runs from {column.min():g} to {column.max():g} only"
    return ""


def _constant_part(name: str, offered: Mapping[str, pd.DataFrame], where: str) -> Iterator[Finding]:
    for subset, table in offered.items():
        part = table[name].dropna()
        if len(part) >= MIN_SHARED and part.min() == part.max():
            text = f"{where}: {name} is {part.iloc[0]:g} for all {len(part)} models of the subset {subset}"
            fix = "that subset cannot be analysed with it, waive `constant` if it need not be"
            yield Finding("constant", "warning", "", name, f"{text}: {fix}", kind="subset")


def nearly_constant(found: Sequence[Finding]) -> set[str]:
    """Return the benchmarks that were found to be constant for nearly all models."""
    return {finding.benchmark for finding in found if (finding.check, finding.kind) == ("constant", "nearly")}


def identical_findings(X: pd.DataFrame, where: str) -> list[Finding]:
    """Name models, and benchmarks, whose scores are all equal: one was copied onto the other."""
    found = []
    for kind, table in (("model", X), ("benchmark", X.T)) if X.size else ():
        full = table[table.notna().sum(axis=1) >= MIN_SHARED]
        full = full[full.duplicated(keep=False)]
        for _, twins in full.groupby(list(full.columns), dropna=False, sort=False).groups.items():
            first, *others = texts(twins)
            for second in others:
                message = f"{where}: {first} and {second} have identical scores throughout: one is a copy of the other"
                ids = (second, "") if kind == "model" else ("", second)
                found.append(Finding("identical", "error", *ids, message, kind=kind))
    return found


def alike_findings(X: pd.DataFrame, where: str) -> Iterator[Finding]:
    """Name models, and benchmarks, whose names differ by case or punctuation, and rows that summarise the others."""
    for kind, names in (("model", texts(X.index)), ("benchmark", texts(X.columns))):
        groups: dict[str, list[str]] = {}
        for name in names:
            groups.setdefault(plain(name), []).append(name)
        for first, *others in groups.values():
            if others:
                text = (
                    f"{where}: {listed([first, *others])} differ by case, punctuation or Unicode form only: keep one "
                )
                ids = (others[0], "") if kind == "model" else ("", others[0])
                yield Finding("alike", "warning", *ids, f"{text}{kind}, or waive `alike`", kind=kind)
    yield from _summary_rows(X, where)


def _summary_rows(X: pd.DataFrame, where: str) -> Iterator[Finding]:
    table = X.to_numpy(dtype=np.float64)
    if len(table) <= MIN_SHARED or table.shape[1] < MIN_SHARED:
        return
    seen = np.isfinite(table)
    counts, sums = seen.sum(axis=0) - seen, np.nansum(table, axis=0)
    others = (sums - np.nan_to_num(table)) / np.maximum(counts, 1)
    half = 2 * rounding(table[seen]) if seen.any() else 0.0
    equal = (~seen | (np.abs(table - others) <= half)).all(axis=1)
    for i, name in enumerate(texts(X.index)):
        equal[i] &= seen[i].sum() >= (MIN_SHARED if _summarises(name) else SURELY)
        if equal[i] or _summarises(name):
            said = "is the mean of the other rows" if equal[i] else "is named like a summary of other rows"
            text = f"{where}: {label(name)} {said}: remove the row, or waive `alike`"
            yield Finding("alike", "error" if equal[i] else "warning", name, "", text, kind=said)


def redundant_findings(X: pd.DataFrame, benchmarks: pd.DataFrame, where: str) -> Iterator[Finding]:
    """Name the benchmarks that are the mean or the total of others.

    Args:
        X: Score matrix (n_models, n_benchmarks).
        benchmarks: benchmarks.csv, indexed by benchmark.
        where: Path of the scores, to show in messages.
    """
    full, names, languages = (X * divisors(benchmarks))[X.columns].dropna(), texts(X.columns), benchmarks["language"]
    if len(full) < MIN_SHARED or len(names) <= MIN_SHARED:
        return
    table: Floats = full.to_numpy(dtype=np.float64)
    halves: Floats = np.array([rounding(column) for column in table.T])
    fits = _combinations(table)
    for j, name in enumerate(names):
        others = [i for i in range(len(names)) if i != j and not _summarises(names[i])]
        same = [i for i in others if languages[names[i]] == languages[name]]
        groups = {"all others": others, "those of its language": same, listed([names[i] for i in fits[j]]): fits[j]}
        said = [words for what, members in groups.items() if (words := _sum_of(table, halves, j, members, what))]
        if said and (len(full) >= SURELY or _summarises(name)):
            text = f"{where}: {name} is {said[0]}: leave it out, it says nothing of its own, or waive `redundant`"
            yield Finding("redundant", "error", "", name, text, kind="sum")
        elif _summarises(name):
            text = f"{where}: {name} is named like a summary of other benchmarks: leave it out, or waive `redundant`"
            yield Finding("redundant", "warning", "", name, text, kind="name")


def _sum_of(table: Floats, halves: Floats, j: int, members: Sequence[int], what: str) -> str:
    """Return whether column j is the mean or total of some others, in words; nothing if it is neither."""
    if len(members) < 2 or np.ptp(table[:, j]) <= 2 * halves[j]:
        return ""
    parts: Floats = table[:, list(members)]
    for words, combined, half in (
        ("mean", parts.mean(axis=1), float(halves[list(members)].mean())),
        ("total", parts.sum(axis=1), float(halves[list(members)].sum())),
    ):
        if np.abs(table[:, j] - combined).max() <= halves[j] + half + 1e-9:
            return f"the {words} of {what}"
    return ""


def _combinations(table: Floats) -> list[list[int]]:
    """Return for each column those of equal weight by which least squares explain it, none where they do not."""
    n, p = table.shape
    if n < 2 * p:
        return [[] for _ in range(p)]
    # least squares on the triangle of a QR decomposition give what they give on all rows
    triangle = np.linalg.qr(np.column_stack([np.ones(n), table])).R
    found = []
    for j in range(p):
        others = [i for i in range(p + 1) if i != j + 1]
        weights = np.linalg.lstsq(triangle[:, others], triangle[:, j + 1], rcond=None)[0][1:]
        members = [i for i in range(p) if i != j]
        found.append(
            [i for i, weight in zip(members, weights, strict=True) if weight > max(0.5 * weights.max(), 1e-9)]
        )
    return found
