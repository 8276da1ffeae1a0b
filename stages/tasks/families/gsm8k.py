"""GSM8K: word problems in English, as lm-evaluation-harness asks them."""

import re
from collections.abc import Iterable, Sequence

from stages.tasks.benchmark import Benchmark, Doc, Metrics, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records
from stages.tasks.splits import drawn_prompts

_HARNESS = "lm-evaluation-harness 0.4.2"


_STRICT = re.compile(r"#### (-?[0-9.,]+)")


_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")


def read(file: File) -> Iterable[Row]:
    """Yield word problems."""
    for number, row in enumerate(records(file)):
        yield {"id": str(number), "question": str(row["question"]), "answer": str(row["answer"])}


def prompt_of(question: str) -> str:
    """Return a word problem."""
    return f"Question: {question}\nAnswer:"


def build(spec: Benchmark, data: Data, _: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    texts = drawn_prompts(spec, data, lambda row: prompt_of(row["question"]), lambda row: str(row["answer"]), 0)
    return [{**row, "prompt": text, "target": row["answer"]} for row, text in zip(data.test, texts, strict=True)]


def strict_answer(text: str) -> str | None:
    """Return the first number after "#### "."""
    found = _STRICT.search(text)
    return found[1].strip() if found else None


def flexible_answer(text: str) -> str | None:
    """Return the last thing that looks like a number."""
    found = _FLEXIBLE.findall(text)
    return next(part for part in found[-1] if part).strip() if found else None


def normalised(text: str) -> str:
    """Return an answer as it is compared: what follows "#### ", no comma, dollar sign or final period."""
    return re.sub(r"\.$", "", text.rpartition("#### ")[2].replace(",", "").replace("$", "")).lower()


def _strict(_: Doc, text: str) -> str | None:
    return strict_answer(text)


def strict_number(doc: Doc, results: Sequence[str]) -> Metrics:
    """GSM8K: the number after "####", and the last number."""
    gold = normalised(doc["target"])
    strict, flexible = strict_answer(results[0]), flexible_answer(results[0])
    return {
        "exact_match": float(strict is not None and normalised(strict) == gold),
        "exact_match_flexible": float(flexible is not None and normalised(flexible) == gold),
    }


TASKS = (
    Task(
        Benchmark(
            "gsm8k",
            "exact_match",
            ("exact_match_flexible",),
            f"{_HARNESS}: 4 drawn examples; the number after '####'",
            examples=r"\nAnswer:(.*?)\n\n(?=Question: )",
        ),
        read=read,
        build=build,
        answer=_strict,
    ),
)
