"""Checks of the score matrix: what must hold before a component is computed from it."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd

from stages.analysis.scores.cells import Cell, divisors, raw_ranges, scaled_ranges
from stages.contracts.outcomes import RATES
from stages.contracts.params import Params, ValidateParams
from stages.contracts.ranges import range_problems
from stages.contracts.rows import is_missing, rows_of
from stages.contracts.study.tables import CorrectionRow
from stages.gate.expectations import Suite, matrix_expectations
from stages.gate.findings import MATRIX_CHECKS, Finding, Judgement, Severity
from stages.gate.presence import apart_findings, missing_findings, size_findings, sparse_findings
from stages.gate.suspicion import find_suspicions
from stages.gate.waivers import trials_folded, unmatched, waive

REPEATED, REPEATED_SHARE = 4, 0.1
"""Models, and share of the models, with exactly the same lowest or highest score from which on it is named."""
MIN_SHARED = 3
"""Cells that two rows or columns must share before their equality is evidence of a copy."""


def judge_matrix(
    cells: pd.DataFrame, X: pd.DataFrame, benchmarks: pd.DataFrame, waivers: pd.DataFrame, params: Params, folder: str
) -> Judgement:
    """Judge the score matrix of a study: the gate in front of the analysis.

    Args:
        cells: Long table of cells, scaled, of the models of the subset.
        X: The matrix made from the cells (n_models, n_benchmarks).
        benchmarks: benchmarks.csv, indexed by benchmark.
        waivers: waivers.csv.
        params: Its sections `assemble` and `validate`.
        folder: Of the study, to show in messages.
    """
    where = f"{folder}/scores.csv"
    found = check_matrix(cells, X, benchmarks, params, where)
    found += suspicion_findings(X, benchmarks, found, params.gate, Sources(cells, where))
    ranges = {name: limits for name, limits in scaled_ranges(benchmarks).items() if name in X}
    allow_missing = params.assemble.missing == "model"
    expectations = matrix_expectations(ranges, list(X.index), allow_missing=allow_missing)
    return Judgement(
        table="matrix",
        findings=tuple(judge(found, cells, waivers, f"{folder}/waivers.csv")),
        checks=MATRIX_CHECKS,
        suite=Suite("score_matrix", X.reset_index(), expectations),
    )


def check_matrix(
    cells: pd.DataFrame, X: pd.DataFrame, benchmarks: pd.DataFrame, params: Params, where: str
) -> list[Finding]:
    """Run every check of `MATRIX_CHECKS`, waivers not yet applied.

    Args:
        cells: Long table of cells, scaled, of the models of the subset.
        X: The matrix made from the cells (n_models, n_benchmarks).
        benchmarks: benchmarks.csv, indexed by benchmark.
        params: Its sections `assemble` and `validate`.
        where: Path of the scores, to show in messages.
    """
    modelled = params.assemble.missing == "model"
    found = [*missing_findings(X, where, modelled=modelled), *range_findings(X, benchmarks, Sources(cells, where))]
    found += size_findings(X, where, params.assemble.missing)
    if modelled:
        found += [*sparse_findings(X, where), *apart_findings(X, where)]
    found += [*constant_findings(X, where), *identical_findings(X, where)]
    found += [*limited_findings(cells, benchmarks), *outcome_findings(cells, params.gate)]
    found += [*zero_findings(cells, benchmarks, where), *repeated_findings(X, benchmarks, where)]
    found += protocol_findings(cells, mixed_allowed=params.assemble.mixed_protocols)
    found += [
        Finding("corrections", "corrected", row.model_id, row.benchmark, corrected_line(row))
        for row in rows_of(cells[cells["origin"] == "corrected"], Cell)
    ]
    return found


def judge(findings: Sequence[Finding], cells: pd.DataFrame, waivers: pd.DataFrame, where: str) -> list[Finding]:
    """Apply the waivers, say of each trial once that it is one, and report the waivers that match nothing.

    Args:
        findings: From `check_matrix` and the suspicion check.
        cells: Long table of cells.
        waivers: waivers.csv.
        where: Path of waivers.csv.
    """
    return [*trials_folded(waive(findings, waivers), where), *unmatched(findings, cells, waivers, where)]


def corrected_line(c: Cell) -> str:
    """Return what was corrected, as one line."""
    return f"{c.benchmark} of {c.model_id} is corrected to {c.score:g}: {c.reason} ({c.source})"


def stale_corrections(
    cells: pd.DataFrame, corrections: pd.DataFrame, benchmarks: pd.DataFrame, folder: str
) -> list[Finding]:
    """Name the corrections of a published score that the table does not have: they are not applied.

    Args:
        cells: Long table of cells, scaled; of those that were corrected the correction fits.
        corrections: corrections.csv, raw scores.
        benchmarks: benchmarks.csv, indexed by benchmark.
        folder: Of the study, to show in messages.
    """
    published = {(c.model_id, c.benchmark): c.score for c in rows_of(cells[cells["origin"] == "published"], Cell)}
    by = divisors(benchmarks)
    found = []
    for row in rows_of(corrections, CorrectionRow):
        score = published.get((row.model_id, row.benchmark))
        if score is None or score == row.published / by[row.benchmark]:
            continue
        has = "no score" if is_missing(score) else f"{score * by[row.benchmark]:g}"
        text = (
            f"{folder}/corrections.csv: published {row.benchmark} of {row.model_id} is {row.published:g}, "
            f"{folder}/scores.csv has {has}: remove the row or correct the published value"
        )
        found.append(Finding("corrections", "error", row.model_id, row.benchmark, text))
    return found


class Sources:
    """Where scores were read: in the study's table, or in a model's own evaluation.

    Args:
        cells: Long table of cells.
        where: Path of the table.
    """

    def __init__(self, cells: pd.DataFrame, where: str) -> None:
        self.where = where
        own = cells["origin"] == "evaluated"
        self.evaluated = set(zip(cells.loc[own, "model_id"], cells.loc[own, "benchmark"], strict=True))
        self._whole = set(cells["model_id"]) - set(cells.loc[~own, "model_id"])

    def of(self, model_id: str, benchmark: str) -> str:
        """Return the source of a cell, or of a model's scores where there is no benchmark."""
        own = (model_id, benchmark) in self.evaluated if benchmark else model_id in self._whole
        return f"evaluation of {model_id}" if own else self.where


