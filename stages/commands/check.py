"""`observatory check`: the whole gate on the tables of a study, without running the pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages import assemble, budget, validate
from stages.contracts.errors import InputError
from stages.contracts.params import Params
from stages.contracts.study.facts import Facts
from stages.contracts.study.tables import ALL
from stages.gate.data_docs import Suite, run_suites
from stages.gate.expectations import findings_expectations
from stages.gate.findings import MATRIX_CHECKS, MODEL_CHECKS, Finding, summary
from stages.workspace import paths
from stages.workspace.evaluations import read_evaluations
from stages.workspace.facts import load_params, load_study_facts


@dataclass(frozen=True)
class Verdict:
    """Result of `check`.

    Attributes:
        findings: Everything found, in the order of the pipeline.
        unexplained: Broken expectations that no finding explains.
        docs: Index of the Data Docs.
    """

    findings: Sequence[Finding]
    unexplained: Sequence[str]
    docs: Path

    @property
    def passed(self) -> bool:
        """Whether the pipeline would run."""
        return not self.unexplained and all(finding.severity != "error" for finding in self.findings)


def params_for(folder: Path | None) -> Params:
    """Return params.yaml, for the study in a folder under metadata/ when one is given.

    Another study than that of params.yaml is checked whole: a subset of one study means nothing in another.

    Raises:
        InputError: The folder is none of a study.
    """
    params = load_params()
    if folder is None or folder.name == params.study:
        return params
    known = ", ".join(paths.known_studies())
    if folder.resolve().parent != paths.METADATA.resolve():
        raise InputError([f"{folder}: not a folder under {paths.METADATA}/; studies here: {known}"])
    return params.model_copy(update={"study": folder.name, "subset": ALL})


def check(folder: Path | None) -> Verdict:
    """Run every check of the pipeline on a study.

    Args:
        folder: metadata/<study>, or None for the study of params.yaml.

    Raises:
        InputError: The tables cannot be read; every problem is named.
    """
    params = params_for(folder)
    facts = load_study_facts(params)
    where = str(paths.study_folder(params.study) / "models.csv")
    _, model_findings = budget.run(facts.models, facts.info, params.budget, where)
    matrix_findings, matrix_suite = _check_matrix(facts, params)
    suites = [
        budget.suite(facts.models, facts.info),
        _overview("model_checks", model_findings, MODEL_CHECKS),
        matrix_suite,
        _overview("matrix_checks", matrix_findings, MATRIX_CHECKS),
    ]
    docs = paths.DATA_DOCS / "check"
    report = run_suites(suites, docs, f"{params.study}, subset {params.subset}: check")
    findings = [*model_findings, *matrix_findings]
    explained = any(finding.severity == "error" for finding in findings)
    unexplained = [] if explained else [failure.sentence for failure in report.failed]
    return Verdict(findings, unexplained, docs / "index.html")


def _check_matrix(facts: Facts, params: Params) -> tuple[list[Finding], Suite]:
    cells, X = assemble.run(facts, read_evaluations(params, facts.benchmarks), params)
    return validate.run(cells, X, facts.benchmarks, facts.waivers, params), validate.suite(X, facts.benchmarks, params)


def _overview(name: str, findings: Sequence[Finding], checks: Mapping[str, str]) -> Suite:
    return Suite(name, summary(findings, checks), findings_expectations(list(checks)))
