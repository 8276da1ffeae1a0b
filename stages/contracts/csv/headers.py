"""The header of a table: which declared column stands where, and what a file is whose header does not fit."""

import re
from collections.abc import Iterator, Mapping, Sequence

from stages.contracts.csv.csvfile import Record, head_of
from stages.contracts.csv.numbers import parse_number
from stages.contracts.csv.schema import Table
from stages.contracts.kinds import OfKind
from stages.contracts.names import Names, listed, shown

MAX_COLUMNS = 100_000

DELIMITERS = {
    "\t": "a tab",
    ";": "a semicolon",
    "|": "a vertical bar",
    "\uff0c": "a full-width comma",
    "\u3001": "an ideographic comma",
    ":": "a colon",
    " ": "a space",
}
UNNAMED = re.compile(r"\s*|Unnamed: ?[0-9_]+(?:level_[0-9]+)?")


def delimiter_problem(data: bytes, table: Table) -> str | None:
    """Return a problem when the first line gives the declared names only if it is split at another character.

    Args:
        data: A file in which `csvfile.file_problem` found nothing.
        table: Contract of the table.
    """
    lines = re.split(r"[\r\n]+", head_of(data).decode("utf-8", "replace"))
    first = next((line for line in lines if line.strip() and not line.startswith("#")), lines[0])
    names = Names(table.names)

    def found(mark: str) -> int:
        parts = (part.strip("\"'# ") for part in first.split(mark))
        return len({same for part in parts if (same := names.same(part)) is not None})

    best = max(DELIMITERS, key=found)
    if found(best) < 2 or found(best) <= found(","):
        return None
    return f"is separated by {DELIMITERS[best]}: separate with commas, write decimals with a point"


def layout_problem(
    header: Record, sample: Sequence[Record], table: Table, known: Mapping[str, Sequence[str]]
) -> str | None:
    """Return why the rows below a header cannot be read at all, or None.

    Args:
        header: First row of the file.
        sample: Some rows that follow.
        table: Contract of the table.
        known: Key column to the keys known.
    """
    if len(header.cells) > MAX_COLUMNS:
        return f"line {header.line} has {len(header.cells):,} columns: is it the right file?"
    names = set(table.names)
    required = {column.name for column in table.columns if column.required}
    if required <= set(header.cells):
        return None
    keys = {name for column in table.key for name in known.get(column, ())}
    first = [record.cells[0] for record in sample]
    if many(header.cells[1:], keys) or many(first, names):
        return f"is transposed: write one row for each {' and '.join(table.key)}, one column for each declared name"
    if not names & set(header.cells):
        values = header.cells[0] in keys or any(isinstance(parse_number(cell), float) for cell in header.cells[:100])
        expected = f"expected the columns {listed(table.names)}"
        return (
            f"line {header.line} holds values where the header belongs, {expected}"
            if values
            else f"has none of the declared columns in line {header.line}, {expected}"
        )
    return None


def many(cells: Sequence[str], names: set[str]) -> bool:
    """Return whether at least half of some cells are among some names."""
    return bool(cells) and 2 * sum(cell in names for cell in cells) >= len(cells)


def header_problems(header: Record, sample: Sequence[Record], table: Table) -> Iterator[OfKind]:
    """Yield what is wrong with single columns: without name, unknown, twice, missing."""
    names = Names(table.names)
    meant: set[str | None] = set()
    places: dict[str, list[int]] = {}
    for place, cell in enumerate(header.cells, start=1):
        places.setdefault(cell, []).append(place)
    for cell, at in places.items():
        if cell not in names:
            meant.add(names.same(cell))
            yield unknown(cell, at, table, sample)
        elif len(at) > 1:
            text = f"column {cell} stands {len(at)} times ({columns(at)}): keep one"
            yield OfKind(text, "twice", f"{cell} ({columns(at)})")
    missing = [
        column.name
        for column in table.columns
        if column.required and column.name not in places and column.name not in meant
    ]
    if missing:
        noun = "column is" if len(missing) == 1 else f"{len(missing)} columns are"
        yield OfKind(f"{noun} missing: {listed(missing)}", "missing")


def columns(at: Sequence[int]) -> str:
    """Return the words for columns by their places."""
    return f"column{'' if len(at) == 1 else 's'} {listed([str(place) for place in at])}"


def unknown(cell: str, at: Sequence[int], table: Table, sample: Sequence[Record]) -> OfKind:
    """Return what is wrong with a header that no declared column has, given its places."""
    unnamed = UNNAMED.fullmatch(cell) is not None
    below = [record.cells[at[0] - 1] for record in sample if at[0] <= len(record.cells)]
    if (unnamed or at[0] == 1) and numbers_rows(below):
        fix = "numbers the rows: delete this index column (pandas: index=False)"
        return OfKind(f"{columns(at)} ({shown(cell)}) {fix}", fix, columns(at))
    if unnamed:
        fix = "a name is missing in the header: write it, or delete the column"
        return OfKind(f"{columns(at)}: {fix}", fix, columns(at))
    declare = "declare the benchmark in benchmarks.csv, or delete the column" if table.wide else "delete it"
    fix = Names(table.names).hint(cell) or f": {declare}"
    return OfKind(f"unknown column {shown(cell)}{fix}", fix, shown(cell))


def numbers_rows(cells: Sequence[str]) -> bool:
    """Return whether cells count the rows from zero or one."""
    return bool(cells) and any(list(cells) == [str(start + i) for i in range(len(cells))] for start in (0, 1))
