"""MLflow while a model is being evaluated: one run, RUNNING until all benchmarks are done, with system metrics.

A run belongs to an evaluation, named by a digest of what is evaluated. An evaluation that was interrupted goes on in
its run. What was evaluated does not depend on the store: when it cannot be used, the evaluation goes on without a run.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Metric, Param, RunTag
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow.tracking import MlflowClient
from mlflow.utils.time import get_current_time_millis

from stages.tracking.connection import experiment_of, is_ours, writing
from stages.tracking.log import normalise
from stages.tracking.note import NOTE_TAG, evaluation_note, evaluations_experiment
from stages.tracking.place import Store
from stages.tracking.record import EVALUATION_TAG, REPOSITORY_TAG
from stages.tracking.trouble import StoreError, told

EXPERIMENT = "evaluations"
MODEL_TAG = "observatory.model"
SAMPLING_SECONDS = 10.0

# says at every start that there is no GPU
logging.getLogger("mlflow.system_metrics").setLevel(logging.ERROR)
_logger = logging.getLogger(__name__)


@dataclass
class LiveRun:
    """A run that is going on.

    Attributes:
        run_id: MLflow's run id; "" when the store could not be used from the beginning.
        resumed: Whether an earlier process began it.
    """

    run_id: str
    resumed: bool
    _place: str
    _client: MlflowClient | None

    def log(self, benchmark: str, numbers: Mapping[str, float | None], done: int) -> None:
        """Log the result of one benchmark, unless it was logged already.

        Args:
            benchmark: Its name.
            numbers: Name to value, None for what is not known.
            done: Benchmarks that are done.
        """
        with self.client() as client:
            if client is None:
                return
            known = client.get_run(self.run_id).data.metrics
            metrics = normalise({f"{benchmark}.{name}": value for name, value in numbers.items() if value is not None})
            now = get_current_time_millis()
            new = [Metric(name, value, now, done) for name, value in metrics.metrics.items() if name not in known]
            client.log_batch(self.run_id, metrics=[*new, Metric("benchmarks_done", done, now, done)] if new else [])

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        with self.client() as client:
            if client is not None:
                client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in tags.items()])

    @contextmanager
    def client(self) -> Iterator[MlflowClient | None]:
        """Give the client as long as the store can be used; its first failure is said, and then it is left alone."""
        try:
            with told(self._place):
                yield self._client
        except StoreError as error:
            self._client = None
            _say(error)


def _say(error: StoreError) -> None:
    _logger.warning("%s; the evaluation goes on and is kept, its numbers are no longer in MLflow", error)


@contextmanager
def live_run(
    evaluation: str,
    model_id: str,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    root: Path,
    *,
    watched: bool = True,
) -> Iterator[LiveRun]:
    """Begin the run of an evaluation, or take it up again; end it with the block.

    Args:
        evaluation: Digest of what is evaluated.
        model_id: Model.
        tags: More tags.
        params: Parameters.
        root: Absolute repository root.
        watched: Whether the load of this machine is logged.

    Yields:
        The run. FINISHED when the block succeeds, FAILED when it raises, KILLED when it is interrupted; after a
        kill of the process it stays RUNNING until it is taken up again.
    """
    store = Store(root)
    live = _begin(evaluation, {**tags, MODEL_TAG: model_id, "mlflow.runName": model_id}, params, store)
    monitor = None
    if live.run_id and watched:
        monitor = SystemMetricsMonitor(
            live.run_id, sampling_interval=SAMPLING_SECONDS, resume_logging=live.resumed, tracking_uri=store.uri
        )
        monitor.start()
    status = "KILLED"
    try:
        yield live
        status = "FINISHED"
    except Exception:
        status = "FAILED"
        raise
    finally:
        if monitor is not None:
            monitor.finish()
        with live.client() as client:
            if client is not None:
                client.set_terminated(live.run_id, status)


def _begin(evaluation: str, tags: Mapping[str, str], params: Mapping[str, str], store: Store) -> LiveRun:
    """Return the run of an evaluation: one that this repository began, or a new one; none where no store answers."""
    try:
        with writing(store) as client:
            experiment = experiment_of(client, EXPERIMENT, store, evaluations_experiment)
            runs = client.search_runs([experiment], f"tags.`{EVALUATION_TAG}` = '{evaluation}'")
            found = [str(run.info.run_id) for run in runs if is_ours(run, store)]
            if found:
                client.update_run(found[0], status="RUNNING")
                return LiveRun(found[0], True, store.place, client)
            every = {**tags, EVALUATION_TAG: evaluation, REPOSITORY_TAG: store.repository}
            every[NOTE_TAG] = evaluation_note(tags[MODEL_TAG])
            run_id = str(client.create_run(experiment, tags=every).info.run_id)
            client.log_batch(run_id, params=[Param(name, value) for name, value in params.items()])
            return LiveRun(run_id, False, store.place, client)
    except StoreError as error:
        _say(error)
        return LiveRun("", False, store.place, None)
