"""MMLU: the likeliest letter, as lm-evaluation-harness asks it."""

from collections.abc import Iterable

from stages.contracts.study.prompts import SUBJECT, Wording
from stages.tasks import wording
from stages.tasks.benchmark import Benchmark, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records
from stages.tasks.splits import chained, enough

_HARNESS = "lm-evaluation-harness 0.4.2"


def read(file: File) -> Iterable[Row]:
    """Yield questions with four choices."""
    for number, row in enumerate(records(file)):
        yield {
            "id": f"{row['subject']}/{number}",
            "subject": str(row["subject"]),
            "question": str(row["question"]),
            "choices": [str(choice) for choice in row["choices"]],
            "gold": int(row["answer"]),
        }


def prompt_of(row: Row) -> str:
    """Return a question with its lettered choices."""
    choices = "".join(f"\n{letter}. {choice}" for letter, choice in zip("ABCD", row["choices"], strict=True))
    return f"{row['question'].strip()}{choices}\nAnswer:"


def header_of(subject: str, words: Wording) -> str:
    """Return the line above the examples of a subject; exactly one newline follows it."""
    return words["header"].replace(SUBJECT, subject.replace("_", " ")) + "\n"


def build(spec: Benchmark, data: Data, metadata: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    k, words = spec.n_shots, wording.of(spec.name, metadata)
    headers: dict[str, str] = {}
    for subject in dict.fromkeys(row["subject"] for row in data.test):
        pool = [row for row in data.pool if row["subject"] == subject]
        enough(f"{spec.name}, subject {subject}", pool, k)
        done = [f"{prompt_of(shot)} {'ABCD'[shot['gold']]}" for shot in pool[:k]]
        headers[subject] = header_of(subject, words) + chained(done, "")
    return [
        {
            **row,
            "texts": row["choices"],
            "choices": list("ABCD"),
            "prompt": headers[row["subject"]] + prompt_of(row),
        }
        for row in data.test
    ]


TASKS = (
    Task(
        Benchmark(
            "mmlu",
            "acc",
            (),
            f"{_HARNESS}: 5 fixed examples of the subject, most likely letter; mean over all questions",
            examples=r"\nAnswer:( [ABCD])\n\n",
            answer="loglikelihood",
            n_shots=5,
            max_gen_toks=0,
        ),
        read=read,
        build=build,
    ),
)
