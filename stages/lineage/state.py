"""The state of the workspace: the facts, parameters, code and outputs it consists of, and its name, the digest."""

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from stages.contracts.evaluate_params import PLACE
from stages.contracts.params import Params
from stages.lineage.cache import file_md5
from stages.lineage.git import Revision, experiment_of_lock, git
from stages.lineage.pipeline import PROJECTIONS, load_yaml
from stages.workspace import paths
from stages.workspace.files import read_text

CODE = Path("stages")
OUR_INPUTS = ("stages", "metadata", "params.yaml", "dvc.yaml")
"""What a commit must hold for the state to be reproducible from it; the rest is output."""
FACT_SUFFIXES = (".csv", ".yaml")
"""Of a study's files those that are facts; .dvcignore hides the others from DVC."""


def root() -> Path:
    """Return the absolute repository root; inside a temporary workspace of DVC, that of the real repository."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def folders(named: str) -> str:
    """Return the folders that a parameter names, joined by `os.pathsep`; relative ones begin at the repository root.

    Inside a temporary workspace of DVC that is another folder than the current one, with files that git ignores.
    """
    if root() == Path().resolve():
        return named
    return os.pathsep.join(str(root() / Path(part).expanduser()) for part in named.split(os.pathsep) if part)


def code_digest() -> str:
    """Return a digest over the names and contents of all files of the package."""
    files = sorted(p for p in CODE.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    lines = [f"{path.as_posix()} {file_md5(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def locked_files(params: Params) -> dict[str, str]:
    """Return path to md5 of every dependency and output that dvc.lock has for the stages of the state."""
    lock = load_yaml(read_text(paths.LOCK))
    files: dict[str, str] = {}
    for name, stage in lock["stages"].items():
        base, _, item = name.partition("@")
        if base in PROJECTIONS or (item and item not in params.evaluate.models):
            continue
        for entry in [*stage.get("deps", []), *stage.get("outs", [])]:
            files[entry["path"]] = entry["md5"]
    return dict(sorted(files.items()))


def fact_files(study: str) -> dict[str, str]:
    """Return path to md5 of the tables of a study.

    Raises:
        InputError: There is no such study.
    """
    folder = paths.study_folder(study)
    files = sorted(path for path in folder.iterdir() if path.suffix in FACT_SUFFIXES and path.is_file())
    return {path.as_posix(): file_md5(path) for path in files}


def digest_of(content: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits that name a content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def state_content(params: Params, files: Mapping[str, str]) -> dict[str, Any]:
    """Return what names a state: its choices, files and code.

    Args:
        params: params.yaml; where the state is logged and where models run is not part of it.
        files: Path to md5.
    """
    choices = params.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude={"track": True, "evaluate": set(PLACE)}
    )
    return {"params": choices, "files": dict(files), "code": code_digest()}


def state_digest(params: Params) -> str:
    """Return the name of the current state: study, subset, parameters, code, and the md5s of dvc.lock."""
    return digest_of(state_content(params, locked_files(params)))


def is_data(path: str) -> bool:
    """Return whether a path of dvc.lock is an input of the analysis and not code or a result."""
    return path.startswith("data/")


def inputs_of(params: Params) -> tuple[str, ...]:
    """Return what git has of the inputs of a study's states, as patterns.

    They are its tables and those of the earlier study whose conclusions are tested on it; no other study is one.
    """
    studies = dict.fromkeys(name for name in (params.study, params.retest.study) if name)
    facts = (f"{paths.METADATA}/{study}/*{suffix}" for study in studies for suffix in FACT_SUFFIXES)
    tasks = f"{paths.METADATA}/{params.study}/tasks"
    return (*facts, tasks, *(path for path in OUR_INPUTS if path != str(paths.METADATA)))


def identity(params: Params | None = None) -> dict[str, str]:
    """Return where the state comes from: commit, whether inputs differ from it, DVC experiment.

    Args:
        params: Parameters of the state, whose study has the tables that are inputs; None for those of all studies.
    """
    commit = _git("rev-parse", "HEAD")
    inputs = OUR_INPUTS if params is None else inputs_of(params)
    tags = {
        "mlflow.source.git.commit": commit,
        "observatory.dirty": "true" if _git("status", "--porcelain", "--", *inputs) else "false",
        "mlflow.source.name": "dvc repro",
        "mlflow.source.type": "PROJECT",
    }
    experiment = experiment_identity()
    return {**tags, **experiment}


def origin_of(revision: Revision, params: Params, repository: Path) -> dict[str, str]:
    """Return what `identity` says of a state that git has: of an experiment, the commit that it started from.

    Args:
        revision: A commit or a DVC experiment.
        params: Parameters of the state, whose study has the tables that are inputs.
        repository: Where git is asked.
    """
    tags = {"mlflow.source.name": "dvc repro", "mlflow.source.type": "PROJECT"}
    baseline = git(repository, "rev-parse", f"{revision.commit}^") if revision.experiment else None
    if not baseline:
        return {**tags, "mlflow.source.git.commit": revision.commit, "observatory.dirty": "false"}
    same = git(repository, "diff", "--quiet", baseline, revision.commit, "--", *inputs_of(params)) is not None
    return {
        **tags,
        "mlflow.source.git.commit": baseline,
        "observatory.dirty": "false" if same else "true",
        "dvc.experiment": revision.experiment,
        "dvc.baseline": baseline,
    }


def experiment_identity() -> dict[str, str]:
    """Return name and baseline of the DVC experiment that this state belongs to, empty outside of one.

    DVC tells a running stage its experiment. Later the experiment is a git reference whose dvc.lock is ours.
    """
    name, baseline = os.environ.get("DVC_EXP_NAME"), os.environ.get("DVC_EXP_BASELINE_REV")
    if not name and paths.LOCK.is_file():
        found = experiment_of_lock(Path())
        name, baseline = (found.name, found.baseline) if found else (None, None)
    return {"dvc.experiment": name, "dvc.baseline": baseline or ""} if name else {}


@cache
def _git(*arguments: str) -> str:
    """Return what git prints, or nothing outside a repository."""
    return git(Path(), *arguments) or ""