def range_findings(X: pd.DataFrame, benchmarks: pd.DataFrame, sources: Sources) -> list[Finding]:
    """Name the scores outside their declared range, in the unit of the table."""
    raw = X * divisors(benchmarks)
    own = pd.DataFrame([[(m, b) in sources.evaluated for b in X] for m in X.index], X.index, X.columns, dtype=bool)
    ranges, declared = raw_ranges(benchmarks), "min_score and max_score in benchmarks.csv"
    return [
        Finding("range", "error", "", "", line)
        for where, part, remedy in (
            (sources.where, raw.mask(own), "correct it"),
            ("own evaluation", raw.where(own), "look at its answers"),
        )
        for line in range_problems(
            part.rename_axis("model_id").reset_index(), where, ranges, "model_id", f"{remedy}, or {declared}"
        )
    ]


def constant_findings(X: pd.DataFrame, where: str) -> list[Finding]:
    """Name the benchmarks on which all models have one score: they have no correlation with anything."""
    return [
        Finding(
            "constant",
            "error",
            "",
            str(name),
            f"{where}: {name} is {column.dropna().iloc[0]:g} for all {column.notna().sum()} models: nothing can be "
            "learnt from it, drop the benchmark or choose another subset",
        )
        for name, column in X.items()
        if column.notna().sum() > 1 and column.nunique(dropna=True) == 1
    ]


def identical_findings(X: pd.DataFrame, where: str) -> list[Finding]:
    """Name models, and benchmarks, whose scores are all equal: one was copied onto the other."""
    found = []
    for kind, table in (("model", X), ("benchmark", X.T)) if X.size else ():
        full = table[table.notna().sum(axis=1) >= MIN_SHARED]
        for _, twins in full.groupby(list(full.columns), dropna=False, sort=False).groups.items():
            for first, second in combinations([str(name) for name in twins], 2):
                message = f"{where}: {first} and {second} have identical scores throughout: one is a copy of the other"
                ids = (second, "") if kind == "model" else ("", second)
                found.append(Finding("identical", "error", *ids, message))
    return found


def limited_findings(cells: pd.DataFrame, benchmarks: pd.DataFrame) -> list[Finding]:
    """Name the evaluated cells that cover fewer items than the benchmark has."""
    found = []
    for cell in rows_of(cells[cells["origin"] == "evaluated"], Cell):
        declared = benchmarks["n_items"][cell.benchmark]
        if not pd.isna(declared) and not pd.isna(cell.n_items) and cell.n_items < declared:
            text = (
                f"{cell.benchmark} of {cell.model_id} was evaluated on {cell.n_items} of {declared} items: "
                "evaluate without a limit, or waive `limited`"
            )
            found.append(Finding("limited", "error", cell.model_id, cell.benchmark, text))
    return found


def outcome_findings(cells: pd.DataFrame, params: ValidateParams) -> list[Finding]:
    """Name the evaluated cells whose answers fail more often than allowed: that is no inability."""
    limits: Mapping[str, float] = {name: getattr(params, f"max_{name}") for name in RATES}
    found = []
    evaluated = cells[cells["origin"] == "evaluated"]
    for cell, rates in zip(rows_of(evaluated, Cell), evaluated[list(RATES)].to_dict("records"), strict=True):
        over = [f"{name} {rates[name]:.3g} > {limit:g}" for name, limit in limits.items() if rates[name] > limit]
        if over:
            text = (
                f"{cell.benchmark} of {cell.model_id}: {', '.join(over)}: looks like a zero-output failure, "
                f"run `observatory diagnose {cell.model_id} --benchmark {cell.benchmark}`"
            )
            found.append(Finding("outcomes", "error", cell.model_id, cell.benchmark, text))
    return found


