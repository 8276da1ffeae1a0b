"""Rows of plain values: what a benchmark's files are read into, and the formats that files share.

A row has an "id" and the columns that prompts and metrics need.
"""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.tasks.sources import File

Row = dict[str, Any]
Metadata = Mapping[str, Any]
"""What lm-eval collects: the task's version, the model's arguments."""

Turns = Sequence[tuple[str, str]]
"""Examples of a prompt as questions and answers, and last the question, with the answer ""."""


@dataclass(frozen=True)
class FileRecord:
    """One file that was read: its name, where it was taken from, the SHA-256 of its bytes."""

    name: str
    origin: str
    sha256: str


@dataclass(frozen=True)
class DataRecord:
    """What was read for a benchmark.

    Attributes:
        benchmark: Its name.
        source: Folders, or addresses up to the file name, joined by " ".
        revision: Addresses of the publishers' revisions whose content was read; "" where local files are not known
            to be that.
        sha256: Of the rows used, evaluated and exemplary, in their order.
        n_items: Evaluated rows.
        files: One record for each file.
    """

    benchmark: str
    source: str
    revision: str
    sha256: str
    n_items: int
    files: tuple[FileRecord, ...]


@dataclass(frozen=True)
class Data:
    """A benchmark's rows.

    Attributes:
        test: Evaluated rows, in the publisher's order or that of its split.
        pool: Rows that examples are taken from; empty for benchmarks without examples or with test rows as such.
        record: Where they were read.
    """

    test: list[Row]
    pool: list[Row]
    record: DataRecord


def text_of(file: File) -> str:
    """Return the content of a file, unpacked."""
    content = file.path.read_bytes()
    if file.source.name.endswith(".gz"):
        content = gzip.decompress(content)
    return content.decode("utf-8-sig")


def lines(file: File) -> list[str]:
    """Return the lines that are not blank."""
    # Not str.splitlines: that also breaks at U+2028 and U+0085, which occur within items.
    return [line for line in text_of(file).split("\n") if line.strip()]


def records(file: File) -> list[Row]:
    """Return the rows of JSON lines, or of the parquet or CSV file that the same set is published as."""
    if file.path.suffix == ".parquet":
        import pyarrow.parquet

        return list(pyarrow.parquet.read_table(file.path).to_pylist())
    if file.path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text_of(file), newline="")))
    return [dict(json.loads(line)) for line in lines(file)]
