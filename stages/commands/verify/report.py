"""What the checks of `observatory verify` find."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd


@dataclass
class Report:
    """Result of `verify`, filled check by check.

    Attributes:
        mismatches: One line for each thing that is not what it should be, with both hashes or values.
        notes: One line for each thing worth knowing that is not a mismatch, or that could not be checked.
        counts: What was compared, to how many of it.
    """

    mismatches: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether everything is what it should be."""
        return not self.mismatches

    def text(self) -> Iterator[str]:
        """Yield notes, mismatches and what was compared."""
        yield from (f"note: {line}" for line in self.notes)
        yield from self.mismatches
        counted = ", ".join(f"{number} {what}" for what, number in self.counts.items())
        yield f"{len(self.mismatches)} mismatches; compared: {counted}"

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        return {"mismatches": self.mismatches, "notes": self.notes, "compared": self.counts}

    def add(self, lines: Iterable[str]) -> None:
        """Add mismatches, each once."""
        known = set(self.mismatches)
        for line in lines:
            if line not in known:
                known.add(line)
                self.mismatches.append(line)

    def count(self, what: str, number: int) -> None:
        """Add to a count."""
        self.counts[what] = self.counts.get(what, 0) + number


def read_csv(path: Path) -> pd.DataFrame:
    """Read a table of results; one without columns has no rows either."""
    return pd.read_csv(path) if path.read_bytes().strip() else pd.DataFrame()


TABLES: Mapping[str, Callable[[Path], pd.DataFrame]] = {".csv": read_csv, ".parquet": pd.read_parquet}
"""Suffix of a table to what reads it."""
