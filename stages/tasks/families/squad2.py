"""SQuAD2: an answer from a passage, or that there is none, as lm-evaluation-harness asks it."""

from collections.abc import Iterable, Sequence
from math import exp
from typing import Any

from stages.tasks import reading
from stages.tasks.benchmark import Benchmark, Doc, Metrics, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records
from stages.tasks.splits import drawn_prompts

_HARNESS = "lm-evaluation-harness 0.4.2"


UNANSWERABLE = "unanswerable"


def read(file: File) -> Iterable[Row]:
    """Yield questions with their passages."""
    for row in records(file):
        columns = ("id", "title", "context", "question")
        answers = [str(text) for text in row["answers"]["text"]]
        yield {**{name: str(row[name]) for name in columns}, "answers": answers}


def prompt_of(row: Row) -> str:
    """Return title, passage and question."""
    return f"Title: {row['title']}\n\nBackground: {row['context']}\n\nQuestion: {row['question']}\n\nAnswer:"


def build(spec: Benchmark, data: Data, _: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""

    def answer(row: Row) -> str:
        return f" {row['answers'][0] if row['answers'] else UNANSWERABLE}"

    texts = drawn_prompts(spec, data, prompt_of, answer, 1)
    return [
        {**row, "prompt": text, "target": row["answers"][0] if row["answers"] else ""}
        for row, text in zip(data.test, texts, strict=True)
    ]


def _whole(_: Doc, text: str) -> str | None:
    return text.strip() or None


def passage_answer(doc: Doc, results: Sequence[Any]) -> Metrics:
    """SQuAD2: the answer, and the log-likelihood of "unanswerable" with whether it is the greedy continuation."""
    prediction, (log_likelihood, _) = results
    answers: list[str] = doc["answers"]
    exact, f1 = reading.exact(prediction, answers), reading.f1(prediction, answers)
    abstains = reading.normalised(prediction) in {"", "unanswerable"}
    openness = (exp(log_likelihood), bool(answers), not prediction)
    return {
        "exact": exact,
        "f1": f1,
        "best_exact": (exact, *openness),
        "best_f1": (f1, *openness),
        "exact_abstaining": exact if answers else float(abstains),
    }


def best_threshold(values: Sequence[tuple[float, float, bool, bool]]) -> float:
    """Aggregate SQuAD2 under the best threshold on the probability of no answer."""
    return reading.best([reading.Answered(*value) for value in values])


TASKS = (
    Task(
        Benchmark(
            "squad2",
            "exact",
            ("f1", "best_exact", "best_f1", "exact_abstaining"),
            f"{_HARNESS}: 4 drawn examples, one line; exact match in which answering 'unanswerable' never counts",
            examples=r"\n\nAnswer:(.*?)\n\n(?=Title: )",
        ),
        read=read,
        build=build,
        answer=_whole,
    ),
)
