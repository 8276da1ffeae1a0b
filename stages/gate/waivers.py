"""What waivers.csv accepts: a finding by name, or all of a model, of a benchmark or of a kind."""

from collections.abc import Iterator, Sequence

import pandas as pd

from stages.analysis.scores.cells import Cell
from stages.contracts.rows import rows_of
from stages.contracts.study.tables import WAIVABLE, WaiverRow
from stages.gate.findings import Finding, Severity, subject

TRIAL_CHECKS = ("limited", "zero", "outcomes", "suspicious")
"""What a few items say nothing about."""


def covers(waiver: WaiverRow, finding: Finding) -> bool:
    """Return whether a row of waivers.csv accepts a finding: a blank cell of it holds for everything.

    What names neither a model nor a benchmark cannot be waived.
    """
    return (
        finding.check in WAIVABLE
        and bool(finding.model_id or finding.benchmark)
        and waiver.check in {"", finding.check}
        and waiver.model_id in {"", finding.model_id}
        and waiver.benchmark in {"", finding.benchmark}
    )


def waive(findings: Sequence[Finding], waivers: pd.DataFrame) -> list[Finding]:
    """Turn the findings that waivers cover into `waived` ones, with the reason of the narrowest waiver.

    Args:
        findings: Findings of the checks; only those of `WAIVABLE` checks can be waived.
        waivers: waivers.csv: model_id, benchmark, check, reason, source.
    """
    rows = sorted(rows_of(waivers, WaiverRow), key=lambda row: [row.model_id, row.benchmark, row.check].count(""))
    result = []
    for finding in findings:
        waiver = next((row for row in rows if covers(row, finding)), None)
        if waiver is None:
            result.append(finding)
        else:
            what = subject(finding.model_id, finding.benchmark)
            message = f"{what}: {finding.check} waived: {waiver.reason}"
            result.append(Finding(finding.check, "waived", finding.model_id, finding.benchmark, message))
    return result


def unmatched(
    findings: Sequence[Finding], cells: pd.DataFrame, waivers: pd.DataFrame, where: str
) -> Iterator[Finding]:
    """Name the waivers that cover no finding: they would hide one that is still to come.

    A waiver is judged only where its cell, or one of its model, is in the subset and was not corrected. One without
    a model may match in another subset, so it is only a warning.

    Args:
        findings: Of all checks, none waived.
        cells: Long table of cells.
        waivers: waivers.csv.
        where: Path of waivers.csv.
    """
    present = {(cell.model_id, cell.benchmark) for cell in rows_of(cells, Cell) if cell.origin != "corrected"}
    present |= {(model_id, "") for model_id in cells["model_id"].unique()}
    for waiver in rows_of(waivers, WaiverRow):
        if waiver.model_id and (waiver.model_id, waiver.benchmark) not in present:
            continue
        if not any(covers(waiver, finding) for finding in findings):
            kind, what = waiver.check or "every check", _subject(waiver)
            message = f"{where}: the waiver of {kind} for {what} matches no finding: remove the row"
            severity: Severity = "error" if waiver.model_id else "warning"
            yield Finding("waivers", severity, waiver.model_id, waiver.benchmark, message)


def _subject(waiver: WaiverRow) -> str:
    if waiver.model_id:
        return subject(waiver.model_id, waiver.benchmark)
    return f"{waiver.benchmark} of all models" if waiver.benchmark else "all models"


def trials_folded(findings: Sequence[Finding], where: str) -> list[Finding]:
    """Say of a model that was evaluated on a few items of several benchmarks so once, instead of for each of them.

    What else was found in these cells goes with it: a few items say nothing about that.

    Args:
        findings: Waivers applied.
        where: Path of waivers.csv.
    """
    limited = [each for each in findings if (each.check, each.severity) == ("limited", "error")]
    result = list(findings)
    for model_id in dict.fromkeys(finding.model_id for finding in limited):
        mine = {finding.benchmark: finding for finding in limited if finding.model_id == model_id}
        if len(mine) < 2:
            continue
        first, *others = mine.values()
        text = (
            f"{first.message.partition(':')[0]}, and on a part of the items of {len(others)} other benchmarks: "
            f"evaluate without evaluate.limit, or accept the trial by one row of {where}: `{model_id},,,REASON,SOURCE`"
        )
        place = result.index(first)
        folded = [
            each
            for each in result
            if not (each.model_id == model_id and each.benchmark in mine and each.check in TRIAL_CHECKS
                    and each.severity in {"error", "warning"})
        ]  # fmt: skip
        folded.insert(min(place, len(folded)), Finding("limited", "error", model_id, "", text))
        result = folded
    return result
