"""What the two jails of the sandbox say to each other: frames of JSON that carry plain data and nothing else.

The jail that runs generated code is not trusted, so the reader builds only builtin values out of a frame. No
class, no code and no overloaded operator crosses: an object that claims to equal everything arrives as an
object that equals nothing but itself. `pickle` and `marshal` would not do, since a hostile writer can make
both of them run code or crash the reader.

This file also runs inside the jails, so it imports the standard library only.
"""

import errno
import json
import os
import random
import resource
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

HEADER = 4
"""Bytes of the big-endian length in front of each frame."""
OPEN_FILES = 32


class ClosedError(Exception):
    """The other side has gone."""


class Opaque:
    """Stands for a value that is not plain data. It equals only itself and supports no operation."""


def confine(memory_bytes: int) -> None:
    """Give up, for good, what the jail itself does not take away, and make `random` repeatable.

    Args:
        memory_bytes: Address space of this process. It cannot start another one, so this bounds the jail.
    """
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.close(silence)
    # The kernel takes a core limit of 1 to mean "no dump at all"; 0 would still feed a piped core handler.
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 1),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(limit, (value, value))
    random.seed(0)


def dump(message: dict[str, object]) -> bytes:
    """Return the message as the body of a frame."""
    return json.dumps(message).encode("ascii")


def send(fd: int, body: bytes) -> None:
    """Write one frame.

    Raises:
        ClosedError: The reader has gone.
    """
    left = memoryview(len(body).to_bytes(HEADER, "big") + body)
    try:
        while left:
            left = left[os.write(fd, left) :]
    except BrokenPipeError as error:
        raise ClosedError from error


def receive(fd: int, most_bytes: int) -> dict[str, Any]:
    """Read one frame.

    Raises:
        ClosedError: The writer has gone.
        ValueError: The frame is longer than `most_bytes`, or not a JSON object.
    """
    size = int.from_bytes(_read(fd, HEADER), "big")
    if size > most_bytes:
        raise ValueError(f"a frame of {size} bytes, at most {most_bytes} are taken")
    message = json.loads(_read(fd, size))
    if not isinstance(message, dict):
        raise ValueError("a frame must be a JSON object")
    return message


def _read(fd: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(fd, min(size - len(parts), 1 << 16))
        if not part:
            raise ClosedError
        parts += part
    return bytes(parts)


def _pack_each(values: Any) -> object:  # noqa: ANN401  any iterable of any values
    return [encode(value) for value in values]


# Order matters: the first type that fits wins. Subclasses travel as their base (a Counter as a dict, a named
# tuple as a tuple), which compares equal just as they would.
_PACKERS: tuple[tuple[type, str, Callable[[Any], object]], ...] = (
    (tuple, "tuple", _pack_each),
    (dict, "dict", lambda value: _pack_each(value.items())),
    (set, "set", _pack_each),
    (frozenset, "frozenset", _pack_each),
    (bytes, "bytes", bytes.hex),
    (complex, "complex", lambda value: [value.real, value.imag]),
    (range, "range", lambda value: _pack_each((value.start, value.stop, value.step))),
    (deque, "deque", _pack_each),
    (type({}.keys()), "keys", _pack_each),
    (type({}.values()), "values", _pack_each),
    (type({}.items()), "items", _pack_each),
)


def encode(value: object) -> object:
    """Return plain data as JSON values: scalars and lists as they are, all else as `{type: content}`.

    An iterator (a generator, a `map`) is drained. A value that is not plain data becomes an `Opaque`.
    """
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 64 else {"int": hex(value)}
    if isinstance(value, list):
        return _pack_each(value)
    for kind, name, pack in _PACKERS:
        if isinstance(value, kind):
            return {name: pack(value)}
    return _encode_rest(value)


def _encode_rest(value: object) -> object:
    if hasattr(type(value), "__next__"):
        return {"iterator": _pack_each(value)}
    for module, name in (("decimal", "Decimal"), ("fractions", "Fraction")):
        # Such a number exists only where its module is loaded: importing it here would slow every start.
        if module in sys.modules and isinstance(value, getattr(sys.modules[module], name)):
            return {name: str(value)}
    return {"opaque": None}


def _decimal(text: str) -> object:
    from decimal import Decimal

    return Decimal(text)


def _fraction(text: str) -> object:
    from fractions import Fraction

    return Fraction(text)


_UNPACKERS: dict[str, Callable[[Any], object]] = {
    "tuple": lambda body: tuple(_each(body)),
    "dict": lambda body: dict(_pairs(body)),
    "set": lambda body: set(_each(body)),
    "frozenset": lambda body: frozenset(_each(body)),
    "bytes": bytes.fromhex,
    "complex": lambda body: complex(*body),
    "range": lambda body: range(*map(_whole, _each(body))),
    "deque": lambda body: deque(_each(body)),
    "keys": lambda body: dict.fromkeys(_each(body)).keys(),
    "values": lambda body: dict(enumerate(_each(body))).values(),
    "items": lambda body: dict(_pairs(body)).items(),
    "iterator": lambda body: iter(_each(body)),
    "int": lambda body: int(body, 16),
    "Decimal": _decimal,
    "Fraction": _fraction,
    "opaque": lambda body: Opaque(),
}


def decode(data: object) -> object:
    """Return the value that `encode` was given.

    Raises:
        KeyError, TypeError, ValueError: `encode` cannot have written this.
    """
    if isinstance(data, list):
        return _each(data)
    if isinstance(data, dict):
        ((name, body),) = data.items()
        return _UNPACKERS[name](body)
    return data


def _each(body: list[object]) -> list[object]:
    return [decode(item) for item in body]


def _pairs(body: list[object]) -> list[tuple[object, object]]:
    pairs = []
    for item in body:
        pair = decode(item)
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise ValueError("a dict holds pairs")
        pairs.append(pair)
    return pairs


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("a range is made of whole numbers")
    return value


def outcome_of(error: BaseException) -> str:
    """Return the outcome that an exception stands for: failed, memory, forbidden or error.

    In a jail without network, files and the right to start processes a system call that fails is one that
    the jail denied. That makes every `OSError` that carries an error number `forbidden` (`memory` where the
    number says that memory ran out), also where it was the cause of the exception that came out.
    """
    if isinstance(error, AssertionError):
        return "failed"
    if isinstance(error, MemoryError):
        return "memory"
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        if isinstance(link, OSError) and link.errno is not None:
            return "memory" if link.errno == errno.ENOMEM else "forbidden"
        if isinstance(link, RuntimeError) and str(link) == "can't start new thread":
            return "forbidden"
        seen.add(id(link))
        link = link.__cause__ or link.__context__
    return "error"
