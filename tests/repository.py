"""Real repositories for tests: a copy of this one with its own git history, DVC cache and MLflow store."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    "stages",
    "metadata",
    "data/evaluations/README.md",
    ".dvc/config",
    ".dvc/.gitignore",
    ".dvc/plots",
    ".dvcignore",
    ".gitattributes",
    ".gitignore",
)
FILES = ("dvc.yaml", "params.yaml", "pyproject.toml", "mlruns/.gitignore")


@dataclass(frozen=True)
class Repository:
    """A repository on disk."""

    path: Path

    def run(
        self, *command: str, ok: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the root and return it; fail the test with its output unless `ok` is False."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_", "GIT_", "PYTEST_"))}
        full = {
            **clean,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": "",
            "OMP_NUM_THREADS": "1",
            **(env or {}),
        }
        done = subprocess.run(
            command, cwd=self.path, env=full, capture_output=True, text=True, check=False, timeout=500
        )
        if ok and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return done

    def dvc(self, *arguments: str, ok: bool = True, env: Mapping[str, str] | None = None) -> str:
        """Run dvc and return what it printed."""
        done = self.run(sys.executable, "-m", "dvc", *arguments, ok=ok, env=env)
        return done.stdout + done.stderr

    def observatory(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the console command."""
        return self.run(sys.executable, "-m", "stages.cli", *arguments, ok=ok)

    def commit(self, message: str) -> str:
        """Commit everything that is not ignored and return the commit."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", message)
        return self.run("git", "rev-parse", "HEAD").stdout.strip()

    def copy_to(self, target: Path) -> "Repository":
        """Copy everything, history, cache and store."""
        shutil.copytree(self.path, target, symlinks=True)
        return Repository(target)


def new_repository(path: Path) -> Repository:
    """Copy the sources of this repository and commit them."""
    path.mkdir(parents=True)
    for name in (*COPIED, *FILES):
        source, target = ROOT / name, path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            # with the bytecode of this run: neither git nor DVC sees it
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    repository = Repository(path)
    repository.run("git", "init", "-q", "-b", "main")
    repository.run("git", "config", "user.email", "test@example.org")
    repository.run("git", "config", "user.name", "Test")
    repository.commit("Start")
    return repository
