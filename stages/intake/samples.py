"""The answers behind a score, from the sample files of other tools: the outcome of each item.

The columns are those of our own evaluations, so that the gate judges both alike and two models can be paired item by
item. A rate that a format does not state is NaN: not known is not zero.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from stages.contracts.outcomes import RATES
from stages.contracts.study.own_tasks import DEFAULT_FILTER
from stages.intake.archives import sample_rows
from stages.intake.jsons import mapping, number, sequence, text
from stages.tasks.refusal import refused

Kind = Literal["lm-eval", "every-eval-ever", "inspect"]

NO_MATCH = "[invalid]"
"""What lm-eval's regular expressions find where nothing matches."""
UNKNOWN = math.nan
VALUES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Letters by which inspect scores: correct, incorrect, partially correct, no answer."""
CUT = ("max_tokens", "model_length")
"""Reasons of inspect for the end of an answer that the limit on tokens cut."""


class Answer(NamedTuple):
    """The outcome of an item; columns of the table of samples.

    Attributes:
        item: Its id in its benchmark.
        item_hash: Hash of the item, "" where the format states none: the key by which models are paired.
        prompt_hash: SHA-256 of the prompt as sent, "" where the format states none.
        target: The reference answer.
        value: The item's share of the score in the unit of the file, NaN where it has none.
        empty: Share of its answers that hold nothing but whitespace.
        failed: Share in which no answer was found, the empty ones included.
        capped: Share that the limit on tokens cut.
        refused: Share that decline to answer.
        truncated: Whether the beginning of the prompt was cut.
    """

    item: str
    item_hash: str
    prompt_hash: str
    target: str
    value: float
    empty: float
    failed: float
    capped: float = UNKNOWN
    refused: float = UNKNOWN
    truncated: float = UNKNOWN


class Of(NamedTuple):
    """Which of the numbers in a file of samples belong to a score.

    Attributes:
        kind: Format of the file.
        metric: lm-eval's name of the metric, inspect's of the scorer.
        filter: lm-eval's name of the filter.
        names: evaluation_result_id and evaluation_name of a result of Every Eval Ever; None for all rows.
        longest: Tokens that an answer may have, None where that is not stated.
    """

    kind: Kind
    metric: str = ""
    filter: str = DEFAULT_FILTER
    names: tuple[str, str] | None = None
    longest: int | None = None


def read_samples(path: Path, of: Of) -> pd.DataFrame:
    """Read the answers to a benchmark, with the columns of `Answer`.

    Args:
        path: File with one sample per line, or a log of inspect.
        of: What to read of it.

    Raises:
        InputError: A line cannot be read.
    """
    return pd.DataFrame(_answers(sample_rows(path), of), columns=list(Answer._fields))


def rates(tables: Iterable[pd.DataFrame]) -> dict[str, float]:
    """Return `RATES` over all items of some tables of samples; NaN where not every item states one."""
    table = pd.concat(list(tables), ignore_index=True)
    return {rate: float(table[rate.removesuffix("_rate")].mean(skipna=False)) for rate in RATES}


def _answers(rows: Iterable[dict[str, Any]], of: Of) -> list[Answer]:
    if of.kind == "lm-eval":
        return [_of_lm_eval(row, of.metric) for row in rows if row.get("filter", of.filter) == of.filter]
    if of.kind == "inspect":
        return _each_once([_of_inspect(row, of.metric) for row in rows])
    return [_of_every_eval_ever(row, of.longest) for row in rows if of.names is None or _belongs(row, of.names)]


def _of_lm_eval(row: Mapping[str, Any], metric: str) -> Answer:
    value = row.get(metric)
    score = UNKNOWN if (known := number(float(value) if isinstance(value, bool) else value)) is None else known
    doc = text(row.get("doc_id"))
    answers = sequence(row.get("resps"))
    if _is_generated(row):
        raw = [str(part) for answer in answers for part in _flat(answer)]
        found = [str(part) for part in _flat(row.get("filtered_resps"))]
        outcome = _shares(raw, [not each.strip() or each == NO_MATCH for each in found or [""]])
    else:
        finite = all(math.isfinite(value) for value in _likelihoods(answers))
        score = score if finite else 0.0
        outcome = (0.0, float(not finite), 0.0, 0.0)
    empty, failed, capped, declined = outcome
    hashes = (text(row.get("doc_hash")), text(row.get("prompt_hash")), text(row.get("target")))
    return Answer(doc, *hashes, score, empty, failed, capped, declined)


def _is_generated(row: Mapping[str, Any]) -> bool:
    """Return whether a sample of lm-eval was generated: its request then has settings, not a continuation."""
    arguments = row.get("arguments")
    if isinstance(arguments, Mapping):
        return isinstance(mapping(arguments.get("gen_args_0")).get("arg_1"), dict)
    first = sequence(sequence(arguments)[0]) if sequence(arguments) else ()
    return len(first) > 1 and isinstance(first[1], dict)


def _likelihoods(answers: Sequence[Any]) -> list[float]:
    """Return log-likelihoods, which lm-eval writes as text: "-3.2" and whether it is the greedy one."""
    first = [answer[0] if isinstance(answer, list) and answer else answer for answer in answers]
    return [_float(pair[0] if isinstance(pair, list) and pair else pair) for pair in first]


def _float(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _flat(value: object) -> list[Any]:
    return [part for each in value for part in _flat(each)] if isinstance(value, list) else [value]


def _shares(raw: Sequence[str], failed: Sequence[bool]) -> tuple[float, float, float, float]:
    """Return the shares that are empty, failed, capped and refused; an item without any answer is empty."""
    texts = raw or [""]
    empty = _share(texts, lambda text: not text.strip())
    return empty, max(empty, sum(failed) / len(failed)), UNKNOWN, _share(texts, refused)


def _share(texts: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, texts)) / len(texts)


def _belongs(row: Mapping[str, Any], names: tuple[str, str]) -> bool:
    """Return whether a row is of a result: by its identifier where both state one, else by its name."""
    identifier, name = text(row.get("evaluation_result_id")), text(row.get("evaluation_name"))
    return identifier == names[0] if identifier and names[0] else name == names[1]


def _of_every_eval_ever(row: Mapping[str, Any], longest: int | None) -> Answer:
    asked, evaluation = mapping(row.get("input")), mapping(row.get("evaluation"))
    raw = [str(part) for part in sequence(mapping(row.get("output")).get("raw"))]
    if not raw:
        said = [turn for turn in map(mapping, sequence(row.get("messages"))) if turn.get("role") == "assistant"]
        raw = [text(turn.get("content")) for turn in said[-1:]]
    final = [part for part in map(mapping, sequence(row.get("answer_attribution"))) if part.get("is_terminal")]
    found = [text(part.get("extracted_value")) for part in final] or raw or [""]
    broken = bool(row.get("error"))
    empty, failed, _, declined = _shares(raw, [not each.strip() or each == NO_MATCH for each in found])
    tokens = number(mapping(row.get("token_usage")).get("output_tokens"))
    capped = UNKNOWN if longest is None or tokens is None else float(tokens >= longest)
    score = number(evaluation.get("score"))
    return Answer(
        item=text(row.get("sample_id")),
        item_hash=text(row.get("sample_hash")),
        # no field of the schema; lm-eval's converter and our own export note it here
        prompt_hash=text(mapping(row.get("metadata")).get("prompt_hash")),
        target="; ".join(str(part) for part in sequence(asked.get("reference"))),
        value=UNKNOWN if score is None else score,
        empty=empty,
        failed=1.0 if broken else failed,
        capped=capped,
        refused=declined,
    )


def _of_inspect(row: Mapping[str, Any], scorer: str) -> Answer:
    said = mapping(row.get("output"))
    first = mapping(next(iter(sequence(said.get("choices"))), None))
    content = mapping(first.get("message")).get("content")
    parts = [content] if isinstance(content, str) else [text(mapping(part).get("text")) for part in sequence(content)]
    raw = text(said.get("completion")) or "".join(parts)
    scored = mapping(row.get("scores")).get(scorer)
    given = mapping(scored).get("value")
    value = VALUES.get(given) if isinstance(given, str) else float(given) if isinstance(given, bool) else number(given)
    asked, target = row.get("input"), row.get("target")
    empty, stopped = float(not raw.strip()), text(first.get("stop_reason"))
    return Answer(
        item=text(row.get("id")),
        item_hash="",
        prompt_hash=hashlib.sha256(asked.encode()).hexdigest() if isinstance(asked, str) else "",
        target=target if isinstance(target, str) else "; ".join(map(str, sequence(target))),
        # what was not scored is a failure, not a gap
        value=0.0 if scored is None else UNKNOWN if value is None else value,
        empty=empty,
        failed=1.0 if scored is None or row.get("error") else max(empty, float(given == "N")),
        capped=float(stopped in CUT) if stopped else UNKNOWN,
        refused=float(stopped == "content_filter" or refused(raw)),
    )


def _each_once(answers: Sequence[Answer]) -> list[Answer]:
    """Return one row for each item, with the means over its epochs."""
    table = pd.DataFrame(answers, columns=list(Answer._fields))
    if not table["item"].duplicated().any():
        return list(answers)
    numbers = table.groupby("item", sort=False).mean(numeric_only=True)
    first = table.drop_duplicates("item").set_index("item")
    first[list(numbers.columns)] = numbers
    return [Answer(*row) for row in first.reset_index()[list(Answer._fields)].itertuples(index=False)]
