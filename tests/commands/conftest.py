"""Repositories of the small study: made once, copied to be changed."""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands.study import MODEL, new_study, set_params
from tests.conftest import shared
from tests.repository import Repository


def make(path: Path) -> None:
    """First state: published scores, tag v1. Second: one model evaluated, tag v2. Experiment `odds`: half of it."""
    repository = new_study(path)
    store = path.parent / "lineage-store"
    repository.dvc("remote", "add", "-q", "-d", "store", str(store))
    repository.dvc("repro")
    repository.commit("First state")
    repository.run("git", "tag", "v1")
    set_params(repository, evaluate={"models": [MODEL]})
    repository.dvc("repro")
    repository.commit("A model evaluated")
    repository.run("git", "tag", "v2")
    repository.dvc("exp", "run", "--temp", "-n", "corrected", "-S", "assemble.corrections=true")


@pytest.fixture(scope="session")
def study_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory, "lineage", make)


@pytest.fixture(scope="session")
def study(study_path: Path) -> Repository:
    """The small study in its second state, committed. Read only."""
    return Repository(study_path)


def copied(study: Repository, target: Path) -> Repository:
    """Copy a repository and its MLflow store, which knows its own place."""
    repository = study.copy_to(target)
    with closing(sqlite3.connect(target / "mlflow.db")) as connection, connection:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            connection.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(study.path), str(target))
            )
    return repository


@pytest.fixture(scope="module")
def bench(study: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A copy for tests that put back what they change."""
    return copied(study, tmp_path_factory.mktemp("bench") / "study")


@pytest.fixture
def copy(study: Repository, tmp_path: Path) -> Repository:
    """A copy to change."""
    return copied(study, tmp_path / "study")


@contextlib.contextmanager
def inside(repository: Repository) -> Iterator[None]:
    """Make a repository the current directory, as a user does."""
    with contextlib.chdir(repository.path):
        yield
