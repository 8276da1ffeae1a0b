"""Every command of the README is run: here, by another test that is named, or as part of `make`."""

import re

import pytest

from tests.repository import ROOT, Repository

README = (ROOT / "README.md").read_text(encoding="utf-8")

ELSEWHERE = {
    "make repro": "tests/test_make.py",
    "make test": ".ci/run",
    "make check": ".ci/run",
    "source .venv/bin/activate": "tests/test_make.py",
    "dvc repro": "tests/conftest.py",
    "mlflow ui": "tests/pipeline/test_mlflow_ui.py",
    "observatory track --rebuild": "tests/pipeline/test_tracking.py",
}
"""Command to the file that runs it."""
LONG = ("make bench", "make test-eval", "make test-slow")
"""Run by hand before a release: they take minutes to hours."""


def commands() -> list[str]:
    """Return the commands of the README's console blocks, without their comments."""
    blocks = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


RUN_HERE = [c for c in commands() if c not in ELSEWHERE and c not in LONG and not c.startswith("make")]


def test_the_files_said_to_run_a_command_exist_and_name_it():
    for command, name in ELSEWHERE.items():
        words = [word for word in command.split() if word not in ("source", ".venv/bin/activate")]
        text = (ROOT / name).read_text(encoding="utf-8")
        assert all(word in text for word in words), (command, name)


@pytest.fixture(scope="module")
def bench(shipped: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = shipped.copy_to(tmp_path_factory.mktemp("readme") / "repo")
    rows = "model_id,niilc,mmlu,gsm8k,xwino,humaneval\nx/y,0.5,0.6,0.4,0.8,0.2\n"
    (repository.path / "new.csv").write_text(rows, encoding="utf-8")
    return repository


@pytest.mark.parametrize("command", RUN_HERE)
def test_the_commands_run_in_the_order_of_the_page(bench: Repository, command: str):
    words = command.split()
    if words[0] == "observatory":
        assert bench.observatory(*words[1:]).stdout
    else:
        assert words[0] == "dvc"
        assert bench.dvc(*words[1:])


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = [*re.findall(r"`make ([a-z-]+)`", README), *(c.split()[1] for c in commands() if c.startswith("make "))]
    assert "repro" in named
    for target in named:
        assert re.search(rf"^{target}:.*##", makefile, flags=re.MULTILINE), target


def test_every_folder_of_the_layout_exists():
    tree = README.split("## Layout")[1].split("```")[1]
    for line in tree.strip().splitlines():
        for name in line.split("  ")[0].split():
            if "<" not in name:
                path = ROOT / name
                assert path.exists() or name in ("mlflow.db", "data/"), name
