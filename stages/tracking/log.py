"""MLflow: one run for each state, in a store that bare `mlflow ui` finds.

The store is `mlflow.db` and `mlruns/` in the repository root, unless MLFLOW_TRACKING_URI names a server.
"""

import hashlib
import json
import logging
import math
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# before the import: it starts a telemetry thread otherwise
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# progress bars of migrations and uploads say nothing to the user of `dvc repro`
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from filelock import FileLock
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.tracking import MlflowClient
from mlflow.utils.time import get_current_time_millis

from stages.lineage.cache import file_md5
from stages.tracking.note import EXPERIMENT, NOTE_TAG
from stages.tracking.record import State

# its first use of a database says so, to nobody's benefit
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)

STATE_TAG = "observatory.state"
RECORD_TAG = "observatory.record"
RECORD = "record.json"
"""Artifact that says what was logged; its md5 is in the tag. `observatory verify` holds the run against it."""
BATCH = 100
"""Parameters and tags that one call may log."""


@dataclass(frozen=True)
class Logged:
    """Where a state was logged.

    Attributes:
        run_id: MLflow run.
        created: False when the state had its run already.
    """

    run_id: str
    created: bool


@dataclass(frozen=True)
class _Names:
    """Metric names as MLflow takes them, and what they stood for where they had to be changed."""

    metrics: Mapping[str, float]
    originals: Mapping[str, str] = field(default_factory=dict)


def store_uri(root: Path) -> str:
    """Return the tracking URI: MLFLOW_TRACKING_URI, or the database in the repository root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


def is_missing(root: Path) -> bool:
    """Tell whether the local store is used and does not exist yet."""
    return not os.environ.get("MLFLOW_TRACKING_URI") and not (root / "mlflow.db").exists()


def normalise(metrics: Mapping[str, float]) -> _Names:
    """Replace the characters that MLflow refuses in metric names.

    Raises:
        ValueError: A value is not finite (MLflow would take it in silence), or two names become one.
    """
    result: dict[str, float] = {}
    originals: dict[str, str] = {}
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise ValueError(f"metric {name} is {value}")
        plain = re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)
        if plain in result:
            raise ValueError(f"metrics {originals.get(plain, plain)} and {name} have one name in MLflow, {plain}")
        result[plain] = value
        if plain != name:
            originals[plain] = name
    return _Names(result, originals)


def log_run(state: State, root: Path) -> Logged:
    """Log a state, once.

    Args:
        state: What to log.
        root: Absolute repository root; also inside a temporary workspace of DVC it is the real one.

    Returns:
        The run; when one exists for this state nothing is written.
    """
    with _locked(root):
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            _follow(root)
        client = MlflowClient(store_uri(root))
        experiment_id = _experiment(client, state.experiment, root)
        known = _find(client, experiment_id, state)
        if known:
            return Logged(known, created=False)
        names = normalise(state.metrics)
        tags = {**state.tags, STATE_TAG: state.digest, "mlflow.runName": state.name}
        tags |= {f"observatory.metric.{plain}": original for plain, original in names.originals.items()}
        run_id: str = client.create_run(experiment_id, tags=tags).info.run_id
        try:
            _fill(client, run_id, state, names.metrics)
            _seal(client, run_id, state, names.metrics, tags)
        except BaseException:
            client.set_terminated(run_id, "KILLED")
            raise
        client.set_terminated(run_id, state.status)
        return Logged(run_id, created=True)


def find_run(digest: str, root: Path) -> str | None:
    """Return the finished run of a state in any experiment, or None."""
    client = MlflowClient(store_uri(root))
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(ids, f"tags.`{STATE_TAG}` = '{digest}'", max_results=1)
    return found[0].info.run_id if found else None


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    # the first use of a database migrates it, and two first uses at once break it
    folder = root / "mlruns"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / ".lock"):
        yield


def _follow(root: Path) -> None:
    """Point the artifacts of a repository that was moved or copied to where they are now.

    MLflow writes absolute paths into its database and has no call to change them.
    """
    database = root / "mlflow.db"
    if not database.exists():
        return
    here = (root / "mlruns").as_uri()
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            rows = connection.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} LIKE 'file:%/mlruns/%'")
            for (old,) in rows.fetchall():
                new = here + "/" + old.split("/mlruns/", 1)[1]
                if new != old:
                    connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))


def _experiment(client: MlflowClient, name: str, root: Path) -> str:
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    local = None if os.environ.get("MLFLOW_TRACKING_URI") else (root / "mlruns" / name).as_uri()
    return str(client.create_experiment(name, artifact_location=local, tags={NOTE_TAG: EXPERIMENT}))


def _find(client: MlflowClient, experiment_id: str, state: State) -> str | None:
    found = client.search_runs([experiment_id], f"tags.`{STATE_TAG}` = '{state.digest}'")
    for run in found:
        if run.info.status == state.status:
            return str(run.info.run_id)
        if run.info.status == "RUNNING":
            # the lock is ours, so whoever began this run is gone
            client.set_terminated(run.info.run_id, "KILLED")
    return None


def _fill(client: MlflowClient, run_id: str, state: State, metrics: Mapping[str, float]) -> None:
    now = get_current_time_millis()
    client.log_batch(run_id, metrics=[Metric(name, value, now, 0) for name, value in metrics.items()])
    params = [Param(name, value) for name, value in state.params.items()]
    for start in range(0, len(params), BATCH):
        client.log_batch(run_id, params=params[start : start + BATCH])
    inputs = [
        DatasetInput(
            Dataset(item.name, item.digest, source_type="dvc", source=f'{{"path": "{item.name}"}}'),
            [InputTag("mlflow.data.context", item.context)],
        )
        for item in state.inputs
    ]
    if inputs:
        client.log_inputs(run_id, inputs)
    for path, folder in state.artifacts:
        if path.is_dir():
            client.log_artifacts(run_id, str(path), folder)
        else:
            client.log_artifact(run_id, str(path), folder)
    client.log_batch(run_id, tags=[RunTag("observatory.trace", f"observatory trace run:{run_id}")])


def _seal(
    client: MlflowClient, run_id: str, state: State, metrics: Mapping[str, float], tags: Mapping[str, str]
) -> None:
    """Log what was logged, so that a later change of the database or of an artifact shows."""
    record = {
        "state": state.digest,
        "status": state.status,
        "params": dict(state.params),
        "metrics": dict(metrics),
        "tags": dict(tags),
        "inputs": {item.name: item.digest for item in state.inputs},
        "artifacts": dict(_artifact_files(state)),
    }
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False)
    client.log_text(run_id, text, RECORD)
    client.set_tag(run_id, RECORD_TAG, hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


def _artifact_files(state: State) -> Iterator[tuple[str, str]]:
    """Yield the path within the run and the md5 of each file that was logged."""
    for path, folder in state.artifacts:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                name = file.relative_to(path) if path.is_dir() else Path(file.name)
                yield (Path(folder) / name).as_posix(), file_md5(file)
