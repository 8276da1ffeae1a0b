"""What the gate expects of its tables, as plain data.

Every expectation follows from a declaration: columns of a `Table`, the range of a benchmark, the list of
checks. `stages.gate.data_docs` hands them to Great Expectations. That package is not imported here, because its
import takes seconds and most commands do without it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from stages.contracts.csv.schema import Column, Table

INTEGER_TYPES = ("int64", "Int64Dtype")
"""Names under which Great Expectations knows the column types that hold whole numbers only."""

NUMBER_TYPES = ("float64", *INTEGER_TYPES)
"""The same for numbers. Booleans are not among them: they would pass a range from 0 to 1."""

FINDINGS_COLUMNS = ("check", "title", "errors", "warnings", "waived", "corrected", "detail")
"""Columns of the summary that the gate writes, one row per check."""


@dataclass(frozen=True)
class Expectation:
    """One statement about a table that is true or false.

    Attributes:
        kind: Class name in `great_expectations.expectations`.
        column: Column it speaks about; None for the whole table.
        arguments: Further arguments of that class, plain data.
        note: The rule in words, without the name of the column. Shown when it is broken.
    """

    kind: str
    column: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Suite:
    """A table and what it must fulfil.

    Attributes:
        name: Letters, digits, `_` and `-`; also the file name of its page.
        frame: The table. Its first column names the rows in messages.
        expectations: At least one.
    """

    name: str
    frame: pd.DataFrame
    expectations: Sequence[Expectation]


def models_expectations(table: Table, frame_columns: Sequence[str]) -> list[Expectation]:
    """Return what the declarations of a table say about a frame read from it.

    Args:
        table: Contract of the file. A column that is neither required nor present is left out.
        frame_columns: Headers of the frame; only consulted for optional columns.
    """
    columns = [column for column in table.columns if column.required or column.name in frame_columns]
    names = [column.name for column in columns]
    expectations = [
        Expectation(
            "ExpectTableColumnsToMatchSet",
            arguments={"column_set": names, "exact_match": True},
            note="the columns are those of the contract",
        ),
        Expectation("ExpectTableColumnCountToEqual", arguments={"value": len(names)}, note=f"{len(names)} columns"),
        _key(table.key),
    ]
    if not table.may_be_empty:
        expectations.append(
            Expectation("ExpectTableRowCountToBeBetween", arguments={"min_value": 1}, note="at least one row")
        )
    for column in columns:
        expectations += _column(column)
    return expectations


def matrix_expectations(
    ranges: Mapping[str, tuple[float, float]], models: Sequence[str], allow_missing: bool
) -> list[Expectation]:
    """Return what the score matrix must fulfil.

    The matrix is a frame of shape (n_models, 1 + n_benchmarks) whose first column is `model_id`.

    Args:
        ranges: Benchmark to its lowest and highest possible score, both allowed, in column order.
        models: Identifiers of the models that must each have one row.
        allow_missing: Whether a score may be missing. A missing score passes every range, so the two are
            always asked together.
    """
    expectations = [
        _columns_in_order(["model_id", *ranges]),
        *_rows("model_id", models, "one row for each model of the state"),
    ]
    for benchmark, (low, high) in ranges.items():
        if not allow_missing:
            expectations.append(_filled(benchmark, "no score is missing"))
        expectations += [
            _typed(benchmark, NUMBER_TYPES),
            Expectation(
                "ExpectColumnValuesToBeBetween",
                benchmark,
                {"min_value": low, "max_value": high},
                f"every score lies in [{low:g}, {high:g}]",
            ),
        ]
    return expectations


def findings_expectations(checks: Sequence[str]) -> list[Expectation]:
    """Return what the summary of the gate's own checks must fulfil: all of them ran and none has an error.

    Args:
        checks: Names of all checks that the gate declares. The summary has `FINDINGS_COLUMNS` and one row
            for each.
    """
    counts = [
        expectation
        for column in ("warnings", "waived", "corrected")
        for expectation in (
            _filled(column, "is counted"),
            Expectation("ExpectColumnValuesToBeBetween", column, {"min_value": 0}, "is a count"),
        )
    ]
    return [
        _columns_in_order(FINDINGS_COLUMNS),
        *_rows("check", checks, "one row for each check of the gate"),
        _filled("errors", "is counted"),
        Expectation("ExpectColumnValuesToBeInSet", "errors", {"value_set": [0]}, "no error is left"),
        *counts,
    ]


def _columns_in_order(names: Sequence[str]) -> Expectation:
    """Exactly these columns, in this order."""
    return Expectation(
        "ExpectTableColumnsToMatchOrderedList",
        arguments={"column_list": list(names)},
        note="the columns are the declared ones, in declared order",
    )


def _rows(column: str, names: Sequence[str], note: str) -> list[Expectation]:
    """Exactly these row names, each once, in any order."""
    return [
        Expectation("ExpectTableRowCountToEqual", arguments={"value": len(names)}, note=note),
        _filled(column, "every row has a name"),
        Expectation("ExpectColumnValuesToBeUnique", column, note="no row occurs twice"),
        Expectation("ExpectColumnDistinctValuesToContainSet", column, {"value_set": list(names)}, note),
        _choice(column, list(names), "is one of the declared names"),
    ]


def _key(columns: Sequence[str]) -> Expectation:
    """No two rows share the joint value of these columns."""
    note = "no two rows share a key"
    if len(columns) == 1:
        return Expectation("ExpectColumnValuesToBeUnique", columns[0], note=note)
    arguments = {"column_list": list(columns)}
    return Expectation("ExpectCompoundColumnsToBeUnique", arguments=arguments, note=note)


def _column(column: Column) -> list[Expectation]:
    """All that the declaration of one column says about its cells."""
    expectations = [] if column.blank else [_filled(column.name, "no cell is blank")]
    if column.kind in {"number", "integer"}:
        types = INTEGER_TYPES if column.kind == "integer" else NUMBER_TYPES
        return [*expectations, _typed(column.name, types), _bounds(column)]
    if column.kind == "flag":
        allowed: list[object] = [True, False]
        return [*expectations, _choice(column.name, allowed, "is true or false")]
    if column.kind == "choice":
        note = f"is one of {', '.join(column.choices)}"
        return [*expectations, _choice(column.name, list(column.choices), note)]
    expectations.append(_typed(column.name, ("str",)))
    if not column.blank:
        expectations.append(
            Expectation("ExpectColumnValuesToMatchRegex", column.name, {"regex": r"\S"}, "is not only spaces")
        )
    return expectations


def _filled(column: str, note: str) -> Expectation:
    """No cell is missing. Ranges and value sets skip missing cells, so this one goes with them."""
    return Expectation("ExpectColumnValuesToNotBeNull", column, note=note)


def _typed(column: str, types: Sequence[str]) -> Expectation:
    """The cells are stored as one of these types."""
    arguments = {"type_list": list(types)}
    note = f"is stored as {' or '.join(types)}"
    return Expectation("ExpectColumnValuesToBeInTypeList", column, arguments, note)


def _choice(column: str, allowed: list[object], note: str) -> Expectation:
    """Every cell that is filled holds one of these values."""
    return Expectation("ExpectColumnValuesToBeInSet", column, {"value_set": allowed}, note)


def _bounds(column: Column) -> Expectation:
    """Finite, and within the declared bounds; `above` is exclusive and wins over `low`."""
    low = column.above if column.above is not None else column.low
    arguments = {
        "min_value": -math.inf if low is None else low,
        "strict_min": low is None or column.above is not None,
        "max_value": math.inf if column.high is None else column.high,
        "strict_max": column.high is None,
    }
    words = ["is a finite number"]
    if low is not None:
        words.append(f"{'above' if column.above is not None else 'of at least'} {low:g}")
    if column.high is not None:
        words.append(f"{'and ' if low is not None else ''}of at most {column.high:g}")
    return Expectation("ExpectColumnValuesToBeBetween", column.name, arguments, " ".join(words))
