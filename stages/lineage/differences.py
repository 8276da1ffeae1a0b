"""Differences between two tables or two nested records, number by number."""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeGuard

import pandas as pd

from stages.contracts.rows import is_missing
from stages.lineage.pipeline import flatten

RELATIVE = 1e-9
"""Larger than differences of rounding, smaller than any that matters."""


class Difference(NamedTuple):
    """One place where two results differ.

    Attributes:
        place: Row and column, or dotted name.
        first: Its value in the first, None where the first has no such place.
        second: Likewise in the second.
    """

    place: str
    first: object
    second: object

    @property
    def size(self) -> float:
        """How far the values are apart: infinitely where one is missing or not a number."""
        if not (_is_number(self.first) and _is_number(self.second)):
            return math.inf
        distance = abs(self.first - self.second)
        return math.inf if math.isnan(distance) else distance


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_close(first: object, second: object, relative: float = RELATIVE) -> bool:
    """Return whether two values agree: numbers up to a relative tolerance, missing ones with each other.

    Args:
        first: A value of a table.
        second: Likewise.
        relative: Largest difference allowed, as a share of the larger number; 0 for the same number.
    """
    if is_missing(first) or is_missing(second):
        return is_missing(first) and is_missing(second)
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if not (_is_number(first) and _is_number(second)):
        return bool(first == second)
    return math.isclose(first, second, rel_tol=relative, abs_tol=1e-3 * relative)


def table_differences(first: pd.DataFrame, second: pd.DataFrame, relative: float = RELATIVE) -> Iterator[Difference]:
    """Yield the cells in which two tables differ, and the rows and columns that only one has.

    Args:
        first: Any table.
        second: Likewise, with the rows in the same order.
        relative: See `is_close`.
    """
    for column in [*first.columns, *(name for name in second.columns if name not in first.columns)]:
        if column not in first.columns or column not in second.columns:
            yield Difference(f"column {column}", *_presence(column in first.columns))
    rows, others = _labels(first), _labels(second)
    if rows != others:
        yield from (Difference(f"row {label}", *_presence(present=True)) for label in rows if label not in others)
        yield from (Difference(f"row {label}", *_presence(present=False)) for label in others if label not in rows)
    shared = [column for column in first.columns if column in second.columns]
    positions = {label: i for i, label in enumerate(others)}
    for column in shared:
        ours, theirs = first[column].tolist(), second[column].tolist()
        for i, label in enumerate(rows):
            if label not in positions:
                continue
            pair = ours[i], theirs[positions[label]]
            if not is_close(*pair, relative):
                yield Difference(f"{label} {column}", *pair)


def _presence(present: bool) -> tuple[object, object]:
    return ("present", None) if present else (None, "present")


def _labels(table: pd.DataFrame) -> list[str]:
    """Return a label of each row: its texts, or its position where it has none or they are not unique."""
    frame = table if isinstance(table.index, pd.RangeIndex) else table.reset_index()
    texts = [
        name for name in frame.columns if frame[name].dtype.kind not in "fiub" and str(frame[name].dtype) != "Int64"
    ]
    labels = [""] * len(frame)
    for name in texts:
        values = ["" if pd.isna(value) else str(value) for value in frame[name].tolist()]
        labels = [f"{label}:{value}" if label else value for label, value in zip(labels, values, strict=True)]
        if len(set(labels)) == len(labels):
            return labels
    return [f"row {i + 1}" for i in range(len(frame))]


def record_differences(
    first: Mapping[str, object], second: Mapping[str, object], relative: float = RELATIVE
) -> Iterator[Difference]:
    """Yield the leaves in which two nested mappings differ, as `table_differences` does."""
    ours, theirs = dict(flatten("", first)), dict(flatten("", second))
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        if name not in ours or name not in theirs:
            yield Difference(name, ours.get(name), theirs.get(name))
        elif not _equal(ours[name], theirs[name], relative):
            yield Difference(name, ours[name], theirs[name])


def _equal(first: object, second: object, relative: float) -> bool:
    if isinstance(first, list) or isinstance(second, list):
        return first == second
    return is_close(first, second, relative)
