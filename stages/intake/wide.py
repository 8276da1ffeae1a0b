"""One table with one score per cell, as leaderboards are published: which cells are models, benchmarks and scores.

Everything that is decided here is reported: which column names the models, the unit of each column, what has no score.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stages.contracts.csv.numbers import SPREADSHEET_ERRORS, parse_number
from stages.contracts.csv.sheets import reference
from stages.contracts.errors import InputError
from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import folded, label, listed, shown
from stages.contracts.study.sizes import sizes_from_name
from stages.intake.choice import grouped
from stages.intake.workbooks import read_workbook

Grid = list[list[str]]

NAMES = ("model_id", "model", "modelname", "models", "name", "system", "fullname", "eval_name", "llm")
"""Headers of the column of models, without whitespace, as `folded` returns them, the surest first."""
BENCHMARKS = ("benchmark", "benchmarks", "task", "tasks", "dataset", "metric")
"""Headers of the first column of a table that has its models in columns."""
BLANK = {"", "-", "--", "–", "—", "n/a", "na", "nan", "null", "none", "?"}
IN_CELL = " in cell "
"""Between the error of a spreadsheet and its place, which a table in another order does not tell."""
SIZE = re.compile(r"(#|n_?|num_?)?(total|active)?_?(params?|parameters|size)(\(?b\)?|_b|inbillions)?", re.IGNORECASE)
SUMMARY = re.compile(
    r"(macro|micro|overall|weighted)?_?(average|avg\.?|mean|total|overall|rank|ranking|#|no\.?)(score)?[⬆️↑]*",
    re.IGNORECASE,
)
PARTS = re.compile(r"[-+]?\d+(?:\.\d+)?\s*(±|\+/-|\+-|\()\s*\d.*|[-+]?\d+\.\d+\s*(/)\s*\d.*")
"""Several numbers in one cell, and the sign between the first two."""
LIKE_NUMBER = re.compile(r"[-+]?\d[\d.,\s']*%?")
TOPS = (1.0, 10.0, 100.0)
"""Largest possible scores that a column may have."""
MOSTLY = 0.5
ERROR = "an error of the spreadsheet: correct its formula, or empty the cell"


@dataclass
class Wide:
    """A table of scores.

    Attributes:
        models: Their names, row by row.
        scores: Benchmark to its scores as written, "" where there is none.
        tops: Benchmark to the largest score possible.
        lows: Benchmark to the smallest, where that is below zero.
        parameters: Model to its parameters in billions, where the table states them.
        notes: What was decided, one line each.
    """

    models: list[str]
    scores: dict[str, list[str]] = field(default_factory=dict)
    tops: dict[str, float] = field(default_factory=dict)
    lows: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_grid(path: Path) -> Grid:
    """Read a table as texts, the header first.

    Args:
        path: CSV, TSV, Parquet, XLSX or JSON records.

    Raises:
        InputError: It is not one of these formats, or cannot be read.
    """
    kinds = {".csv": _delimited, ".tsv": _delimited, ".parquet": _parquet, ".xlsx": _workbook, ".json": _records}
    if not path.is_file():
        raise InputError([f"{path}: no such file"])
    if path.suffix.lower() not in kinds:
        raise InputError([f"{path}: expected a table as {', '.join(kinds)}"])
    try:
        grid = kinds[path.suffix.lower()](path)
    except (ValueError, OSError, csv.Error) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            [f"{path}: cannot be read as {path.suffix[1:].upper()} ({reason}): export it again"]
        ) from None
    rows = [[cell.strip() for cell in row] for row in grid]
    filled = {i for row in rows for i, cell in enumerate(row) if cell}
    first, width = min(filled, default=0), max(filled, default=-1) + 1
    grid = [[*row, *[""] * width][first:width] for row in rows if any(row)]
    if len(grid) < 2 or width - first < 2:
        raise InputError([f"{path}: no table of scores: expected a header, and a row with scores for each model"])
    return grid


def _delimited(path: Path) -> Grid:
    text = path.read_bytes().decode("utf-8-sig")
    first = text.partition("\n")[0]
    mark = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)
    return _placed(list(csv.reader(io.StringIO(text, newline=""), delimiter=mark)))


def _parquet(path: Path) -> Grid:
    import pyarrow.parquet as pq  # only who has such a file waits for it

    table = pq.read_table(path)
    columns = [[_written(value) for value in column.to_pylist()] for column in table.columns]
    return [list(table.column_names), *map(list, zip(*columns, strict=True))]


def _workbook(path: Path) -> Grid:
    return _placed([[_written(cell) for cell in row] for row in read_workbook(path)])


def _placed(rows: Grid) -> Grid:
    """Return a table in which each error of a spreadsheet says in which cell it stands."""
    return [
        [f"{cell.strip()}{IN_CELL}{reference(j, i)}" if _is_error(cell) else cell for j, cell in enumerate(row)]
        for i, row in enumerate(rows, start=1)
    ]


def _is_error(cell: str) -> bool:
    return cell.partition(IN_CELL)[0].strip().upper() in SPREADSHEET_ERRORS


def _records(path: Path) -> Grid:
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, dict) and all(isinstance(row, dict) for row in content.values()):
        content = [{"model": name, **row} for name, row in content.items()]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ValueError("expected a list of objects, one for each model")
    header = list(dict.fromkeys(key for row in content for key in row))
    return [header, *([_written(row.get(key)) for key in header] for row in content)]


def _written(value: object) -> str:
    """Return a cell as text; a whole number of a spreadsheet without the point."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def read_wide(grid: Grid, where: str, models: str | None) -> Wide:
    """Return the scores of a table.

    Args:
        grid: From `read_grid`.
        where: Path to show in messages.
        models: `rows` or `columns`; None to tell by the names.

    Raises:
        InputError: Cells are not scores, or names stand twice; every one is named.
    """
    notes = []
    if (models or ("columns" if _in_columns(grid) else "rows")) == "columns":
        notes.append(f"{where}: models stand in columns; --models rows reads it the other way")
        grid = [list(row) for row in zip(*grid, strict=True)]
    header, rows = grid[0], grid[1:]
    columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    place = _model_column(header, rows)
    in_rows = [row[place] for row in rows]
    nameless = [
        OfKind(f"{where}: a name is {_seen(name)}: {_remedy(name)}", "name", _seen(name))
        for name in (*header, *in_rows)
        if _is_error(name)
    ]
    problems = [*_twice(header, where, "columns"), *_twice(in_rows, where, "models"), *one_line_each(nameless)]
    if problems:
        raise InputError(problems)
    names = columns.pop(header[place])
    wide = Wide(names, notes=[*notes, f"{where}: models are named by column {label(header[place] or '1')}"])
    wrong = [problem for name, cells in columns.items() for problem in _column(wide, name, cells, where)]
    problems = one_line_each(wrong)
    if not wide.scores and not problems:
        problems = [f"{where}: no column holds scores: expected numbers below the names of benchmarks"]
    if problems:
        raise InputError(problems)
    return wide


