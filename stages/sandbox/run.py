"""Runs generated programs and their tests where neither can do harm, and says which of them passed.

    python -m stages.sandbox.run < programs.jsonl > verdicts.jsonl

A program is judged as HumanEval does: prompt + completion + test + `check(entry_point)`, with a wall-clock
limit of 3 seconds (Chen et al. 2021, arXiv:2107.03374). But it is split over two bubblewrap jails. One runs
prompt + completion and knows nothing of the test. The other runs the test, calls the entry point across a
pipe and alone can write the verdict:

    this process  <-- verdict --  jail of the test  -- arguments -->  jail of the program
                                                    <-- plain data --

So there is no assertion, builtin, frame, file descriptor or exit status that a program could bend in order to
pass. What it can do is answer calls with plain data, as an honest program does. In consequence arguments and
results travel by value; a test sees neither changes to its arguments nor objects of the program's own classes.

Outcomes:
    passed     `check` came to its end.
    failed     An assertion did not hold.
    timeout    No verdict in time.
    memory     MemoryError, an answer beyond the limit, or a jail ended by SIGKILL (the kernel out of memory).
    forbidden  An uncaught exception that goes back to a system call that the jail refused: network, files,
               processes, threads. A program that catches it and goes on is judged by its answers.
    error      Any other exception, a syntax error, an end before the verdict.

The outcome depends little on the load of the machine: the clock starts when both jails are up, time in which
they wait for a core extends the limit (up to four times, where the kernel counts it), there are no more
workers than cores, and hash seed and `random` are fixed.
"""

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, cast, get_args

from stages.contracts.errors import InputError, raise_all
from stages.sandbox.jail import Jail, jail, memory_file

Outcome = Literal["passed", "failed", "error", "timeout", "memory", "forbidden"]

_START_SECONDS = 60.0
"""A jail that is not up by then will not come up: it takes some 20 ms on an idle core."""
_LOAD_ALLOWANCE = 4.0
"""The time limit is extended to this many times itself at most."""


@dataclass(frozen=True)
class Program:
    """One generated program and its test; `prompt` and `test` are trusted, `completion` is not."""

    prompt: str
    completion: str
    test: str
    entry_point: str


@dataclass(frozen=True)
class Limits:
    """What one program may use.

    Attributes:
        seconds: Wall-clock time from both jails being up to the verdict.
        memory_bytes: Address space of the program, and as much for the test.
        answer_bytes: Longest encoded answer of one call.
    """

    seconds: float = 3.0
    memory_bytes: int = 1 << 30
    answer_bytes: int = 16 << 20


@dataclass(frozen=True)
class ProgramResult:
    """How a program did, and how many wall-clock seconds it took to say so."""

    passed: bool
    outcome: Outcome
    seconds: float


DEFAULT_LIMITS = Limits()
_PROBE = Program("def f():\n", "    return 1\n", "def check(f):\n    assert f() == 1\n", "f")


def require() -> None:
    """Check that generated code can be jailed on this machine.

    Raises:
        InputError: bubblewrap is missing or cannot start.
    """
    verdict = _judge(_PROBE, DEFAULT_LIMITS, jail())
    if not verdict.passed:
        raise InputError([f"sandbox: a correct program ends as {verdict.outcome}: reinstall Python or bubblewrap"])


def run_programs(
    programs: Sequence[Program], limits: Limits = DEFAULT_LIMITS, workers: int | None = None
) -> list[ProgramResult]:
    """Return the verdicts on the programs, in their order.

    Args:
        programs: Any number of them; each gets its own two jails.
        limits: For each program.
        workers: Programs at a time; default the cores that this process may use.

    Raises:
        InputError: bubblewrap is missing or cannot start.
    """
    return list(_verdicts(programs, limits, workers))


def _verdicts(programs: Sequence[Program], limits: Limits, workers: int | None) -> Iterator[ProgramResult]:
    """Yield the verdicts in the order of the programs, each as soon as it and those before it are there."""
    here = jail()
    if workers is None:
        workers = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(workers) as pool:
        pending = [pool.submit(_judge, program, limits, here) for program in programs]
        try:
            for future in pending:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _judge(program: Program, limits: Limits, here: Jail) -> ProgramResult:
    """Run one program in two new jails and end them."""
    with _jails(program, limits, here) as pair:
        _wait_until_ready(pair)
        started = time.monotonic()
        outcome = _outcome(pair, limits.seconds, started)
        return ProgramResult(outcome == "passed", outcome, round(time.monotonic() - started, 4))


@dataclass(frozen=True)
class _Pair:
    """Two jails at work on one program, and the descriptors to read them by."""

    program: subprocess.Popen[bytes]
    test: subprocess.Popen[bytes]
    verdict: int
    complaints: int


