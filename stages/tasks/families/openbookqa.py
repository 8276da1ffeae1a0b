"""OpenBookQA: the likeliest of four choices, as lm-evaluation-harness asks it."""

from collections.abc import Iterable

from stages.tasks.benchmark import Benchmark, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records
from stages.tasks.splits import drawn_prompts

_HARNESS = "lm-evaluation-harness 0.4.2"


def read(file: File) -> Iterable[Row]:
    """Yield questions with their choices."""
    for row in records(file):
        labels = list(row["choices"]["label"])
        yield {
            "id": str(row["id"]),
            "question": str(row["question_stem"]),
            "choices": [str(text) for text in row["choices"]["text"]],
            "gold": labels.index(row["answerKey"].strip()),
        }


def build(spec: Benchmark, data: Data, _: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    texts = drawn_prompts(spec, data, lambda row: str(row["question"]), _right, 0)
    return [{**row, "prompt": text} for row, text in zip(data.test, texts, strict=True)]


def _right(row: Row) -> str:
    return str(row["choices"][row["gold"]])


TASKS = (
    Task(
        Benchmark(
            "openbookqa",
            "acc",
            ("acc_norm",),
            f"{_HARNESS}: 4 drawn examples, most likely choice, not normalised by length",
            answer="loglikelihood",
            max_gen_toks=0,
        ),
        read=read,
        build=build,
    ),
)