def _in_columns(grid: Grid) -> bool:
    """Return whether the names of models stand in the header rather than in a column."""
    first = folded(grid[0][0])
    if first in BENCHMARKS or first in NAMES:
        return first in BENCHMARKS
    across, down = grid[0][1:], [row[0] for row in grid[1:]]
    return _like_models(across) > max(_like_models(down), MOSTLY)


def _like_models(names: Sequence[str]) -> float:
    """Return the share of names that look like those of models: with an organisation or a size."""
    known = [name for name in names if "/" in name or sizes_from_name(name).total or sizes_from_name(name).active]
    return len(known) / max(len(names), 1)


def _model_column(header: Sequence[str], rows: Grid) -> int:
    """Return the place of the column that names the models: by its header, else the first that holds no numbers."""
    known = [NAMES.index(folded(name)) if folded(name) in NAMES else len(NAMES) for name in header]
    if min(known) < len(NAMES):
        return known.index(min(known))
    texts = (i for i in range(len(header)) if not any(isinstance(parse_number(row[i]), float) for row in rows))
    return next(texts, 0)


def _twice(names: Sequence[str], where: str, what: str) -> Iterator[str]:
    several = [name for name, same in grouped(names, lambda name: name).items() if len(same) > 1]
    if several:
        shown_names = listed([name or "(no name)" for name in several])
        yield f"{where}: {what} that stand more than once: {shown_names}: keep one of each, or tell them apart by name"


