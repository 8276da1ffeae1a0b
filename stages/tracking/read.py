"""MLflow runs read back.

The database in the repository root is read as what it is, an SQLite file: importing MLflow's client takes two
seconds, as long as a whole trace may. A server is asked through the client. A test holds the two against each other.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

STATE_TAG = "observatory.state"
EVALUATION_TAG = "observatory.evaluation"
"""Of the runs that watched a model being evaluated."""
RECORD_TAG = "observatory.record"
RECORD = "record.json"
"""Artifact that says what was logged; its md5 is in the tag."""
SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Run:
    """A run as the store has it.

    Attributes:
        run_id: MLflow's name of it.
        experiment: Name of its experiment.
        name: Run name.
        status: RUNNING, FINISHED, FAILED or KILLED.
        deleted: Whether it lies in MLflow's trash.
        started: Milliseconds since 1970, or None.
        ended: Likewise.
        artifact_uri: Where its artifacts are.
        params: Name to value.
        metrics: Name to the different values that the store has for it.
        tags: Name to value.
        inputs: Data set to its digest.
    """

    run_id: str
    experiment: str
    name: str
    status: str
    deleted: bool
    started: int | None
    ended: int | None
    artifact_uri: str
    params: Mapping[str, str]
    metrics: Mapping[str, tuple[float, ...]]
    tags: Mapping[str, str]
    inputs: Mapping[str, str]

    @property
    def state(self) -> str:
        """Digest of the state that was logged, or ""."""
        return self.tags.get(STATE_TAG, "")

    def artifacts(self, root: Path) -> Path | None:
        """Return the local folder of the artifacts, None when they are on a server.

        In a repository that was moved the store still has the old place; the artifacts moved along.
        """
        stored = self.stored()
        if stored is None:
            return None
        here = root / "mlruns" / self.experiment / self.run_id / "artifacts"
        return here if here.is_dir() or not stored.is_dir() else stored

    def stored(self) -> Path | None:
        """Return the local folder that the store has for the artifacts, None when they are on a server."""
        parts = urlparse(self.artifact_uri)
        return Path(unquote(parts.path)) if parts.scheme in {"", "file"} else None


def store(root: Path) -> str:
    """Return the tracking URI, as `stages.tracking.log` has it."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{root / 'mlflow.db'}"


def database(root: Path) -> Path | None:
    """Return the SQLite file of the store, None when it is a server."""
    uri = store(root)
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def has_store(root: Path) -> bool:
    """Tell whether there is a store to read."""
    path = database(root)
    return path is None or path.is_file()


def runs(root: Path) -> list[Run]:
    """Return every run that logs a state, oldest first; none when there is no store.

    Raises:
        sqlite3.DatabaseError: The database is damaged.
    """
    return _with_tag(root, STATE_TAG)


def evaluations(root: Path) -> list[Run]:
    """Return every run that watched an evaluation, oldest first; none when there is no store.

    Raises:
        sqlite3.DatabaseError: The database is damaged.
    """
    return _with_tag(root, EVALUATION_TAG)


def of_state(digest: str, root: Path) -> list[Run]:
    """Return the runs of a state, oldest first.

    Raises:
        sqlite3.DatabaseError: The database is damaged.
    """
    return _with_tag(root, STATE_TAG, digest)


def of_id(beginning: str, root: Path) -> list[Run]:
    """Return the runs of states whose id begins so.

    Raises:
        sqlite3.DatabaseError: The database is damaged.
    """
    return [run for run in runs(root) if run.run_id.startswith(beginning)]


def _with_tag(root: Path, tag: str, value: str | None = None) -> list[Run]:
    """Return the runs with a tag, of any value for None."""
    if not has_store(root):
        return []
    path = database(root)
    if path is not None:
        return list(_from_database(path, tag, value))
    return [run for run in _from_client(store(root), tag) if value in {None, run.tags[tag]}]


def _from_database(path: Path, tag: str, wanted: str | None) -> Iterator[Run]:
    query = """
        SELECT r.run_uuid, e.name, r.name, r.status, r.lifecycle_stage, r.start_time, r.end_time, r.artifact_uri
        FROM runs r JOIN experiments e USING (experiment_id) JOIN tags t ON t.run_uuid = r.run_uuid
        WHERE t.key = :tag AND (:value IS NULL OR t.value = :value) ORDER BY r.start_time
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(query, {"tag": tag, "value": wanted}).fetchall()
        for run_id, experiment, name, status, stage, started, ended, uri in rows:

            def table(sql: str, run_id: str = run_id) -> list[tuple[Any, ...]]:
                return connection.execute(sql, {"run": run_id}).fetchall()

            metrics: dict[str, tuple[float, ...]] = {}
            for key, value in table(
                "SELECT key, value FROM latest_metrics WHERE run_uuid = :run "
                "UNION SELECT key, value FROM metrics WHERE run_uuid = :run"
            ):
                metrics[key] = (*metrics.get(key, ()), value)
            yield Run(
                run_id,
                experiment,
                name or "",
                status,
                stage != "active",
                started,
                ended,
                uri,
                params=dict(table("SELECT key, value FROM params WHERE run_uuid = :run")),
                metrics=metrics,
                tags=dict(table("SELECT key, value FROM tags WHERE run_uuid = :run")),
                inputs=dict(
                    table(
                        "SELECT d.name, d.digest FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id "
                        "WHERE i.destination_id = :run AND i.source_type = 'DATASET'"
                    )
                ),
            )


def _from_client(uri: str, tag: str) -> Iterator[Run]:
    from mlflow.entities import ViewType
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    names = {e.experiment_id: e.name for e in client.search_experiments(view_type=ViewType.ALL)}
    token = None
    while True:
        page = client.search_runs(
            list(names), f"tags.`{tag}` != ''", ViewType.ALL, order_by=["start_time"], page_token=token
        )
        for found in page:
            info, data = found.info, found.data
            yield Run(
                info.run_id,
                names[info.experiment_id],
                info.run_name or "",
                info.status,
                info.lifecycle_stage != "active",
                info.start_time,
                info.end_time,
                info.artifact_uri,
                params=dict(data.params),
                metrics={key: (value,) for key, value in data.metrics.items()},
                tags=dict(data.tags),
                inputs={item.dataset.name: item.dataset.digest for item in found.inputs.dataset_inputs},
            )
        token = page.token
        if not token:
            return
