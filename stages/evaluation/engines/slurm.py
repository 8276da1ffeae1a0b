"""Models as one array of Slurm, submitted by submitit; works where the cluster keeps no accounts of jobs.

The state of a job is read from its result on the shared disk and from the queue. Slurm may end it at its time limit,
for another user, or with its node: it is queued again and goes on with what is missing.
"""

import getpass
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import EvaluateParams
from stages.evaluation.engines.engine import EXTRA, Ended, gpus_of
from stages.evaluation.worker import Job, work

FOLDER = ".slurm"
"""Folder in the store for what submitit writes."""
POLL = 5.0
"""Seconds between two questions to the controller."""
GONE = 3
"""Questions in a row at which a job is neither in the queue nor has a result, until it counts as dead: a shared disk
shows a file late."""
PATIENCE = 60.0
"""Seconds for jobs that were cancelled to leave the queue."""
MOST = 10_000


class Evaluation:
    """What a job calls. It holds nothing, so that a job that is queued again begins as the first time."""

    def __call__(self, job: Job) -> list[str]:
        """Do the work."""
        return work(job)

    def checkpoint(self, job: Job) -> Any:  # noqa: ANN401  submitit has no types
        """Return what a job that is ended by its time limit, or for another one, is queued again with."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(Evaluation(), job)


class Slurm:
    """Jobs of Slurm.

    Args:
        params: Section `evaluate`.
        place: Absolute folder of the store.
        tell: Called with the numbers of jobs.

    Raises:
        InputError: submitit is not installed, or there is no Slurm here.
    """

    def __init__(self, params: EvaluateParams, place: str, tell: Callable[[str], None]) -> None:
        try:
            import submitit
        except ImportError:
            raise InputError([EXTRA.format("slurm")]) from None
        if shutil.which("sbatch") is None or shutil.which("srun") is None:
            raise InputError(["evaluate.engine is slurm, but there is no sbatch here: run this on a login node"])
        self.gpus = gpus_of(params)
        self._most = params.workers or MOST
        self._tell = tell
        self._folder = Path(place) / FOLDER / uuid.uuid4().hex[:12]
        self._running: dict[str, tuple[str, Any]] = {}
        self._over: set[str] = set()
        self._missed: dict[str, int] = {}
        self._asked = 0.0
        self._clean = True
        self._executor = submitit.AutoExecutor(
            folder=self._folder, cluster="slurm", slurm_max_num_timeout=params.slurm.resubmissions
        )
        self._executor.update_parameters(**_parameters(params, self.gpus, self._most))

    def room(self) -> int:
        """Return how many more models it takes: the queue holds them all."""
        return MOST - len(self._running)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Submit jobs as one array.

        Raises:
            InputError: Slurm refuses them.
        """
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        try:
            submitted = self._executor.map_array(Evaluation(), jobs)
        except (FailedJobError, FailedSubmissionError, subprocess.SubprocessError) as error:
            raise InputError([f"evaluate.slurm: sbatch refused the jobs: {_reason(error)}"]) from None
        for job, one in zip(jobs, submitted, strict=True):
            self._running[one.job_id] = job.model_id, one
            self._tell(f"{job.model_id}: Slurm job {one.job_id}")

    def ended(self) -> list[Ended]:
        """Return the jobs that have a result, or are gone without one."""
        done = [job_id for job_id, (_, one) in self._running.items() if one.paths.result_pickle.exists()]
        over = [self._end(job_id) for job_id in done]
        if self._running and time.monotonic() - self._asked > POLL:
            self._asked = time.monotonic()
            queued = _queue()
            for job_id in list(self._running):
                self._missed[job_id] = 0 if queued is None or job_id in queued else self._missed.get(job_id, 0) + 1
                if self._missed[job_id] == GONE:
                    over.append(self._end(job_id))
        return over

    def _end(self, job_id: str) -> Ended:
        model_id, one = self._running.pop(job_id)
        self._over.add(job_id)
        if not one.paths.result_pickle.exists():
            self._clean = False
            return Ended(model_id, (), f"Slurm job {job_id} left the queue without a result: see {one.paths.stderr}")
        problem = one.exception()
        if problem is None:
            return Ended(model_id, one.result(), "")
        self._clean = False
        return Ended(model_id, (), f"Slurm job {job_id}: {_reason(problem)}: see {one.paths.stderr}")

    def stop(self) -> None:
        """Cancel the jobs and wait until none runs; remove what submitit wrote where all went well.

        A job that was queued again in the moment in which it left its result would start once more. One whose
        processes are gone may stay in the queue as completing until the controller asks its node again.
        """
        waiting = self._over & (_queue("--states=pending") or set())
        ids = [*self._running, *sorted(waiting)]
        if ids:
            # submitit passes over the signal that Slurm would send first, and wait half a minute for
            subprocess.run(["scancel", "--signal=KILL", *ids], capture_output=True, check=False)
            subprocess.run(["scancel", *ids], capture_output=True, check=False)
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until and not set(ids).isdisjoint(_queue("--states=pending,running") or ()):
                time.sleep(0.5)
        self._running.clear()
        if self._clean:
            shutil.rmtree(self._folder, ignore_errors=True)
            with suppress(OSError):
                self._folder.parent.rmdir()


def _parameters(params: EvaluateParams, gpus: int, most: int) -> dict[str, Any]:
    """Return submitit's arguments; what params.yaml leaves empty is left out."""
    slurm = params.slurm
    named = {
        "slurm_partition": slurm.partition,
        "slurm_account": slurm.account,
        "slurm_constraint": slurm.constraint,
        "slurm_gres": slurm.gres,
        "slurm_setup": slurm.setup,
        "slurm_gpus_per_node": 0 if slurm.gres else gpus,
    }
    return {
        "name": "observatory",
        "timeout_min": minutes(slurm.time),
        "slurm_array_parallelism": most,
        # a node that fails, or that a more urgent job gets, gives the model back to the queue
        "slurm_additional_parameters": {"requeue": True, **slurm.options},
        **{name: value for name, value in named.items() if value},
    }


def minutes(limit: str) -> int:
    """Return a time limit, `HH:MM:SS` or `DAYS-HH:MM:SS`, in whole minutes, at least one."""
    days, _, clock = limit.rpartition("-")
    hours, more, seconds = map(int, clock.split(":"))
    return max((int(days or 0) * 24 + hours) * 60 + more + (seconds > 0), 1)


def _queue(*options: str) -> set[str] | None:
    """Return the ids of this user's jobs in the queue, None where the controller does not answer."""
    command = ["squeue", "--noheader", "--array", "--user", getpass.getuser(), "--format", "%i", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(done.stdout.split()) if done.returncode == 0 else None


def _reason(error: Exception) -> str:
    """Return what Slurm said last, in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" -")]
    said = [line.rpartition("error: ")[2] for line in lines if "error: " in line]
    return (said or lines or [type(error).__name__])[-1][:200]
