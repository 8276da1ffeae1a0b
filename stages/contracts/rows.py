"""The rows of a frame, with the types that its columns are known to have."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import pandas as pd

R = TypeVar("R", bound=NamedTuple)


def rows_of(frame: pd.DataFrame, kind: type[R]) -> Iterator[R]:
    """Yield the rows of a frame as records.

    Args:
        frame: Any frame with a column for each field; other columns are ignored. One without rows needs none.
        kind: A NamedTuple; its annotations say what the columns hold.

    Raises:
        KeyError: A column is missing.
    """
    if frame.empty:
        return iter(())
    return map(kind._make, zip(*(frame[name] for name in kind._fields), strict=True))


def is_missing(value: object) -> bool:
    """Return whether a cell of any type is None, NaN or NA."""
    return value is None or value is pd.NA or value != value


def texts(labels: Iterable[object]) -> list[str]:
    """Return row or column labels, which pandas takes for any hashable, as the text that they are here."""
    return [str(label) for label in labels]
