"""Models in processes of this machine, each with GPUs of its own where there are any."""

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import EvaluateParams
from stages.evaluation.engines.engine import Ended, gpus_of
from stages.evaluation.worker import Job, work

GRACE = 10.0
"""Seconds for a process to end by itself."""
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass
class _Running:
    job: Job
    process: SpawnProcess
    said: Connection
    gpus: str


class Local:
    """Processes of this machine.

    Args:
        params: Section `evaluate`.

    Raises:
        InputError: There are too few GPUs.
    """

    def __init__(self, params: EvaluateParams) -> None:
        found, each = _gpus(), gpus_of(params)
        self.gpus = each if found else 0
        self._free: list[str] = []
        if found and each and params.device != "all":
            if each > len(found):
                raise InputError(
                    [f"evaluate.gpus_per_model is {each}, but there are {len(found)} GPUs here: lower it, or write "
                     "evaluate.engine: slurm or ray"]
                )  # fmt: skip
            self._free = [",".join(found[i : i + each]) for i in range(0, len(found) - each + 1, each)]
        most = len(self._free) or 1
        self._workers = min(params.workers, most) if self._free and params.workers else params.workers or most
        if not self._free:
            self._free = [""] * self._workers
        self._running: list[_Running] = []

    def room(self) -> int:
        """Return how many more models can run."""
        return self._workers - len(self._running)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Start a process for each job."""
        context = get_context("spawn")
        for job in jobs:
            here, there = context.Pipe(duplex=False)
            gpus = self._free.pop(0)
            process = context.Process(target=_child, args=(job, gpus, self._workers, there), name=job.model_id)
            process.start()
            there.close()
            self._running.append(_Running(job, process, here, gpus))

    def ended(self) -> list[Ended]:
        """Return the jobs whose processes ended."""
        over = [one for one in self._running if not one.process.is_alive()]
        for one in over:
            _end_group(one)
            self._running.remove(one)
            self._free.append(one.gpus)
        return [_end(one) for one in over]

    def stop(self) -> None:
        """End the processes."""
        for one in self._running:
            one.process.terminate()
        until = time.monotonic() + GRACE
        for one in self._running:
            one.process.join(max(until - time.monotonic(), 0))
            one.process.kill()
            one.process.join()
            _end_group(one)
        self._running.clear()


def _end_group(one: _Running) -> None:
    """End the processes that an ended process left running."""
    # a process that ended early has no group of its own
    with suppress(ProcessLookupError):
        if one.process.pid is not None:
            os.killpg(one.process.pid, signal.SIGKILL)


def _end(one: _Running) -> Ended:
    try:
        problems = one.said.recv() if one.said.poll() else None
    except EOFError:
        problems = None
    finally:
        one.said.close()
    code = one.process.exitcode or 0
    if problems is not None:
        return Ended(one.job.model_id, problems, "")
    died = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return Ended(one.job.model_id, (), died)


def _gpus() -> list[str]:
    """Return the GPUs of this machine that this process may use."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        return [name for name in named.split(",") if name]
    try:
        # with the library of the driver: torch would take memory on each of them
        import pynvml

        pynvml.nvmlInit()
        return [str(number) for number in range(pynvml.nvmlDeviceGetCount())]
    except (ImportError, OSError, RuntimeError):
        return []
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "pynvml":
            raise
        return []


def _child(job: Job, gpus: str, workers: int, said: Connection) -> None:
    """Work in a process of its own that ends with the one that started it."""
    # a group of its own: Ctrl-C reaches whoever started it alone, and what this one starts is ended with it
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    if gpus:
        os.environ[VISIBLE] = gpus
    if workers > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // workers, 1)))
    said.send(work(job))


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)
