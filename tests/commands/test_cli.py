"""The console command as a whole: what it imports, its help, and how results reach the terminal."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from stages.cli import COMMANDS, main
from stages.commands.shown import Grid, lines, machine
from stages.lineage.git import interrupted_experiment
from tests.commands.conftest import inside
from tests.commands.study import MODEL, STUDY
from tests.repository import ROOT, Repository

HEAVY = ("pandas", "numpy", "yaml", "dvc", "mlflow", "great_expectations", "rich", "pydantic", "scipy", "torch")


def test_the_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom stages.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    *shown, imported = done.stdout.splitlines()
    assert imported == "[]"
    assert all(any(line.split()[:1] == [name] for line in shown) for name in COMMANDS)
    assert not any(line.endswith("...") for line in shown[1:])
    assert shown[-1].strip().startswith("Example: observatory trace ")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_ends_with_an_example_that_it_takes(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    (example,) = [line for line in done.output.splitlines() if line.strip().startswith("Example: ")]
    program, command, *arguments = shlex.split(example.partition("Example: ")[2])
    assert (program, command) == ("observatory", name)
    # raises what a user would see of wrong arguments
    main.get_command(None, name).make_context(name, arguments)
    assert name == "diagnose" or "--json" in done.output


def test_an_unknown_command_is_refused():
    done = CliRunner().invoke(main, ["trase"])
    assert done.exit_code == 2
    assert "No such command 'trase'" in done.output


@dataclass(frozen=True)
class Example:
    ok: bool = True

    def text(self) -> Iterator[str | Grid]:
        yield "a\nb\x1b[31m"
        yield Grid(
            ("model", "score"), [("日本語モデル", "0.5"), ("[bold]gpt[/bold]\n2", "10.25")], frozenset({"score"})
        )

    def content(self) -> Mapping[str, object]:
        numbers = {"nan": np.nan, "infinite": np.float64("inf"), "count": np.int64(3), "na": pd.NA, "flag": np.True_}
        return {"path": Path("a/b"), "array": np.array([0.5, np.nan]), "rows": ({"x": 1},), **numbers}


def test_tables_are_aligned_by_the_width_of_characters_in_a_terminal():
    first, head, *rows = lines(Example())
    assert first == r"a\nb\x1b[31m"
    assert {cell_len(line) for line in (head, *rows)} == {cell_len(rows[0])}
    assert rows[0].split() == ["日本語モデル", "0.5"]
    assert rows[1].split() == [r"[bold]gpt[/bold]\n2", "10.25"]
    assert rows[0].endswith("    0.5")


def test_json_holds_plain_values_and_null_for_what_is_not_finite():
    assert json.loads(machine(Example())) == {
        "path": "a/b",
        "array": [0.5, None],
        "rows": [{"x": 1}],
        "nan": None,
        "infinite": None,
        "count": 3,
        "na": None,
        "flag": True,
    }


def printed(repository: Repository, *arguments: str) -> dict:
    with inside(repository):
        done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_commands_print_json(study: Repository):
    summary = printed(study, "summary")
    assert (summary["study"], summary["subset"], summary["report"]) == (STUDY, "all", "reports/index.html")
    assert {claim["status"] for claim in summary["claims"]} <= {"reproduced", "not reproduced", "not computed"}
    found = printed(study, "diff", "v1", "v2")
    assert found["params"] == [{"place": "evaluate.models", "first": [], "second": [MODEL]}]
    assert found["numbers"][0]["causes"]
    assert printed(study, "trace", "decompose.n_models")["evidence"] == {"value": 12}


@pytest.fixture
def interrupted(tmp_path: Path) -> Repository:
    """A repository in which `dvc exp run` was killed while its stage ran."""
    repository = Repository(tmp_path)
    repository.run("git", "init", "-q", "-b", "work")
    repository.run("git", "config", "user.email", "a@example.org")
    repository.run("git", "config", "user.name", "A")
    repository.dvc("init", "-q")
    cmd = "touch started && sleep ${t} && echo done > out"
    (tmp_path / "dvc.yaml").write_text(f"stages:\n  a:\n    cmd: {cmd}\n    params: [t]\n    outs: [out]\n")
    (tmp_path / "params.yaml").write_text("t: 0\n")
    (tmp_path / ".gitignore").write_text("started\nout\n")
    repository.dvc("repro", "-q")
    repository.commit("One")
    (tmp_path / "started").unlink()
    assert interrupted_experiment(tmp_path) == ""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    command = [sys.executable, "-m", "dvc", "exp", "run", "-q", "-S", "t=100"]
    process = subprocess.Popen(command, cwd=tmp_path, env=clean, start_new_session=True)
    for _ in range(600):
        if (tmp_path / "started").exists():
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return repository


def test_a_killed_experiment_is_told_with_the_way_back(interrupted: Repository):
    done = interrupted.run(sys.executable, "-m", "stages.cli", "summary", ok=False, env={"PYTHONPATH": str(ROOT)})
    note, *_ = done.stderr.splitlines()
    assert note.startswith("note: HEAD is detached: a `dvc exp run` was killed")
    assert "`git switch work`" in note
    assert done.stdout == ""
    interrupted.run("git", "switch", "-q", "work")
    assert (interrupted.path / "params.yaml").read_text() == "t: 100\n"
    assert interrupted_experiment(interrupted.path) == ""
    # a look at another commit is no accident
    interrupted.run("git", "switch", "-q", "--detach", "work")
    assert interrupted_experiment(interrupted.path) == ""
