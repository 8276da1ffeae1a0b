"""The state of the workspace: the facts, parameters, code and outputs it consists of, and its name, the digest."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from stages.contracts.params import Params
from stages.tracking.record import PROJECTIONS, Input, State
from stages.workspace import paths
from stages.workspace.files import read_text
from stages.workspace.outputs import read_findings, read_metrics
from stages.workspace.paths import study_folder

CODE = Path("stages")
OUR_INPUTS = ("stages", "metadata", "params.yaml", "dvc.yaml")
"""What a commit must hold for the state to be reproducible from it; the rest is output."""


def root() -> Path:
    """Return the absolute repository root; inside a temporary workspace of DVC, that of the real repository."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def md5(path: Path) -> str:
    """Return the md5 of a file as DVC has it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def code_digest() -> str:
    """Return a digest over the names and contents of all files of the package."""
    files = sorted(p for p in CODE.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    lines = [f"{path.as_posix()} {md5(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def locked_files(params: Params) -> dict[str, str]:
    """Return path to md5 of every dependency and output that dvc.lock has for the stages of the state."""
    lock = yaml.safe_load(read_text(paths.LOCK))
    files: dict[str, str] = {}
    for name, stage in lock["stages"].items():
        base, _, item = name.partition("@")
        if base in PROJECTIONS or (item and item not in params.evaluate.models):
            continue
        for entry in [*stage.get("deps", []), *stage.get("outs", [])]:
            files[entry["path"]] = entry["md5"]
    return dict(sorted(files.items()))


def fact_files() -> dict[str, str]:
    """Return path under metadata/ to md5 of every file there."""
    files = sorted(path for path in paths.METADATA.rglob("*") if path.is_file())
    return {path.relative_to(paths.METADATA).as_posix(): md5(path) for path in files}


def digest_of(content: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits that name a content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def state_digest(params: Params) -> str:
    """Return the name of the current state: study, subset, parameters, code, and the md5s of dvc.lock."""
    choices = params.model_dump(mode="json", by_alias=True, exclude={"track"})
    return digest_of({"params": choices, "files": locked_files(params), "code": code_digest()})


def current_state(params: Params) -> State:
    """Return what MLflow is told about the current, complete state."""
    verdict = read_metrics("validate")
    files = locked_files(params)
    digest = state_digest(params)
    artifacts = [
        (paths.PAGE, ""),
        (paths.FIGURES, "figures"),
        (paths.TABLES, "tables"),
        (paths.METRICS, "metrics"),
        (paths.DATA_DOCS, "data_docs"),
        (paths.PARAMS, ""),
        (paths.LOCK, ""),
    ]
    return State(
        digest=digest,
        experiment=params.track.experiment,
        name=f"{params.study}/{params.subset} {digest[:8]}",
        status="FINISHED",
        params=dict(flat_params(params)),
        metrics=all_metrics(),
        tags={
            **identity(),
            **gate_tags(verdict),
            "observatory.study": params.study,
            "observatory.subset": params.subset,
        },
        inputs=[*fact_inputs(params), *(Input(path, files[path], "data") for path in sorted(files) if is_data(path))],
        artifacts=[(path, folder) for path, folder in artifacts if path.exists()],
    )


def failed_state(stage: str, findings: pd.DataFrame, docs: Path, params: Params) -> State:
    """Return what MLflow is told about a state that the gate refused.

    Args:
        stage: `budget` or `validate`.
        findings: What the checks found.
        docs: Data Docs of the failure.
        params: params.yaml.
    """
    choices = params.model_dump(mode="json", by_alias=True, exclude={"track"})
    inputs = fact_inputs(params)
    files = {item.name: item.digest for item in inputs}
    digest = digest_of({"failed": stage, "params": choices, "files": files, "code": code_digest()})
    severities = findings["severity"].value_counts()
    first = "; ".join(findings.loc[findings["severity"] == "error", "message"].head(5))
    tags = {"observatory.gate": "closed", "observatory.gate.stage": stage, "observatory.gate.problems": first}
    return State(
        digest=digest,
        experiment=params.track.experiment,
        name=f"{params.study}/{params.subset} refused by {stage} {digest[:8]}",
        status="FAILED",
        params=dict(flat_params(params)),
        metrics={f"{stage}.{name}s": float(severities.get(name, 0)) for name in ("error", "warning")},
        tags={**identity(), **tags, "observatory.study": params.study, "observatory.subset": params.subset},
        inputs=inputs,
        artifacts=[(docs, f"data_docs/{stage}"), (paths.PARAMS, "")],
    )


def flat_params(params: Params) -> Iterator[tuple[str, str]]:
    """Yield parameter name, `section.name` within a section, and its value as in YAML."""
    for name, value in params.model_dump(mode="json", by_alias=True).items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", json.dumps(item).strip('"')) for key, item in value.items())
        else:
            yield name, str(value)


def all_metrics() -> dict[str, float]:
    """Return every number of reports/metrics/ under its dotted name, `scale.PC1.en.rho`."""
    result: dict[str, float] = {}
    for path in sorted(paths.METRICS.glob("*.json")):
        result |= dict(_flatten(path.stem, read_metrics(path.stem)))
    return result


def _flatten(name: str, value: object) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flatten(f"{name}.{key}", item)
    elif isinstance(value, int | float):
        yield name, float(value)


def fact_inputs(params: Params) -> list[Input]:
    """Return the tables of the study with their md5."""
    folder = study_folder(params.study)
    names = sorted(path.name for path in folder.iterdir() if path.suffix in (".csv", ".yaml"))
    return [Input(f"{folder}/{name}", md5(folder / name), "fact") for name in names if (folder / name).is_file()]


def is_data(path: str) -> bool:
    """Tell whether a path of dvc.lock is an input of the analysis and not code or a result."""
    return path.startswith("data/")


def gate_tags(verdict: Mapping[str, Any]) -> dict[str, str]:
    """Return the gate's verdict, and every waiver and correction by name."""
    tags = {"observatory.gate": "open"}
    table = read_findings("matrix")
    for severity in ("waived", "corrected"):
        rows = table[table["severity"] == severity]
        tags[f"observatory.{severity}.n"] = str(verdict[severity])
        tags[f"observatory.{severity}"] = ", ".join(f"{r.model_id}:{r.benchmark}" for r in rows.itertuples())
    return tags


