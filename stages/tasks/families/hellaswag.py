"""HellaSwag: the likeliest of four endings, as lm-evaluation-harness asks it."""

import re
from collections.abc import Iterable

from stages.tasks.benchmark import Benchmark, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records
from stages.tasks.splits import drawn_prompts

_HARNESS = "lm-evaluation-harness 0.4.2"


def read(file: File) -> Iterable[Row]:
    """Yield contexts with four endings."""
    for row in records(file):
        columns = ("activity_label", "ctx_a", "ctx_b")
        yield {
            "id": str(row["ind"]),
            **{name: str(row[name]) for name in columns},
            "endings": [str(ending) for ending in row["endings"]],
            "gold": int(row["label"]),
        }


def build(spec: Benchmark, data: Data, _: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    cleaned = Data([_clean(row) for row in data.test], [_clean(row) for row in data.pool], data.record)
    texts = drawn_prompts(spec, cleaned, lambda row: str(row["query"]), _right, 1)
    return [{**row, "prompt": text} for row, text in zip(cleaned.test, texts, strict=True)]


def _right(row: Row) -> str:
    return str(row["choices"][row["gold"]])


def _clean(row: Row) -> Row:
    query = without_brackets(f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}")
    return {
        "id": row["id"],
        "query": query,
        "choices": [without_brackets(ending) for ending in row["endings"]],
        "gold": row["gold"],
    }


def without_brackets(text: str) -> str:
    """Return a HellaSwag text without the marks that WikiHow left in it: "[title]" ends a sentence, others go."""
    titled = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", titled).replace("  ", " ")


TASKS = (
    Task(
        Benchmark(
            "hellaswag",
            "acc",
            ("acc_norm",),
            f"{_HARNESS}: 4 drawn examples, most likely ending, not normalised by length",
            answer="loglikelihood",
            max_gen_toks=0,
        ),
        read=read,
        build=build,
    ),
)
