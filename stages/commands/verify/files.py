"""Files against dvc.lock, dvc.lock against dvc.yaml and params.yaml, DVC's cache against itself."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from stages.commands.snapshot import Snapshot
from stages.commands.verify.report import Report
from stages.lineage.cache import Tree, folder_md5
from stages.lineage.dvc_files import read_params
from stages.lineage.git import archive
from stages.lineage.graph import kind_of
from stages.lineage.pipeline import Entry, lock_problems
from stages.workspace.paths import TRACKED

FIX = {
    "code": "code changed since the run: `dvc repro`, or restore it with git",
    "fact": "facts changed since the run: `dvc repro`, or restore them with git",
    "file": "`dvc checkout` restores it, `dvc repro` makes it again",
}


@dataclass
class _Files:
    """The files of a snapshot against what dvc.lock says of them."""

    snapshot: Snapshot
    left_out: Callable[[str], bool]
    lines: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)

    @cached_property
    def entries(self) -> dict[Entry, list[str]]:
        """Each entry to the stages that have it."""
        found: dict[Entry, list[str]] = {}
        for name, stage in self.snapshot.lock.items():
            for entry in (*stage.deps, *stage.outs):
                # each clone has its own of this file, from when it last logged a state
                if entry.path != str(TRACKED):
                    found.setdefault(entry, []).append(name)
        return found

    @cached_property
    def committed(self) -> dict[str, str]:
        """Path to md5 of every file of the commit that the snapshot is or is based on."""
        revision = self.snapshot.revision
        if not revision.commit:
            return {}
        with tempfile.TemporaryDirectory(prefix="observatory-") as name:
            archive(self.snapshot.root, revision.commit, Path(name))
            tree = Tree(Path(name))
            paths = sorted(path.name for path in Path(name).iterdir())
            tree.hash_all(paths)
            return {file: tree.md5(file) for path in paths for file in tree.files(path)}

    @cached_property
    def expected(self) -> dict[str, str]:
        """Path to md5 of every file that dvc.lock knows, through the cache also those in folders."""
        known: dict[str, str] = {}
        known |= {entry.path: entry.md5 for entry in self.entries if not entry.is_folder}
        for stage in self.snapshot.lock.values():
            for out in stage.outs:
                if out.is_folder:
                    files = self.snapshot.cache.manifest(out.md5) or {}
                    known |= {f"{out.path}/{name}": value for name, value in files.items()}
        return known

    def reference(self, entry: Entry) -> dict[str, str] | None:
        """Return path to md5 of the files that a folder held when dvc.lock was written, None when nothing tells."""
        prefix = f"{entry.path}/"
        listed = self.snapshot.cache.manifest(entry.md5)
        if listed is not None:
            return {prefix + name: md5 for name, md5 in listed.items()}
        candidate = {path: md5 for path, md5 in {**self.committed, **self.expected}.items() if path.startswith(prefix)}
        matches = folder_md5({path.removeprefix(prefix): md5 for path, md5 in candidate.items()}) == entry.md5
        return candidate if matches else None

    def compare(self) -> None:
        """Fill `lines`, by path: a folder has one only when nothing tells which of its files changed."""
        for folders in (False, True):
            for entry, stages in self.entries.items():
                if entry.is_folder is folders:
                    self._compare(entry, stages)

    def _compare(self, entry: Entry, stages: list[str]) -> None:
        tree, path = self.snapshot.tree, entry.path
        where = f"stage{'s' if len(stages) > 1 else ''} {', '.join(stages)}"
        if not tree.exists(path):
            self._missing(entry, where)
            return
        actual = tree.md5(path)
        if actual == entry.md5:
            for what, have, want in (
                ("size", tree.size(path), entry.size),
                ("number of files", len(tree.files(path)), entry.nfiles),
            ):
                if want is not None and have != want:
                    self.lines[f"{path} {what}"] = f"{path}: {what} is {have}, dvc.lock has {want} ({where})"
            return
        reference = self.reference(entry) if entry.is_folder else None
        if reference is None:
            self.lines.setdefault(
                path, f"{path}: md5 {actual}, dvc.lock has {entry.md5} ({where}): {FIX[kind_of(path)]}"
            )
            return
        now = {f"{path}/{name}": md5 for name, md5 in tree.manifest(path).items()}
        self.absent |= {file for file in reference if file not in now and self.left_out(file)}
        for file in sorted({*now, *reference} - self.absent):
            if now.get(file) != reference.get(file) and not any(file.startswith(f"{known}/") for known in self.lines):
                self.lines.setdefault(
                    file,
                    f"{file}: {_md5(now.get(file))}, dvc.lock has {_md5(reference.get(file))} through the folder "
                    f"{path} ({where}): {FIX[kind_of(path)]}",
                )

    def _missing(self, entry: Entry, where: str) -> None:
        path = entry.path
        if kind_of(path) != "file" or path in self.committed:
            how = "missing here: restore it with git"
        else:
            how = self.snapshot.restoring(entry)
        self.lines.setdefault(path, f"{path} is {how}; dvc.lock has md5 {entry.md5} ({where})")


def _md5(value: str | None) -> str:
    return f"md5 {value}" if value else "no such file"


def none(_: str) -> bool:
    """Return that no file may be left out."""
    return False


def check_files(snapshot: Snapshot, report: Report, left_out: Callable[[str], bool] = none) -> frozenset[str]:
    """Compare every dependency and output with dvc.lock.

    Args:
        snapshot: Version of the repository.
        report: Receives what is found.
        left_out: Tells the files of folders that need not be there.

    Returns:
        The files that are as dvc.lock says: only those can be read without surprises.
    """
    files = _Files(snapshot, left_out)
    snapshot.tree.hash_all(entry.path for entry in files.entries)
    files.compare()
    report.add(files.lines.values())
    if files.absent:
        report.notes.append(f"{len(files.absent)} files were left out, among them {min(files.absent)}")
    paths = {file for entry in files.entries for file in snapshot.tree.files(entry.path)}
    report.count("files", len(paths))
    return frozenset(paths - files.lines.keys())


def check_lock(snapshot: Snapshot, report: Report) -> None:
    """Compare dvc.lock with dvc.yaml, with the parameters and with itself."""
    lock, plan = snapshot.lock, snapshot.plan
    files = {file for stage in plan.values() for file in stage.params if snapshot.tree.exists(file)}
    report.add(lock_problems(lock, plan, {file: read_params(snapshot.folder / file) for file in files}))
    report.count("stages", len(lock))


def check_cache(snapshot: Snapshot, report: Report) -> None:
    """Compare the name of everything in the cache with its content, and list outputs that it lacks."""
    known = [entry for stage in snapshot.lock.values() for entry in (*stage.deps, *stage.outs)]
    report.add(snapshot.cache.damaged(known))
    report.add(_uncached(snapshot))


def _uncached(snapshot: Snapshot) -> Iterator[str]:
    for name, stage in snapshot.lock.items():
        uncached = snapshot.plan[name].uncached if name in snapshot.plan else frozenset()
        for out in stage.outs:
            if out.path in uncached or not snapshot.tree.exists(out.path):
                continue
            missing = snapshot.cache.contents(out)[1]
            if missing:
                shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
                yield (
                    f"cache: {out.path} lacks {shown} (stage {name}): `dvc fetch` gets it from the remote, "
                    "`dvc commit` takes it from here"
                )
