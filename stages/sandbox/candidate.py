"""The untrusted side of the sandbox: runs a generated program and answers calls of its entry point.

It never sees the test. Whatever the program does to this process (replaced builtins, frames, file
descriptors, an early exit), the worst that it can say to the judge is another value, another exception or
nothing.
"""

import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from stages.sandbox.wire import ClosedError, confine, decode, dump, encode, outcome_of, receive, send

_REQUEST_BYTES = 1 << 31
"""Requests come from the trusted side: the bound is that of the frame."""


def _load(source: str, name: str) -> Callable[..., object]:
    """Run the program as a module and return its entry point."""
    module = ModuleType("program")
    sys.modules["program"] = module  # dataclasses and typing look a class's module up by its name
    exec(compile(source, "program", "exec", dont_inherit=True), module.__dict__)
    if name not in module.__dict__:
        raise NameError(f"name {name!r} is not defined")
    function: Callable[..., object] = module.__dict__[name]
    return function


def _describe(error: BaseException) -> dict[str, object]:
    """Return what the judge needs in order to raise a builtin exception in place of this one."""
    types = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    return {"types": types, "text": str(error)[:1000], "outcome": outcome_of(error)}


class _Program:
    """The loaded program, one request at a time."""

    def __init__(self, answer_bytes: int) -> None:
        self._answer_bytes = answer_bytes
        self._function: Callable[..., object] | None = None

    def answer(self, request: dict[str, Any]) -> bytes:
        """Return the body of the reply to a `load` or a `call`."""
        try:
            body = dump({"value": encode(self._do(request))})
            if len(body) > self._answer_bytes:
                raise MemoryError(f"an answer of {len(body)} bytes, at most {self._answer_bytes} are taken")
        except BaseException as error:  # noqa: BLE001  the program may raise anything, SystemExit too
            body = dump({"raised": _describe(error)})
        return body

    def _do(self, request: dict[str, Any]) -> object:
        if self._function is None:
            self._function = _load(request["load"], request["name"])
            return None
        arguments: Any = decode(request["arguments"])
        keywords: Any = decode(request["keywords"])
        return self._function(*arguments, **keywords)


def main() -> None:
    """Serve the judge until it goes: arguments are two descriptors and the limits in bytes."""
    requests, replies, memory_bytes, answer_bytes = (int(text) for text in sys.argv[1:])
    confine(memory_bytes)
    send(replies, dump({"ready": True}))
    program = _Program(answer_bytes)
    try:
        while True:
            send(replies, program.answer(receive(requests, _REQUEST_BYTES)))
    except ClosedError:
        os._exit(0)  # without the program's exit handlers
