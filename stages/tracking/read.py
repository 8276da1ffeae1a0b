"""MLflow runs read back.

A local store is read from our own record of each run, a file among its artifacts: importing MLflow's client takes two
seconds, as long as a whole trace may. A server is asked through the client, and so is a local store where a run is to
be held against its record (`stored`). A test holds the two against each other.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from stages.tracking.place import Store
from stages.tracking.record import EVALUATION_TAG, RECORD, STATE_TAG


@dataclass(frozen=True)
class Run:
    """A run as stored.

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


def has_store(root: Path) -> bool:
    """Return whether there is a store to read."""
    return Store(root).exists


def runs(root: Path) -> list[Run]:
    """Return every run that logs a state, oldest first; none when there is no store.

    Raises:
        StoreError: A server does not answer.
    """
    store = Store(root)
    if not store.exists:
        return []
    return _recorded(store) if store.location("") is not None else stored(root)


def of_state(digest: str, root: Path) -> list[Run]:
    """Return the runs of a state, oldest first.

    Raises:
        StoreError: A server does not answer.
    """
    return [run for run in runs(root) if run.state == digest]


def of_id(beginning: str, root: Path) -> list[Run]:
    """Return the runs of states whose id begins so.

    Raises:
        StoreError: A server does not answer.
    """
    return [run for run in runs(root) if run.run_id.startswith(beginning)]


def stored(root: Path, history_of: str = "") -> list[Run]:
    """Return every run that logs a state as MLflow stores it, oldest first.

    Args:
        root: Repository.
        history_of: State of whose runs every value of every metric is wanted, not only the latest. Of a server
            the latest are read: each metric would cost a request.

    Raises:
        StoreError: The store cannot be read.
    """
    store = Store(root)
    return list(_from_client(store, STATE_TAG, history_of if store.database is not None else ""))


def evaluations(root: Path) -> list[Run]:
    """Return every run that watched an evaluation as MLflow stores it, oldest first.

    Raises:
        StoreError: The store cannot be read.
    """
    return list(_from_client(Store(root), EVALUATION_TAG))


def _recorded(store: Store) -> list[Run]:
    """Return the runs of a local store by their records; of one state the newest, as the store was rebuilt since."""
    newest: dict[tuple[str, str], Run] = {}
    found = (run for path in store.artifacts.glob(f"*/*/artifacts/{RECORD}") for run in _of_record(path))
    for run in sorted(found, key=lambda run: run.started or 0):
        newest.pop((run.state, run.status), None)
        newest[run.state, run.status] = run
    return list(newest.values())


def _of_record(path: Path) -> Iterator[Run]:
    """Yield the run that a record tells of, none when it is damaged."""
    try:
        record: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        run_id, experiment = path.parts[-3], path.parts[-4]
        logged = int(record.get("logged") or path.stat().st_mtime * 1000)
        tags = {**record["tags"], "observatory.trace": f"observatory trace run:{run_id}"}
        metrics = {name: (value,) for name, value in record["metrics"].items()}
        params, inputs, status = record["params"], record["inputs"], record["status"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    uri, name = path.parent.as_uri(), tags.get("mlflow.runName", "")
    yield Run(
        run_id, experiment, name, status, False, logged, logged, uri, params, metrics, tags, inputs
    )  # fmt: skip


def _from_client(store: Store, tag: str, history_of: str = "") -> Iterator[Run]:
    from mlflow.entities import ViewType

    from stages.tracking.connection import reading

    with reading(store) as client:
        names = {e.experiment_id: e.name for e in client.search_experiments(view_type=ViewType.ALL)}
        token = None
        while True:
            page = client.search_runs(
                list(names), f"tags.`{tag}` != ''", ViewType.ALL, order_by=["start_time"], page_token=token
            )
            for found in page:
                info, data = found.info, found.data
                metrics = {key: (value,) for key, value in data.metrics.items()}
                if history_of and data.tags.get(STATE_TAG) == history_of:
                    for key, (latest,) in metrics.items():
                        values = [item.value for item in client.get_metric_history(info.run_id, key)]
                        metrics[key] = (latest, *sorted({*values} - {latest}))
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
                    metrics=metrics,
                    tags=dict(data.tags),
                    inputs={item.dataset.name: item.dataset.digest for item in found.inputs.dataset_inputs},
                )
            token = page.token
            if not token:
                return
