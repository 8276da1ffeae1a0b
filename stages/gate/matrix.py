"""Checks of the score matrix: what must hold before a component is computed from it."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.analysis.scores.cells import Cell, divisors, falling, raw_ranges, scaled_ranges, take_subset
from stages.contracts.names import listed
from stages.contracts.params import Params, ValidateParams
from stages.contracts.rows import rows_of, texts
from stages.contracts.study.facts import subset_values
from stages.gate.corrections import corrected_line, scoreless_corrections, stale_corrections
from stages.gate.expectations import Suite, matrix_expectations
from stages.gate.failures import limited_findings, outcome_findings, repeated_findings, zero_findings
from stages.gate.findings import MATRIX_CHECKS, Finding, Judgement, Severity
from stages.gate.likeness import (
    alike_findings,
    constant_findings,
    identical_findings,
    nearly_constant,
    redundant_findings,
)
from stages.gate.presence import apart_findings, missing_findings, size_findings, sparse_findings
from stages.gate.scale import (
    direction_findings,
    distrusted,
    grid_findings,
    more_items_findings,
    range_findings,
    scale_findings,
)
from stages.gate.sources import Sources
from stages.gate.suspicion import find_suspicions
from stages.gate.too_good import too_good_findings
from stages.gate.waivers import judged_cells, trials_folded, unknown_names, unmatched, waive


class Study(NamedTuple):
    """The tables of a study that decide on its matrix, as in `Facts`."""

    models: pd.DataFrame
    benchmarks: pd.DataFrame
    scores: pd.DataFrame
    corrections: pd.DataFrame
    waivers: pd.DataFrame


def judge_matrix(cells: pd.DataFrame, X: pd.DataFrame, study: Study, params: Params, folder: str) -> Judgement:
    """Judge the score matrix of a study, and what its other tables say of it: the gate in front of the analysis.

    Args:
        cells: Long table of cells, scaled, of the models of the subset.
        X: The matrix made from the cells (n_models, n_benchmarks).
        study: Tables of the study.
        params: Its sections `assemble` and `validate`.
        folder: Folder of the study, to show in messages.
    """
    where, benchmarks = f"{folder}/scores.csv", study.benchmarks
    subsets = {name: texts(take_subset(study.models, name).index) for name in subset_values(study.models)}
    found = check_matrix(cells, X, benchmarks, params, where, subsets)
    found += suspicion_findings(X, benchmarks, found, params.gate, Sources(cells, where))
    ranges = {name: limits for name, limits in scaled_ranges(benchmarks).items() if name in X}
    allow_missing = params.assemble.missing == "model"
    expectations = matrix_expectations(ranges, list(X.index), allow_missing=allow_missing)
    judged = judge(found, cells, study.waivers, f"{folder}/waivers.csv", part=len(X) < len(study.models))
    return Judgement(
        table="matrix",
        findings=(*judged, *stale_corrections(cells, study.corrections, benchmarks, folder), *foreign(study, folder)),
        checks=MATRIX_CHECKS,
        suite=Suite("score_matrix", X.reset_index(), expectations),
    )


def foreign(study: Study, folder: str) -> list[Finding]:
    """Name the rows of corrections.csv and waivers.csv about what the study does not have."""
    models, benchmarks = texts(study.models.index), texts(study.benchmarks.index)
    return [
        *unknown_names(study.waivers, f"{folder}/waivers.csv", "waivers", models, benchmarks),
        *unknown_names(study.corrections, f"{folder}/corrections.csv", "corrections", models, benchmarks),
        *scoreless_corrections(study.corrections, models, texts(study.scores.index), folder),
    ]


def check_matrix(
    cells: pd.DataFrame,
    X: pd.DataFrame,
    benchmarks: pd.DataFrame,
    params: Params,
    where: str,
    subsets: Mapping[str, Collection[str]] = {},
) -> list[Finding]:
    """Run every check of `MATRIX_CHECKS` but those of predictions, waivers not yet applied.

    Args:
        cells: Long table of cells, scaled, of the models of the subset.
        X: The matrix made from the cells (n_models, n_benchmarks).
        benchmarks: benchmarks.csv, indexed by benchmark.
        params: Its sections `assemble` and `validate`.
        where: Path of the scores, to show in messages.
        subsets: Subset that the study offers to its models.
    """
    modelled, sources = params.assemble.missing == "model", Sources(cells, where)
    found = [*missing_findings(X, where, modelled=modelled), *range_findings(X, benchmarks, sources)]
    found += size_findings(X, where, params.assemble.missing)
    if modelled:
        found += [*sparse_findings(X, where), *apart_findings(X, where)]
    sound = in_range(X, benchmarks)
    found += [*scale_findings(sound, benchmarks, where), *direction_findings(sound, benchmarks, where)]
    found += [*constant_findings(X, benchmarks, subsets, where), *identical_findings(X, where)]
    found += [*alike_findings(sound, where), *redundant_findings(sound, benchmarks, where)]
    found += [*limited_findings(cells, benchmarks), *outcome_findings(cells, params.gate)]
    found += [*grid_findings(sound, benchmarks, where), *more_items_findings(cells, benchmarks)]
    found += zero_findings(cells, benchmarks, sources)
    found += repeated_findings(X, benchmarks, nearly_constant(found), where)
    found += protocol_findings(cells, mixed_allowed=params.assemble.mixed_protocols)
    found += [
        Finding("corrections", "corrected", row.model_id, row.benchmark, corrected_line(row))
        for row in rows_of(cells[cells["origin"] == "corrected"], Cell)
    ]
    return found


def in_range(X: pd.DataFrame, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Return the scores inside their declared range, NaN for others: those say nothing about their benchmark."""
    low, high = pd.DataFrame(scaled_ranges(benchmarks)).reindex(columns=X.columns).to_numpy()
    return X.where((X >= low) & (X <= high))


