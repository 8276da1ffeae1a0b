"""The outcomes of the answers to any task of lm-eval: items and score, from the samples that it logs."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.study.own_tasks import TaskChoice
from stages.tasks.benchmark import Benchmark, Sample
from stages.tasks.outcomes import Item, Score, likelihoods, prompt_of

TASK = "task_name"
"""Key under which a sample names the task that it is of: a group has several."""
_NO_MATCH = "[invalid]"
"""What lm-eval's regular expressions find where nothing matches."""


def samples_of(choice: TaskChoice, output: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the samples of a task or group under the filter that counts."""
    return [
        {**sample, TASK: name}
        for name, samples in output["samples"].items()
        for sample in samples
        if sample["filter"] == choice.filter
    ]


def items(spec: Benchmark, choice: TaskChoice, samples: Sequence[Sample]) -> list[Item]:
    """Return the items of a task.

    Args:
        spec: Facts of the benchmark.
        choice: Its task.
        samples: From `samples_of`.
    """
    several = len({sample[TASK] for sample in samples}) > 1
    return [_item(spec, choice, sample, several=several) for sample in samples]


def _item(spec: Benchmark, choice: TaskChoice, sample: Sample, *, several: bool) -> Item:
    finite = all(math.isfinite(value) for value in likelihoods(sample))
    raw: tuple[str, ...] = ()
    if spec.answer == "generation":
        raw = tuple(str(text) for text in sample["resps"][0])
        answers = [str(text) for text in _flat(sample["filtered_resps"])]
        empty = statistics.fmean(not text.strip() for text in raw)
        failed = statistics.fmean(not text.strip() or text == _NO_MATCH for text in answers or [""])
        chosen = next((text for text in answers if text != _NO_MATCH), "")
    else:
        chosen, empty, failed = _chosen(sample) if finite else "", 0.0, float(not finite)
    number = sample.get(choice.metric)
    value = float(number) / choice.scale if isinstance(number, int | float) else math.nan
    return Item(
        item=f"{sample[TASK]}/{sample['doc_id']}" if several else str(sample["doc_id"]),
        prompt=prompt_of(sample),
        raw=raw,
        filtered=chosen,
        target=str(sample["target"]),
        value=value if finite else 0.0,
        secondary={},
        empty=empty,
        failed=failed,
    )


def _flat(answers: Sequence[Any]) -> list[Any]:
    return [part for answer in answers for part in (answer if isinstance(answer, list) else [answer])]


def _chosen(sample: Sample) -> str:
    """Return the likeliest of the given continuations."""
    found = likelihoods(sample)
    return str(sample["arguments"][found.index(max(found))][1]).strip()


def score(spec: Benchmark, choice: TaskChoice, found: Sequence[Item], output: Mapping[str, Any]) -> Score:
    """Return the score of a task.

    Args:
        spec: Facts of the benchmark.
        choice: Its task.
        found: From `items`.
        output: What lm-eval returns.

    Raises:
        InputError: The group has no such metric of its own, or the score does not lie in [0, 1].
    """
    results = output.get("groups", {}).get(choice.task) or output["results"].get(choice.task, {})
    key = f"{choice.metric},{choice.filter}"
    if key not in results:
        raise InputError([f"task {choice.task}: the group does not aggregate {key}: name one of its tasks instead"])
    total = float(results[key]) / choice.scale
    values = [item.value for item in found]
    mean = statistics.fmean(values)
    is_mean = math.isclose(mean, total, abs_tol=1e-9)
    if spec.answer == "loglikelihood" and any(item.failed for item in found) and math.isfinite(mean):
        # what is not finite counts as wrong, not as the first choice
        total, is_mean = mean, True
    if not 0 <= total <= 1:
        raise InputError(
            [
                f"task {choice.task}: {choice.metric} is {total:g}, expected 0 to 1: write its divisor as "
                "task_scale in benchmarks.csv"
            ]
        )
    known = is_mean and len(values) > 1
    return Score(
        score=total,
        stderr=statistics.stdev(values) / math.sqrt(len(values)) if known else math.nan,
        n_items=len(found),
        metric=choice.metric,
        protocol=spec.protocol,
        empty_rate=statistics.fmean(item.empty for item in found),
        failed_rate=statistics.fmean(item.failed for item in found),
        secondary={},
    )
