"""A unit made ready for lm-eval: the facts of its benchmark, its items, and how their outcomes are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.study.own_tasks import TaskChoice
from stages.contracts.study.prompts import Wording
from stages.contracts.study.workarounds import Setting
from stages.evaluation import lm_tasks
from stages.evaluation.harness import own_outcomes
from stages.evaluation.model_source import ModelSource
from stages.evaluation.unit import RunOptions, Unit
from stages.tasks import outcomes, wording
from stages.tasks.benchmark import Benchmark, Sample
from stages.tasks.outcomes import Item, Score
from stages.tasks.registry import BENCHMARKS, TASKS_DIR
from stages.tasks.rows import Turns
from stages.tasks.turns import turns_of


@dataclass(frozen=True)
class Judged:
    """The result of a benchmark.

    Attributes:
        samples: As lm-eval logs them, each with the name of its task.
        items: One for each sample.
        score: Score of all.
    """

    samples: Sequence[Sample]
    items: Sequence[Item]
    score: Score


@dataclass(frozen=True)
class Work:
    """A unit made ready.

    Attributes:
        spec: Facts of its benchmark.
        loaded: lm-eval's tasks, with their data.
        judge: From what lm-eval returns to the result.
        asked: The setting, less what lm-eval does itself.
        messages: Arguments of `lm_eval.evaluate` by which it makes messages itself, as it does for its own tasks.
        turns: Prompt to its examples and its question, where examples are messages of their own.
    """

    spec: Benchmark
    loaded: Any
    judge: Callable[[Mapping[str, Any]], Judged]
    asked: Setting
    messages: Mapping[str, Any] = field(default_factory=dict)
    turns: Mapping[str, Turns] = field(default_factory=dict)


def prepare(unit: Unit) -> Work:
    """Return a unit made ready.

    Raises:
        InputError: Data, tokenizer or the task are missing, or the data are no longer those of the unit.
    """
    if unit.task is not None:
        return _own(unit, unit.task)
    words = {unit.benchmark: unit.wording} if unit.wording else {}
    slow = unit.setting.slow_tokenizer
    manager = task_manager(unit.model, unit.run, unit.data.sha256, slow=slow, words=words)
    loaded = manager.load([unit.benchmark])
    spec = BENCHMARKS[unit.benchmark]
    turns: dict[str, Turns] = {}
    if unit.setting.fewshot_as_turns:
        prompts = dict.fromkeys(str(doc.get("prompt", "")) for doc in loaded["tasks"][unit.benchmark].eval_docs)
        turns = {prompt: turns_of(spec, prompt) for prompt in prompts}
    return Work(spec, loaded, lambda output: _judged(unit, output), unit.setting, turns=turns)


def _judged(unit: Unit, output: Mapping[str, Any]) -> Judged:
    name = unit.benchmark
    samples = [{**sample, own_outcomes.TASK: name} for sample in output["samples"][name]]
    return Judged(samples, outcomes.items(name, samples), outcomes.score(name, samples, output["results"][name]))


def _own(unit: Unit, choice: TaskChoice) -> Work:
    loaded = lm_tasks.load(choice)
    if lm_tasks.data_record(unit.benchmark, choice, loaded).sha256 != unit.data.sha256:
        raise InputError([f"{unit.benchmark}: its data changed since this evaluation began: run it again"])
    spec = lm_tasks.benchmark_of(unit.benchmark, choice, loaded)

    def judge(output: Mapping[str, Any]) -> Judged:
        samples = own_outcomes.samples_of(choice, output)
        found = own_outcomes.items(spec, choice, samples)
        return Judged(samples, found, own_outcomes.score(spec, choice, found, output))

    if not unit.setting.chat_template:
        return Work(spec, loaded, judge, unit.setting)
    plain = Setting().model_dump(include={"chat_template", "system_prompt", "fewshot_as_turns"})
    messages = {
        "apply_chat_template": True,
        "system_instruction": unit.setting.system_prompt or None,
        "fewshot_as_multiturn": unit.setting.fewshot_as_turns,
    }
    return Work(spec, loaded, judge, unit.setting.model_copy(update=plain), messages)


def task_manager(
    model: ModelSource, run: RunOptions, data: str, *, slow: bool = False, words: Mapping[str, Wording] | None = None
) -> Any:  # noqa: ANN401  lm-eval has no types
    """Return lm-eval's manager of the project's tasks, and of no others.

    Args:
        model: Whose tokenizer two of the tasks need.
        run: Names the data.
        data: SHA-256 that the data have to have.
        slow: Whether its slow tokenizer is used.
        words: Words of the instructions, by benchmark, where the study brings its own.
    """
    from lm_eval.tasks import TaskManager

    metadata = {
        "pretrained": model.path or None,
        "trust_remote_code": model.trust_remote_code,
        "use_fast_tokenizer": not slow,
        "data_dir": run.data_dir or None,
        "data_sha256": data,
        wording.METADATA: words or {},
    }
    return TaskManager(include_path=str(TASKS_DIR), include_defaults=False, metadata=metadata)
