"""HumanEval and JHumanEval: programs that go on with a prompt, as the bigcode-evaluation-harness asks for them."""

import ast
from collections.abc import Iterable, Sequence

from stages.tasks.benchmark import Benchmark, Doc, Metrics, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records

_HARNESS = "bigcode-evaluation-harness 0261c52"


_CODE = (
    f"{_HARNESS}: prompt as published, 10 samples at T 0.2, top-p 0.95, cut at the next top-level statement;"
    " pass@1 over the samples, programs run in a sandbox"
)


def read(file: File) -> Iterable[Row]:
    """Yield problems."""
    for row in records(file):
        columns = ("prompt", "test", "entry_point", "canonical_solution")
        yield {"id": str(row["task_id"]), **{name: str(row[name]) for name in columns}}


def build(_: Benchmark, data: Data, __: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    return [{**row, "target": row["canonical_solution"]} for row in data.test]


def is_program(text: str) -> bool:
    """Return whether a text is Python that can be parsed."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _program(doc: Doc, text: str) -> str | None:
    return text if text.strip() and is_program(f"{doc['prompt']}{text}") else None


def program(doc: Doc, results: Sequence[Sequence[str]]) -> Metrics:
    """HumanEval and JHumanEval: the samples of a problem, run in the sandbox."""
    from stages.tasks.programs import pass_at_k, passed

    completions = list(results[0])
    n, c = len(completions), sum(passed(doc, completions))
    return {
        "pass@1": pass_at_k(n, c, 1),
        "pass@10": pass_at_k(n, c, min(10, n)),
        "answered@10": float(any(completion.strip() for completion in completions)),
    }


TASKS = (
    Task(
        Benchmark(
            "jhumaneval",
            "pass@1",
            ("pass@10", "answered@10"),
            _CODE,
            n_shots=0,
            add_bos=None,
            max_gen_toks=1024,
            repeats=10,
            runs_code=True,
            continues_prompt=True,
            dtype="float32",
        ),
        read=read,
        build=build,
        answer=_program,
    ),
    Task(
        Benchmark(
            "humaneval",
            "pass@1",
            ("pass@10", "answered@10"),
            _CODE,
            n_shots=0,
            add_bos=None,
            max_gen_toks=1024,
            repeats=10,
            runs_code=True,
            continues_prompt=True,
            dtype="float32",
        ),
        read=read,
        build=build,
        answer=_program,
    ),
)
