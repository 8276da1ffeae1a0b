"""Scores that look like failed evaluations by themselves: few items, bad outcomes, total failure, repeated values."""

from collections.abc import Collection, Mapping

import pandas as pd

from stages.analysis.scores.cells import MEASURED, Cell, divisors, failing_ends, falling
from stages.contracts.outcomes import RATES
from stages.contracts.params import ValidateParams
from stages.contracts.rows import rows_of
from stages.gate.findings import Finding
from stages.gate.sources import Sources

REPEATED, REPEATED_SHARE = 4, 0.1
"""Models, and share of the models, with exactly the same lowest or highest score from which on it is named."""


def limited_findings(cells: pd.DataFrame, benchmarks: pd.DataFrame) -> list[Finding]:
    """Name the measured cells that cover fewer items than the benchmark has."""
    found = []
    for cell in rows_of(cells[cells["origin"].isin(MEASURED)], Cell):
        declared = benchmarks["n_items"][cell.benchmark]
        if not pd.isna(declared) and not pd.isna(cell.n_items) and cell.n_items < declared:
            text = (
                f"{cell.benchmark} of {cell.model_id} was evaluated on {cell.n_items} of {declared} items: "
                "evaluate without a limit, or waive `limited`"
            )
            found.append(Finding("limited", "error", cell.model_id, cell.benchmark, text))
    return found


def outcome_findings(cells: pd.DataFrame, params: ValidateParams) -> list[Finding]:
    """Name the measured cells whose answers fail more often than allowed: that is not inability."""
    limits: Mapping[str, float] = {name: getattr(params, f"max_{name}") for name in RATES}
    found = []
    measured = cells[cells["origin"].isin(MEASURED)]
    for cell, rates in zip(rows_of(measured, Cell), measured[list(RATES)].to_dict("records"), strict=True):
        over = [f"{name} {rates[name]:.3g} > {limit:g}" for name, limit in limits.items() if rates[name] > limit]
        if over:
            text = (
                f"{cell.benchmark} of {cell.model_id}: {', '.join(over)}: looks like a zero-output failure, "
                f"{_diagnosis(cell)}"
            )
            found.append(Finding("outcomes", "error", cell.model_id, cell.benchmark, text))
    return found


def zero_findings(cells: pd.DataFrame, benchmarks: pd.DataFrame, sources: Sources) -> list[Finding]:
    """Name the scores that are exactly those of a total failure.

    That is zero, or the declared minimum where it is below zero; the maximum where lower is better. Benchmarks with
    `honest_zeros` are ignored.
    """
    down, by = falling(benchmarks), divisors(benchmarks)
    ends = {name: end for name, end in failing_ends(benchmarks).items() if end <= 0 or name in down}
    if "honest_zeros" in benchmarks:
        ends = {name: end for name, end in ends.items() if not benchmarks["honest_zeros"][name]}
    worst = cells["benchmark"].map(ends).astype(float) / cells["benchmark"].map(by).astype(float)
    found = []
    for cell in rows_of(cells[cells["score"] == worst], Cell):
        end = ends[cell.benchmark]
        why = "a failed evaluation than inability" if end >= 0 else "a marker of a missing score than a result"
        blank = "" if end >= 0 else "leave the cell blank (assemble.missing), "
        text = (
            f"{sources.of(cell.model_id, cell.benchmark)}: {cell.benchmark} of {cell.model_id} is exactly {end:g}: "
            f"more often {why}; {blank}{_remedy(cell)}, or waive `zero` in waivers.csv with the reason"
        )
        found.append(Finding("zero", "error", cell.model_id, cell.benchmark, text, kind=f"{why} {cell.origin}"))
    return found


def _remedy(cell: Cell) -> str:
    """Return what helps where a score is wrong: a published one is corrected, one of our own is measured again."""
    if cell.origin not in MEASURED:
        return "correct it in corrections.csv"
    return f"look at its answers, {_diagnosis(cell)}"


def _diagnosis(cell: Cell) -> str:
    """Return how to find out why a model did not answer; what others evaluated has its answers only."""
    if cell.origin == "imported":
        return f"run `observatory trace {cell.model_id}:{cell.benchmark} --samples 5`"
    return f"run `observatory diagnose {cell.model_id} --benchmark {cell.benchmark}`"


def repeated_findings(
    X: pd.DataFrame, benchmarks: pd.DataFrame, constant: Collection[str], where: str
) -> list[Finding]:
    """Name the benchmarks whose lowest or highest value many models share: a marker, or a limit of the metric.

    Args:
        X: Score matrix (n_models, n_benchmarks).
        benchmarks: benchmarks.csv, indexed by benchmark. The value of a total failure is named cell by cell, see
            `zero_findings`.
        constant: Benchmarks already reported because nearly all models have one score.
        where: Path of the scores, to show in messages.
    """
    found = []
    for name, worst in failing_ends(benchmarks).items():
        if name not in X or name in constant:
            continue
        column = (X[name] * divisors(benchmarks)[name]).dropna()
        for which, value in (("lowest", column.min()), ("highest", column.max())):
            k, n = int((column == value).sum()), len(column)
            if max(REPEATED, REPEATED_SHARE * n) <= k < n and value != worst:
                text = (
                    f"{where}: {name} is exactly {value:g} for {k} of {n} models, its {which} value: blank the cells "
                    "if it marks missing scores (assemble.missing)"
                )
                found.append(Finding("zero", "warning", "", name, text, kind="repeated"))
    return found
