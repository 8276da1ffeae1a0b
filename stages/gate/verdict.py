"""One verdict: findings and suites go through Great Expectations, the Data Docs to their place, a failure to MLflow.

A failed gate leaves the outputs of earlier states as they are: its Data Docs go to reports/data_docs/failed/.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from stages.contracts.errors import InputError
from stages.contracts.params import Params
from stages.gate.data_docs import Suite, run_suites
from stages.gate.expectations import findings_expectations
from stages.gate.findings import Finding, errors, findings_table, summary
from stages.lineage import state
from stages.tracking.projection import failed_state
from stages.workspace import paths
from stages.workspace.files import move_folder
from stages.workspace.outputs import write_table
from stages.workspace.running import say


def decide(
    stage: str, suites: Sequence[Suite], findings: Sequence[Finding], checks: Mapping[str, str], params: Params
) -> dict[str, int | bool]:
    """Let a stage pass, or stop it.

    Args:
        stage: `budget` or `validate`.
        suites: Tables with the expectations that the contracts generate.
        findings: What our own checks found, waivers applied.
        checks: Check to title; each becomes a row of the findings suite.
        params: params.yaml.

    Returns:
        success, checks, failures, warnings, waived, corrected: the counts of validate.json.

    Raises:
        InputError: The gate fails; one line for each problem, then where the Data Docs are.
    """
    overview = summary(findings, checks)
    all_suites = [*suites, Suite("findings", overview, findings_expectations(list(checks)))]
    failed_docs = paths.DATA_DOCS / "failed" / stage
    report = run_suites(all_suites, failed_docs, f"{params.study}, subset {params.subset}: {stage}")
    table = findings_table(findings)
    problems = errors(findings) or [failure.sentence for failure in report.failed]
    if problems:
        _log_failure(stage, table, failed_docs, params)
        raise InputError([*problems, f"{stage}: the gate is closed; details in {failed_docs / 'index.html'}"])
    move_folder(failed_docs, paths.DATA_DOCS / stage)
    write_table(f"findings_{'models' if stage == 'budget' else 'matrix'}", table)
    for finding in findings:
        if finding.severity == "warning":
            say(f"warning: {finding.message}")
    counts = {name: int(overview[name].sum()) for name in ("warnings", "waived", "corrected")}
    say(f"{stage}: gate open, " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    return {"success": True, "checks": len(checks) + report.n_expectations, "failures": 0, **counts}


def _log_failure(stage: str, table: pd.DataFrame, docs: Path, params: Params) -> None:
    # MLflow takes seconds to import: only a failure pays for it
    from stages.tracking import log as tracking

    tracking.log_run(failed_state(stage, table, docs, params), state.root())