def _column(wide: Wide, name: str, cells: Sequence[str], where: str) -> list[OfKind]:
    """Add a column to a table where it holds scores, and say what becomes of it; return what is wrong with it."""
    plain, percent = _without_percent(cells)
    filled = [cell for cell in plain if folded(cell) not in BLANK]
    numbers = {cell: value for cell in filled if isinstance(value := parse_number(cell), float)}
    told = f"{where}: {label(name)}"
    if SIZE.fullmatch(folded(name)):
        known = zip(wide.models, cells, strict=True)
        wide.parameters |= {model: numbers[cell] for model, cell in known if numbers.get(cell, 0) > 0}
        wide.notes.append(f"{told} is read as parameters in billions")
        return []
    if SUMMARY.fullmatch(folded(name)):
        wide.notes.append(f"{told} sums up other columns: left out")
        return []
    like = [cell for cell in filled if cell in numbers or LIKE_NUMBER.fullmatch(cell) or PARTS.fullmatch(cell)]
    if len(like) <= MOSTLY * sum(not _is_error(cell) for cell in filled):
        wide.notes.append(f"{told} holds no numbers: left out")
        return []
    problems = _score_column(wide, name, plain, numbers, told)
    if percent and name in wide.scores:
        wide.tops[name] = max(TOPS)
        wide.notes.append(f"{told} is written in percent: max_score {max(TOPS):g}")
    return problems


def _without_percent(cells: Sequence[str]) -> tuple[list[str], bool]:
    """Return cells without percent signs, where each number has one, and whether that is so."""
    filled = [cell for cell in cells if folded(cell) not in BLANK]
    percent = bool(filled) and all(cell.endswith("%") for cell in filled)
    return [cell.removesuffix("%").strip() if percent else cell for cell in cells], percent


def _score_column(
    wide: Wide, name: str, cells: Sequence[str], numbers: Mapping[str, float], told: str
) -> list[OfKind]:
    wrong = [
        _wrong(told, label(model), name, cell)
        for model, cell in zip(wide.models, cells, strict=True)
        if folded(cell) not in BLANK and cell not in numbers
    ]
    if wrong:
        return wrong
    low, high = min(numbers.values()), max(numbers.values())
    top = next((top for top in TOPS if high <= top), None)
    if top is None or low < -top:
        wide.notes.append(f"{told} goes from {low:g} to {high:g}, which is not a range of scores: left out")
        return []
    marks = {cell for cell in cells if cell and cell not in numbers}
    if marks:
        wide.notes.append(
            f"{told}: {' and '.join(sorted(map(shown, marks)))} are blank: missing or failed cannot be told"
        )
    wide.scores[name] = [cell if cell in numbers else "" for cell in cells]
    wide.tops[name] = top
    if low < 0:
        wide.lows[name] = -top
    return []


def _wrong(told: str, model: str, name: str, cell: str) -> OfKind:
    """Return what is wrong with a cell that holds no score."""
    remedy = _remedy(cell)
    place = f" ({cell.partition(IN_CELL)[2]})" if _is_error(cell) and IN_CELL in cell else ""
    return OfKind(f"{told} of {model} is {_seen(cell)}: {remedy}", remedy, f"{label(name)} of {model}{place}", name)


def _seen(cell: str) -> str:
    text, between, place = cell.partition(IN_CELL) if _is_error(cell) else (cell, "", "")
    return f"{shown(text)}{between}{place}"


def _remedy(cell: str) -> str:
    if _is_error(cell):
        return ERROR
    if parts := PARTS.fullmatch(cell):
        return f"several numbers in one cell: split it at {parts[1] or parts[2]!r}, one column for each"
    problem = parse_number(cell)
    return problem if isinstance(problem, str) else "expected a number"


def unit_notes(wide: Wide, where: str) -> Iterator[str]:
    """Yield how the columns are scaled, a line for each largest score possible."""
    for top, names in grouped(wide.tops, lambda name: wide.tops[name]).items():
        yield f"{where}: max_score {top:g}, by their values, for {listed(names)}"
    if wide.lows:
        yield f"{where}: scores below zero, so min_score is below zero, for {listed(list(wide.lows))}"
