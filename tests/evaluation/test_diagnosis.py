"""Diagnosis of empty answers: on planted failures, and on the real one of SmolLM2-135M-Instruct."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("lm_eval")

from stages.commands import diagnose as command
from stages.contracts.errors import InputError
from stages.contracts.study.workarounds import Outcome, Setting, read_workarounds, setting_for
from stages.evaluation.diagnosis import CAUSES, Limits, examine, smallest
from tests.evaluation.mini import BENCHMARKS, MODEL, mini_repository
from tests.repository import Repository
from tests.smollm2 import convert, default_target

pytestmark = pytest.mark.evaluation

LIMITS = Limits(empty_rate=0.2, failed_rate=0.5)


def planted(*needed: dict, broken: str = ""):
    """Return a model that answers where a setting holds one of the needed changes."""

    def ask(setting: Setting) -> tuple[Outcome, str]:
        changes = setting.changes()
        if broken and broken in changes:
            raise InputError([f"{broken}: there is none"])
        good = any(need.items() <= changes.items() for need in needed)
        rate = 0.0 if good else 1.0
        return Outcome(score=0.5 if good else 0.0, empty_rate=rate, failed_rate=rate), "A" if good else ""

    return ask


@pytest.mark.parametrize("setting", [setting for _, setting in CAUSES], ids=lambda s: next(iter(s.changes())))
def test_each_known_cause_is_found(setting):
    trials = list(examine(planted(setting.changes()), LIMITS))
    found = smallest(trials, LIMITS)
    assert found is not None
    assert found.setting == setting
    assert len(trials) == 1 + len(CAUSES)


def test_two_causes_together_are_found():
    trials = list(examine(planted({"strip": True, "bos": "always"}), LIMITS))
    found = smallest(trials, LIMITS)
    assert found is not None
    assert found.setting == Setting(strip=True, bos="always")
    # no two trials set the same thing twice: bos and prompt_end have two and three values
    assert len({json.dumps(trial.setting.changes(), sort_keys=True) for trial in trials}) == len(trials)


def test_what_leaves_the_question_as_it_is_comes_first():
    ask = planted({"chat_template": True}, {"prompt_end": "newline"}, {"stops": []})
    assert smallest(list(examine(ask, LIMITS)), LIMITS).setting == Setting(prompt_end="newline")


def test_a_model_that_answers_is_left_alone():
    trials = list(examine(planted({}), LIMITS))
    assert len(trials) == 1
    assert smallest(trials, LIMITS) is None


def test_a_cause_that_cannot_be_tried_is_named_and_passed_over():
    trials = list(examine(planted({"strip": True}, broken="slow_tokenizer"), LIMITS))
    notes = [trial.note for trial in trials if trial.outcome is None]
    assert notes == ["slow_tokenizer: there is none"]
    assert smallest(trials, LIMITS).setting == Setting(strip=True)


def test_an_incurable_model_has_no_workaround():
    assert smallest(list(examine(planted(), LIMITS)), LIMITS) is None


def test_answers_that_are_worse_do_not_mend():
    def ask(setting: Setting) -> tuple[Outcome, str]:
        silent = not setting.changes()
        return Outcome(score=0.4 if silent else 0.1, empty_rate=float(silent), failed_rate=float(silent)), ""

    assert smallest(list(examine(ask, LIMITS)), LIMITS) is None


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The mini study, in which x/tiny is SmolLM2-135M-Instruct."""
    made = mini_repository(tmp_path_factory.mktemp("diagnose") / "mini")
    folder = made.path / "models" / MODEL
    for file in folder.iterdir():
        file.unlink()
    for file in convert(default_target()).iterdir():
        (folder / file.name).symlink_to(file)
    return made


def test_smollm2_answers_with_nothing_and_is_fixed(repository: Repository):
    """After `Answer:` the model ends the text at once; one newline more, or one example, and it answers."""
    done = repository.observatory("diagnose", MODEL, "--items", "4")
    found = (re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines() if "%" in line)
    rows = {cause: row for cause, *row in found}
    empty = {cause: int(row[0].rstrip("%")) for cause, row in rows.items()}
    assert empty["as the protocol has it"] > 50
    assert empty["prompt should end with a newline"] == 0
    assert empty["one more example is needed"] == 0
    assert empty["BOS token is missing"] > 50
    assert "fixed by the workaround: prompt_end: 'newline'" in done.stdout
    assert "'The answer is: Paris'" in done.stdout
    assert "the tokenizer gives all 4 prompts back" in done.stdout
    assert "--benchmark NAME --write tries it on one" in done.stdout
    assert not (repository.path / "metadata/mini/workarounds.yaml").exists()


def test_a_record_is_for_the_benchmark_that_was_asked(repository: Repository, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(repository.path)
    loaded = SimpleNamespace(tokenizer=None)
    monkeypatch.setattr(command, "_open", lambda _: (loaded, planted({"prompt_end": "newline"}), []))

    def diagnosed() -> command.Diagnosis:
        return command.diagnose(MODEL, "triviaqa", 4, write=True, tell=lambda _: None)

    path = Path("metadata/mini/workarounds.yaml")
    assert list(diagnosed().text())[-1] == f"written to {path}; it evaluates triviaqa of {MODEL} again"
    records, problems = read_workarounds(path.read_bytes(), "w", [MODEL], list(BENCHMARKS))
    assert problems == []
    assert setting_for(records, MODEL, "triviaqa") == Setting(prompt_end="newline")
    assert {name for name in BENCHMARKS if setting_for(records, MODEL, name).changes()} == {"triviaqa"}
    assert records[0].evidence.before.empty_rate == 1
    with pytest.raises(InputError) as caught:
        diagnosed()
    assert caught.value.problems == (f"{path} has a record of {MODEL} already: delete it to write another",)
    path.unlink()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("x/tinny",), "x/tinny: not in models.csv: did you mean x/tiny?"),
        ((MODEL, "--benchmark", "trivia"), "trivia: no such task"),
        ((MODEL, "--write"), "--write: plain questions are evidence for no benchmark"),
        ((MODEL, "--benchmark", "mmlu"), "mmlu compares likelihoods and generates nothing"),
    ],
)
def test_a_wrong_name_is_one_line(repository: Repository, arguments, told):
    done = repository.observatory("diagnose", *arguments, ok=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert told in done.stderr


@pytest.mark.evaluation_slow
def test_items_of_a_benchmark(repository: Repository):
    done = repository.observatory("diagnose", MODEL, "--benchmark", "triviaqa", "--items", "2")
    assert "x/tiny on triviaqa, 2 items" in done.stdout
    assert "nothing to fix" in done.stdout or "workaround" in done.stdout or "none of the known causes" in done.stdout