def zero_findings(cells: pd.DataFrame, benchmarks: pd.DataFrame, where: str) -> list[Finding]:
    """Name the scores that are exactly the lowest possible: zero, or the declared minimum where that is below zero."""
    bottom, by = {name: low for name, (low, _) in raw_ranges(benchmarks).items()}, divisors(benchmarks)
    low = cells["benchmark"].map(bottom).astype(float) / cells["benchmark"].map(by).astype(float)
    found = []
    for cell in rows_of(cells[(cells["score"] == low) & (low <= 0)], Cell):
        lowest = bottom[cell.benchmark]
        why = "a failed evaluation than inability" if lowest == 0 else "a marker of a missing score than a result"
        blank = "" if lowest == 0 else "leave the cell blank, "
        text = (
            f"{_source(cell, where)}: {cell.benchmark} of {cell.model_id} is exactly {lowest:g}: more often {why}; "
            f"{blank}{_remedy(cell)}, or waive `zero` in waivers.csv with the reason"
        )
        found.append(Finding("zero", "error", cell.model_id, cell.benchmark, text))
    return found


def _source(cell: Cell, where: str) -> str:
    """Return where a cell's score was read."""
    return f"evaluation of {cell.model_id}" if cell.origin == "evaluated" else where


def _remedy(cell: Cell) -> str:
    """Return what helps where a score is wrong: a published one is corrected, an own one measured again."""
    if cell.origin != "evaluated":
        return "correct it in corrections.csv"
    return f"look at its answers, run `observatory diagnose {cell.model_id} --benchmark {cell.benchmark}`"


def repeated_findings(X: pd.DataFrame, benchmarks: pd.DataFrame, where: str) -> list[Finding]:
    """Name the benchmarks whose lowest or highest value many models share: a marker, or a limit of the metric.

    The lowest possible value is named cell by cell, see `zero_findings`.
    """
    found = []
    for name, (bottom, _) in raw_ranges(benchmarks).items():
        column = (X[name] * divisors(benchmarks)[name]).dropna() if name in X else pd.Series(dtype=float)
        for which, value in (("lowest", column.min()), ("highest", column.max())):
            k, n = int((column == value).sum()), len(column)
            if max(REPEATED, REPEATED_SHARE * n) <= k < n and value != bottom:
                text = (
                    f"{where}: {name} is exactly {value:g} for {k} of {n} models, its {which} value: blank the cells "
                    "if it marks missing scores"
                )
                found.append(Finding("zero", "warning", "", name, text))
    return found


def suspicion_findings(
    X: pd.DataFrame, benchmarks: pd.DataFrame, found: Sequence[Finding], params: ValidateParams, sources: Sources
) -> list[Finding]:
    """Name the scores that the rest of the matrix contradicts.

    Args:
        X: Score matrix (n_models, n_benchmarks).
        benchmarks: benchmarks.csv, indexed by benchmark.
        found: Findings of the other checks; cells that they name are not evidence for others and not named again.
        params: Section `validate`: whether a suspicion warns or fails.
        sources: Where the scores were read.
    """
    known = {(f.model_id, f.benchmark) for f in found if f.check in ("zero", "outcomes", "range")}
    negative = [name for name, (low, _) in raw_ranges(benchmarks).items() if low < 0 and name in X]
    report = find_suspicions(X.drop(columns=negative), benchmarks, params.suspicion, known)
    notes = [*report.notes, *([f"{', '.join(negative)}: scores may be below zero: not predicted"] * bool(negative))]
    severity: Severity = "error" if params.suspicious == "fail" else "warning"
    doubts = [
        Finding("suspicious", severity, s.model_id, s.benchmark, f"{sources.of(s.model_id, s.benchmark)}: {s.detail}")
        for s in report.suspicions
    ]
    return [*doubts, *(Finding("suspicious", "warning", "", "", f"{sources.where}: {note}") for note in notes)]


def protocol_findings(cells: pd.DataFrame, *, mixed_allowed: bool) -> list[Finding]:
    """Name the benchmarks whose cells were measured under more than one protocol.

    Args:
        cells: Long table of cells.
        mixed_allowed: Whether that is a warning instead of an error.
    """
    severity: Severity = "warning" if mixed_allowed else "error"
    found = []
    for benchmark, column in cells.groupby("benchmark", sort=False):
        counts = column["protocol"].value_counts()
        for protocol in counts.index[1:]:
            few = column.loc[column["protocol"] == protocol, "model_id"].tolist()
            names = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
            text = (
                f"{benchmark}: measured as '{protocol}' for {names}, as '{counts.index[0]}' for the others: "
                "these numbers cannot share a column"
            )
            fix = (
                " (assemble.mixed_protocols allows it)"
                if mixed_allowed
                else "; -S assemble.mixed_protocols=true keeps both"
            )
            found.append(Finding("protocol", severity, few[0] if len(few) == 1 else "", str(benchmark), text + fix))
    return found
