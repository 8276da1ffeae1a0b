"""MGSM in Japanese: word problems with worked answers, as lm-evaluation-harness-jp asks them."""

import ast
import random
import re
from collections.abc import Iterable, Sequence

from stages.tasks.benchmark import Benchmark, Doc, Metrics, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, lines, text_of
from stages.tasks.splits import enough, reshuffled
from stages.tasks.tokenizer import Tokenizer, context_length, length, spec_of
from stages.tasks.tokenizer import load as load_tokenizer

_HARNESS = "lm-evaluation-harness-jp 0.3.0"


PROBLEM_LABEL = "問題："


STEPS_LABEL = "ステップごとの答え："


ANSWER_TOKENS = 256
"""Room for the answer, whatever the task asks for."""


_MGSM_NUMBER = re.compile(r"-?[0-9.,]+")


def read(file: File) -> Iterable[Row]:
    """Yield word problems, or the worked examples."""
    if file.source.key == "train":
        yield from _exemplars(text_of(file))
        return
    for number, line in enumerate(lines(file)):
        question, answer = line.split("\t")
        yield {"id": str(number), "question": question, "number": int(answer.replace(",", ""))}


def _exemplars(program: str) -> Iterable[Row]:
    """Yield the Japanese examples of MGSM's exemplars.py, which is read as literals and never run."""
    tables = [
        ast.literal_eval(node.value)
        for node in ast.parse(program).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MGSM_EXEMPLARS"
    ]
    for name, exemplar in tables[0]["ja"].items():
        yield {"id": f"exemplar/{name}", "question": exemplar["q"], "answer": exemplar["a"]}


def problem(question: str) -> str:
    """Return an MGSM problem without its answer; its label is put back where the set already has it."""
    return f"{PROBLEM_LABEL}{question.replace(PROBLEM_LABEL, '')}\n{STEPS_LABEL}"


def prompt_of(shots: Sequence[Row], row: Row) -> str:
    """Return problems with worked answers, then the problem."""
    worked = [problem(shot["question"]) + shot["answer"].replace(STEPS_LABEL, "") for shot in shots]
    return "\n\n".join([*worked, problem(row["question"])])


def build(spec: Benchmark, data: Data, metadata: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    own = spec_of(metadata, spec.name)
    k = spec.n_shots
    enough(spec.name, data.pool, k)
    rows, generator = reshuffled(data.test)
    budget = (load_tokenizer(own.to_json()), context_length(own))
    texts = mgsm_prompts(rows, data.pool, k, generator, budget)
    return [{**row, "prompt": text, "target": str(row["number"])} for row, text in zip(rows, texts, strict=True)]


def mgsm_prompts(
    rows: Sequence[Row], pool: Sequence[Row], k: int, generator: random.Random, budget: tuple[Tokenizer, int]
) -> list[str]:
    """Return a prompt for each row, with fewer than k examples where k do not fit.

    Args:
        rows: In the order of evaluation.
        pool: Examples.
        k: Examples of each prompt.
        generator: Draws anew for each number of examples that is tried.
        budget: The tokenizer, and the context in tokens, answer included.
    """
    tokenizer, context = budget
    return [_mgsm_prompt(row, pool, k, generator, tokenizer, context) for row in rows]


def _mgsm_prompt(
    row: Row, pool: Sequence[Row], k: int, generator: random.Random, tokenizer: Tokenizer, context: int
) -> str:
    for count in range(k, 0, -1):
        prompt = prompt_of(generator.sample(pool, count), row)
        if length(tokenizer, prompt) <= context - ANSWER_TOKENS:
            return prompt
    return prompt_of([], row)


def mgsm_number(text: str) -> int | None:
    """Return the last number of the text, where it is whole."""
    found = _MGSM_NUMBER.findall(text)
    if not found:
        return None
    try:
        number = float(found[-1].strip(".").replace(",", ""))
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _last_number(_: Doc, text: str) -> str | None:
    number = mgsm_number(text)
    return None if number is None else str(number)


def last_number(doc: Doc, results: Sequence[str]) -> Metrics:
    """MGSM: the last number, if it is whole."""
    return {"exact_match": float(mgsm_number(results[0]) == doc["number"])}


TASKS = (
    Task(
        Benchmark(
            "mgsm_ja",
            "exact_match",
            (),
            f"{_HARNESS}: 4 drawn of 8 worked examples, one line of answer, its last number",
            examples=r"ステップごとの答え：(.*?)\n\n(?=問題：)",
            needs_tokenizer=True,
        ),
        read=read,
        build=build,
        answer=_last_number,
    ),
)
