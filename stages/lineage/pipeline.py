"""The pipeline as DVC records it: dvc.yaml, what is planned, and dvc.lock, what was run with which files."""

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

PROJECTIONS = ("report", "track")
"""Stages that show a state and are not part of it: nobody looks for the cause of a number there."""


@dataclass(frozen=True)
class Entry:
    """A file or folder in dvc.lock.

    Attributes:
        path: Relative to the repository root, with slashes.
        md5: MD5 of the contents; of a folder that of its list of files, followed by `.dir`.
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
        cmd: Command line, or several, one line each.
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
        cmd: Command line, or several, one line each.
        deps: Paths.
        params: Parameter file to names of parameters or sections, None for the whole file.
        outs: Paths, metrics and plots included.
        uncached: Those of the outs that git and not DVC keeps.
        folder: In which it runs, relative to the repository root; "" for the root.
    """

    name: str
    cmd: str
    deps: tuple[str, ...]
    params: Mapping[str, tuple[str, ...] | None]
    outs: tuple[str, ...]
    uncached: frozenset[str] = frozenset()
    folder: str = ""


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
        yaml.YAMLError: The text is not YAML.
    """
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def locked_stages(raw: Mapping[str, Any], plan: Mapping[str, PlannedStage]) -> dict[str, LockedStage]:
    """Return the stages of dvc.lock, paths relative to the repository root.

    Args:
        raw: dvc.lock, as its schema defines it. Its paths are relative to the folder in which a stage runs.
        plan: dvc.yaml, which knows that folder.
    """
    folders = {name: stage.folder for name, stage in plan.items()}
    return {
        str(name): LockedStage(
            name=str(name),
            cmd=command(stage["cmd"]),
            deps=tuple(_entry(item, folders.get(name, "")) for item in stage.get("deps", [])),
            params={rooted(folders.get(name, ""), file): values for file, values in stage.get("params", {}).items()},
            outs=tuple(_entry(item, folders.get(name, "")) for item in stage.get("outs", [])),
        )
        for name, stage in raw["stages"].items()
    }


def command(cmd: str | Sequence[str]) -> str:
    """Return the command of a stage as text, one line for each of a list."""
    return cmd if isinstance(cmd, str) else "\n".join(cmd)


def rooted(folder: str, path: str) -> str:
    """Return a path relative to the repository root.

    Args:
        folder: In which the stage runs, relative to the root.
        path: As written in dvc.yaml or dvc.lock: relative to the folder, absolute, or an address.
    """
    return path if "://" in path else posixpath.normpath(posixpath.join(folder, path))


def _entry(raw: Mapping[str, Any], folder: str) -> Entry:
    return Entry(rooted(folder, raw["path"]), str(raw.get("md5", "")), raw.get("size"), raw.get("nfiles"))


def overlaps(path: str, other: str) -> bool:
    """Return whether two paths are the same or one is a folder that holds the other."""
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def producers(path: str, stages: Sequence[LockedStage | PlannedStage]) -> list[str]:
    """Return the names of the stages that write a path, a part of it, or a folder around it."""
    result = []
    for stage in stages:
        outs = [out.path if isinstance(out, Entry) else out for out in stage.outs]
        if any(overlaps(path, out) for out in outs):
            result.append(stage.name)
    return result


def without_former(
    lock: Mapping[str, LockedStage], current: Collection[str], groups: Collection[str]
) -> dict[str, LockedStage]:
    """Leave out former items of a `foreach` or `matrix`, which DVC leaves in dvc.lock.

    Args:
        lock: dvc.lock.
        current: Names of the stages of dvc.yaml.
        groups: Names of those of its entries that stand for several stages.
    """
    return {name: stage for name, stage in lock.items() if name in current or name.partition("@")[0] not in groups}


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
    """Return whether two values are equal and of the same kind: for Python, True equals 1.

    DVC writes 0.00001 as 1e-05, which YAML 1.1 takes for text.
    """
    if isinstance(first, str) and isinstance(second, float):
        return first == repr(second)
    return first == second and isinstance(first, bool) == isinstance(second, bool)
