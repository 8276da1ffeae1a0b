"""How the result of a command is shown: lines and tables for a person, JSON for a program."""

import dataclasses
import io
import json
import math
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from stages.contracts.names import one_line

INDENT = "  "
UNLIMITED = 10_000
"""Columns of a line where there is no terminal, so that a file or another program gets whole cells."""


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        columns: Headers.
        rows: Cells.
        right: Headers of the columns whose cells are aligned to the right.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[str] = frozenset()


class Result(Protocol):
    """What a command found."""

    @property
    def ok(self) -> bool:
        """Whether the command exits with 0."""

    def text(self) -> Iterator[str | Grid]:
        """Yield what a person reads, a line or a table at a time."""

    def content(self) -> Mapping[str, Any]:
        """Return what a program reads."""


def lines(result: Result) -> Iterator[str]:
    """Yield what a person reads; whatever a line quotes, it stays one line."""
    for block in result.text():
        if isinstance(block, str):
            yield one_line(block)
        else:
            yield from _drawn(block)


def machine(result: Result) -> str:
    """Return the content as JSON; a number that is not finite is null."""
    return json.dumps(plain(result.content()), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: object) -> Any:  # noqa: ANN401 (JSON)
    """Return a value made of mappings, sequences and dataclasses as JSON can hold it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float) else _text(value)


def _text(value: object) -> str | None:
    return value.as_posix() if isinstance(value, Path) else None if str(value) in {"<NA>", "NaT"} else str(value)


def _drawn(grid: Grid) -> Iterator[str]:
    # takes 60 ms to import: only a table pays for it
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in grid.columns:
        table.add_column(Text(name), justify="right" if name in grid.right else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
    console = Console(file=io.StringIO(), width=width - len(INDENT), color_system=None)
    with console.capture() as captured:
        console.print(table)
    yield from ((INDENT + line).rstrip() for line in captured.get().splitlines())
