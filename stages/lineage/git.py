"""What git says about a repository: revisions by any name, their files, what differs from them."""

import io
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.contracts.errors import InputError
from stages.contracts.names import Names, label

WORKSPACE = "workspace"
"""What DVC, too, calls the files as they are."""
LOCK = "dvc.lock"
EXPERIMENTS = "refs/exps"
RUNNING = f"{EXPERIMENTS}/exec/EXEC_HEAD"
"""Reference of DVC to the commit that an experiment in the workspace started from, removed when it is over."""


@dataclass(frozen=True)
class Revision:
    """One version of the repository.

    Attributes:
        name: As it was asked for.
        commit: Git commit; for the workspace the one it is based on, "" before the first.
        experiment: Name of the DVC experiment, or "".
        dirty: Files that differ from the commit; never any but for the workspace.
    """

    name: str
    commit: str
    experiment: str = ""
    dirty: tuple[str, ...] = ()

    @property
    def is_workspace(self) -> bool:
        """Whether it is the files as they are."""
        return self.name == WORKSPACE


@dataclass(frozen=True)
class Experiment:
    """A DVC experiment.

    Attributes:
        name: Its name.
        commit: Git commit.
        baseline: Commit that it started from.
    """

    name: str
    commit: str
    baseline: str


def git(root: Path, *arguments: str, given: str | None = None) -> str | None:
    """Return what git prints, without the last line break, or None when it fails or there is no git.

    Args:
        root: Repository.
        *arguments: Of the command.
        given: Text that it reads.
    """
    # without the option, looking at the status rewrites the index
    command = ["git", "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(command, cwd=root, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.removesuffix("\n") if done.returncode == 0 else None


def experiments(root: Path) -> dict[str, Experiment]:
    """Return each DVC experiment by its name, oldest first; of equal names the newest."""
    listed = git(root, "for-each-ref", "--sort=committerdate", "--format=%(refname) %(objectname)", EXPERIMENTS)
    result: dict[str, Experiment] = {}
    for line in (listed or "").splitlines():
        reference, commit = line.rsplit(" ", 1)
        parts = reference.split("/")
        # refs/exps/<two digits>/<rest of the baseline>/<name>; the queue and the cache of runs look different
        if len(parts) == 5 and len(parts[2] + parts[3]) == 40:
            result[parts[4]] = Experiment(parts[4], commit, parts[2] + parts[3])
    return result


def resolve(root: Path, name: str, inputs: Sequence[str] = ()) -> Revision:
    """Return the revision of a name.

    Args:
        root: Repository.
        name: `workspace`, a DVC experiment, or whatever git takes for a commit.
        inputs: Paths whose changes count as differences of the workspace from its commit.

    Raises:
        InputError: No revision has this name.
    """
    known = experiments(root)
    if name == WORKSPACE:
        status = git(root, "status", "--porcelain", "--untracked-files=all", "--", *inputs) if inputs else ""
        dirty = tuple(line[3:].split(" -> ")[-1].strip('"') for line in (status or "").splitlines())
        found = experiment_of_lock(root)
        return Revision(name, git(root, "rev-parse", "HEAD") or "", found.name if found else "", dirty)
    known_as = known.get(name)
    commit = known_as.commit if known_as else git(root, "rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")
    if not commit or name.startswith("-"):
        raise InputError([f"no revision {label(name)}{_hint(root, name, known)}"])
    experiment = name if known_as else next((one.name for one in known.values() if one.commit == commit), "")
    return Revision(name, commit, experiment)


def interrupted_experiment(root: Path = Path()) -> str:
    """Return that a killed `dvc exp run` left HEAD detached, and how to get back; empty when none did.

    DVC detaches HEAD while an experiment runs in the workspace, and keeps references of its own meanwhile.

    Args:
        root: Repository.
    """
    if git(root, "symbolic-ref", "--quiet", "HEAD") is not None:
        return ""
    commit = git(root, "rev-parse", "--quiet", "--verify", f"{RUNNING}^{{commit}}")
    words = (git(root, "reflog", "-1", "--format=%gs", "HEAD") or "").split()
    if not commit or words[:1] != ["checkout:"] or words[-1] != commit or len(words) != 6:
        return ""
    return (
        f"HEAD is detached: a `dvc exp run` was killed, or still runs. `git switch {words[3]}` returns to the branch "
        "and keeps the files as they are; `git status` lists what the experiment changed"
    )


def experiment_of_lock(root: Path) -> Experiment | None:
    """Return the experiment whose dvc.lock is that of the workspace, as after `dvc exp run` or `dvc exp apply`.

    Of several the newest; none where HEAD has that dvc.lock, too.
    """
    known = list(experiments(root).values())
    if not known or not (root / LOCK).is_file():
        return None
    ours = git(root, "hash-object", LOCK)
    asked = "".join(f"{commit}:{LOCK}\n" for commit in ("HEAD", *(one.commit for one in known)))
    head, *theirs = (git(root, "cat-file", "--batch-check=%(objectname)", given=asked) or "").splitlines()
    found = [one for one, blob in zip(known, theirs, strict=True) if blob == ours != head]
    return found[-1] if found else None


def _hint(root: Path, name: str, known: Iterable[str]) -> str:
    listed = git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
    names = [WORKSPACE, *known, *(listed or "").splitlines()]
    return Names(names).hint(name) or f": known: {', '.join(names[:10])}, or any commit"


def versions(root: Path, files: Sequence[str]) -> Iterator[str]:
    """Yield the commits of branches, tags and DVC experiments, oldest first; of those with equal files the first.

    Args:
        root: Repository.
        files: Files and folders that a commit must have to count, and that distinguish it from others.
    """
    # besides experiments DVC keeps what it is working on among its references, git what was stashed
    left_out = [f"--exclude={EXPERIMENTS}/{name}" for name in ("exec/*", "celery/*", "stash")]
    every = git(root, "rev-list", "--date-order", "--reverse", *left_out, "--exclude=refs/stash", "--all", "HEAD")
    seen = set()
    for commit in (every or "").splitlines():
        content = git(root, "rev-parse", "--quiet", "--verify", f"{commit}:{files[0]}") and git(
            root, "rev-parse", *(f"{commit}:{file}" for file in files)
        )
        if content and content not in seen:
            seen.add(content)
            yield commit


def archive(root: Path, commit: str, target: Path) -> None:
    """Write the files of a commit into a folder.

    Raises:
        InputError: git cannot read the commit.
    """
    done = subprocess.run(["git", "archive", "--format=tar", commit], cwd=root, capture_output=True, check=False)
    if done.returncode != 0:
        raise InputError([f"git archive {commit}: {done.stderr.decode(errors='replace').strip()}"])
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
        # Python has filters from 3.11.4 on; git writes no paths that one would refuse
        files.extraction_filter = getattr(tarfile, "data_filter", None)
        files.extractall(target)


def commit_time(root: Path, commit: str) -> str:
    """Return when a commit was made, as ISO 8601."""
    return git(root, "show", "--no-patch", "--format=%cI", commit) or ""


def remote_url(root: Path) -> str:
    """Return where the repository is fetched from, or ""."""
    return git(root, "remote", "get-url", "origin") or ""
