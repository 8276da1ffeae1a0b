"""Every command of README.md and docs/ is run, and prints what the page shows: here, or by the test that is named."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from stages.cli import COMMANDS
from tests.documents.pages import Step, files, pages, parts, steps
from tests.repository import ROOT, Repository

ELSEWHERE = {
    "make repro": "tests/test_make.py",
    "make test": ".ci/run",
    "make check": ".ci/run",
    "source .venv/bin/activate": "tests/test_make.py",
    "pip install -c requirements.lock -e '.[eval]'": "Makefile",
    "dvc repro": "tests/conftest.py",
    "mlflow ui": "tests/pipeline/test_mlflow_ui.py",
    "observatory diagnose org/model --items 4": "tests/evaluation/test_diagnosis.py",
    "observatory compare org/a org/b": "tests/commands/test_paired.py",
    "observatory compare org/a org/b --benchmark easy": "tests/commands/test_paired.py",
    "observatory evaluate": "tests/evaluation/test_scale.py",
    "observatory evaluate --status": "tests/evaluation/test_scale.py",
    "observatory fetch": "tests/commands/test_fetch.py",
    "observatory fetch --model org/model --to offline": "tests/commands/test_fetch.py",
    "observatory import results --study mine": "tests/pipeline/test_imported.py",
    "observatory import records --study other": "tests/pipeline/test_imported.py",
    "observatory init board leaderboard.csv": "tests/pipeline/test_imported.py",
    "dvc exp run -S study=mine": "tests/pipeline/test_imported.py",
    "export MLFLOW_TRACKING_URI=http://SERVER:5000": "tests/tracking/test_server.py",
}
"""Command to the file that runs it."""
LEFT_OUT = ("source", ".venv", "org/", "observatory", "export", "'")
"""Beginnings of words of a command that the file may spell in another way."""
LONG = ("make bench", "make test-eval", "make test-slow", "observatory verify --deep")
"""Run by hand before a release, or by a test of their own: they take minutes to hours."""
NAMES = {path.relative_to(ROOT).as_posix(): path for path in pages()}
OWN_TEST = ("docs/tutorial.md",)
INSIDE = {"/mnt/team/dvc": "{}/team"}
"""Place that a page names to the place that stands for it in the test's folder."""


def commands_of(name: str) -> list[Step]:
    return list(steps(NAMES[name].read_text(encoding="utf-8")))


def perform(step: Step, repository: Repository) -> None:
    """Run a command of a page and compare what it prints with what the page shows."""
    command = step.command
    for place, stand_in in INSIDE.items():
        command = command.replace(place, stand_in.format(repository.path.parent))
    words = shlex.split(command)
    program = Path(words[0]).name
    if program == "observatory":
        done = repository.observatory(*words[1:], ok=False)
        printed, code = done.stdout + done.stderr, done.returncode
        # a closed gate is a page's subject, anything else must succeed
        assert code == 0 or (words[1] == "check" and code == 1), printed
    elif program == "dvc":
        # a page may show how the gate stops DVC
        closed = any(line.startswith("ERROR: ") for line in step.output)
        printed = repository.dvc(*once(words[1:], repository), ok=not closed, env={"COLUMNS": "120"})
    else:
        assert program in {"git", "sed", "cp", "rm", "cut", "python"}, command
        printed = repository.run(*words).stdout
    for line in step.output:
        # three dots stand for what differs from one state to the next
        pattern = r".*?".join(r"\s+".join(map(re.escape, part.split())) for part in line.split("..."))
        assert re.search(pattern, printed), f"{command} does not print {line!r} but\n{printed}"


def once(arguments: list[str], repository: Repository) -> list[str]:
    """Return the arguments of DVC; an experiment that has run is applied instead of run again."""
    if arguments[:3] == ["exp", "run", "-n"] and arguments[3] in repository.dvc("exp", "list", "--name-only").split():
        return ["exp", "apply", arguments[3]]
    return arguments


def known_elsewhere(command: str) -> bool:
    return command.removeprefix(".venv/bin/") in ELSEWHERE or command in LONG or command.startswith("make ")


def test_the_files_said_to_run_a_command_exist_and_name_it():
    for command, name in ELSEWHERE.items():
        words = [word.partition("=")[0] for word in command.split() if not word.startswith(LEFT_OUT)]
        text = (ROOT / name).read_text(encoding="utf-8")
        assert all(word in text for word in words), (command, name)


@pytest.fixture(scope="module")
def desk(fixed: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The shipped study with the experiments that pages run."""
    return fixed.copy_to(tmp_path_factory.mktemp("documents") / "repo")


TODO = {name: [step for step in commands_of(name) if not known_elsewhere(step.command)] for name in NAMES}


@pytest.mark.states
@pytest.mark.parametrize("name", [name for name, todo in TODO.items() if todo and name not in OWN_TEST])
def test_the_commands_of_a_page_run_and_print_what_it_shows(desk: Repository, name: str):
    desk.run("git", "checkout", "-q", ".")
    desk.dvc("checkout", "-q")
    for file, text in files(NAMES[name].read_text(encoding="utf-8")).items():
        (desk.path / file).write_text(text, encoding="utf-8")
    for step in TODO[name]:
        perform(step, desk)


def test_what_make_repro_prints_is_what_the_readme_shows(shipped: Repository):
    (step,) = [step for step in commands_of("README.md") if step.command == "make repro"]
    perform(Step("observatory summary", step.output), shipped)


@pytest.mark.states
def test_the_tutorial_leads_to_a_traced_number(shipped: Repository, tmp_path: Path):
    repository = shipped.copy_to(tmp_path / "repo")
    (repository.path / "docs").mkdir()
    shutil.copy(ROOT / "docs/example.py", repository.path / "docs")
    for written, todo in parts(NAMES["docs/tutorial.md"].read_text(encoding="utf-8")):
        for file, text in written.items():
            (repository.path / file).parent.mkdir(parents=True, exist_ok=True)
            (repository.path / file).write_text(text, encoding="utf-8")
        for step in todo:
            if not known_elsewhere(step.command):
                perform(step, repository)


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_targets_named_in_a_sentence_exist(name: str):
    text = NAMES[name].read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in [*re.findall(r"`make ([a-z-]+)", text), *re.findall(r"^make ([a-z-]+)", text, flags=re.MULTILINE)]:
        assert re.search(rf"^{target}:.*##", makefile, flags=re.MULTILINE), target
    for command in re.findall(r"`observatory ([a-z]+)", text):
        assert command in COMMANDS


def test_make_help_lists_every_target_and_has_an_example(shipped: Repository):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = shipped.run("make", "-s", "-f", str(ROOT / "Makefile"), "help").stdout
    assert re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE) == re.findall(r"^([a-z-]+)  ", shown, re.MULTILINE)
    assert "\nExample: make repro" in shown


def test_the_shell_completes_subcommands(shipped: Repository):
    page = NAMES["docs/how-to/shell-completion.md"].read_text(encoding="utf-8")
    assert 'eval "$(_OBSERVATORY_COMPLETE=bash_source observatory)"' in page
    ours = {"PYTHONPATH": str(shipped.path)}
    asked = {"COMP_WORDS": "observatory tra", "COMP_CWORD": "1", "_OBSERVATORY_COMPLETE": "bash_complete"}
    answer = shipped.run("observatory", env={**ours, **asked}).stdout
    assert answer.split() == ["plain,trace", "plain,track"]
    for shell in re.findall(r"\w+_source", page):
        script = shipped.run("observatory", env={**ours, "_OBSERVATORY_COMPLETE": shell}).stdout
        assert "observatory" in script
        assert shell.replace("source", "complete") in script
