"""Diagnoses empty answers: the known causes, tried on a few items one by one and together.

The items are those of a benchmark, or a probe: plain questions without an example before them, which a model that
has anything to say can answer.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.study.workarounds import PROTOCOL, Outcome, Setting
from stages.evaluation.harness import run as harness
from stages.evaluation.unit import Unit
from stages.tasks.registry import BENCHMARKS

PROBE = "probe"
PROBES = (
    ("What is the capital of France?", "paris"),
    ("What is the capital of Japan?", "tokyo"),
    ("What is the largest planet in the solar system?", "jupiter"),
    ("Who wrote Romeo and Juliet?", "shakespeare"),
    ("What is frozen water called?", "ice"),
    ("What is the opposite of hot?", "cold"),
    ("How many days are in a week?", "7|seven"),
    ("Which animal barks?", "dog"),
)
"""Questions and accepted answers, in lower case."""
PROBE_TOKENS = 16

_EXAMPLE = "Question: What is the color of snow?\nAnswer: white\n\n"
_EXAMPLE_CODE = 'def add_one(x):\n    """Return x plus one."""\n    return x + 1\n\n\n'

CAUSES: tuple[tuple[str, Setting], ...] = (
    ("whitespace before the answer stops it", Setting(strip=True)),
    ("prompt should end with a newline", Setting(prompt_end="newline")),
    ("prompt should end with a space", Setting(prompt_end="space")),
    ("prompt should end without whitespace", Setting(prompt_end="bare")),
    ("BOS token is missing", Setting(bos="always")),
    ("BOS token is unwanted", Setting(bos="never")),
    ("fast tokenizer is at fault", Setting(slow_tokenizer=True)),
    ("stop strings come too early", Setting(stops=[])),
    ("one more example is needed", Setting(example=_EXAMPLE)),
    ("answers only in chat format", Setting(chat_template=True)),
)
"""Cause and the fix if it is the cause, those first that leave the question as it is."""
_OTHER_QUESTION = ("stops", "example", "chat_template")


@dataclass(frozen=True)
class Trial:
    """The same items under one setting.

    Attributes:
        cause: What was tried; "" for the protocol.
        setting: How the model was asked.
        outcome: The result on the items; None where the model cannot be asked in this way.
        answer: One of the answers, as generated.
        note: Why it cannot.
    """

    cause: str
    setting: Setting
    outcome: Outcome | None
    answer: str
    note: str = ""


@dataclass(frozen=True)
class Limits:
    """Largest rates that count as answering."""

    empty_rate: float
    failed_rate: float

    def holds(self, outcome: Outcome) -> bool:
        """Return whether the model answers."""
        return outcome.empty_rate <= self.empty_rate and outcome.failed_rate <= self.failed_rate


Ask = Callable[[Setting], tuple[Outcome, str]]
"""Asks all items under a setting; returns the outcome, and one of the answers."""


def probe(model: Any, n_items: int) -> Ask:  # noqa: ANN401  lm-eval has no types
    """Return how the probe is asked.

    Args:
        model: From `harness.run.load_model`.
        n_items: Questions, at most those there are.
    """
    from lm_eval.api.instance import Instance

    questions = PROBES[:n_items]
    options = {"until": ["\n"], "max_gen_toks": PROBE_TOKENS, "do_sample": False}

    def ask(setting: Setting) -> tuple[Outcome, str]:
        model.ask_under(setting, None)
        requests = [
            Instance("generate_until", {}, (probe_prompt(question), options), 0, (PROBE, place, 1))
            for place, (question, _) in enumerate(questions)
        ]
        answers: list[str] = model.generate_until(requests, disable_tqdm=True)
        right = [_is_right(answer, accepted) for answer, (_, accepted) in zip(answers, questions, strict=True)]
        empty = statistics.fmean(not answer.strip() for answer in answers)
        outcome = Outcome(score=statistics.fmean(right), empty_rate=empty, failed_rate=empty)
        return outcome, answers[0]

    return ask


def probe_prompt(question: str) -> str:
    """Return the prompt of a question."""
    return f"Question: {question}\nAnswer:"


def _is_right(answer: str, accepted: str) -> bool:
    return any(part in answer.lower() for part in accepted.split("|"))


def benchmark(unit: Unit, model: Any) -> Ask:  # noqa: ANN401  lm-eval has no types
    """Return how items of a benchmark are asked.

    Args:
        unit: The benchmark, limited to a few items.
        model: From `harness.run.load_model`.

    """
    spec = BENCHMARKS[unit.benchmark]

    def ask(setting: Setting) -> tuple[Outcome, str]:
        if setting.example and spec.runs_code:
            setting = setting.model_copy(update={"example": _EXAMPLE_CODE})
        result = harness.run_unit(replace(unit, setting=setting), model)
        score = result.score
        outcome = Outcome(
            score=score["score"], empty_rate=score["empty_rate"], failed_rate=min(1.0, score["failed_rate"])
        )
        return outcome, result.answers["raw"].iloc[0][0]

    return ask


def examine(ask: Ask, limits: Limits) -> Iterator[Trial]:
    """Try the protocol, then each cause alone, then, unless one of them fixes it, each two together.

    Args:
        ask: Asks the items.
        limits: What counts as answering.

    Yields:
        Each trial as soon as it is done. Nothing is tried where the protocol works.
    """
    first = _try("", PROTOCOL, ask)
    yield first
    if first.outcome is None or limits.holds(first.outcome):
        return
    singles = []
    for cause, setting in CAUSES:
        trial = _try(cause, setting, ask)
        singles.append(trial)
        yield trial
    if any(fixes(trial, first, limits) for trial in singles):
        return
    possible = [trial for trial in singles if trial.outcome is not None]
    for one, other in combinations(possible, 2):
        if not set(one.setting.changes()) & set(other.setting.changes()):
            yield _try(f"{one.cause}; {other.cause}", other.setting.over(one.setting), ask)


def _try(cause: str, setting: Setting, ask: Ask) -> Trial:
    try:
        outcome, answer = ask(setting)
    except InputError as error:
        return Trial(cause, setting, None, "", error.problems[0])
    return Trial(cause, setting, outcome, answer)


def fixes(trial: Trial, before: Trial, limits: Limits) -> bool:
    """Return whether a setting makes the model answer, and no worse than it did."""
    after = trial.outcome
    return (
        after is not None
        and before.outcome is not None
        and limits.holds(after)
        and after.score >= before.outcome.score
    )


def smallest(trials: Sequence[Trial], limits: Limits) -> Trial | None:
    """Return the trial with the smallest change that fixes it; None where nothing does, or nothing is wrong.

    Fewer changes count as smaller; then those that leave the question as it is; then the better score counts.

    Args:
        trials: From `examine`, the protocol first.
        limits: What counts as answering.
    """
    first, *rest = trials
    fixing = [trial for trial in rest if fixes(trial, first, limits)]
    return min(fixing, key=_size, default=None)


def _size(trial: Trial) -> tuple[int, int, float]:
    changes = trial.setting.changes()
    score = trial.outcome.score if trial.outcome else 0.0
    return len(changes), sum(name in _OTHER_QUESTION for name in changes), -score
