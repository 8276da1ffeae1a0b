"""JSON as other tools write it: with NaN and Infinity, and files that may be cut short."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from stages.contracts.errors import InputError


def parse(data: bytes) -> Any:  # noqa: ANN401 (JSON)
    """Return what JSON text holds, NaN and Infinity included, as Python's own writer lets them through.

    Raises:
        ValueError: It is not JSON in UTF-8.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        InputError: It does not hold a JSON object.
    """
    try:
        content = parse(path.read_bytes())
    except ValueError as error:
        raise InputError([f"{path}: not JSON in UTF-8 ({error}): is the file whole? Copy it again"]) from None
    if not isinstance(content, dict):
        raise InputError([f"{path}: expected one JSON object, found a {type(content).__name__}"])
    return content


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file with one JSON object per line; blank lines are ignored.

    Raises:
        InputError: A line does not hold a JSON object.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = parse(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise InputError([f"{path}: line {number} is not a JSON object: is the file cut short? Copy it again"])
            yield row


def mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, and anything else as one without entries."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """Return a list as it is, and anything else as an empty one."""
    return value if isinstance(value, list) else ()


def number(value: object) -> float | None:
    """Return a finite number, None for anything else: true, "N/A", NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(float(value)) < float("inf") else None


def text(value: object) -> str:
    """Return a text or number as text, "" for anything else."""
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, str | int | float) else ""
