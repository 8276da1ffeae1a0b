"""What is logged to MLflow for the current state, or for one that the gate refused."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stages.contracts.params import Params
from stages.lineage.pipeline import flatten
from stages.lineage.state import digest_of, fact_files, identity, is_data, locked_files, state_content, state_digest
from stages.tracking.note import NOTE_TAG, group_of, refusal_note, run_note
from stages.tracking.record import Input, State
from stages.workspace import paths
from stages.workspace.outputs import read_findings, read_metrics, read_table

HOW = ("evaluate.data_dir", "evaluate.model_dir", "evaluate.device", "evaluate.batch_size")
LOOKS = ("report.", "track.")
"""Beginnings of the names of parameters that do not distinguish two states."""
NAMED = ("waived", "corrected")
"""Severities of findings that a run names one by one."""


def current_state(params: Params) -> State:
    """Return what is logged to MLflow for the current, complete state."""
    return state_of(params, state_digest(params), identity(params))


def state_of(params: Params, digest: str, origin: Mapping[str, str]) -> State:
    """Return what is logged to MLflow for the complete state in the current directory.

    Args:
        params: Its params.yaml.
        digest: Its name.
        origin: Tags that say where it comes from: commit, DVC experiment.
    """
    verdict = read_metrics("validate")
    files = locked_files(params)
    artifacts = [
        (paths.PAGE, ""),
        (paths.TABLES, "tables"),
        (paths.METRICS, "metrics"),
        (paths.DATA_DOCS, "data_docs"),
        (paths.PARAMS, ""),
        (paths.LOCK, ""),
        *((path, f"figures/{group_of(path)}") for path in sorted(paths.FIGURES.glob("*"))),
    ]
    evaluations = dict(watched_evaluations(params.evaluate.models))
    return State(
        digest=digest,
        experiment=params.track.experiment,
        name=f"{params.study}/{params.subset} {digest[:8]}",
        status="FINISHED",
        params=dict(flat_params(params)),
        metrics=all_metrics(),
        tags={
            **origin,
            **gate_tags(verdict),
            "observatory.study": params.study,
            "observatory.subset": params.subset,
            NOTE_TAG: run_note(all_metrics(), judged_conclusions(), params.stability.level, evaluations),
        },
        inputs=[*fact_inputs(params), *(Input(path, files[path], "data") for path in sorted(files) if is_data(path))],
        artifacts=[(path, folder) for path, folder in artifacts if path.exists()],
        evaluations=list(evaluations.values()),
    )


def failed_state(stage: str, findings: pd.DataFrame, docs: Path, params: Params) -> State:
    """Return what is logged to MLflow for a state that the gate refused.

    Args:
        stage: `budget` or `validate`.
        findings: What the checks found.
        docs: Data Docs of the failure.
        params: params.yaml.
    """
    inputs = fact_inputs(params)
    digest = digest_of({"failed": stage, **state_content(params, {item.name: item.digest for item in inputs})})
    severities = findings["severity"].value_counts()
    problems = list(findings.loc[findings["severity"] == "error", "message"])
    tags = {
        "observatory.gate": "closed",
        "observatory.gate.stage": stage,
        "observatory.gate.problems": "; ".join(problems[:5]),
        NOTE_TAG: refusal_note(stage, problems),
    }
    return State(
        digest=digest,
        experiment=params.track.experiment,
        name=f"{params.study}/{params.subset} refused by {stage} {digest[:8]}",
        status="FAILED",
        params=dict(flat_params(params)),
        metrics={f"{stage}.{name}s": float(severities.get(name, 0)) for name in ("error", "warning")},
        tags={
            **identity(params),
            **tags,
            "observatory.study": params.study,
            "observatory.subset": params.subset,
        },
        inputs=inputs,
        artifacts=[(docs, f"data_docs/{stage}"), (paths.PARAMS, "")],
    )


def flat_params(params: Params) -> Iterator[tuple[str, str]]:
    """Yield the dotted name of each parameter by which states are compared, and its value as in YAML.

    Those are what params.yaml lists and the results depend on: not where models and tables are and what runs them, not
    the looks of a figure or the name of an experiment, and nothing about evaluations where none is used.
    """
    how = HOW if params.evaluate.models else ("evaluate.",)
    for name, value in flatten("", params.model_dump(mode="json", by_alias=True, exclude_unset=True)):
        if name.startswith((*how, *LOOKS)):
            continue
        yield name, json.dumps(value).strip('"') if "." in name else str(value)


def watched_evaluations(models: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each evaluated model whose evaluation was watched by a run, and the id of that run."""
    for model in models:
        file = paths.EVALUATIONS / model / "provenance.json"
        known = json.loads(file.read_text(encoding="utf-8")).get("benchmarks", {}) if file.is_file() else {}
        runs = [part["mlflow_run"] for part in known.values() if part.get("mlflow_run")]
        if runs:
            # a model that was taken up again on changed benchmarks has several: the last is that of the evaluation
            yield model, runs[-1]


def all_metrics() -> dict[str, float]:
    """Return every number of reports/metrics/ under its dotted name, `scale.PC1.en.rho`."""
    files = sorted(paths.METRICS.glob("*.json"))
    found = flatten("", {path.stem: read_metrics(path.stem) for path in files})
    return {name: float(value) for name, value in found if isinstance(value, int | float)}


def judged_conclusions() -> list[dict[str, Any]]:
    """Return what became of each conclusion, [] where the table is missing: an old state may have lost it."""
    name = "robustness_counts"
    if name not in paths.table_names():
        return []
    return [{str(column): value for column, value in row.items()} for row in read_table(name).to_dict("records")]


def fact_inputs(params: Params) -> list[Input]:
    """Return the tables of the study with their md5."""
    return [Input(path, digest, "fact") for path, digest in fact_files(params.study).items()]


def gate_tags(verdict: Mapping[str, Any]) -> dict[str, str]:
    """Return the gate's verdict, and every waiver and correction by name."""
    tags = {"observatory.gate": "open"} | {f"observatory.{name}.n": str(verdict[name]) for name in NAMED}
    if "findings_matrix" not in paths.table_names():
        # of an old state, and gone from the cache
        return tags
    table = read_findings("matrix")
    for severity in NAMED:
        rows = table[table["severity"] == severity]
        if len(rows):
            tags[f"observatory.{severity}"] = ", ".join(f"{r.model_id}:{r.benchmark}" for r in rows.itertuples())
    return tags
