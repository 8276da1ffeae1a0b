"""Reading a CSV table strictly against its contract: typed, or refused with every problem and how to fix it.

Nothing is guessed: a cell that is not a plain number never becomes a number, a missing value or zero.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import pandas as pd

from stages.contracts.csv.cells import BLANKS, CellError, Cells, allowed, storage
from stages.contracts.csv.csvfile import Record, file_problem, records
from stages.contracts.csv.headers import delimiter_problem, header_problems, layout_problem
from stages.contracts.csv.numbers import SPREADSHEET_ERRORS
from stages.contracts.csv.schema import Column, Table
from stages.contracts.csv.sheets import reference
from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import label, listed, shown
from stages.contracts.ranges import range_problems

LIMIT = 1_000
"""Problems after which reading stops."""

SAMPLE = 50
"""Rows that are examined to find out what a wrong header means."""


@dataclass(frozen=True)
class Reading:
    """A table as read.

    Attributes:
        frame: The declared columns in declared order, rows as in the file: number as float64 (NaN when blank),
            integer as Int64, text and choice as str ("" when blank), flag as bool (False when blank). Without
            rows when there are problems.
        problems: One line for each kind of problem, with the first in full and how many more there are.
    """

    frame: pd.DataFrame
    problems: tuple[str, ...]


class Findings:
    """Problems of one file, at most `LIMIT`.

    Args:
        where: Path to show.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self._found: list[OfKind] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def full(self) -> bool:
        """Whether to stop reading."""
        return len(self._found) >= LIMIT

    def lines(self) -> list[str]:
        """Return one line for each kind."""
        stopped = [f"{self.where}: reading stopped after {LIMIT:,} problems"] if self.full else []
        return [*one_line_each(self._found), *stopped]

    def add(self, problem: OfKind) -> None:
        """Add a problem whose text continues "FILE "."""
        if not self.full:
            self._found.append(problem._replace(text=f"{self.where}: {problem.text}"))

    def extend(self, problems: Iterable[OfKind]) -> None:
        """Add problems until there are `LIMIT`."""
        for problem in problems:
            if self.full:
                return
            self.add(problem)


class Body:
    """The rows of a table while they are read.

    Args:
        table: Contract of the table.
        header: Its header.
        known: Column to the values allowed there.
    """

    def __init__(self, table: Table, header: Sequence[str], known: Mapping[str, Sequence[str]]) -> None:
        places = {name: place for place, name in enumerate(header)}
        self.table = table
        self.width = len(header)
        self.columns = [
            Cells(column, places.get(column.name), allowed(column, known), storage(column)) for column in table.columns
        ]
        key = [cells.position for cells in self.columns if cells.column.name in table.key]
        self.key = [position for position in key if position is not None] if None not in key else []
        self._header = list(header)
        self._lines: dict[tuple[str, ...], int] = {}

    def add(self, record: Record) -> Iterator[OfKind]:
        """Read one row, yield its problems."""
        problem = self.row_problem(record)
        if problem:
            yield problem
            return
        for cells in self.columns:
            value = BLANKS[cells.column.kind]
            if cells.position is not None:
                text = record.cells[cells.position]
                try:
                    value = cells.read(text)
                except CellError as error:
                    place, seen = self.place(cells.column, record), shown(text) if text else "empty"
                    about = place
                    if text.upper() in SPREADSHEET_ERRORS:
                        cell = reference(cells.position, record.line)
                        seen, about = f"{seen} in cell {cell}", f"{place} ({cell})"
                    yield OfKind(f"{place} is {seen}, {error}", str(error), about, cells.column.name)
            cells.values.append(value)

    def row_problem(self, record: Record) -> OfKind | None:
        """Return what is wrong with a row as a whole."""
        if len(record.cells) != self.width:
            return of_line(record, ragged(len(record.cells), self.width))
        if not any(record.cells):
            return of_line(record, "has only empty cells: delete it")
        if record.cells == self._header:
            return of_line(record, "repeats the header: delete it")
        key = tuple(record.cells[position] for position in self.key)
        first = self._lines.setdefault(key, record.line) if all(key) and key else record.line
        if first != record.line:
            name = self.label(record)
            text = f"line {record.line} repeats {name}, which stands in line {first}: keep one"
            return OfKind(text, "repeats", f"{name} in line {record.line}")
        return None

    def place(self, column: Column, record: Record) -> str:
        """Return the words for a cell: its column and the name of its row, or the line where that is clearer."""
        name = self.label(record)
        if column.name in self.table.key or not name:
            return f"{column.name} in line {record.line}"
        return f"{column.name} of {name}"

    def label(self, record: Record) -> str:
        """Return the name of a row, empty when it has none."""
        parts = [record.cells[position] for position in self.key]
        return " / ".join(map(label, parts)) if all(parts) else ""

    def frame(self) -> pd.DataFrame:
        """Return the rows read so far."""
        return pd.DataFrame({cells.column.name: cells.series() for cells in self.columns})


