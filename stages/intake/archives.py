"""Logs of inspect as files: `.eval`, a zip file whose members may be compressed by Zstandard, and `.json`."""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.contracts.errors import InputError
from stages.intake.jsons import mapping, parse, read_lines, read_object, sequence

SUFFIX = ".eval"
HEADER, SAMPLES = "header.json", "samples/"
STORED, DEFLATED, ZSTANDARD = 0, 8, 93
"""Methods by which members of a zip file are compressed."""


def sample_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the samples of a file: of JSON Lines its lines, of a log of inspect its samples.

    Raises:
        InputError: It cannot be read.
    """
    if path.suffix == ".jsonl":
        yield from read_lines(path)
    else:
        yield from samples_of(path)


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member of a zip file, also where it is compressed by Zstandard.

    Raises:
        ValueError: It is compressed in yet another way.
    """
    if info.compress_type in {STORED, DEFLATED}:
        return archive.read(info)
    if info.compress_type != ZSTANDARD or archive.fp is None:
        raise ValueError(f"{info.filename} is compressed by method {info.compress_type}")
    import pyarrow as pa  # 0.2 s that only such a file costs

    # Python 3.11 knows the method by its number only: the bytes follow the local header, 30 bytes and two texts long
    archive.fp.seek(info.header_offset)
    header = archive.fp.read(30)
    archive.fp.seek(sum(struct.unpack("<HH", header[26:30])), 1)
    packed = archive.fp.read(info.compress_size)
    with pa.input_stream(pa.BufferReader(packed), compression="zstd") as stream:
        return bytes(stream.read())


def read_log(path: Path) -> dict[str, Any]:
    """Read a log without its samples.

    Raises:
        InputError: It cannot be read.
    """
    if path.suffix != SUFFIX:
        return read_object(path)
    with _opened(path) as archive:
        content = _parsed(path, archive, archive.getinfo(HEADER)) if HEADER in archive.namelist() else None
    if not isinstance(content, dict):
        raise InputError([f"{path}: no {HEADER} in it: the evaluation did not finish, run it again"])
    return content


def samples_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the samples of a log.

    Raises:
        InputError: It cannot be read.
    """
    if path.suffix != SUFFIX:
        yield from (dict(mapping(sample)) for sample in sequence(read_object(path).get("samples")))
        return
    with _opened(path) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            if info.filename.startswith(SAMPLES):
                yield dict(mapping(_parsed(path, archive, info)))


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError):
        raise InputError([f"{path}: no zip file, or cut short: copy it again"]) from None


def _parsed(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:  # noqa: ANN401 (JSON)
    try:
        return parse(member(archive, info))
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError([f"{path}: {info.filename} cannot be read ({error}): copy it again"]) from None
