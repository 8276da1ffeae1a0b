"""XWinograd in English: which of two candidates makes the rest of a sentence likelier."""

import json
import random
from collections.abc import Iterable
from typing import Any

from stages.tasks.benchmark import Benchmark, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, lines
from stages.tasks.splits import DRAW_SEED, chained, draw_without, enough

_HARNESS = "lm-evaluation-harness 0.4.2"


def read(file: File) -> Iterable[Row]:
    """Yield the English schemas."""
    number = 0
    for line in lines(file):
        columns = line.split("\t")
        if columns[0] == "en":
            yield _schema(str(number), columns[3], *(json.loads(column) for column in columns[4:7]))
            number += 1


def _schema(name: str, sentence: str, tokens: list[str], pronoun: list[Any], options: list[list[Any]]) -> Row:
    """Return a Winograd schema: the sentence around its pronoun, the two candidates, the right one."""
    start, end = _span(sentence, tokens, pronoun[1])
    right = [bool(option[3]) for option in options]
    if len(options) != 2 or sum(right) != 1:
        raise ValueError(f"{sentence!r} has {sum(right)} right candidates of {len(options)}")
    return {
        "id": name,
        "before": sentence[:start],
        "after": sentence[end:].strip(),
        "options": [str(option[0]) for option in options],
        "gold": right.index(True),
    }


def _span(sentence: str, tokens: list[str], place: list[int]) -> tuple[int, int]:
    """Return the characters of the tokens place[0] to place[1] - 1."""
    spans: list[tuple[int, int]] = []
    position = 0
    for token in tokens:
        shown = '"' if token in {"``", "''"} else token  # as the tokenizer of the publishers writes quotation marks
        start = sentence.index(shown, position)
        position = start + len(shown)
        spans.append((start, position))
    return spans[place[0]][0], spans[place[1] - 1][1]


def build(spec: Benchmark, data: Data, _: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    k = spec.n_shots
    enough(spec.name, data.test, k)
    generator = random.Random(DRAW_SEED)
    items = []
    for row in data.test:
        shots = draw_without(row, data.test, k, generator)
        done = [f"{_filled(shot, shot['gold'])} {shot['after']}" for shot in shots]
        contexts = [chained(done, _filled(row, option)) for option in range(len(row["options"]))]
        items.append({**row, "contexts": contexts})
    return items


def _filled(row: Row, option: int) -> str:
    return f"{row['before']}{row['options'][option]}"


TASKS = (
    Task(
        Benchmark(
            "xwino",
            "acc",
            (),
            f"{_HARNESS}: 4 items drawn as examples, the item itself dropped, likelihood of the rest after either"
            " candidate",
            answer="loglikelihood",
            max_gen_toks=0,
        ),
        read=read,
        build=build,
    ),
)
