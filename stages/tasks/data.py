"""The rows of a benchmark: what is evaluated, what the prompts' examples come from, and where both were read."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass

from stages.contracts.errors import InputError
from stages.tasks.readers import Row, read
from stages.tasks.sources import File, locate
from stages.tasks.splits import fixed_pool, jmmlu_split


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


def load(benchmark: str, data_dir: str | os.PathLike[str] | None = None) -> Data:
    """Read a benchmark from a local folder, or from the publishers' pinned files.

    Args:
        benchmark: A name of the registry.
        data_dir: Folders joined by `os.pathsep`, searched in turn; None takes `OBSERVATORY_DATA_DIR`, and
            without that the published files.

    Raises:
        InputError: Files are missing or not as published.
    """
    files = locate(benchmark, data_dir)
    parts = {file.source.key: read(benchmark, file) for file in files}
    test, pool = _split(benchmark, parts)
    if not test:
        raise InputError([f"{benchmark}: no items in {', '.join(str(file.path) for file in files)}"])
    return Data(test, pool, _record(benchmark, files, test, pool))


def describe(benchmark: str, data_dir: str | os.PathLike[str] | None = None) -> DataRecord:
    """Return what `load` would read, without keeping the rows."""
    return load(benchmark, data_dir).record


def _split(benchmark: str, parts: dict[str, list[Row]]) -> tuple[list[Row], list[Row]]:
    """Return evaluated rows and examples, from the rows of each file."""
    match benchmark:
        case "jcommonsenseqa" | "jemhopqa" | "niilc" | "jsquad":
            return parts["test"], fixed_pool(parts["train"])
        case "jmmlu":
            pool, test = jmmlu_split(parts)
            return test, pool
        case "bbh":
            return [row for rows in parts.values() for row in rows], []
        case "wmt20_en_ja" | "wmt20_ja_en":
            return _pairs(benchmark, parts["source"], parts["reference"]), []
        case _:
            return parts["test"], parts.get("train", [])


def _pairs(benchmark: str, sources: list[Row], references: list[Row]) -> list[Row]:
    if len(sources) != len(references):
        raise InputError([f"{benchmark}: {len(sources)} source lines, but {len(references)} reference lines"])
    return [
        {"id": source["id"], "source": source["text"], "reference": reference["text"]}
        for source, reference in zip(sources, references, strict=True)
    ]


def _record(benchmark: str, files: list[File], test: list[Row], pool: list[Row]) -> DataRecord:
    published = [file.source.url.rpartition("/")[0] for file in files]
    fetched = [file.origin == file.source.url for file in files]
    known = all(f or file.sha256 == file.source.sha256 for f, file in zip(fetched, files, strict=True))
    places = [url if f else file.origin for f, file, url in zip(fetched, files, published, strict=True)]
    return DataRecord(
        benchmark=benchmark,
        source=" ".join(dict.fromkeys(places)),
        revision=" ".join(dict.fromkeys(published)) if known else "",
        sha256=_digest([*test, {"examples": len(pool)}, *pool]),
        n_items=len(test),
        files=tuple(FileRecord(f.source.name, f.origin, f.sha256) for f in files),
    )


def _digest(rows: Iterable[Row]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, ensure_ascii=False, sort_keys=True).encode("utf-8") + b"\n")
    return digest.hexdigest()
