import subprocess
from pathlib import Path

import pytest

from stages.lineage.git import experiment_of_lock, experiments, resolve


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet")

    def git(self, *arguments: str, **env: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false", *arguments]
        return subprocess.run(
            command, cwd=self.root, check=True, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **env}
        ).stdout.strip()

    def commit(self, files: dict[str, str], day: int = 1) -> str:
        for name, text in files.items():
            (self.root / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=c", GIT_COMMITTER_DATE=f"2026-01-{day:02}T00:00:00Z")
        return self.git("rev-parse", "HEAD")

    def experiment(self, name: str, files: dict[str, str], day: int) -> str:
        """Commit files as an experiment and go back."""
        baseline = self.git("rev-parse", "HEAD")
        commit = self.commit(files, day)
        self.git("update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", commit)
        self.git("reset", "--quiet", "--hard", baseline)
        return commit


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.commit({"other": "1"})
    made.experiment("without-lock", {"other": "2"}, 2)
    made.commit({"dvc.lock": "published"}, 3)
    return made


def test_the_experiment_of_a_workspace_is_the_newest_with_its_lock(repository: Repository):
    assert experiment_of_lock(repository.root) is None
    repository.experiment("older", {"dvc.lock": "changed"}, 4)
    commit = repository.experiment("newer", {"dvc.lock": "changed", "other": "3"}, 6)
    repository.experiment("different", {"dvc.lock": "another"}, 5)
    assert list(experiments(repository.root)) == ["without-lock", "older", "different", "newer"]
    assert experiment_of_lock(repository.root) is None
    (repository.root / "dvc.lock").write_text("changed")
    found = experiment_of_lock(repository.root)
    assert found
    assert (found.name, found.commit, found.baseline) == ("newer", commit, repository.git("rev-parse", "HEAD"))
    assert resolve(repository.root, "workspace").experiment == "newer"


def test_a_committed_lock_is_no_experiment(repository: Repository):
    repository.experiment("tried", {"dvc.lock": "changed"}, 4)
    repository.commit({"dvc.lock": "changed"}, 5)
    assert experiment_of_lock(repository.root) is None


def test_an_experiment_is_a_revision_by_its_name(repository: Repository):
    commit = repository.experiment("tried", {"dvc.lock": "changed"}, 4)
    assert resolve(repository.root, "tried").commit == commit
    assert resolve(repository.root, commit[:10]).experiment == "tried"
