"""Models as tasks of Ray, one each, on a cluster or on this machine."""

import logging
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import EvaluateParams
from stages.evaluation.engines.engine import EXTRA, Ended, gpus_of
from stages.evaluation.worker import Job, work

PATIENCE = 10.0
"""Seconds to wait for an address, and for tasks that were ended."""


class RayTasks:
    """Tasks of Ray.

    Plain tasks and no actors, and no retries of Ray's own: whoever sent a model sends it again when its node is gone,
    without what is finished.

    Args:
        params: Section `evaluate`.
        tell: Called with what the cluster has.

    Raises:
        InputError: Ray is not installed, the cluster cannot be reached, or has too few GPUs.
    """

    def __init__(self, params: EvaluateParams, tell: Callable[[str], None]) -> None:
        # read when Ray is imported
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        # the variables of GPUs stay as they are where a task needs none; so Ray will have it
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ImportError:
            raise InputError([EXTRA.format("ray")]) from None
        self._ray = ray
        self._most = params.workers
        self._running: dict[Any, str] = {}
        _join(ray, params.ray_address)
        found = ray.cluster_resources()
        self.gpus = gpus_of(params)
        if params.device == "auto" and not found.get("GPU") and params.ray_address == "local":
            self.gpus = 0
        if found.get("GPU", 0) < self.gpus:
            ray.shutdown()
            raise InputError(
                [f"evaluate.gpus_per_model is {self.gpus}, but the Ray cluster has {found.get('GPU', 0):g} GPUs: "
                 "lower it, or write evaluate.device: cpu"]
            )  # fmt: skip
        tell(f"Ray: {len(ray.nodes())} nodes, {found.get('CPU', 0):g} CPUs, {found.get('GPU', 0):g} GPUs")

    def room(self) -> int:
        """Return how many more models the cluster has room for as it is now."""
        found = self._ray.cluster_resources()
        fits = found.get("GPU", 0) // self.gpus if self.gpus else found.get("CPU", 0)
        return int(min(fits, self._most or fits)) - len(self._running)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Make a task of each job."""
        task = self._ray.remote(num_cpus=1, num_gpus=self.gpus, max_retries=0, scheduling_strategy="SPREAD")(work)
        for job in jobs:
            self._running[task.remote(job)] = job.model_id

    def ended(self) -> list[Ended]:
        """Return the jobs whose tasks ended."""
        if not self._running:
            return []
        ready, _ = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        return [self._end(reference) for reference in ready]

    def _end(self, reference: Any) -> Ended:  # noqa: ANN401  Ray has no types
        model_id = self._running.pop(reference)
        try:
            return Ended(model_id, self._ray.get(reference), "")
        except self._ray.exceptions.RayError as error:
            return Ended(model_id, (), f"{type(error).__name__}: {_first_line(error)}")

    def stop(self) -> None:
        """End the tasks, and Ray where it was started here."""
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        if self._running:
            self._ray.wait(list(self._running), num_returns=len(self._running), timeout=PATIENCE)
        self._running.clear()
        self._ray.shutdown()


def _join(ray: Any, address: str) -> None:  # noqa: ANN401  Ray has no types
    """Start Ray on this machine, or join a cluster.

    Raises:
        InputError: It cannot be reached.
    """
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address == "local":
        # the address is given: without one Ray would join whatever cluster runs on this machine, of whomever
        try:
            ray.init(address="local", include_dashboard=False, **quiet)
        except Exception as error:
            # so Ray says that a process of its own took more than half a minute
            if type(error) is not Exception:
                raise
            raise InputError(
                ["Ray did not start on this machine in time: it is busy: run the same command again"]
            ) from None
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
        ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            [f"evaluate.ray_address: no Ray cluster at {address} ({_first_line(error)}): start it there with "
             f"`ray start --head --port {port}`, or correct the address"]
        ) from None  # fmt: skip


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
