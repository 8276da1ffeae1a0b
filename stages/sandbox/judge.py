"""The trusted side of the sandbox: runs the test's assertions on answers of the program in the other jail.

No line of the program is run here. The test and the helpers that it needs from the prompt are; the entry
point is a stand-in that asks the other jail.
"""

import builtins
import json
import os
import sys
from types import CodeType
from typing import Any

from stages.sandbox.wire import ClosedError, confine, decode, dump, encode, outcome_of, receive, send

_OUTCOME = "sandbox_outcome"


class Stopped(BaseException):
    """The program has ended or sends invalid data: not an `Exception`, so that a test does not swallow it."""


class Candidate:
    """The entry point as the test sees it. Arguments and results travel by value, as plain data.

    Attributes:
        stopped: Why there can be no pass any more: `ended` (the process has gone) or an outcome.
    """

    def __init__(self, requests: int, replies: int, answer_bytes: int) -> None:
        self._requests = requests
        self._replies = replies
        self._answer_bytes = answer_bytes
        self.stopped: str | None = None

    def wait_until_ready(self) -> None:
        """Return when the other jail is up.

        Raises:
            ClosedError: It did not come up.
        """
        receive(self._replies, self._answer_bytes)

    def load(self, source: str, name: str) -> None:
        """Have the program run and its entry point found."""
        self._ask({"load": source, "name": name})

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Return, or raise, what the program does on these arguments."""
        return self._ask({"arguments": encode(args), "keywords": encode(kwargs)})

    def _ask(self, request: dict[str, object]) -> object:
        if self.stopped is not None:
            raise Stopped
        try:
            send(self._requests, dump(request))
            error, value = self._understand(receive(self._replies, self._answer_bytes))
        except ClosedError:
            error, value = self._stop("ended"), None
        except Exception:  # noqa: BLE001  a reply of a tampered process can be wrong in any way
            error, value = self._stop("error"), None
        if error is not None:
            raise error
        return value

    def _understand(self, reply: dict[str, Any]) -> tuple[BaseException | None, object]:
        """Return what the program raised, as the nearest builtin exception, or what it returned."""
        if "raised" not in reply:
            return None, decode(reply["value"])
        raised = reply["raised"]
        if raised["outcome"] not in {"failed", "memory", "forbidden", "error"}:
            raise ValueError(f"an exception has no outcome {raised['outcome']!r}")
        for name in raised["types"]:
            kind = getattr(builtins, name)
            if issubclass(kind, Exception):
                error: Exception = kind.__new__(kind, raised["text"])
                error.__dict__[_OUTCOME] = raised["outcome"]
                return error, None
        return self._stop(raised["outcome"]), None

    def _stop(self, reason: str) -> Stopped:
        self.stopped = reason
        return Stopped(reason)


def helpers(prompt: str) -> CodeType:
    """Return the longest leading part of the prompt, in whole lines, that is a complete program.

    A prompt ends inside the function that is to be written, yet its imports and the functions before are what
    a test may use.
    """
    lines = prompt.splitlines(keepends=True)
    for end in range(len(lines), 0, -1):
        try:
            return compile("".join(lines[:end]), "prompt", "exec", dont_inherit=True)
        except SyntaxError:
            continue
    return compile("", "prompt", "exec")


def judge(job: dict[str, str], candidate: Candidate) -> str:
    """Return the outcome: `passed` only if `check` came to its end and the program was there until then."""
    name = job["entry_point"]
    space: dict[str, object] = {"__name__": "test"}
    try:
        candidate.load(job["prompt"] + job["completion"], name)
        exec(helpers(job["prompt"]), space)
        space[name] = candidate
        exec(compile(job["test"], "test", "exec", dont_inherit=True), space)
        exec(compile(f"check({name})", "check", "exec", dont_inherit=True), space)
    except BaseException as error:  # noqa: BLE001  an assertion, or anything that the program raised
        return candidate.stopped or error.__dict__.get(_OUTCOME) or outcome_of(error)
    return candidate.stopped or "passed"


def main() -> None:
    """Judge the job on standard input: arguments are three descriptors and the limits in bytes.

    Writes `lost` where the other jail did not come up, else `ready` and then the outcome, one per line.
    """
    requests, replies, verdict, memory_bytes, answer_bytes = (int(text) for text in sys.argv[1:])
    job = json.load(sys.stdin.buffer)
    confine(memory_bytes)
    candidate = Candidate(requests, replies, answer_bytes)
    try:
        candidate.wait_until_ready()
    except ClosedError:
        os.write(verdict, b"lost\n")
        return
    os.write(verdict, b"ready\n")
    os.write(verdict, judge(job, candidate).encode("ascii") + b"\n")
