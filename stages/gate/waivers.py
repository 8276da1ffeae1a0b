"""What waivers.csv accepts: a finding by name, or all of a model, of a benchmark or of a kind."""

from collections.abc import Collection, Iterator, Sequence

import pandas as pd

from stages.contracts.names import Names
from stages.contracts.rows import rows_of
from stages.contracts.study.tables import DEFINITE, EVIDENCE, WAIVABLE, WaiverRow
from stages.gate.findings import Finding, Severity, subject

TRIAL_CHECKS = ("limited", "zero", "outcomes", "suspicious")
"""What a few items say nothing about."""
RELATIVE = (
    "",
    "suspicious",
    "too_good",
    "constant",
    "identical",
    "alike",
    "redundant",
    "direction",
    "items",
    "protocol",
)
"""Checks that compare models, and so may find nothing in a subset; a row without a check stands for one of them."""
STOPPING = ("error", "warning")
"""Severities of findings that nobody has accepted."""


def names(waiver: WaiverRow, finding: Finding) -> bool:
    """Return whether a row of waivers.csv means a finding: a blank cell of it holds for everything.

    A row without a check means those for failed evaluations, and what names neither a model nor a benchmark is meant
    only by its check.
    """
    return (
        (waiver.check == finding.check if waiver.check else finding.check in EVIDENCE)
        and (bool(finding.model_id or finding.benchmark) or bool(waiver.check))
        and waiver.model_id in {"", finding.model_id}
        and waiver.benchmark in {"", finding.benchmark}
    )


def covers(waiver: WaiverRow, finding: Finding) -> bool:
    """Return whether a row of waivers.csv means a finding and can accept it."""
    definite = finding.severity == "error" and finding.check in DEFINITE
    return finding.check in WAIVABLE and not definite and names(waiver, finding)


def waive(findings: Sequence[Finding], waivers: pd.DataFrame) -> list[Finding]:
    """Turn the findings that waivers cover into `waived` ones, with the reason of the narrowest waiver.

    Args:
        findings: Findings of the checks; no error of `DEFINITE` checks can be waived.
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
            place = (finding.model_id, finding.benchmark)
            result.append(Finding(finding.check, "waived", *place, message, kind=waiver.reason))
    return result


def unmatched(
    findings: Sequence[Finding],
    present: Collection[tuple[str, str]],
    waivers: pd.DataFrame,
    where: str,
    checks: Collection[str],
    *,
    part: bool = False,
) -> Iterator[Finding]:
    """Name the waivers that cover no finding: they would hide one that is still to come.

    One without a model may match in another subset, and so may one of a check that compares models: a warning only.

    Args:
        findings: Findings of the checks, none waived.
        present: Model and benchmark of what was judged; for a model as a whole the benchmark is empty.
        waivers: waivers.csv.
        where: Path of waivers.csv.
        checks: Those made; the empty text is among them where a row without a check is to be judged.
        part: Whether a part of the study's models was judged.
    """
    benchmarks = {benchmark for _, benchmark in present}
    for waiver in rows_of(waivers, WaiverRow):
        within = (waiver.model_id, waiver.benchmark) in present if waiver.model_id else waiver.benchmark in benchmarks
        if waiver.check not in checks or not within:
            continue
        if any(covers(waiver, finding) for finding in findings):
            continue
        kind = waiver.check or "every check"
        fate = "matches no finding: remove the row"
        if any(names(waiver, finding) for finding in findings):
            fate = f"cannot be: nothing is computed from such a table: do as the line of {kind} says, remove the row"
        elsewhere = not waiver.model_id or (part and waiver.check in RELATIVE)
        severity: Severity = "warning" if elsewhere else "error"
        message = f"{where}: the waiver of {kind} for {_subject(waiver)} {fate}"
        yield Finding("waivers", severity, waiver.model_id, waiver.benchmark, message, kind=fate)


def judged_cells(cells: pd.DataFrame) -> set[tuple[str, str]]:
    """Return model and benchmark of the cells that were not corrected, and each model with an empty benchmark.

    Args:
        cells: Long table of cells.
    """
    kept = cells[cells["origin"] != "corrected"]
    return set(zip(kept["model_id"], kept["benchmark"], strict=True)) | {(name, "") for name in set(cells["model_id"])}


def unknown_names(
    table: pd.DataFrame, where: str, check: str, models: Sequence[str], benchmarks: Sequence[str]
) -> list[Finding]:
    """Name the rows of waivers.csv or corrections.csv about a model or benchmark that the study does not have.

    Args:
        table: With the columns model_id and benchmark, either of which may be blank.
        where: Its path.
        check: `waivers` or `corrections`.
        models: model_id of all models of the study.
        benchmarks: All its benchmarks.
    """
    found = []
    for column, home, known in (("model_id", "models.csv", models), ("benchmark", "benchmarks.csv", benchmarks)):
        allowed = Names(known)
        for name in dict.fromkeys(map(str, table[column])):
            if name and name not in allowed:
                hint = allowed.hint(name)
                fix = f"{hint} (or remove the row)" if hint else ": correct it, or remove the row"
                text = f"{where}: {column} {name} is not in {home}{fix}"
                place = (name, "") if column == "model_id" else ("", name)
                found.append(Finding(check, "error", *place, text, kind=column))
    return found


def _subject(waiver: WaiverRow) -> str:
    if waiver.model_id:
        return subject(waiver.model_id, waiver.benchmark)
    return f"{waiver.benchmark} of all models" if waiver.benchmark else "all models"


def trials_folded(findings: Sequence[Finding], where: str) -> list[Finding]:
    """Report once that a model was evaluated on a few items only, instead of once for each benchmark.

    What else was found in these cells goes with it: a few items say nothing about that.

    Args:
        findings: Waivers applied.
        where: Path of waivers.csv.
    """
    limited: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        if (finding.check, finding.severity) == ("limited", "error"):
            limited.setdefault(finding.model_id, {})[finding.benchmark] = finding
    trials = {model_id: mine for model_id, mine in limited.items() if len(mine) > 1}
    result = []
    for finding in findings:
        mine = trials.get(finding.model_id, {})
        if finding.benchmark not in mine or finding.check not in TRIAL_CHECKS or finding.severity not in STOPPING:
            result.append(finding)
        elif finding is next(iter(mine.values())):
            result.append(_trial(finding, len(mine) - 1, where))
    return result


def _trial(first: Finding, others: int, where: str) -> Finding:
    text = (
        f"{first.message.partition(':')[0]}, and on a part of the items of {others} other benchmarks: "
        f"evaluate without evaluate.limit, or accept the trial by one row of {where}: "
        f"`{first.model_id},,,REASON,SOURCE`"
    )
    return Finding("limited", "error", first.model_id, "", text, kind="trial")