@contextmanager
def _jails(program: Program, limits: Limits, here: Jail) -> Iterator[_Pair]:
    """Start both jails, connected to each other; kill them at the end."""
    with ExitStack() as stack, ExitStack() as handed_over:

        def keep(fd: int, owner: ExitStack = handed_over) -> int:
            owner.callback(os.close, fd)
            return fd

        def start(module: str, stdin: int, *ends: int) -> subprocess.Popen[bytes]:
            arguments = (*ends, limits.memory_bytes, limits.answer_bytes)
            process = here.start(module, arguments, keep=ends, stdin=stdin, stderr=complaints)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        requests, ask = map(keep, os.pipe())
        replies, tell = map(keep, os.pipe())
        reader, verdict = os.pipe()
        keep(reader, stack)
        keep(verdict)
        complaints = keep(memory_file(b""), stack)
        job = keep(memory_file(json.dumps(asdict(program)).encode()))
        nothing = keep(os.open(os.devnull, os.O_RDONLY))
        pair = _Pair(
            program=start("candidate", nothing, requests, tell),
            test=start("judge", job, ask, replies, verdict),
            verdict=reader,
            complaints=complaints,
        )
        handed_over.close()  # a jail that ends must be the last to hold its end of a pipe
        yield pair


def _wait_until_ready(pair: _Pair) -> None:
    """Return when both jails are up and nothing of the program has run.

    Raises:
        InputError: One of them did not come up.
    """
    line = _line(pair.verdict, time.monotonic() + _START_SECONDS)
    if line == "ready":
        return
    os.lseek(pair.complaints, 0, os.SEEK_SET)
    complaint = os.read(pair.complaints, 2000).decode(errors="replace").strip().splitlines()
    reason = complaint[-1] if complaint else f"no jail within {_START_SECONDS:.0f} s"
    raise InputError(
        [
            f"sandbox: bubblewrap cannot start a jail ({reason}): allow user namespaces on this machine "
            "(sysctl user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0) "
            "and in the container that runs this"
        ]
    )


def _outcome(pair: _Pair, seconds: float, started: float) -> Outcome:
    """Return what the jail of the test says, or why it says nothing."""
    queued_before = _queued(pair)
    until = started + seconds
    while (line := _line(pair.verdict, until)) is None:
        queued = min(_queued(pair) - queued_before, (_LOAD_ALLOWANCE - 1) * seconds)
        if time.monotonic() >= started + seconds + queued:
            return "timeout"
        until = started + seconds + queued
    for outcome in get_args(Outcome):
        if line == outcome:
            return cast(Outcome, outcome)
    return _ending(pair.program if line == "ended" else pair.test)


def _line(fd: int, until: float) -> str | None:
    """Return the next line without its end, `""` at the end of the stream, None if it does not come in time."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    line = b""
    while poll.poll(max(0.0, until - time.monotonic()) * 1000):
        byte = os.read(fd, 1)
        if byte in {b"\n", b""}:
            return line.decode("ascii")
        line += byte
    return None


def _queued(pair: _Pair) -> float:
    """Return the seconds in which the jailed interpreters were ready to run and waited for a core."""
    return sum(_queued_of(jailed.pid) for jailed in (pair.program, pair.test))


def _queued_of(bwrap: int) -> float:
    """The child of bubblewrap is the first process of the jail, whose child is the interpreter."""
    try:
        pid = bwrap
        for _ in range(2):
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0  # it has ended, or this kernel does not count


def _ending(process: subprocess.Popen[bytes]) -> Outcome:
    """Return the outcome of a jail that ended, or closed its pipe, without a word."""
    try:
        status = process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        return "error"
    return "memory" if status in {-signal.SIGKILL, 128 + signal.SIGKILL} else "error"


def read_programs(lines: Iterable[bytes]) -> list[Program]:
    """Return the programs of a file of JSON lines; keys beyond the four fields are ignored.

    Raises:
        InputError: Some lines are not programs; names each of them.
    """
    programs, problems = [], []
    for number, line in enumerate(lines, start=1):
        try:
            programs.append(_read_program(line))
        except ValueError as error:
            problems.append(f"line {number} of the programs: {error}")
    raise_all(problems)
    return programs


def _read_program(line: bytes) -> Program:
    names = [field.name for field in fields(Program)]
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error}): write one object with {', '.join(names)}") from error
    if not isinstance(row, dict):
        raise ValueError(f"a JSON {type(row).__name__}: write one object with {', '.join(names)}")
    wrong = [name for name in names if not isinstance(row.get(name), str)]
    if wrong:
        raise ValueError(f"no text under {', '.join(wrong)}: each of {', '.join(names)} must be a string")
    if not row["entry_point"].isidentifier():
        raise ValueError(f"entry_point is {row['entry_point']!r}: give the name of a function")
    return Program(**{name: row[name] for name in names})


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the programs on standard input; return the exit status."""
    argparse.ArgumentParser(
        prog="python -m stages.sandbox.run",
        description="Judge generated programs in bubblewrap jails. Standard input: JSON lines with prompt, "
        "completion, test, entry_point. Standard output: JSON lines with passed, outcome, seconds.",
    ).parse_args(arguments)
    try:
        programs = read_programs(sys.stdin.buffer)
        require()
        for verdict in _verdicts(programs, DEFAULT_LIMITS, None):
            sys.stdout.write(json.dumps(asdict(verdict)) + "\n")
            sys.stdout.flush()
    except InputError as error:
        sys.stderr.write("\n".join(error.lines()) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
