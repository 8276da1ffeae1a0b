"""What the gate does with a judgement: it opens and keeps, or closes and leaves all as it was."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from stages.gate import refusal
from stages.gate.expectations import Suite, matrix_expectations
from stages.gate.findings import MATRIX_CHECKS, Finding, Judgement, Severity
from stages.gate.verdict import GateClosedError, decide
from stages.tracking import log
from stages.tracking.record import State
from tests.analysis.study import params
from tests.repository import new_repository


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def judgement(*severities: Severity, score: float = 0.5) -> Judgement:
    frame = pd.DataFrame({"model_id": ["m", "n"], "task": [score, 0.4]})
    expectations = matrix_expectations({"task": (0.0, 1.0)}, ["m", "n"], allow_missing=False)
    findings = tuple(
        Finding("zero", severity, "m", "task", f"{severity} {i}") for i, severity in enumerate(severities)
    )
    return Judgement("matrix", findings, MATRIX_CHECKS, Suite("score_matrix", frame, expectations))


def listing() -> set[str]:
    return {path.as_posix() for path in Path().rglob("*") if path.is_file()}


def test_an_open_gate_writes_what_was_found_and_says_it(capsys: pytest.CaptureFixture[str]):
    verdict = decide("validate", judgement("warning", "waived", "corrected", "warning"), params())
    assert verdict.problems == ()
    counted = {name: verdict.counts[name] for name in ("success", "failures", "warnings", "waived", "corrected")}
    assert counted == {"success": True, "failures": 0, "warnings": 2, "waived": 1, "corrected": 1}
    assert verdict.counts["checks"] > len(MATRIX_CHECKS)
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "warning: warning 0; 1 more of this kind",
        "validate: gate open, 2 warnings, 1 waived, 1 corrected",
    ]
    table = pd.read_csv("reports/tables/findings_matrix.csv")
    assert list(table["severity"]) == ["warning", "waived", "corrected", "warning"]
    assert Path("reports/data_docs/validate/index.html").is_file()
    assert not Path("reports/data_docs/failed/validate").exists()


def test_a_closed_gate_leaves_what_an_open_one_wrote_and_tells_no_tracker():
    decide("validate", judgement("warning"), params())
    before = {name: Path(name).read_bytes() for name in listing()}
    with pytest.raises(GateClosedError) as closed:
        decide("validate", judgement("warning", "error", "error"), params())
    assert closed.value.problems == (
        "error 1; 1 more of this kind",
        "validate: the gate is closed; details in reports/data_docs/failed/validate/index.html, "
        "all findings in reports/data_docs/failed/validate/findings.csv",
    )
    assert {name: Path(name).read_bytes() for name in before} == before
    assert all(name.startswith("reports/data_docs/failed/") for name in listing() - set(before))
    assert Path("reports/data_docs/failed/validate/index.html").is_file()
    table = pd.read_csv("reports/data_docs/failed/validate/findings.csv")
    assert list(table["message"]) == ["warning 0", "error 1", "error 2"]


def test_many_of_one_kind_are_one_line_with_a_count_and_examples():
    flood = [Finding("zero", "error", f"m{i}", "task", f"task of m{i} is 0", kind="zero") for i in range(500)]
    others = [
        Finding("zero", "error", "", "task", "one value"),
        Finding("range", "error", "n", "task", "out of range"),
    ]
    lines = replace(judgement(), findings=(*flood, *others)).problems()
    assert lines == [
        "task of m0 is 0; 499 more of this kind: task of m1, task of m2, task of m3, task of m4, task of m5 and 494 "
        "more",
        "one value",
        "out of range",
    ]


def test_a_broken_expectation_closes_the_gate_where_no_finding_says_why():
    with pytest.raises(GateClosedError, match=r"score_matrix: column task: .*found: 2\.0 in m"):
        decide("validate", judgement("warning", score=2.0), params())
    with pytest.raises(GateClosedError) as closed:
        decide("validate", judgement("error", score=2.0), params())
    assert closed.value.problems[0] == "error 0"
    assert len(closed.value.problems) == 2


def test_a_refusal_is_printed_logged_once_and_ends_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(new_repository(tmp_path / "repo").path)
    logged: list[State] = []
    monkeypatch.setattr(log, "log_run", lambda state, root: logged.append(state))
    with refusal.logged(params()):
        decide("validate", judgement("warning"), params())
    assert logged == []
    with pytest.raises(SystemExit) as ended, refusal.logged(params()):
        decide("validate", judgement("error", "warning"), params())
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("error 0\nvalidate: the gate is closed")
    (state,) = logged
    assert (state.status, state.metrics) == ("FAILED", {"validate.errors": 1.0, "validate.warnings": 1.0})
    assert state.tags["observatory.gate.problems"] == "error 0"
