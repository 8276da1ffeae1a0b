"""Which rows are evaluated, and which examples a prompt shows: the shuffles, halves and draws of the protocol.

Everything here is a pure function of the rows, so an item has the same prompt whatever subset is run, in
whatever order and on however many processes.
"""

import random
from collections.abc import Callable, Sequence

from stages.contracts.errors import InputError
from stages.tasks.benchmark import Benchmark
from stages.tasks.rows import Data, Row

SHUFFLE_SEED = 42
"""llm-jp-eval shuffles its sources, lm-evaluation-harness-jp its test items, under this seed."""

DRAW_SEED = 1234
"""lm-evaluation-harness 0.4.2 draws examples under this seed, whatever seed it is given."""


def shuffled(rows: Sequence[Row]) -> list[Row]:
    """Return the rows in the order of `random.shuffle` under seed 42."""
    copy = list(rows)
    random.Random(SHUFFLE_SEED).shuffle(copy)
    return copy


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
        item: Compared by content, so a duplicate of it is not an example either.
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


def draw_without(item: Row, pool: Sequence[Row], k: int, generator: random.Random) -> list[Row]:
    """Return the examples for an item of a set whose harness draws k and then drops the item: k, or one fewer.

    Args:
        item: Compared by content, so a duplicate of it is dropped too.
        pool: The whole set, in the publisher's order.
        k: Number of examples drawn.
        generator: Advanced by one draw.
    """
    content = _content(item)
    return [row for row in generator.sample(pool, k) if _content(row) != content]


def _content(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "id"}


def enough(benchmark: str, pool: Sequence[Row], k: int) -> None:
    """Check that k examples can be drawn.

    Raises:
        InputError: There are fewer.
    """
    if len(pool) < k:
        raise InputError([f"{benchmark}: {len(pool)} examples to draw from, expected at least {k}"])


def reshuffled(rows: Sequence[Row]) -> tuple[list[Row], random.Random]:
    """Return the rows in the order of lm-evaluation-harness-jp, and the generator that has shuffled them."""
    generator = random.Random(SHUFFLE_SEED)
    copy = list(rows)
    generator.shuffle(copy)
    return copy, generator


def chained(shots: Sequence[str], question: str) -> str:
    """Return examples and the question, with blank lines between."""
    return "\n\n".join([*shots, question])


def drawn_prompts(
    spec: Benchmark, data: Data, question: Callable[[Row], str], answer: Callable[[Row], str], extra: int
) -> list[str]:
    """Return a chained prompt for each item, with examples drawn for it; see `draw_each`.

    Raises:
        InputError: There are too few examples.
    """
    enough(spec.name, data.pool, spec.n_shots + extra)
    return [
        chained([f"{question(shot)} {answer(shot)}" for shot in shots], question(row))
        for row, shots in zip(data.test, draw_each(len(data.test), data.pool, spec.n_shots, extra), strict=True)
    ]
