"""`observatory track`: log the current state to MLflow, or every state that git has, also after the store was lost."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.commands.snapshot import Snapshot, opened
from stages.contracts.errors import InputError
from stages.contracts.params import Params
from stages.lineage.dvc_files import read_params
from stages.lineage.git import versions
from stages.lineage.graph import kind_of
from stages.lineage.pipeline import PROJECTIONS, lock_problems
from stages.lineage.state import OUR_INPUTS, origin_of, root
from stages.tracking.log import log_run
from stages.tracking.place import is_missing
from stages.tracking.projection import current_state, state_of
from stages.tracking.record import State
from stages.tracking.trouble import StoreError
from stages.workspace import paths
from stages.workspace.parameters import load_params
from stages.workspace.progress import each

WORKSPACE = "the workspace"


@dataclass(frozen=True)
class TrackedState:
    """A state and its run.

    Attributes:
        digest: Name of the state.
        where: The workspace, an experiment or a commit.
        run_id: MLflow run.
        created: Whether it was logged now.
    """

    digest: str
    where: str
    run_id: str
    created: bool


@dataclass
class Tracked:
    """Result of `track`.

    Attributes:
        states: Those that have their run.
        problems: Why others have none.
        unfinished: Commits that do not hold a finished state.
        incomplete: Runs without tables and figures that DVC's cache lacks.
    """

    states: list[TrackedState] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unfinished: int = 0
    incomplete: int = 0

    @property
    def ok(self) -> bool:
        """Whether every finished state has its run."""
        return not self.problems

    def text(self) -> Iterator[str]:
        """Yield one line for each state, then what could not be logged."""
        for item in self.states:
            where = "" if item.where == WORKSPACE else f" of {item.where}"
            yield f"state {item.digest}{where} {'logged as' if item.created else 'has its'} MLflow run {item.run_id}"
        if self.unfinished:
            yield f"{self.unfinished} commits do not hold a finished state: their dvc.lock is not of their files"
        if self.incomplete:
            yield f"{self.incomplete} states lack files in DVC's cache: `dvc fetch --all-commits` gets them"
        yield from self.problems

    def content(self) -> Mapping[str, Any]:
        """Return states, problems and counts."""
        states = [{"state": s.digest, "of": s.where, "run": s.run_id, "created": s.created} for s in self.states]
        counts = {"unfinished": self.unfinished, "incomplete": self.incomplete}
        return {"states": states, "problems": self.problems, **counts}


def track(*, rebuild: bool, everything: bool = False) -> Tracked:
    """Log the current state from the versioned files, or every state of git's commits and DVC's experiments.

    Args:
        rebuild: Whether a missing store is created; without it a missing store is more likely a wrong folder.
        everything: Whether to log the states of commits, tags and DVC experiments, too.

    Raises:
        InputError: The workspace does not hold the outputs of its facts, parameters and code, or the store is missing.
    """
    repository = root()
    if not rebuild and is_missing(repository):
        raise InputError([f"{repository.name}/mlflow.db is missing: `observatory track --rebuild` creates it anew"])
    tracked = Tracked()
    try:
        require_clean()
        _log(current_state(load_params()), repository, WORKSPACE, tracked)
    except InputError as error:
        if not everything or isinstance(error, StoreError):
            raise
        tracked.problems += error.problems
    if everything:
        commits = list(versions(repository, (str(paths.LOCK), str(paths.METRICS), *OUR_INPUTS)))
        for commit in each(commits, "logging the states of commits", lambda commit: commit[:12]):
            try:
                _log_version(commit, tracked)
            except StoreError as error:
                tracked.problems += error.problems
                break
            except InputError as error:
                tracked.problems += [f"{commit[:12]}: {line}" for line in error.problems]
    return tracked


def _log(state: State, repository: Path, where: str, tracked: Tracked) -> None:
    if state.digest not in {item.digest for item in tracked.states}:
        logged = log_run(state, repository, limit=None)
        tracked.states.append(TrackedState(state.digest, where, logged.run_id, logged.created))


def _log_version(commit: str, tracked: Tracked) -> None:
    """Log the state of a commit from its files and DVC's cache.

    Raises:
        InputError: Its parameters, facts or outputs cannot be read, or the store cannot be used.
    """
    with opened(commit) as snapshot:
        if not _is_finished(snapshot):
            tracked.unfinished += 1
            return
        params: Params = snapshot.params
        revision = snapshot.revision
        where = f"experiment {revision.experiment}" if revision.experiment else f"commit {commit[:12]}"
        before = len(tracked.states)
        origin = origin_of(revision, params, snapshot.root)
        try:
            state = state_of(params, snapshot.digest, origin)
        except (KeyError, ValueError, OSError) as error:
            raise InputError([f"outputs of {where} are not as this version writes them: {error!r}"]) from None
        _log(state, snapshot.root, where, tracked)
        tracked.incomplete += bool(len(tracked.states) > before and snapshot.missing)


def _is_finished(snapshot: Snapshot) -> bool:
    """Return whether dvc.lock was written for the parameters, code, facts and metrics of its commit."""
    lock = {name: stage for name, stage in snapshot.lock.items() if name not in PROJECTIONS}
    plan = {name: stage for name, stage in snapshot.plan.items() if name not in PROJECTIONS}
    files = {file for stage in plan.values() for file in stage.params if snapshot.tree.exists(file)}
    if lock_problems(lock, plan, {file: read_params(snapshot.folder / file) for file in files}):
        return False
    uncached = {path for stage in plan.values() for path in stage.uncached}
    entries = {entry for stage in lock.values() for entry in (*stage.deps, *stage.outs)}
    in_git = [entry for entry in entries if kind_of(entry.path) != "file" or entry.path in uncached]
    tree = snapshot.tree
    return all(tree.exists(entry.path) and tree.md5(entry.path) == entry.md5 for entry in in_git)


def require_clean() -> None:
    """Check with DVC that nothing has to be reproduced first.

    Raises:
        InputError: Stages changed since dvc.lock was written; they are named.
    """
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise InputError([f"dvc status: {line}" for line in done.stderr.strip().splitlines()[:1]])
    # a lock is taken anew whenever DVC runs, without anything having changed
    status = json.loads(done.stdout).items()
    changed = [name for name, reasons in status if name not in PROJECTIONS and reasons != ["always changed"]]
    if changed:
        raise InputError([f"changed since the last run: {', '.join(changed)}: run `dvc repro` first"])