def identity() -> dict[str, str]:
    """Return where the state comes from: commit, whether inputs differ from it, DVC experiment."""
    commit = _git("rev-parse", "HEAD")
    tags = {
        "mlflow.source.git.commit": commit,
        "observatory.dirty": "true" if _git("status", "--porcelain", "--", *OUR_INPUTS) else "false",
        "mlflow.source.name": "dvc repro",
        "mlflow.source.type": "PROJECT",
    }
    experiment = experiment_identity()
    return {**tags, **experiment}


def experiment_identity() -> dict[str, str]:
    """Return name and baseline of the DVC experiment that this state belongs to, empty outside of one.

    DVC tells a running stage its experiment. Later the experiment is a git reference whose dvc.lock is ours.
    """
    name, baseline = os.environ.get("DVC_EXP_NAME"), os.environ.get("DVC_EXP_BASELINE_REV")
    if not name and paths.LOCK.is_file():
        ours = _git("hash-object", str(paths.LOCK))
        for reference in _git("for-each-ref", "--format=%(refname)", "refs/exps").splitlines():
            parts = reference.split("/")
            if len(parts) == 5 and _git("rev-parse", "--quiet", "--verify", f"{reference}:dvc.lock") == ours:
                name, baseline = parts[4], parts[2] + parts[3]
                break
    return {"dvc.experiment": name, "dvc.baseline": baseline or ""} if name else {}


@cache
def _git(*arguments: str) -> str:
    """Return what git prints, or nothing outside a repository."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
