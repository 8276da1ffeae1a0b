"""Cells of a declared column: text to a typed value, or what is expected instead."""

from array import array
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from stages.contracts.csv.numbers import MISSING, SPREADSHEET_ERRORS, parse_number
from stages.contracts.csv.schema import Column, Kind
from stages.contracts.names import Names, label
from stages.contracts.ranges import expectation, range_problem

DTYPES: dict[Kind, str] = {
    "number": "float64",
    "integer": "Int64",
    "text": "str",
    "choice": "str",
    "flag": "bool",
    "date": "str",
}
BLANKS: dict[Kind, Any] = {
    "number": float("nan"),
    "integer": None,
    "text": "",
    "choice": "",
    "flag": False,
    "date": "",
}
FLAGS = {"true": True, "false": False}
DECLARED = {"model_id": "models.csv", "benchmark": "benchmarks.csv"}
"""Columns whose values another table declares."""
EXACT = 2**53
"""Whole numbers up to this one are exact as doubles."""


class CellError(Exception):
    """A cell that breaks its contract; the message continues "... is VALUE, "."""


def read_number(text: str) -> float:
    """Return a plain number."""
    value = parse_number(text)
    if isinstance(value, str):
        raise CellError(value)
    return value


def read_integer(text: str) -> int:
    """Return a whole number, written in any plain style."""
    value = read_number(text)
    if not value.is_integer() or abs(value) > EXACT:
        raise CellError("expected a whole number")
    return int(value)


def read_flag(text: str) -> bool:
    """Return a truth value."""
    if text not in FLAGS:
        raise CellError("expected true or false")
    return FLAGS[text]


def read_text(text: str) -> str:
    """Return a text."""
    if text[0].isspace() or text[-1].isspace():
        raise CellError("expected no whitespace around it: delete it")
    return text


def read_date(text: str) -> str:
    """Return a day, as it is written."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise CellError("expected a day as YYYY-MM-DD") from None
    if day.isoformat() != text:
        raise CellError(f"expected a day as YYYY-MM-DD: write {day}")
    return text


PARSERS: dict[Kind, Callable[[str], Any]] = {
    "number": read_number,
    "integer": read_integer,
    "text": read_text,
    "choice": str,
    "flag": read_flag,
    "date": read_date,
}


@dataclass(frozen=True)
class Cells:
    """One column while it is read.

    Attributes:
        column: Its contract.
        position: Its place in the file, None when the file has no such column.
        names: The values allowed, None for any.
        values: The cells read so far.
    """

    column: Column
    position: int | None
    names: Names | None
    values: MutableSequence[Any]

    def read(self, text: str) -> Any:  # noqa: ANN401 (the type depends on the column)
        """Return the typed value of one cell.

        Raises:
            CellError: The cell breaks its contract.
        """
        if not text:
            if not self.column.blank:
                raise CellError("expected a value in every row: fill it in")
            return BLANKS[self.column.kind]
        if text.upper() in SPREADSHEET_ERRORS:
            empty = ", or leave the cell empty when the value is missing" if self.column.blank else ""
            raise CellError(f"a spreadsheet error: correct its formula{empty}")
        if self.names is not None and text not in self.names:
            raise CellError(expected_name(text, self.column, self.names))
        try:
            value = PARSERS[self.column.kind](text)
        except CellError as error:
            raise CellError(self._possible(str(error))) from None
        if self.column.above is not None:
            problem = range_problem(value, None, None, self.column.above)
            if problem is not None:
                guessed = problem != expectation(None, None, self.column.above)
                empty = ", or leave the cell empty when it is not known" if self.column.blank else ""
                raise CellError(self._possible(problem) if guessed else f"{problem}: correct it{empty}")
        return value

    def _possible(self, problem: str) -> str:
        """Return a problem without the advice to leave a cell empty where the next reading would refuse that."""
        return problem if self.column.blank else problem.replace(MISSING, "fill it in, every row needs one")

    def series(self) -> pd.Series:
        """Return the cells read so far."""
        return pd.Series(self.values, dtype=DTYPES[self.column.kind])


def expected_name(text: str, column: Column, names: Names) -> str:
    """Return which names are allowed and which one is probably meant."""
    if column.kind == "choice":
        return f"expected {' or '.join(map(label, names.known))}{names.hint(text)}"
    home = DECLARED.get(column.name)
    add = f": correct it, or add it to {home}" if home else ""
    return f"expected a known {column.name}{names.hint(text) or add}"


def allowed(column: Column, known: Mapping[str, Sequence[str]]) -> Names | None:
    """Return the values that a column may have, None for any."""
    if column.kind == "choice":
        return Names(column.choices)
    return Names(known[column.name]) if column.name in known else None


def storage(column: Column) -> MutableSequence[Any]:
    """Return an empty store for the cells of a column; numbers take eight bytes each."""
    return array("d") if column.kind == "number" else []
