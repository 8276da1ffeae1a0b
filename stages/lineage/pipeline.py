"""The pipeline as DVC has it: dvc.yaml, what is planned, and dvc.lock, what was run with which files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from stages.contracts.errors import InputError, raise_all

SCHEMA = "2.0"
"""Version of dvc.lock."""

_TEMPLATE = re.compile(r"\$\{\s*([^}]+?)\s*\}")
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_FILE_KEYS = {"path", "hash", "md5", "size", "nfiles", "isexec"}
_STAGE_KEYS = {"cmd", "deps", "params", "outs"}

PROJECTIONS = ("report", "track")
"""Stages that show a state and are not part of it: nobody looks for the cause of a number there."""


@dataclass(frozen=True)
class Entry:
    """A file or folder in dvc.lock.

    Attributes:
        path: Relative to the repository root, with slashes.
        md5: Of the contents; of a folder that of its list of files, followed by `.dir`.
        size: Bytes, of a folder all together.
        nfiles: Files of a folder, None for a file.
    """

    path: str
    md5: str
    size: int | None = None
    nfiles: int | None = None

    @property
    def is_folder(self) -> bool:
        """Whether the entry is a folder."""
        return self.md5.endswith(".dir")


@dataclass(frozen=True)
class LockedStage:
    """A stage in dvc.lock: one run of its command.

    Attributes:
        name: As DVC addresses it; `stage@item` for one of several.
        cmd: Command line.
        deps: What it read.
        params: Parameter file to parameter to value.
        outs: What it wrote.
    """

    name: str
    cmd: str
    deps: tuple[Entry, ...] = ()
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outs: tuple[Entry, ...] = ()

    def flat_params(self) -> dict[str, Any]:
        """Return every parameter under its dotted name."""
        return {name: value for section in self.params.values() for name, value in flatten("", section)}


@dataclass(frozen=True)
class PlannedStage:
    """A stage in dvc.yaml with its templates filled in.

    Attributes:
        name: As in dvc.lock.
        cmd: Command line.
        deps: Paths.
        params: Parameter file to names of parameters or sections, None for the whole file.
        outs: Paths, metrics and plots included.
        uncached: Those of the outs that git and not DVC keeps.
    """

    name: str
    cmd: str
    deps: tuple[str, ...]
    params: Mapping[str, tuple[str, ...] | None]
    outs: tuple[str, ...]
    uncached: frozenset[str] = frozenset()


def flatten(name: str, value: object) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings under dotted names."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flatten(f"{name}.{key}" if name else str(key), item)
    else:
        yield name, value


def load_yaml(text: str) -> Any:  # noqa: ANN401 (YAML)
    """Parse YAML with libyaml where PyYAML was built with it: ten times faster, same result.

    Raises:
        yaml.YAMLError: The text is no YAML.
    """
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def parse_lock(text: str, where: str = "dvc.lock") -> dict[str, LockedStage]:
    """Parse dvc.lock.

    Args:
        text: Contents.
        where: Path to show in messages.

    Returns:
        Stage name to stage, in the order of the file.

    Raises:
        InputError: The file is not as DVC writes it; every place is named.
    """
    hint = "`git checkout dvc.lock` or `dvc repro` mends it"
    try:
        raw = load_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise InputError([f"{where}:{line} is not valid YAML: {hint}"]) from None
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA or not isinstance(raw.get("stages"), dict):
        raise InputError([f"{where}: expected schema {SCHEMA!r} and a mapping of stages: {hint}"])
    problems = [f"{where}: {key}: DVC writes no such key: {hint}" for key in raw if key not in {"schema", "stages"}]
    stages = {}
    for name, content in raw["stages"].items():
        found = _stage_problems(content)
        problems += [f"{where}: stage {name}: {problem}: {hint}" for problem in found]
        if not found:
            stages[str(name)] = LockedStage(
                name=str(name),
                cmd=content["cmd"],
                deps=tuple(map(_entry, content.get("deps", []))),
                params=content.get("params", {}),
                outs=tuple(map(_entry, content.get("outs", []))),
            )
    raise_all(problems)
    return stages


def _stage_problems(content: object) -> list[str]:
    """Return what keeps a stage of dvc.lock from being read."""
    if not isinstance(content, dict) or not isinstance(content.get("cmd"), str):
        return ["expected a mapping with a command"]
    problems = [f"{key!r}: DVC writes no such key" for key in content if key not in _STAGE_KEYS]
    for kind in ("deps", "outs"):
        entries = content.get(kind, [])
        if not isinstance(entries, list):
            problems.append(f"{kind} is no list")
            continue
        problems += [problem for entry in entries for problem in _entry_problems(entry)]
    params = content.get("params", {})
    if not isinstance(params, dict) or not all(isinstance(section, dict) for section in params.values()):
        problems.append("params is no mapping of files to parameters")
    return problems


def _entry_problems(entry: object) -> Iterator[str]:
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        yield f"{entry!r}: expected a mapping with a path"
        return
    path = entry["path"]
    yield from (f"{path}: {key!r}: DVC writes no such key" for key in entry if key not in _FILE_KEYS)
    if entry.get("hash") != "md5" or not _MD5.fullmatch(str(entry.get("md5"))):
        yield f"{path}: expected an md5, got {entry.get('hash')!r} {entry.get('md5')!r}"
    for key in ("size", "nfiles"):
        if key in entry and not isinstance(entry[key], int):
            yield f"{path}: {key} is {entry[key]!r}, expected a number"


def _entry(raw: Mapping[str, Any]) -> Entry:
    return Entry(raw["path"], raw["md5"], raw.get("size"), raw.get("nfiles"))


def resolve(pipeline: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, PlannedStage]:
    """Fill the templates of dvc.yaml in: `${name}` everywhere, and one stage for each item of a `foreach`.

    Args:
        pipeline: dvc.yaml.
        params: params.yaml.

    Returns:
        Stage name to stage, in the order of the file.

    Raises:
        InputError: A template names a parameter that does not exist.
    """
    problems: list[str] = []
    stages: dict[str, PlannedStage] = {}
    for name, content in pipeline.get("stages", {}).items():
        if "foreach" not in content:
            stages[name] = _planned(name, content, params, problems)
            continue
        items = _fill(content["foreach"], params, f"dvc.yaml: {name}", problems)
        pairs = items.items() if isinstance(items, Mapping) else ((item, item) for item in items)
        for key, item in pairs:
            scope = {**params, "item": item, "key": key}
            stages[f"{name}@{key}"] = _planned(f"{name}@{key}", content["do"], scope, problems)
    raise_all(problems)
    return stages


def _planned(name: str, content: Mapping[str, Any], scope: Mapping[str, Any], problems: list[str]) -> PlannedStage:
    filled = _fill(content, scope, f"dvc.yaml: {name}", problems)
    outs: list[str] = []
    uncached: set[str] = set()
    for kind in ("outs", "metrics", "plots"):
        for out in filled.get(kind, []):
            path, options = next(iter(out.items())) if isinstance(out, Mapping) else (out, {})
            outs.append(path)
            if options.get("cache") is False:
                uncached.add(path)
    files: dict[str, tuple[str, ...] | None] = {}
    for item in filled.get("params", []):
        if isinstance(item, Mapping):
            files |= {file: tuple(names) if names else None for file, names in item.items()}
        else:
            files["params.yaml"] = (*(files.get("params.yaml") or ()), item)
    return PlannedStage(name, filled["cmd"], tuple(filled.get("deps", [])), files, tuple(outs), frozenset(uncached))


def _fill(value: Any, scope: Mapping[str, Any], where: str, problems: list[str]) -> Any:  # noqa: ANN401 (YAML)
    """Fill the templates of a value, also of nested ones; a value that is nothing but a template keeps its type."""
    if isinstance(value, Mapping):
        return {_fill(key, scope, where, problems): _fill(item, scope, where, problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, scope, where, problems) for item in value]
    if not isinstance(value, str):
        return value
    whole = _TEMPLATE.fullmatch(value)
    if whole:
        return _lookup(whole[1], scope, where, problems)
    return _TEMPLATE.sub(lambda match: str(_lookup(match[1], scope, where, problems)), value)


def _lookup(name: str, scope: Mapping[str, Any], where: str, problems: list[str]) -> Any:  # noqa: ANN401 (YAML)
    found: Any = scope
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            problems.append(f"{where} uses ${{{name}}}, which params.yaml lacks")
            return ""
        found = found[part]
    return found


def overlaps(path: str, other: str) -> bool:
    """Tell whether two paths are the same or one is a folder that holds the other."""
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def producers(path: str, stages: Sequence[LockedStage | PlannedStage]) -> list[str]:
    """Return the names of the stages that write a path, a part of it, or a folder around it."""
    result = []
    for stage in stages:
        outs = [out.path if isinstance(out, Entry) else out for out in stage.outs]
        if any(overlaps(path, out) for out in outs):
            result.append(stage.name)
    return result


def read_lock(text: str, pipeline: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, LockedStage]:
    """Parse dvc.lock and leave out former items of a `foreach`, which DVC leaves there.

    Args:
        text: dvc.lock.
        pipeline: dvc.yaml.
        params: params.yaml.
    """
    plan = resolve(pipeline, params)
    several = {name for name, content in pipeline.get("stages", {}).items() if "foreach" in content}
    lock = parse_lock(text)
    return {name: stage for name, stage in lock.items() if name in plan or name.partition("@")[0] not in several}


def lock_problems(
    lock: Mapping[str, LockedStage], plan: Mapping[str, PlannedStage], params: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Compare dvc.lock with dvc.yaml and the parameter files, and with itself.

    Args:
        lock: dvc.lock, without former items of a `foreach`.
        plan: dvc.yaml.
        params: Parameter file to its contents.

    Returns:
        One line for each difference.
    """
    problems = [f"dvc.lock has no stage {name}, dvc.yaml has: `dvc repro`" for name in plan if name not in lock]
    for name, stage in lock.items():
        if name in plan:
            problems += [f"dvc.lock: stage {name}: {line}" for line in _differences(stage, plan[name], params)]
        else:
            problems.append(f"dvc.lock has a stage {name}, dvc.yaml has none")
    known: dict[str, tuple[str, str]] = {}
    for stage in lock.values():
        for entry in (*stage.outs, *stage.deps):
            first, md5 = known.setdefault(entry.path, (stage.name, entry.md5))
            if md5 != entry.md5:
                there = f"{md5} in stage {first} and {entry.md5} in stage {stage.name}"
                problems.append(f"dvc.lock: {entry.path} has md5 {there}")
    return problems


