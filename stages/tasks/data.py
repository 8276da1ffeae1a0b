"""The rows of a benchmark: what is evaluated, what the prompts' examples come from, and where both were read."""

import hashlib
import json
import os
from collections.abc import Iterable

from stages.contracts.errors import InputError
from stages.tasks.registry import TASKS
from stages.tasks.rows import Data, DataRecord, FileRecord, Row
from stages.tasks.sources import File, locate


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
    test, pool = TASKS[benchmark].split(benchmark, parts)
    if not test:
        raise InputError([f"{benchmark}: no items in {', '.join(str(file.path) for file in files)}"])
    return Data(test, pool, _record(benchmark, files, test, pool))


def describe(benchmark: str, data_dir: str | os.PathLike[str] | None = None) -> DataRecord:
    """Return what `load` would read, without keeping the rows."""
    return load(benchmark, data_dir).record


def read(benchmark: str, file: File) -> list[Row]:
    """Return the rows of one file of a benchmark.

    Raises:
        InputError: The file is not in the publisher's format.
    """
    try:
        return list(TASKS[benchmark].read(file))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, SyntaxError, OSError, StopIteration) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            [f"{benchmark}: {file.path} is not as published at {file.source.url} ({reason[:120]})"]
        ) from error


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
