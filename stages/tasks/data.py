"""The rows of a benchmark: what is evaluated, what the prompts' examples come from, and where both were read."""

import hashlib
import json
import os
from collections.abc import Sequence

from stages.contracts.errors import InputError
from stages.tasks.files import File, here, locate
from stages.tasks.registry import TASKS
from stages.tasks.rows import Data, DataRecord, FileRecord, Row


def load(benchmark: str, data_dir: str | os.PathLike[str] | None = None, sha256: str | None = None) -> Data:
    """Read a benchmark from local folders, or from the publishers' pinned files.

    Args:
        benchmark: A name of the registry.
        data_dir: Folders joined by `os.pathsep`, searched in turn; None takes `OBSERVATORY_DATA_DIR`. What none of
            them has is published.
        sha256: What `describe` returned; None where it was not called.

    Raises:
        InputError: Files are missing, not as published, or others than those that were described.
    """
    files = locate(benchmark, data_dir)
    record = _record(benchmark, files)
    if sha256 not in {None, record.sha256}:
        raise InputError([f"{benchmark}: its files changed since the evaluation began: run it again"])
    parts = {file.source.key: read(benchmark, file) for file in files}
    test, pool = TASKS[benchmark].split(benchmark, parts)
    if not test:
        raise InputError([f"{benchmark}: no items in {', '.join(str(file.path) for file in files)}"])
    return Data(test, pool, record)


def describe(benchmark: str, data_dir: str | os.PathLike[str] | None = None) -> DataRecord:
    """Return what `load` would read, without reading more than checksums want."""
    return _record(benchmark, locate(benchmark, data_dir))


def describe_here(benchmark: str, data_dir: str | os.PathLike[str] | None = None) -> DataRecord | None:
    """Return what `load` would read where it is on this machine, else None."""
    files = here(benchmark, data_dir)
    return None if files is None else _record(benchmark, files)


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


def _record(benchmark: str, files: Sequence[File]) -> DataRecord:
    published = [file.source.url.rpartition("/")[0] for file in files]
    fetched = [file.origin == file.source.url for file in files]
    places = [url if f else file.origin for f, file, url in zip(fetched, files, published, strict=True)]
    records = tuple(FileRecord(f.source.key, f.name, f.origin, f.sha256) for f in files)
    checksums = json.dumps({file.key: file.sha256 for file in records}, sort_keys=True)
    return DataRecord(
        benchmark=benchmark,
        source=" ".join(dict.fromkeys(places)),
        revision=" ".join(dict.fromkeys(published)) if all(file.published for file in files) else "",
        sha256=hashlib.sha256(checksums.encode()).hexdigest(),
        files=records,
    )