def _differences(stage: LockedStage, planned: PlannedStage, params: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if stage.cmd != planned.cmd:
        yield f"command is {stage.cmd!r}, dvc.yaml has {planned.cmd!r}"
    for kind, have, want in (
        ("dependency", [entry.path for entry in stage.deps], planned.deps),
        ("output", [entry.path for entry in stage.outs], planned.outs),
    ):
        yield from (f"{kind} {path} is missing, dvc.yaml has it" for path in want if path not in have)
        yield from (f"{kind} {path} stands nowhere in dvc.yaml" for path in have if path not in want)
        yield from (f"{kind} {path} stands twice" for path in sorted({path for path in have if have.count(path) > 1}))
    for file, names in planned.params.items():
        chosen = dict(_chosen(params.get(file, {}), names))
        locked = dict(stage.params.get(file, {}))
        for name in sorted({*chosen, *locked}):
            if name not in locked or name not in chosen or not _same(locked[name], chosen[name]):
                yield f"parameter {name} is {locked.get(name)!r}, {file} has {chosen.get(name)!r}"
    for file in stage.params:
        if file not in planned.params:
            yield f"parameters of {file} stand nowhere in dvc.yaml"


def _chosen(content: Mapping[str, Any], names: tuple[str, ...] | None) -> Iterator[tuple[str, Any]]:
    if names is None:
        yield from content.items()
        return
    for name in names:
        found: Any = content
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is not None:
            yield name, found


def _same(first: object, second: object) -> bool:
    """Tell whether two values are equal and of the same kind: for Python, True equals 1.

    DVC writes 0.00001 as 1e-05, which YAML 1.1 takes for text.
    """
    if isinstance(first, str) and isinstance(second, float):
        return first == repr(second)
    return first == second and isinstance(first, bool) == isinstance(second, bool)
