"""dvc.yaml and dvc.lock as DVC itself reads them: templates, `vars`, `foreach`, `matrix`, folders of stages, schemas.

DVC takes half a second to import and to resolve a pipeline, so that only functions here import it, when they are
called.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from stages.contracts.errors import InputError, raise_all
from stages.lineage.pipeline import PlannedStage, command, load_yaml, rooted

PIPELINE = "dvc.yaml"
LOCK = "dvc.lock"
HINT = "`git checkout dvc.lock` or `dvc repro` fixes it"
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


def read_plan(folder: Path) -> dict[str, PlannedStage]:
    """Read dvc.yaml and fill its templates in.

    Args:
        folder: Root of a repository, or of a version of one that was laid out; with the parameter files.

    Returns:
        Stage name to stage, in the order of the file.

    Raises:
        InputError: DVC cannot resolve it; every stage with a problem is named.
    """
    from dvc.dvcfile import load_file
    from dvc.exceptions import DvcException

    stages: dict[str, PlannedStage] = {}
    problems: list[str] = []
    with _opened(folder) as repo:
        try:
            loader = load_file(repo, str(folder / PIPELINE)).stages
            names = list(loader)
        except DvcException as error:
            raise InputError(list(_told(error))) from None
        for name in names:
            try:
                stages[name] = _planned(loader[name], folder)
            except DvcException as error:
                problems += _told(error)
    raise_all(list(dict.fromkeys(problems)))
    return stages


@contextmanager
def _opened(folder: Path) -> Iterator[Any]:
    """Open a folder as DVC's repository, without git, which takes half a second, and leave no trace of that."""
    from dvc.repo import Repo

    with tempfile.TemporaryDirectory(prefix="observatory-") as name:
        settings = {"core": {"no_scm": True, "site_cache_dir": name}}
        with Repo(str(folder), uninitialized=True, config=settings) as repo:
            yield repo


def _told(error: Exception) -> Iterator[str]:
    """Yield what DVC says of dvc.yaml, a line for each problem."""
    from dvc.utils.strictyaml import YAMLValidationError

    if isinstance(error, YAMLValidationError):
        yield from (f"{PIPELINE}: {line}" for line in _schema_lines(error))
        return
    text = " ".join(str(error).split())
    yield text if PIPELINE in text else f"{PIPELINE}: {text}"


def _schema_lines(error: Any) -> Iterator[str]:  # noqa: ANN401 (DVC has no types)
    yield from sorted(f"{'.'.join(map(str, problem.path))}: {problem.msg}" for problem in error.exc.errors)


def _planned(stage: Any, root: Path) -> PlannedStage:  # noqa: ANN401 (DVC has no types)
    """Return a stage of DVC as data."""
    from dvc.dependency import ParamsDependency

    folder = Path(stage.wdir).resolve().relative_to(root.resolve()).as_posix()
    folder = "" if folder == "." else folder
    params = {
        rooted(folder, dep.def_path): tuple(dep.params) or None
        for dep in stage.deps
        if isinstance(dep, ParamsDependency)
    }
    deps = [dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)]
    return PlannedStage(
        name=stage.name,
        cmd=command(stage.cmd),
        deps=tuple(rooted(folder, path) for path in deps),
        params=params,
        outs=tuple(rooted(folder, out.def_path) for out in stage.outs),
        uncached=frozenset(rooted(folder, out.def_path) for out in stage.outs if not out.use_cache),
        folder=folder,
    )


def read_params(path: Path) -> dict[str, Any]:
    """Read a parameter file as DVC does, whether YAML, JSON, TOML or Python.

    Raises:
        InputError: DVC cannot read it.
    """
    from dvc.dependency.param import read_param_file
    from dvc.exceptions import DvcException
    from dvc.fs import LocalFileSystem

    try:
        content: dict[str, Any] = read_param_file(LocalFileSystem(), str(path)) or {}
    except (DvcException, OSError) as error:
        raise InputError([f"{path}: {' '.join(str(error).split())}"]) from None
    return content


def load_lock(text: str, where: str = LOCK) -> dict[str, Any]:
    """Parse dvc.lock and check it against DVC's schema of it.

    Args:
        text: Contents.
        where: Path to show in messages.

    Returns:
        The contents, for `pipeline.locked_stages`.

    Raises:
        InputError: The file is not as DVC writes it; every place is named.
    """
    try:
        raw = load_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise InputError([f"{where}:{line} is not valid YAML: {HINT}"]) from None
    if not isinstance(raw, dict) or not isinstance(raw.get("stages"), dict):
        raise InputError([f"{where}: expected a schema and a mapping of stages: {HINT}"])
    raise_all([f"{where}: {problem}: {HINT}" for problem in [*_schema_problems(raw), *_md5_problems(raw["stages"])]])
    return raw


def _schema_problems(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield what DVC's schema of the file refuses."""
    from dvc.dvcfile import Lockfile
    from dvc.utils.strictyaml import YAMLValidationError

    try:
        Lockfile.validate(raw)
    except YAMLValidationError as error:
        yield from _schema_lines(error)


def _md5_problems(stages: Mapping[str, Any]) -> Iterator[str]:
    """Yield each file whose md5 is malformed: the schema accepts it, but no file could match it."""
    for name, stage in stages.items():
        if isinstance(stage, dict):
            entries = [item for kind in ("deps", "outs") for item in stage.get(kind) or [] if isinstance(item, dict)]
            for item in entries:
                if item.get("hash") != "md5" or not _MD5.fullmatch(str(item.get("md5"))):
                    yield (
                        f"stage {name}: {item.get('path')}: expected an md5, got {item.get('hash')!r} "
                        f"{item.get('md5')!r}"
                    )
