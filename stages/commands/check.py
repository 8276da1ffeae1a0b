"""`observatory check`: the whole gate on the tables of a study, without running the pipeline."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.analysis.scores.assembly import assemble
from stages.contracts.errors import InputError
from stages.contracts.params import Params
from stages.gate.findings import Finding, as_csv, folded
from stages.gate.matrix import Study, judge_matrix
from stages.gate.models import judge_models
from stages.gate.verdict import FINDINGS, pronounce
from stages.gate.waivers import STOPPING
from stages.workspace import paths
from stages.workspace.evaluations import read_evaluations
from stages.workspace.facts import load_study_facts
from stages.workspace.files import write_text
from stages.workspace.parameters import load_params, params_of

SEVERITIES = ("error", "warning", "waived", "corrected")


@dataclass(frozen=True)
class Checked:
    """Result of `check`.

    Attributes:
        choices: The choices of params.yaml by which the tables were judged.
        findings: Everything found, in the order of the pipeline.
        unexplained: Broken expectations that no finding explains.
        docs: Index of the Data Docs.
    """

    choices: str
    findings: Sequence[Finding]
    unexplained: Sequence[str]
    docs: Path

    @property
    def ok(self) -> bool:
        """Whether the pipeline would run."""
        return not self.unexplained and all(finding.severity != "error" for finding in self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        severities = [*(finding.severity for finding in self.findings), *["error" for _ in self.unexplained]]
        return {name: severities.count(name) for name in SEVERITIES}

    def text(self) -> Iterator[str]:
        """Yield the findings, many of one kind counted, errors last; then the verdict."""
        for severity in reversed(SEVERITIES):
            mine = [finding for finding in self.findings if finding.severity == severity]
            yield from (f"{severity}: {line}" for line in folded(mine))
        yield from (f"error: {sentence}" for sentence in self.unexplained)
        counts = ", ".join(
            f"{number} {name}{'s' if name in STOPPING and number != 1 else ''}" for name, number in self.counts.items()
        )
        yield self.choices
        state = "open" if self.ok else "closed"
        yield f"gate {state}: {counts}; details in {self.docs}, all findings in {self.docs.with_name(FINDINGS)}"

    def content(self) -> Mapping[str, Any]:
        """Return findings and verdict."""
        findings: Sequence[object] = [*self.findings, *({"severity": "error", "message": s} for s in self.unexplained)]
        gate = "open" if self.ok else "closed"
        return {"gate": gate, "choices": self.choices, **self.counts, "findings": findings, "docs": self.docs}


def params_for(folder: Path | None) -> Params:
    """Return params.yaml, for the study in a folder under metadata/ when one is given.

    Another study than that of params.yaml is checked whole and as published: a subset of one study means nothing in
    another, nor do the models that are evaluated for it.

    Raises:
        InputError: The folder is not that of a study.
    """
    params = load_params()
    if folder is None:
        return params
    known = ", ".join(paths.known_studies()) or "none"
    if folder.resolve().parent != paths.METADATA.resolve():
        raise InputError([f"{folder}: not a folder under {paths.METADATA}/; studies here: {known}"])
    if not folder.is_dir():
        raise InputError([f"{folder}: no such folder; studies here: {known}"])
    return params_of(folder.name)


def choices(params: Params, *, whole: bool) -> str:
    """Return what decides on the tables besides the tables, in one line.

    Args:
        params: What they are checked with.
        whole: Whether that is the whole study, whatever params.yaml says of another.
    """
    values = {f"assemble.{name}": value for name, value in params.assemble.model_dump().items()}
    values["validate.suspicious"] = params.gate.suspicious
    chosen = ", ".join(f"{name} {json.dumps(value)}" for name, value in values.items())
    part = "whole and as published" if whole else f"subset {params.subset}"
    return f"{params.study}, {part}, by the choices of {paths.PARAMS}: {chosen}, thresholds of validate and budget"


def check(folder: Path | None) -> Checked:
    """Run every check of the pipeline on a study.

    Args:
        folder: metadata/<study>, or None for the study of params.yaml.

    Raises:
        InputError: The tables cannot be read; every problem is named.
    """
    params = params_for(folder)
    told = choices(params, whole=params.study != load_params().study)
    facts = load_study_facts(params)
    where = str(paths.study_folder(params.study))
    cells, X, _ = assemble(facts, read_evaluations(params, facts.benchmarks), params)
    study = Study(facts.models, facts.benchmarks, facts.scores, facts.corrections, facts.waivers)
    judgements = [
        judge_models(facts.models, facts.waivers, facts.info, params.budget, where),
        judge_matrix(cells, X, study, params, where),
    ]
    suites = [suite for j in judgements for suite in (j.suite, j.overview(f"{j.table}_checks"))]
    docs = paths.DATA_DOCS / "check"
    verdict = pronounce(judgements, suites, docs, f"{params.study}, subset {params.subset}: check")
    findings = [finding for judgement in judgements for finding in judgement.findings]
    write_text(docs / FINDINGS, as_csv(findings))
    explained = any(finding.severity == "error" for finding in findings)
    return Checked(told, findings, () if explained else verdict.problems, docs / "index.html")
