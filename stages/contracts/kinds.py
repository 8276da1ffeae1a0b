"""Problems of one kind told in one line: the first in full, how many more there are and what they are about."""

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from stages.contracts.names import listed

SHOWN = 5
"""Models, benchmarks, cells or lines that are named besides the first."""


class OfKind(NamedTuple):
    """One problem.

    Attributes:
        text: What, where, how to fix it, on one line.
        kind: Problems of one kind are fixed in the same way.
        about: What it is about, in a word or two; empty where the text says it for all of its kind.
        column: Of a table, where cells of several columns are told together: their number is told.
    """

    text: str
    kind: Hashable
    about: str = ""
    column: str = ""


def one_line_each(problems: Iterable[OfKind]) -> list[str]:
    """Return one line for each kind, in the order in which the kinds first occur."""
    kinds: dict[Hashable, list[OfKind]] = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(problem)
    return [f"{first.text}{_more(first, others)}" for first, *others in kinds.values()]


def _more(first: OfKind, others: list[OfKind]) -> str:
    if not others:
        return ""
    told = {"", first.about}
    names = [name for name in dict.fromkeys(problem.about for problem in others) if name not in told]
    columns = len({problem.column for problem in (first, *others)})
    where = f" in {columns} columns" if columns > 1 else ""
    return f"; {len(others)} more of this kind{where}{f': {listed(names, SHOWN)}' if names else ''}"
