"""Studies to run, and what they give on this machine as it is."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import shared
from tests.kernels.machines import NEEDS, Machine, kernels, machines, vector_sets
from tests.planted import write_study
from tests.repository import ROOT, Repository, new_repository

PLANTED = {
    "gaps": {"n_models": 40, "n_benchmarks": 9, "missing": 0.3},
    "wide": {"n_models": 200, "n_benchmarks": 40},
    "five": {"n_models": 5, "n_benchmarks": 4},
}
LATER = "japanese-2026"
NAMES = ("shipped", "scratch", LATER, *PLANTED)
FEWEST = 100
"""Files that the studies write, at the least: a comparison of nothing would pass."""


def pytest_report_header() -> str:
    here, sets = kernels(), vector_sets()
    lacking = [kernel for kernel in NEEDS if kernel not in here]
    return f"BLAS kernels compared: {', '.join(here)}; not on this processor: {', '.join(lacking) or 'none'}; " + (
        f"vector instructions chosen at run time: {', '.join(sets) or 'none'}"
    )


def choose(repository: Repository, **choices: str) -> None:
    path = repository.path / "params.yaml"
    text = path.read_text(encoding="utf-8")
    for name, value in choices.items():
        text, found = re.subn(rf"(?m)^(\s*{name}): .*$", rf"\g<1>: {value}", text, count=1)
        assert found, name
    path.write_text(text, encoding="utf-8")


def make_studies(folder: Path) -> None:
    for name in NAMES:
        repository = new_repository(folder / name)
        # the report names the state by dvc.lock, which no stage writes
        shutil.copy(ROOT / "dvc.lock", repository.path)
        if name in PLANTED:
            write_study(repository.path / "metadata" / name, seed=3, noise=0.3, **PLANTED[name])
            choose(repository, study=name, missing="model" if "missing" in PLANTED[name] else "refuse")
        elif name == LATER:
            choose(repository, study=name)
        elif name != "shipped":
            choose(repository, subset=name)


def names_for(machine: Machine) -> list[str]:
    """Return the studies that a machine runs: the second one, of the kind of the first, on the oldest kernel only."""
    known = (Machine(), *(Machine(kernel) for kernel in kernels()[:1]))
    return [name for name in NAMES if name != LATER or machine in known]


def run_on(machine: Machine, studies: Path, folder: Path) -> None:
    """Run the pipeline of all studies in copies, as another machine would."""
    shutil.copytree(studies, folder, symlinks=True)
    command = [sys.executable, "-m", "tests.kernels.run", *([] if machine.draws else ["--undrawn"])]
    done = subprocess.run(
        [*command, *(str(folder / name) for name in names_for(machine))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **machine.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "kernels.json").write_text(done.stdout.splitlines()[-1], encoding="utf-8")


def blas_of(folder: Path) -> list[str]:
    return json.loads((folder / "kernels.json").read_text(encoding="utf-8"))


def written(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Return every file that the stages wrote for some studies."""
    files = [path for name in names for part in ("data", "reports") for path in (folder / name / part).rglob("*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.is_file()}


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory, "studies", make_studies)


@pytest.fixture(scope="session")
def as_it_is(tmp_path_factory: pytest.TempPathFactory, studies: Path) -> Path:
    return shared(tmp_path_factory, "as-it-is", lambda folder: run_on(machines()[0], studies, folder))
