"""BIG-Bench Hard: a worked answer that ends in "the answer is ...", as lm-evaluation-harness asks for it."""

import re
from collections.abc import Iterable, Sequence

from stages.tasks.bbh_exemplars import subtask
from stages.tasks.benchmark import Benchmark, Doc, Metrics, Parts, Split, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records

_HARNESS = "lm-evaluation-harness 0.4.2"


_ANSWER = re.compile(r"(?<=the answer is )(.*)(?=.)")


_WHOLE = re.compile(r"the answer is (.*)")


def read(file: File) -> Iterable[Row]:
    """Yield the items of a subtask."""
    subtask = file.source.key
    for number, row in enumerate(records(file)):
        columns = {name: str(row[name]) for name in ("input", "target")}
        yield {"id": f"{subtask}/{number}", "subtask": subtask, **columns}


def build(_: Benchmark, data: Data, __: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    return [{**row, "prompt": subtask(row["subtask"]).prompt(row["input"])} for row in data.test]


def answer(text: str) -> str | None:
    """Return what follows "the answer is ", without the last character of the line, whatever that is."""
    found = _ANSWER.search(text)
    return found[0].strip() if found else None


def whole(text: str) -> str | None:
    """Return what follows "the answer is ", without a final period if there is one."""
    found = _WHOLE.search(text)
    return found[1].strip().removesuffix(".") if found else None


def _answer(_: Doc, text: str) -> str | None:
    return answer(text) or None


def _all(_: str, parts: Parts) -> Split:
    return [row for rows in parts.values() for row in rows], []


def reasoned(doc: Doc, results: Sequence[str]) -> Metrics:
    """BBH: what follows "the answer is ", less one character, and whole."""
    return {
        "exact_match": float(answer(results[0]) == doc["target"]),
        "exact_match_whole": float(whole(results[0]) == doc["target"]),
    }


TASKS = (
    Task(
        Benchmark(
            "bbh",
            "exact_match",
            ("exact_match_whole",),
            f"{_HARNESS}: 3 worked examples; what follows 'the answer is ' less one character;"
            " mean over all questions",
            examples=r"\nA:( Let's think step by step\..*?)\n\n(?=Q: )",
            n_shots=3,
            max_gen_toks=1024,
        ),
        read=read,
        build=build,
        answer=_answer,
        split=_all,
    ),
)
