"""What a CSV table must contain, declared as data."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "integer", "choice", "flag", "date"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Header.
        kind: `number` is a plain finite decimal, `integer` a plain whole number, `flag` is `true` or `false`,
            `date` is YYYY-MM-DD and stays text.
        blank: Whether a cell may be empty. An empty number is missing, never zero.
        required: Whether the header must be there. A missing optional column reads as all blank.
        low: Smallest number allowed, in the unit of the column.
        high: Largest number allowed.
        above: The number must be strictly greater than this.
        choices: Values allowed for a `choice`.
    """

    name: str
    kind: Kind = "text"
    blank: bool = False
    required: bool = True
    low: float | None = None
    high: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One CSV file of a study.

    Attributes:
        file: File name inside the study's folder.
        columns: Its columns; order in the file is free, other columns are refused.
        key: Columns whose joint value names a row; two rows with one key are refused.
        optional: Whether a study may leave the file out.
        may_be_empty: Whether a header without rows is a valid table.
        wide: Whether its columns, but for the key, are the benchmarks of the study.
    """

    file: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    optional: bool = False
    may_be_empty: bool = False
    wide: bool = False

    @property
    def names(self) -> list[str]:
        """Headers in declared order."""
        return [column.name for column in self.columns]
