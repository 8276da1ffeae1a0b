"""The outcome of each answer, and the score of a benchmark, from the samples that lm-eval logs.

Rates distinguish a model that cannot do a task from a set-up in which it never answered:

    empty   nothing but whitespace was generated;
    failed  no answer was found in what was generated, the empty outputs included; or a likelihood is not finite.

For the benchmarks that generate nothing, empty is 0, and a failed item counts as wrong: the largest of likelihoods
that are not numbers would be the first choice.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.tasks.benchmark import Benchmark, Sample, Task
from stages.tasks.registry import TASKS


@dataclass(frozen=True)
class Item:
    """One item of a benchmark.

    Attributes:
        item: Its id.
        prompt: As it was sent; of the first candidate where the candidates are part of it.
        raw: What was generated, one string for each sample; () where nothing is generated.
        filtered: The answer that was found, or chosen; "" where none was. Of the first sample.
        target: The reference answer.
        value: The item's share of the score, in [0, 1]; for BLEU that of the sentence.
        secondary: Other numbers of the item, by metric; pairs and records are left out.
        empty: Share of the samples that are empty.
        failed: Share of the samples without an answer.
    """

    item: str
    prompt: str
    raw: tuple[str, ...]
    filtered: str
    target: str
    value: float
    secondary: dict[str, float]
    empty: float
    failed: float


@dataclass(frozen=True)
class Score:
    """A benchmark's result.

    Attributes:
        score: In [0, 1].
        stderr: Of the score: sd / √n over the items (ddof 1), for BLEU by bootstrap; NaN for fewer than two items.
        n_items: Evaluated items.
        metric: lm-eval's name of the score.
        protocol: In a line.
        empty_rate: Mean of `Item.empty`.
        failed_rate: Mean of `Item.failed`.
        secondary: Other scores that are recorded, in [0, 1].
    """

    score: float
    stderr: float
    n_items: int
    metric: str
    protocol: str
    empty_rate: float
    failed_rate: float
    secondary: dict[str, float]


def items(benchmark: str, samples: Sequence[Sample]) -> list[Item]:
    """Return the items of a benchmark.

    Args:
        benchmark: A name of the registry.
        samples: `results["samples"][benchmark]` of lm-eval, also after a round trip through JSON.
    """
    task = TASKS[benchmark]
    return [_item(task, sample) for sample in samples]


def score(benchmark: str, samples: Sequence[Sample], results: Mapping[str, Any]) -> Score:
    """Return the score of a benchmark with its rates.

    Args:
        benchmark: A name of the registry.
        samples: As for `items`; at least one.
        results: `results["results"][benchmark]` of lm-eval, from the same run.
    """
    task = TASKS[benchmark]
    spec = task.benchmark
    found = items(benchmark, samples)
    chooses = spec.answer == "loglikelihood"
    return Score(
        score=statistics.fmean(item.value for item in found)
        if chooses
        else float(results[spec.metric_key]) / spec.scale,
        stderr=_stderr(task, samples, found),
        n_items=len(found),
        metric=spec.metric,
        protocol=spec.protocol,
        empty_rate=statistics.fmean(item.empty for item in found),
        failed_rate=statistics.fmean(item.failed for item in found),
        secondary={
            name: statistics.fmean(item.secondary[name] for item in found)
            if chooses
            else float(results[f"{name},none"]) / spec.scale
            for name in spec.secondary
        },
    )


def _item(task: Task, sample: Sample) -> Item:
    spec = task.benchmark
    doc = sample["doc"]
    raw = _generated(spec, sample)
    finite = all(math.isfinite(likelihood) for likelihood in likelihoods(sample))
    counted = 1.0
    if task.answer is None:
        chosen, target = _choices(spec, sample)
        chosen = chosen if finite else ""
        counted = float(finite)
        empty, failed = 0.0, 1 - counted
    else:
        answers = [task.answer(doc, text) for text in raw]
        chosen, target = answers[0] or "", str(doc["target"])
        empty = statistics.fmean(not text.strip() for text in raw)
        failed = statistics.fmean(answer is None or not finite for answer in answers)
    numbers = {name: _number(sample[name]) for name in (spec.metric, *spec.secondary)}
    return Item(
        item=str(doc["id"]),
        prompt=prompt_of(sample),
        raw=raw,
        filtered=chosen,
        target=target,
        value=counted * _value(task, sample),
        secondary={name: counted * number for name in spec.secondary if (number := numbers[name]) is not None},
        empty=empty,
        failed=failed,
    )


def likelihoods(sample: Sample) -> list[float]:
    """Return the log-likelihoods that were asked for, one for each request of that kind.

    lm-eval logs them as pairs with whether the text is the greedy one; written to JSON, NaN becomes null.
    """
    pairs = [answers[0] for answers in sample["resps"] if not isinstance(answers[0], str)]
    return [math.nan if pair[0] is None else float(pair[0]) for pair in pairs]


def _generated(spec: Benchmark, sample: Sample) -> tuple[str, ...]:
    """Return the generated texts: lm-eval logs a list of samples for each request."""
    if spec.answer == "loglikelihood":
        return ()
    return tuple(str(text) for text in sample["resps"][0])


def prompt_of(sample: Sample) -> str:
    """Return the first argument of the first request; written to JSON, lm-eval names arguments "gen_args_0" etc."""
    arguments = sample["arguments"]
    if isinstance(arguments, Mapping):
        return str(arguments["gen_args_0"]["arg_0"])
    first = arguments[0][0]
    # messages, for a model that answers those
    return str(getattr(first, "prompt", first))


def _choices(spec: Benchmark, sample: Sample) -> tuple[str, str]:
    """Return the choice with the highest likelihood, and the right one."""
    doc = sample["doc"]
    found = likelihoods(sample)
    chosen = found.index(max(found))
    texts = doc["options"] if spec.name == "xwino" else doc["choices"]
    return str(texts[chosen]), str(texts[doc["gold"]])


def _value(task: Task, sample: Sample) -> float:
    if task.value is not None:
        return task.value(sample) / task.benchmark.scale
    return float(sample[task.benchmark.metric])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _stderr(task: Task, samples: Sequence[Sample], found: Sequence[Item]) -> float:
    if len(found) < 2:
        return math.nan
    if task.stderr is not None:
        return task.stderr(samples) / task.benchmark.scale
    return statistics.stdev(item.value for item in found) / math.sqrt(len(found))
