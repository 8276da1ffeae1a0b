"""The result of a unit: its score with the rates of what went wrong, and a table of all its answers."""

import hashlib
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stages.contracts.study.prompts import Wording
from stages.contracts.study.workarounds import Setting
from stages.evaluation.harness.finish import Finish
from stages.tasks import outcomes, wording
from stages.tasks.benchmark import Benchmark, Sample
from stages.tasks.outcomes import Item, Score
from stages.tasks.refusal import refused

METRICS = {
    "char_f1": "char F1",
    "rouge2": "ROUGE-2",
    "bleu": "BLEU",
    "acc": "accuracy",
    "exact": "exact match",
    "exact_match": "exact match",
}
"""lm-eval's name of a metric to that of a study's benchmarks.csv; other names are the same."""


@dataclass(frozen=True)
class Answers:
    """What is known of the answers to one item besides their text.

    Attributes:
        prompt: As sent.
        prompt_tokens: Its tokens, before it is cut.
        truncated: Whether its beginning was cut to fit the model's context.
        finishes: How each generated answer ended.
    """

    prompt: str
    prompt_tokens: int
    truncated: bool
    finishes: Sequence[Finish]


def protocol(spec: Benchmark, setting: Setting, words: Wording, loaded: Sequence[str] = ()) -> str:
    """Return the protocol of a cell in the words of benchmarks.csv: metric, shots, kind of answer.

    A workaround that only lets a model answer what it was asked belongs to the protocol. Another question does not:
    an instruction in other words than the paper's, one more example, other stop strings, a chat format.

    Args:
        spec: Facts of the benchmark.
        setting: What differed from the protocol.
        words: Words of the instruction, where the study brings its own.
        loaded: What the model was loaded with besides its own files.
    """
    # a single token that must be the right label is a choice
    metric = "accuracy" if spec.max_gen_toks == 1 else METRICS.get(spec.metric, spec.metric)
    text = f"{metric}, {spec.n_shots + bool(setting.example)}-shot, {spec.answer}"
    if not wording.is_papers(spec.name, words):
        text += f", {wording.OWN_PROMPT}"
    if setting.stops is not None:
        text += f", stops {json.dumps(setting.stops, ensure_ascii=False)}"
    if setting.chat_template:
        text += ", chat template"
    if setting.system_prompt:
        text += f", system prompt {json.dumps(setting.system_prompt, ensure_ascii=False)}"
    if setting.fewshot_as_turns:
        text += ", examples as turns"
    return ", ".join([text, *loaded])


def answer_table(
    spec: Benchmark, items: Sequence[Item], samples: Sequence[Sample], answers: Sequence[Answers]
) -> pd.DataFrame:
    """Return a row for each item, its answers as lists.

    Args:
        spec: Facts of the benchmark.
        items: Their outcomes.
        samples: One for each item, as lm-eval logs them.
        answers: One for each item.
    """
    rows = [
        {
            "item": item.item,
            "prompt_hash": hashlib.sha256(known.prompt.encode()).hexdigest(),
            "prompt": known.prompt,
            "raw": list(item.raw),
            "filtered": item.filtered,
            "target": item.target,
            "value": item.value,
            "secondary": json.dumps(item.secondary, sort_keys=True),
            "log_likelihoods": outcomes.likelihoods(sample) if spec.answer == "loglikelihood" else [],
            "finish": [finish.reason for finish in known.finishes],
            "prompt_tokens": known.prompt_tokens,
            "output_tokens": [finish.tokens for finish in known.finishes],
            "truncated": known.truncated,
            "empty": item.empty,
            # an answer that broke off is none, whatever stands in it
            "failed": max(item.failed, _share([finish.reason == "broken" for finish in known.finishes])),
            "refused": _share([refused(text) for text in item.raw]),
            "capped": _share([finish.reason == "length" for finish in known.finishes])
            if _can_be_capped(spec)
            else 0.0,
        }
        for item, sample, known in zip(items, samples, answers, strict=True)
    ]
    return pd.DataFrame(rows)


def _can_be_capped(spec: Benchmark) -> bool:
    """Return whether the limit on tokens can cut an answer: one token is a whole answer where no more is asked for."""
    return spec.max_gen_toks > 1


def _share(values: Sequence[bool]) -> float:
    return statistics.fmean(values) if values else 0.0


def score_record(score: Score, table: pd.DataFrame, protocol: str) -> dict[str, Any]:
    """Return the entry of a benchmark in scores.json.

    Args:
        score: Its result.
        table: From `answer_table`.
        protocol: From `protocol`.
    """
    return {
        "score": score.score,
        "stderr": None if math.isnan(score.stderr) else score.stderr,
        "n_items": score.n_items,
        "metric": score.metric,
        "protocol": protocol,
        "empty_rate": score.empty_rate,
        "failed_rate": float(table["failed"].mean()),
        "capped_rate": float(table["capped"].mean()),
        "refused_rate": float(table["refused"].mean()),
        "truncated_rate": float(table["truncated"].mean()),
        "secondary": score.secondary,
    }
