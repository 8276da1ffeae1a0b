"""MLflow while a model is being evaluated: one run, RUNNING until all benchmarks are done, with system metrics.

A run belongs to an evaluation, named by a digest of what is evaluated. An evaluation that was interrupted goes on in
its run.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Metric
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow.tracking import MlflowClient
from mlflow.utils.time import get_current_time_millis

from stages.tracking.log import _experiment, _locked, normalise, store_uri

EXPERIMENT = "evaluations"
EVALUATION_TAG = "observatory.evaluation"
MODEL_TAG = "observatory.model"
SAMPLING_SECONDS = 10.0

# says at every start that there is no GPU
logging.getLogger("mlflow.system_metrics").setLevel(logging.ERROR)


@dataclass(frozen=True)
class LiveRun:
    """A run that is going on.

    Attributes:
        run_id: Of MLflow.
        resumed: Whether an earlier process began it.
    """

    run_id: str
    resumed: bool
    _client: MlflowClient

    def log(self, benchmark: str, numbers: Mapping[str, float | None], done: int) -> None:
        """Log what one benchmark came to, unless it stands there.

        Args:
            benchmark: Its name.
            numbers: Name to value, None for what is not known.
            done: Benchmarks that are done.
        """
        known = self._client.get_run(self.run_id).data.metrics
        metrics = normalise({f"{benchmark}.{name}": value for name, value in numbers.items() if value is not None})
        now = get_current_time_millis()
        new = [Metric(name, value, now, done) for name, value in metrics.metrics.items() if name not in known]
        self._client.log_batch(self.run_id, metrics=[*new, Metric("benchmarks_done", done, now, done)] if new else [])

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        for name, value in tags.items():
            self._client.set_tag(self.run_id, name, value)


@contextmanager
def live_run(
    evaluation: str, model_id: str, tags: Mapping[str, str], params: Mapping[str, str], root: Path
) -> Iterator[LiveRun]:
    """Begin the run of an evaluation, or take it up again; end it with the block.

    Args:
        evaluation: Digest of what is evaluated.
        model_id: Model.
        tags: More tags.
        params: Parameters.
        root: Absolute repository root.

    Yields:
        The run. FINISHED when the block succeeds, FAILED when it raises, KILLED when it is interrupted; after a
        kill of the process it stays RUNNING until it is taken up again.
    """
    with _locked(root):
        client = MlflowClient(store_uri(root))
        experiment = _experiment(client, EXPERIMENT, root)
        found = client.search_runs([experiment], f"tags.`{EVALUATION_TAG}` = '{evaluation}'", max_results=1)
        if found:
            run_id = str(found[0].info.run_id)
            client.update_run(run_id, status="RUNNING")
        else:
            every = {**tags, EVALUATION_TAG: evaluation, MODEL_TAG: model_id, "mlflow.runName": model_id}
            run_id = str(client.create_run(experiment, tags=every).info.run_id)
            for name, value in params.items():
                client.log_param(run_id, name, value)
    monitor = SystemMetricsMonitor(
        run_id, sampling_interval=SAMPLING_SECONDS, resume_logging=bool(found), tracking_uri=store_uri(root)
    )
    monitor.start()
    status = "KILLED"
    try:
        yield LiveRun(run_id, bool(found), client)
        status = "FINISHED"
    except Exception:
        status = "FAILED"
        raise
    finally:
        monitor.finish()
        client.set_terminated(run_id, status)