def of_line(record: Record, phrase: str) -> OfKind:
    """Return a problem of a row, given the phrase that continues "line N "."""
    return OfKind(f"line {record.line} {phrase}", phrase, f"line {record.line}")


def of_file(phrase: str) -> OfKind:
    """Return a problem of a file, given the phrase that continues "FILE ", of which it has but one."""
    return OfKind(phrase, phrase)


def ragged(fields: int, width: int) -> str:
    """Return what is wrong with a row that has too few or too many fields."""
    hint = (
        "quote a text that has commas, write decimals with a point, delete commas at the end"
        if fields > width
        else "an empty cell needs its comma too"
    )
    return f"has {fields} {'field' if fields == 1 else 'fields'}, expected {width}: {hint}"


def read_table(data: bytes, where: str, table: Table, known: Mapping[str, Sequence[str]] | None = None) -> Reading:
    """Read a CSV file against its contract.

    Args:
        data: Contents of the file.
        where: Path to show in messages.
        table: Contract of the table.
        known: Column to the values allowed there, for columns whose values another table declares. Whether
            all of them occur is checked by `missing_rows`.

    Returns:
        The table, or all its problems up to `LIMIT`, one line for each kind. Never raises, whatever the bytes are.
    """
    findings = Findings(where)
    body = read_body(data, table, known or {}, findings)
    lines = findings.lines()
    if body.key and not findings.full:
        ranges = {c.name: (c.low, c.high) for c in table.columns if (c.low, c.high) != (None, None)}
        lines += range_problems(body.frame(), where, ranges, table.key)
    usable = Body(table, table.names, {}) if lines else body
    return Reading(usable.frame(), tuple(lines))


def read_body(data: bytes, table: Table, known: Mapping[str, Sequence[str]], findings: Findings) -> Body:
    """Read header and rows; no rows when there is no header to go by."""
    nothing = Body(table, [], known)
    problem = file_problem(data) or delimiter_problem(data, table)
    if problem:
        findings.add(of_file(problem))
        return nothing
    rows = plain_rows(data, table, findings)
    header = next(rows, None)
    if header is None:
        if not findings:
            findings.add(of_file("is empty: write a header and the rows"))
        return nothing
    sample = list(islice(rows, SAMPLE))
    width = named_width(header, sample)
    header, sample = trimmed(header, width), [trimmed(row, width) for row in sample]
    problem = layout_problem(header, sample, table, known)
    if problem:
        findings.add(of_file(problem))
        return nothing
    if not sample and not findings and not table.may_be_empty:
        findings.add(of_file("has a header but no rows: write at least one"))
    findings.extend(header_problems(header, sample, table))
    body = Body(table, header.cells, known)
    for record in chain(sample, rows):
        findings.extend(body.add(trimmed(record, width)))
        if findings.full:
            break
    return body


def named_width(header: Record, sample: Sequence[Record]) -> int | None:
    """Return the number of columns before empty ones that a spreadsheet left at the end, None if there are none."""
    width = len(header.cells)
    while width and not header.cells[width - 1].strip():
        width -= 1
    left = width < len(header.cells) and not any(cell.strip() for row in sample for cell in row.cells[width:])
    return width if left else None


def trimmed(record: Record, width: int | None) -> Record:
    """Return a row without empty fields beyond a width."""
    if width is None or any(map(str.strip, record.cells[width:])):
        return record
    return record._replace(cells=record.cells[:width])


def plain_rows(data: bytes, table: Table, findings: Findings) -> Iterator[Record]:
    """Yield the rows that can be read and are not comments, note the others."""
    for record in records(data):
        if findings.full:
            return
        if record.problem:
            findings.add(of_line(record, record.problem))
        elif not record.cells[0].startswith("#") or record.cells[0].upper() in SPREADSHEET_ERRORS:
            yield record
        elif (name := record.cells[0].lstrip("# ")) in table.names:
            findings.add(of_line(record, "begins with #: delete that sign before the column names"))
            yield Record(record.line, [name, *record.cells[1:]])
        else:
            findings.add(of_line(record, "is a comment, which CSV does not know: delete it"))


def missing_rows(frame: pd.DataFrame, where: str, key: str, expected: Iterable[str]) -> list[str]:
    """Compare the rows of a table with those expected.

    Args:
        frame: Table as read.
        where: Path to show.
        key: Column that names the rows.
        expected: Names of the rows that must be there, in the order in which to list them.

    Returns:
        Nothing, or one line that lists the missing ones.
    """
    present = set(frame[key])
    missing = [name for name in expected if name not in present]
    if not missing:
        return []
    noun = "a row is missing" if len(missing) == 1 else f"{len(missing)} rows are missing"
    add = f"add {key} {listed(missing)}, with empty cells for what is not known"
    return [f"{where}: {noun}: {add}, or list it under evaluate.models in params.yaml"]
