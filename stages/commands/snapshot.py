"""One version of the repository, opened for reading: the workspace, or a commit or experiment beside it."""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from stages.contracts.errors import InputError
from stages.contracts.params import Params, parse_params
from stages.lineage import state
from stages.lineage.cache import Cache, Tree, cache_folder
from stages.lineage.dvc_files import load_lock, read_plan
from stages.lineage.git import WORKSPACE, Revision, archive, resolve
from stages.lineage.graph import Graph, kind_of
from stages.lineage.pipeline import (
    Entry,
    LockedStage,
    PlannedStage,
    flatten,
    load_yaml,
    locked_stages,
    producers,
    without_former,
)
from stages.tracking import read as tracking_read
from stages.tracking.read import Run
from stages.workspace import paths
from stages.workspace.files import read_text
from stages.workspace.parameters import load_params

GROUPED = {"foreach", "matrix"}
"""Keys of an entry of dvc.yaml that stands for several stages."""
HASHED = 16 * 2**20
"""A trace hashes files up to this many bytes to find out whether they changed; `verify` hashes everything."""


@dataclass(frozen=True)
class Snapshot:
    """One version of the repository. While it is open, its folder is the current directory.

    Attributes:
        root: The repository.
        folder: Where the files of this version are; the root itself for the workspace.
        revision: Which version.
        missing: Path of each output that DVC's cache lacks to its md5.
        cache_at: DVC's cache, None for the one that the repository is configured for.
    """

    root: Path
    folder: Path
    revision: Revision
    missing: Mapping[str, str]
    cache_at: Path | None = None

    @cached_property
    def tree(self) -> Tree:
        """Its files, hashed once each."""
        return Tree(self.folder)

    @cached_property
    def cache(self) -> Cache:
        """DVC's cache of the repository."""
        return Cache(self.cache_at or cache_folder(self.root))

    @cached_property
    def pipeline(self) -> dict[str, Any]:
        """dvc.yaml."""
        return _mapping(paths.PIPELINE)

    @cached_property
    def raw_params(self) -> dict[str, Any]:
        """params.yaml, as it is written."""
        return _mapping(paths.PARAMS)

    @cached_property
    def params(self) -> Params:
        """params.yaml, checked; what another version does not have gets its current value.

        Raises:
            InputError: It is wrong.
        """
        try:
            return load_params()
        except InputError:
            if self.folder == self.root:
                raise
        today = load_yaml((self.root / paths.PARAMS).read_text(encoding="utf-8"))
        return parse_params(json.dumps(_adapted(self.raw_params, today)), f"params.yaml at {self.revision.name}")

    @cached_property
    def plan(self) -> dict[str, PlannedStage]:
        """dvc.yaml with its templates filled in."""
        return read_plan(self.folder)

    @cached_property
    def lock(self) -> dict[str, LockedStage]:
        """dvc.lock without former items of a `foreach` or `matrix`."""
        if not paths.LOCK.is_file():
            raise InputError([f"{paths.LOCK} is missing at {self.revision.name}: run `dvc repro` first"])
        raw = load_lock(read_text(paths.LOCK))
        groups = {name for name, stage in self.pipeline.get("stages", {}).items() if GROUPED & stage.keys()}
        return without_former(locked_stages(raw, self.plan), self.plan, groups)

    @cached_property
    def graph(self) -> Graph:
        """Its files and stages, with a note on each file that is not what dvc.lock says."""
        notes: dict[Entry, str] = {}
        for stage in self.lock.values():
            for entry in (*stage.deps, *stage.outs):
                if not self.tree.exists(entry.path):
                    notes[entry] = self.restoring(entry) if _is_output(entry.path, self.lock) else "missing"
                elif self.tree.size(entry.path) <= HASHED and (md5 := self.tree.md5(entry.path)) != entry.md5:
                    notes[entry] = f"changed since, now md5 {md5}"
        facts = {dep.path for stage in self.lock.values() for dep in stage.deps if kind_of(dep.path) == "fact"}
        members = {path: self.tree.manifest(path) for path in sorted(facts) if self.tree.is_folder(path)}
        return Graph(self.lock, notes, members)

    def restoring(self, entry: Entry) -> str:
        """Return where an output that is missing here still is, and how to get it."""
        if self.cache.contents(entry)[1] == []:
            return "missing here: `dvc checkout` restores it"
        if not self.revision.commit and not self.revision.is_workspace:
            return "missing in the exported state: export it again"
        if self.revision.is_workspace:
            return "missing here and in the cache: `dvc pull` fetches it from the remote, `dvc repro` makes it again"
        name = self.revision.name
        there = f"`dvc exp apply {name}`" if self.revision.experiment else f"`git switch --detach {name}`"
        return (
            "missing here and in the cache: `dvc pull --all-commits` fetches it from the remote, "
            f"{there} and `dvc repro` make it again"
        )

    def absence(self, path: str) -> str:
        """Return that a path is missing here and how to get it, in one line; empty when it is here."""
        if self.tree.exists(path):
            return ""
        entries = (out for stage in self.lock.values() for out in stage.outs)
        entry = next((out for out in entries if path == out.path or path.startswith(f"{out.path}/")), None)
        if entry is None:
            return f"{path} is missing: run `dvc repro`"
        files, lacking = self.cache.contents(entry)
        if path != entry.path and path not in files and entry.md5 not in lacking:
            return ""  # the folder is known and never had it
        return f"{path} is {self.restoring(entry)}"

    @cached_property
    def digest(self) -> str:
        """Name of the state, as that version of the code had it."""
        choices = self.params.model_dump(mode="json", by_alias=True, exclude_unset=True)
        if {name for name, _ in flatten("", choices)} == {name for name, _ in flatten("", self.raw_params)}:
            return state.state_digest(self.params)
        then = {name: value for name, value in _adapted(choices, self.raw_params).items() if name != "track"}
        return state.digest_of({"params": then, "files": state.locked_files(self.params), "code": state.code_digest()})

    def runs(self) -> list[Run]:
        """Return the MLflow runs of the state."""
        return tracking_read.of_state(self.digest, self.root)


