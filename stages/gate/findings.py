"""What the checks of a study say, one line each, and the verdict over all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from stages.contracts.kinds import OfKind, one_line_each
from stages.gate.expectations import Suite, findings_expectations

Severity = Literal["error", "warning", "waived", "corrected"]

MODEL_CHECKS: Mapping[str, str] = {
    "names": "No two models have one name",
    "units": "Parameters and tokens are plausible against the names and the other models",
    "sizes": "Parameters are known, and no more are active than there are",
    "tokens": "Tokens per language add up to at most the total",
    "base_models": "Base models are known and their tokens are contained in their descendants'",
    "token_rules": "Printed token counts agree with the counts derived by rule",
    "waivers": "Every waiver of these checks still matches a finding",
}
MATRIX_CHECKS: Mapping[str, str] = {
    "complete": "Every model has a score on every benchmark",
    "range": "Every score lies in the declared range of its benchmark",
    "scale": "Ranges and chance levels are in the unit of the scores",
    "constant": "No benchmark has the same score for all or nearly all models",
    "identical": "No two models and no two benchmarks have identical scores",
    "alike": "No two names differ by case or punctuation only, and no row is an average of the others",
    "redundant": "No benchmark is the mean or total of others",
    "direction": "No benchmark runs against the others",
    "size": "There are enough models for what is asked",
    "limited": "Every evaluated cell covers all items of its benchmark",
    "items": "Scores can come from the declared number of items",
    "outcomes": "Evaluated answers are not empty, failed or cut more often than allowed",
    "zero": "No score is exactly zero",
    "suspicious": "No score lies far below what the rest of the matrix predicts",
    "too_good": "No score lies far above what the rest of the matrix predicts",
    "protocol": "Each benchmark was measured under one protocol",
    "corrections": "Corrected cells are named, and correct what was published",
    "waivers": "Every waiver still matches a finding",
}


@dataclass(frozen=True)
class Finding:
    """One line of one check.

    Attributes:
        check: Key of `MODEL_CHECKS` or `MATRIX_CHECKS`.
        severity: Only an `error` stops the pipeline.
        model_id: Model concerned, or empty.
        benchmark: Benchmark concerned, or empty.
        message: What, where, how to fix it, on one line.
        kind: Findings of one check and kind are reported together, with the first as the example.
    """

    check: str
    severity: Severity
    model_id: str
    benchmark: str
    message: str
    kind: str = ""


@dataclass(frozen=True)
class Judgement:
    """What the gate says of one table of a study.

    Attributes:
        table: `models` or `matrix`.
        findings: What our own checks found, waivers applied.
        checks: Check to title, all that were made.
        suite: The table with the expectations that the contracts generate.
    """

    table: Literal["models", "matrix"]
    findings: tuple[Finding, ...]
    checks: Mapping[str, str]
    suite: Suite

    def joined(self, findings: Sequence[Finding]) -> "Judgement":
        """Return the judgement with more findings."""
        return replace(self, findings=(*self.findings, *findings))

    def problems(self) -> list[str]:
        """Return the messages that stop the pipeline, those of one kind `folded`."""
        return folded([finding for finding in self.findings if finding.severity == "error"])

    def warnings(self) -> list[str]:
        """Return the messages that do not, likewise."""
        return folded([finding for finding in self.findings if finding.severity == "warning"])

    def counts(self) -> dict[str, int]:
        """Return the number of findings that stop nothing: warnings, waived, corrected."""
        overview = summary(self.findings, self.checks)
        return {name: int(overview[name].sum()) for name in ("warnings", "waived", "corrected")}

    def overview(self, name: str) -> Suite:
        """Return a suite with one row for each check, in which no check has errors."""
        return Suite(name, summary(self.findings, self.checks), findings_expectations(list(self.checks)))


FINDING_COLUMNS = ["check", "severity", "model_id", "benchmark", "message"]


def folded(findings: Sequence[Finding]) -> list[str]:
    """Return one line for each check and kind: the first message, how many more there are and what they are about."""
    return one_line_each(OfKind(each.message, (each.check, each.kind), _about(each)) for each in findings)


def _about(finding: Finding) -> str:
    return subject(finding.model_id, finding.benchmark) if finding.benchmark else finding.model_id


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Return the findings as a frame with `FINDING_COLUMNS`."""
    return pd.DataFrame([vars(finding) for finding in findings], columns=FINDING_COLUMNS, dtype="str")


def as_csv(findings: Sequence[Finding]) -> str:
    """Return `findings_table` as CSV."""
    return findings_table(findings).to_csv(index=False, lineterminator="\n")


def summary(findings: Sequence[Finding], checks: Mapping[str, str]) -> pd.DataFrame:
    """Count the findings per check.

    Returns:
        One row per check, also without findings: check, title, errors, warnings, waived, corrected, detail (the
        first messages).
    """
    rows = []
    for check, title in checks.items():
        mine = [finding for finding in findings if finding.check == check]
        counts = {s: sum(f.severity == s for f in mine) for s in ("error", "warning", "waived", "corrected")}
        detail = "; ".join(f.message for f in mine[:3]) + ("; ..." if len(mine) > 3 else "")
        rows.append(
            {
                "check": check,
                "title": title,
                "errors": counts["error"],
                "warnings": counts["warning"],
                "waived": counts["waived"],
                "corrected": counts["corrected"],
                "detail": detail,
            }
        )
    return pd.DataFrame(rows)


def subject(model_id: str, benchmark: str) -> str:
    """Return how a message names a cell, a benchmark, a model as a whole, or the table."""
    if benchmark:
        return f"{benchmark} of {model_id}" if model_id else benchmark
    return f"{model_id} as a whole" if model_id else "the table"