def judge(
    findings: Sequence[Finding], cells: pd.DataFrame, waivers: pd.DataFrame, where: str, *, part: bool = False
) -> list[Finding]:
    """Apply the waivers, report each trial once, and report the waivers that match nothing.

    Args:
        findings: From `check_matrix` and the suspicion check.
        cells: Long table of cells.
        waivers: waivers.csv.
        where: Path of waivers.csv.
        part: Whether the cells are those of a part of the study's models.
    """
    stale = unmatched(findings, judged_cells(cells), waivers, where, ["", *MATRIX_CHECKS], part=part)
    return [*trials_folded(waive(findings, waivers), where), *stale]


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
    if any(f.check == "range" and not f.model_id and not f.benchmark for f in found):
        return []  # nothing is predicted from a table in another unit
    known = {(f.model_id, f.benchmark) for f in found if f.check in ("zero", "outcomes", "range")}
    negative = [name for name, (low, _) in raw_ranges(benchmarks).items() if low < 0 and name in X]
    down = falling(benchmarks) & set(X)
    table, facts = as_ability(X.drop(columns=[*negative, *(distrusted(found) & set(X) - set(negative))]), benchmarks)
    report = find_suspicions(table, facts, params.suspicion, known)
    notes = [*report.notes, *([f"{listed(negative)}: scores may be below zero: not predicted"] * bool(negative))]
    severity: Severity = "error" if params.suspicious == "fail" else "warning"
    unit = " (scores as 1 - score, since lower is better)"
    doubts = [
        Finding(
            "suspicious",
            severity,
            s.model_id,
            s.benchmark,
            f"{sources.of(s.model_id, s.benchmark)}: {s.detail}{unit if s.benchmark in down else ''}",
            kind=s.kind,
        )
        for s in report.suspicions
    ]
    # notes that differ by names and numbers only are of one kind
    kinds = [re.sub(r"\d+", "", note.partition(": ")[2]) for note in notes]
    doubts += [
        Finding("suspicious", "warning", "", "", f"{sources.where}: {note}", kind=kind)
        for note, kind in zip(notes, kinds, strict=True)
    ]
    explained = known | {(s.model_id, s.benchmark) for s in report.suspicions}
    return [*doubts, *too_good_findings(without(table, explained), facts["n_items"], down, params.suspicion, sources)]


def as_ability(X: pd.DataFrame, benchmarks: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores and facts with chance on the scale 0 to 1, higher is better, turned round where lower is.

    Args:
        X: Score matrix (n_models, n_benchmarks) of benchmarks whose scores are not below zero.
        benchmarks: benchmarks.csv, indexed by benchmark.
    """
    down, chance = falling(benchmarks), benchmarks["chance"] / divisors(benchmarks)
    turned = X.copy()
    for name in down & set(X):
        turned[name] = 1 - X[name]
    # nobody makes no errors by guessing: 0 stands for a chance that is not known
    chance = chance.where(~benchmarks.index.isin(list(down)), (1 - chance).where(chance > 0, 0.0))
    return turned, benchmarks.assign(chance=chance)


def without(X: pd.DataFrame, cells: Collection[tuple[str, str]]) -> pd.DataFrame:
    """Return scores with some cells blanked, and all those of a model where its benchmark is empty."""
    table = X.copy()
    for model_id, benchmark in cells:
        if model_id in table.index and (not benchmark or benchmark in table):
            table.loc[model_id, benchmark or list(table.columns)] = np.nan
    return table


def protocol_findings(cells: pd.DataFrame, *, mixed_allowed: bool) -> list[Finding]:
    """Name the benchmarks whose cells were measured under more than one protocol.

    Args:
        cells: Long table of cells.
        mixed_allowed: Whether that is a warning instead of an error.
    """
    severity: Severity = "warning" if mixed_allowed else "error"
    found = []
    # what was not measured was measured under no protocol
    for benchmark, column in cells[cells["score"].notna()].groupby("benchmark", sort=False):
        counts = column["protocol"].value_counts()
        for protocol in counts.index[1:]:
            few = column.loc[column["protocol"] == protocol, "model_id"].tolist()
            text = (
                f"{benchmark}: measured as '{protocol}' for {listed(few, 5)}, as '{counts.index[0]}' for the others: "
                "these numbers cannot share a column"
            )
            fix = (
                " (assemble.mixed_protocols allows it)"
                if mixed_allowed
                else "; -S assemble.mixed_protocols=true keeps both"
            )
            found.append(Finding("protocol", severity, few[0] if len(few) == 1 else "", str(benchmark), text + fix))
    return found