def _adapted(values: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that `names` has, with their value in `values` where that knows them."""
    result = {}
    for name, default in names.items():
        value = values.get(name, default)
        both = isinstance(default, Mapping) and isinstance(value, Mapping)
        result[name] = _adapted(value, default) if both else value
    return result


def _is_output(path: str, lock: Mapping[str, LockedStage]) -> bool:
    return bool(producers(path, list(lock.values())))


def _mapping(path: Path) -> dict[str, Any]:
    text = read_text(path)
    try:
        raw = load_yaml(text)
    except yaml.YAMLError as error:
        raise InputError([f"{path} is not valid YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(raw, dict):
        raise InputError([f"{path}: expected a mapping of names to values at the top level"])
    return raw


@contextlib.contextmanager
def opened(rev: str | None = None) -> Iterator[Snapshot]:
    """Open a version of the repository that the current directory is the root of.

    Args:
        rev: A commit, tag, branch or DVC experiment, None or `workspace` for the files as they are. Another version
            than the workspace is laid out in a temporary folder, its outputs linked from DVC's cache; the workspace
            is not touched.

    Raises:
        InputError: There is no such revision, or this is not the root of the repository.
    """
    root = Path.cwd()
    if not (root / paths.PIPELINE).is_file():
        raise InputError([f"no {paths.PIPELINE} in {root}: run this in the root of the repository"])
    revision = resolve(root, rev or WORKSPACE, _inputs())
    if revision.is_workspace:
        yield Snapshot(root, root, revision, {})
        return
    with tempfile.TemporaryDirectory(prefix="observatory-") as name:
        folder = Path(name)
        archive(root, revision.commit, folder)
        with contextlib.chdir(folder):
            yield Snapshot(root, folder, revision, _lay_out(root, folder))


def _inputs() -> tuple[str, ...]:
    """Return whose changes count as differences from the commit: nothing of a study that is not analysed."""
    try:
        return state.inputs_of(load_params())
    except InputError:
        return state.OUR_INPUTS


def _lay_out(root: Path, folder: Path) -> dict[str, str]:
    """Link the outputs of a commit from the cache, and return those that are not in it."""
    lock_file = folder / paths.LOCK
    if not lock_file.is_file():
        return {}
    snapshot = Snapshot(root, folder, Revision("", ""), {})
    missing = {}
    for name, stage in snapshot.lock.items():
        uncached = snapshot.plan[name].uncached if name in snapshot.plan else frozenset()
        for out in stage.outs:
            if out.path not in uncached and snapshot.cache.put(out, folder):
                missing[out.path] = out.md5
    return missing
