"""One verdict: judgements go through Great Expectations, and their Data Docs to their place.

A closed gate leaves the outputs of earlier states as they are: its Data Docs go to reports/data_docs/failed/.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.contracts.errors import InputError
from stages.contracts.params import Params
from stages.gate.data_docs import run_suites
from stages.gate.expectations import Suite
from stages.gate.findings import Judgement, as_csv, findings_table
from stages.workspace import paths
from stages.workspace.files import move_folder, replacing_folder, write_text
from stages.workspace.outputs import write_table
from stages.workspace.running import say

FINDINGS = "findings.csv"
"""Table of all findings beside Data Docs that no stage wrote."""


@dataclass(frozen=True)
class Verdict:
    """Whether the gate is open.

    Attributes:
        problems: What closes it, one line each; none when it is open.
        counts: The counts of validate.json: success, checks, failures, warnings, waived, corrected.
    """

    problems: tuple[str, ...]
    counts: dict[str, int | bool]


class GateClosedError(InputError):
    """The gate is closed; one line for each problem, then where the Data Docs are.

    Args:
        stage: `budget` or `validate`.
        judgement: What the gate says.
        problems: What closes it.
        docs: Folder of the Data Docs.
    """

    def __init__(self, stage: str, judgement: Judgement, problems: Sequence[str], docs: Path) -> None:
        details = f"details in {docs / 'index.html'}, all findings in {docs / FINDINGS}"
        super().__init__([*problems, f"{stage}: the gate is closed; {details}"])
        self.stage, self.judgement, self.docs = stage, judgement, docs


def pronounce(judgements: Sequence[Judgement], suites: Sequence[Suite], docs: Path, title: str) -> Verdict:
    """Evaluate the suites of judgements, write the Data Docs, and say whether the gate is open.

    A broken expectation is a problem of its own only where no finding says what is wrong.

    Args:
        judgements: What the gate says of the tables.
        suites: Theirs and the overviews of their findings.
        docs: Folder of the Data Docs, replaced once the new pages are complete.
        title: Heading of the Data Docs.
    """
    with replacing_folder(docs) as folder:
        report = run_suites(suites, folder, title)
    problems = [line for judgement in judgements for line in judgement.problems()]
    problems = problems or [failure.sentence for failure in report.failed]
    counts = {name: sum(j.counts()[name] for j in judgements) for name in ("warnings", "waived", "corrected")}
    checks = report.n_expectations + sum(len(judgement.checks) for judgement in judgements)
    return Verdict(tuple(problems), {"success": not problems, "checks": checks, "failures": len(problems), **counts})


def decide(stage: str, judgement: Judgement, params: Params) -> Verdict:
    """Let a stage pass, or stop it.

    Args:
        stage: `budget` or `validate`.
        judgement: What the gate says of the stage's table.
        params: params.yaml.

    Raises:
        GateClosedError: A finding or a broken expectation stops the stage.
    """
    closed, docs = paths.DATA_DOCS / "failed" / stage, paths.DATA_DOCS / stage
    title = f"{params.study}, subset {params.subset}: {stage}"
    verdict = pronounce([judgement], [judgement.suite, judgement.overview("findings")], closed, title)
    if verdict.problems:
        write_text(closed / FINDINGS, as_csv(judgement.findings))
        raise GateClosedError(stage, judgement, verdict.problems, closed)
    move_folder(closed, docs)
    write_table(f"findings_{judgement.table}", findings_table(judgement.findings))
    for line in judgement.warnings():
        say(f"warning: {line}")
    say(f"{stage}: gate open, " + ", ".join(f"{n} {name}" for name, n in judgement.counts().items()))
    return verdict
