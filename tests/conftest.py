"""Fixtures that several parts of the suite share."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from tests.repository import ROOT, Repository, new_repository

# how long an example takes says how busy the machine is, not whether the code is right
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def shared(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Make a folder once for all workers of a run and return it."""
    base = factory.getbasetemp()
    top = base.parent if "popen-" in base.name else base
    target = top / name
    with FileLock(top / f"{name}.lock"):
        done = top / f"{name}.done"
        if not done.exists():
            # a half-made folder of a failed attempt would hide the failure from the next test
            shutil.rmtree(target, ignore_errors=True)
            make(target)
            done.touch()
    return target


def reproduce_shipped(path: Path) -> None:
    """Run the pipeline as in a fresh clone, on top of the versions that git has of what stages write."""
    repository = new_repository(path)
    shutil.copy(ROOT / "dvc.lock", path)
    shutil.copytree(ROOT / "reports/metrics", path / "reports/metrics")
    repository.commit("First state")
    (path / "cold.txt").write_text(repository.dvc("repro"), encoding="utf-8")
    (path / "changed.txt").write_text(repository.run("git", "diff", "--stat").stdout, encoding="utf-8")
    repository.commit("What it printed")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither read nor write what the user has fetched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OBSERVATORY_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shipped_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory, "shipped", reproduce_shipped)


@pytest.fixture(scope="session")
def shipped(shipped_path: Path) -> Repository:
    """The shipped study after `dvc repro`, committed. Read only: copy it to change it."""
    return Repository(shipped_path)


def experiment(factory: pytest.TempPathFactory, start: Repository, name: str, choice: str) -> Repository:
    """Copy a repository, run an experiment from its commit once for all workers, and leave it in the workspace."""

    def make(path: Path) -> None:
        repository = start.copy_to(path)
        repository.run("git", "checkout", "-q", ".")
        repository.dvc("checkout", "-q")
        repository.dvc("exp", "run", "-n", name, "-S", choice)

    return Repository(shared(factory, name, make))


@pytest.fixture(scope="session")
def scratch(shipped: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The shipped study and its experiment `scratch`, in the workspace. Read only: copy it to change it."""
    return experiment(tmp_path_factory, shipped, "scratch", "subset=scratch")


@pytest.fixture(scope="session")
def fixed(scratch: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The same with the experiment `fixed`, in the workspace: the published failures corrected. Read only."""
    return experiment(tmp_path_factory, scratch, "fixed", "assemble.corrections=true")


@pytest.fixture
def workbench(shipped: Repository, tmp_path: Path) -> Repository:
    """A copy of the shipped study after `dvc repro`, to change."""
    return shipped.copy_to(tmp_path / "workbench")
