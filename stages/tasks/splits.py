"""Which rows are evaluated, and which examples a prompt shows: the shuffles, halves and draws of the protocol.

Everything here is a pure function of the rows, so an item has the same prompt whatever subset is run, in
whatever order and on however many processes.
"""

import random
from collections.abc import Mapping, Sequence

from stages.contracts.errors import InputError
from stages.tasks.readers import Row

SHUFFLE_SEED = 42
"""llm-jp-eval shuffles its sources, lm-evaluation-harness-jp its test items, under this seed."""

DRAW_SEED = 1234
"""lm-evaluation-harness 0.4.2 draws examples under this seed, whatever seed it is given."""

JMMLU_MOVED = 16
"""Rows of each half of JMMLU that llm-jp-eval moves to its training file."""


def shuffled(rows: Sequence[Row]) -> list[Row]:
    """Return the rows in the order of `random.shuffle` under seed 42."""
    copy = list(rows)
    random.Random(SHUFFLE_SEED).shuffle(copy)
    return copy


def fixed_pool(train: Sequence[Row]) -> list[Row]:
    """Return llm-jp-eval's training file: the first 90 % of the shuffled source; its first rows are the shots."""
    return shuffled(train)[: int(len(train) * 0.9)]


def jmmlu_split(subjects: Mapping[str, Sequence[Row]]) -> tuple[list[Row], list[Row]]:
    """Return the examples and the evaluated rows of JMMLU.

    One random stream shuffles each subject, in the order given; the first half of each goes to the examples.
    Both halves are shuffled again. The first 16 rows of the test half are not evaluated.
    """
    generator = random.Random(SHUFFLE_SEED)
    examples: list[Row] = []
    test: list[Row] = []
    for rows in subjects.values():
        copy = list(rows)
        generator.shuffle(copy)
        examples += copy[: len(copy) // 2]
        test += copy[len(copy) // 2 :]
    generator.shuffle(examples)
    generator.shuffle(test)
    return examples, test[JMMLU_MOVED:]


def draw_each(n_items: int, pool: Sequence[Row], k: int, extra: int = 0) -> list[list[Row]]:
    """Return k examples for each of n items as lm-evaluation-harness 0.4.2 draws them.

    Args:
        n_items: How many items there are; one generator serves all of them, in their order.
        pool: What is drawn from.
        k: Examples for each item.
        extra: 1 for sets whose task names neither a test split nor one for examples: the harness takes them for
            the same, draws one more and drops the last.

    Returns:
        n_items lists of k rows.
    """
    generator = random.Random(DRAW_SEED)
    return [generator.sample(pool, k + extra)[:k] for _ in range(n_items)]


def draw_others(item: Row, pool: Sequence[Row], k: int, generator: random.Random) -> list[Row]:
    """Return k examples for an item of a set that has no others: k + 1 are drawn and the item is dropped.

    Args:
        item: Compared by content, so a duplicate of it is no example either.
        pool: The whole set, in the publisher's order.
        k: Number of examples.
        generator: Advanced by one draw.

    Returns:
        k rows; where duplicates of the item leave fewer, that many are drawn again from the other rows.
    """
    content = _content(item)
    drawn = [row for row in generator.sample(pool, k + 1) if _content(row) != content][:k]
    if len(drawn) < k:
        drawn = generator.sample([row for row in pool if _content(row) != content], k)
    return drawn


def _content(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "id"}


def enough(benchmark: str, pool: Sequence[Row], k: int) -> None:
    """Return if k examples can be drawn.

    Raises:
        InputError: There are fewer.
    """
    if len(pool) < k:
        raise InputError([f"{benchmark}: {len(pool)} examples to draw from, expected at least {k}"])
