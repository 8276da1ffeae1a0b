"""Rows of plain values: what a benchmark's files are read into, and the formats that files share.

A row has an "id" and the columns that prompts and metrics need.
"""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.contracts.errors import InputError
from stages.tasks.files import File

Row = dict[str, Any]
Metadata = Mapping[str, Any]
"""What lm-eval collects: the task's version, the model's arguments."""

Turns = Sequence[tuple[str, str]]
"""Examples of a prompt as questions and answers, and last the question, with the answer ""."""


@dataclass(frozen=True)
class FileRecord:
    """One file that was read: what it is to the reader, its name, where it was taken from, its SHA-256."""

    key: str
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
        sha256: SHA-256 of the checksums of its files.
        files: One record for each file.
    """

    benchmark: str
    source: str
    revision: str
    sha256: str
    files: tuple[FileRecord, ...]

    def checksums(self) -> dict[str, str]:
        """Return what each file is to the reader, to its SHA-256; the same in whatever folder it lies."""
        return {file.key: file.sha256 for file in self.files}


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


def _content(file: File) -> bytes:
    """Return the bytes of a file.

    Raises:
        InputError: They are not those whose checksum was taken.
    """
    content = file.path.read_bytes()
    if file.sha256 and hashlib.sha256(content).hexdigest() != file.sha256:
        raise InputError([f"{file.path} changed while it was read: run the same command again"])
    return content


def text_of(file: File) -> str:
    """Return the content of a file, unpacked."""
    content = _content(file)
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

        return list(pyarrow.parquet.read_table(io.BytesIO(_content(file))).to_pylist())
    if file.path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text_of(file), newline="")))
    return [dict(json.loads(line)) for line in lines(file)]
