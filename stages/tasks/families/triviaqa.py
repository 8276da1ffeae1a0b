"""TriviaQA without passages: a short answer in the same line, as lm-evaluation-harness asks it."""

import string
from collections.abc import Iterable, Sequence

from stages.tasks.benchmark import Benchmark, Doc, Metrics, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records
from stages.tasks.splits import drawn_prompts

_HARNESS = "lm-evaluation-harness 0.4.2"


_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def read(file: File) -> Iterable[Row]:
    """Yield questions with accepted answers."""
    for row in records(file):
        aliases = [str(alias) for alias in row["answer"]["aliases"]]
        yield {"id": str(row["question_id"]), "question": str(row["question"]), "aliases": aliases}


def prompt_of(question: str) -> str:
    """Return a question; a question mark is added even where there is one."""
    return f"Question: {question}?\nAnswer:"


def build(spec: Benchmark, data: Data, _: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    texts = drawn_prompts(spec, data, lambda row: prompt_of(row["question"]), lambda row: str(row["aliases"][0]), 1)
    return [{**row, "prompt": text, "target": row["aliases"][0]} for row, text in zip(data.test, texts, strict=True)]


def without_one_space(text: str) -> str:
    """Return the text without one leading space."""
    return text.removeprefix(" ")


def normalised(text: str) -> str:
    """Return an answer as it is compared: lower case, no ASCII punctuation."""
    return text.lower().translate(_NO_PUNCTUATION)


def _alias(_: Doc, text: str) -> str | None:
    return normalised(text).strip() or None


def alias(doc: Doc, results: Sequence[str]) -> Metrics:
    """TriviaQA: any accepted answer, with one leading space forgiven, and with all whitespace around it."""
    accepted = {normalised(name) for name in doc["aliases"]}
    once, stripped = without_one_space(results[0]), results[0].strip()
    return {
        "exact_match": float(normalised(once) in accepted),
        "exact_match_stripped": float(normalised(stripped) in accepted),
    }


TASKS = (
    Task(
        Benchmark(
            "triviaqa",
            "exact_match",
            ("exact_match_stripped",),
            f"{_HARNESS}: 4 drawn examples, text up to a newline, period or comma must be an accepted answer",
            examples=r"\nAnswer:(.*?)\n\n(?=Question: )",
        ),
        read=read,
        build=build,
        answer=_alias,
    ),
)
