"""The examples of a prompt as turns of a conversation: each a question and its answer."""

import re

from stages.contracts.errors import InputError
from stages.tasks.benchmark import Benchmark
from stages.tasks.rows import Turns


def turns_of(spec: Benchmark, prompt: str) -> Turns:
    """Return the examples of a prompt as questions and answers, and last its question, with the answer "".

    Args:
        spec: Facts of the benchmark.
        prompt: With its examples; an instruction before them is part of the first question.

    Raises:
        InputError: The examples are not questions and answers.
    """
    if not spec.n_shots:
        return [(prompt, "")]
    if not spec.examples:
        raise InputError(
            [f"{spec.name}: fewshot_as_turns: its examples are whole texts, without a question to make a turn of"]
        )
    turns, place = [], 0
    for found in re.finditer(spec.examples, prompt, re.DOTALL):
        turns.append((prompt[place : found.start(1)].rstrip(" "), found[1].strip()))
        place = found.end()
    return [*turns, (prompt[place:], "")]
