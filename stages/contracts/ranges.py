"""Numbers outside their declared range, reported so that a column or table in percent is one problem, not many."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import label

MARKERS = frozenset({-0.01, -1.0, -9.0, -99.0, -100.0, -999.0, -9999.0, 999.0, 9999.0})
"""Numbers that programs write for a missing value; -0.01 is a marker -1 that was taken for percent."""

Bounds = Sequence[float | None]
"""Lowest and highest value allowed and, optionally, the value that must be exceeded; None for no bound."""


def digits(value: float) -> str:
    """Return the shortest text that reads back as the value."""
    return repr(float(value)).removesuffix(".0")


def expectation(low: float | None, high: float | None, above: float | None = None) -> str:
    """Return the range in words."""
    if low is not None and high is not None:
        return f"expected {digits(low)} to {digits(high)}"
    bounds = (("more than", above), ("at least", low), ("at most", high))
    return "expected " + " and ".join(f"{words} {digits(bound)}" for words, bound in bounds if bound is not None)


def limits(low: float | None, high: float | None, above: float | None = None) -> tuple[float, float, float]:
    """Return the bounds with infinities for those that are not set."""
    return (
        -np.inf if low is None else low,
        np.inf if high is None else high,
        -np.inf if above is None else above,
    )


def range_problem(value: float, low: float | None, high: float | None, above: float | None = None) -> str | None:
    """Compare a number with its range.

    Args:
        value: The number; NaN, a missing value, has no range.
        low: Smallest value allowed.
        high: Largest value allowed.
        above: Value that must be exceeded.

    Returns:
        None, or a phrase that continues "... is VALUE, ": what is expected and, where it can be guessed, how
        to fix it.
    """
    least, most, exceeded = limits(low, high, above)
    if not (value < least or value > most or value <= exceeded):
        return None
    expected = expectation(low, high, above)
    if value in MARKERS:
        return f"{expected}: looks like a marker, leave the cell empty when the value is missing"
    if most <= 1 and most < value <= 100 * most:
        return f"{expected}: looks like percent, divide by 100"
    return expected


WHOLE, PART = 0.8, 0.6
"""Share of the numbers of a table, and of a column or row, that look like percent when it is in percent."""


class Problem(NamedTuple):
    """Numbers outside their range.

    Attributes:
        text: What is wrong, without the path of the table.
        row: Name of the row concerned, empty for several.
        column: Column concerned, likewise.
        kind: `percent`, `marker` or `outside`.
        expected: The range in words.
    """

    text: str
    row: str
    column: str
    kind: str
    expected: str

    def of_kind(self, where: str) -> OfKind:
        """Return it as a line on a table; cells, columns, rows and a whole table are of different kinds."""
        about = f"{self.column} of {self.row}" if self.column and self.row else self.column or self.row
        kind = (self.kind, self.expected, bool(self.column), bool(self.row))
        return OfKind(f"{where}: {self.text}", kind, about, self.column if self.row else "")


@dataclass(frozen=True)
class Values:
    """The columns of a table that have a range.

    Attributes:
        X: Values, shape (rows, columns), NaN where missing.
        columns: Names of the columns.
        rows: Name of each row.
        bounds: Bounds of each column.
        remedy: What helps where nothing can be guessed.
    """

    X: np.ndarray[Any, np.dtype[np.float64]]
    columns: list[str]
    rows: list[str]
    bounds: list[Bounds]
    remedy: str

    def cell(self, i: int, j: int) -> Problem:
        """Return what is wrong with one cell."""
        value = float(self.X[i, j])
        text, expected = range_problem(value, *self.bounds[j]), expectation(*self.bounds[j])
        plain = text == expected
        kind = "outside" if plain else "marker" if value in MARKERS else "percent"
        remedy = f": {self.remedy}" if plain else ""
        told = f"{self.columns[j]} of {self.rows[i]} is {digits(value)}, {text}{remedy}"
        return Problem(told, self.rows[i], self.columns[j], kind, expected)

    def in_percent(self, group: "Group", i: int, j: int, share: str) -> Problem:
        """Return what is wrong with a group of cells in percent, one of which is given as an example."""
        example = f"{digits(self.X[i, j])} in {self.columns[j]} of {self.rows[i]}"
        expected = expectation(*self.bounds[j][:2])
        seen = f"{share} of {group.what} is out of range ({example}), {expected}"
        text = f"{seen}: looks like percent, divide by 100"
        return Problem(text, group.row, group.column, "percent", expected)


def range_problems(
    frame: pd.DataFrame,
    where: str,
    ranges: Mapping[str, Bounds],
    key_column: str | Sequence[str],
    remedy: str = "correct it",
) -> list[str]:
    """Compare the numbers of a table with their ranges.

    When at least two values of the table, a column or a row look like percent and hardly any others there are more
    than zero, that is one problem; else each cell is one. Each range is given as `range_problem` takes it.

    Args:
        frame: One row for each model or whatever the table lists.
        where: Path of the table to show.
        ranges: Column to its bounds. Columns without one are not checked.
        key_column: Column, or columns, whose values name a row.
        remedy: What helps where neither percent nor a marker can be guessed.

    Returns:
        One line for each kind of problem, with the first in full and how many more there are.
    """
    return one_line_each(each.of_kind(where) for each in range_cells(frame, ranges, key_column, remedy))


def range_cells(
    frame: pd.DataFrame, ranges: Mapping[str, Bounds], key_column: str | Sequence[str], remedy: str
) -> Iterator[Problem]:
    """Yield what `range_problems` words, groups in percent first, then single cells top to bottom, left to right."""
    keys = [key_column] if isinstance(key_column, str) else list(key_column)
    columns = [name for name in ranges if name in frame.columns]
    if frame.empty or not columns:
        return
    values = Values(
        X=frame[columns].to_numpy(dtype=np.float64, na_value=np.nan),
        columns=columns,
        rows=[" / ".join(label(str(part)) for part in row) for row in frame[keys].itertuples(index=False)],
        bounds=[ranges[name] for name in columns],
        remedy=remedy,
    )
    yield from problems(values)


def problems(values: Values) -> Iterator[Problem]:
    """Yield groups in percent first, then single cells from left to right and top to bottom."""
    X = values.X
    least, most, exceeded = np.array([limits(*bounds) for bounds in values.bounds]).T
    outside = (least > X) | (most < X) | (exceeded >= X)
    fraction = most <= 1
    percent = outside & fraction & (most < X) & (100 * most >= X)
    told = ~(X == 0) & ~np.isnan(X) & fraction
    for group in groups(values):
        cells, among = percent[group.rows, group.columns], told[group.rows, group.columns]
        count, all_of_it = np.count_nonzero(cells), np.count_nonzero(among)
        if count < 2 or count < group.share * all_of_it:
            continue
        i, j = np.argwhere(cells)[0]
        example = (i + (group.rows.start or 0), j + (group.columns.start or 0))
        share = "every value" if count == all_of_it else f"nearly every value ({count} of {all_of_it})"
        yield values.in_percent(group, *example, share)
        outside[group.rows, group.columns] &= ~cells
        percent[group.rows, group.columns] = False
    yield from (values.cell(i, j) for i, j in np.argwhere(outside))


class Group(NamedTuple):
    """A part of a table that may be in percent as a whole.

    Attributes:
        what: Words for it.
        row: Name of its only row, else empty.
        column: Its only column, else empty.
        rows: Its rows.
        columns: Its columns.
        share: Share of its numbers that must look like percent.
    """

    what: str
    row: str
    column: str
    rows: slice
    columns: slice
    share: float


def groups(values: Values) -> Iterator[Group]:
    """Yield the parts of a table that may be in percent as a whole."""
    if len(values.columns) > 1:
        yield Group("the table", "", "", slice(None), slice(None), WHOLE)
    for j, column in enumerate(values.columns):
        yield Group(f"column {column}", "", column, slice(None), slice(j, j + 1), PART)
    for i, row in enumerate(values.rows):
        yield Group(row, row, "", slice(i, i + 1), slice(None), PART)
