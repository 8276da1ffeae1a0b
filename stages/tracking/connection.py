"""Clients of the MLflow store that wait for seconds and not for minutes, and touch nothing that is not ours."""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from stages.tracking.busy import holder
from stages.tracking.place import SQLITE, Store
from stages.tracking.record import EVALUATION_TAG, EXPERIMENT_TAG, KIND, KIND_TAG, REPOSITORY_TAG, STATE_TAG
from stages.tracking.trouble import StoreError, of_database, told

# MLflow prints the traceback of each error that it raises, urllib3 each second try; we say what was wrong once
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)

Described = Callable[[str], Mapping[str, str]]
PATIENCE = 5.0
"""Seconds to wait for a database that another process holds."""
TURN = 15.0
"""Seconds to wait for another process of this repository that is logging."""


@contextmanager
def writing(store: Store) -> Iterator[MlflowClient]:
    """Give a client that writes, while no other process of this repository does.

    Yields:
        The client. Whatever MLflow raises within the block becomes a `StoreError`.

    Raises:
        StoreError: The store cannot be used; one line with the way out.
    """
    _refuse_address(store)
    with told(store.place), _turn(store):
        if store.database is not None:
            wait_for(store.database, store.place, write=True)
        yield MlflowClient(store.uri)


@contextmanager
def reading(store: Store) -> Iterator[MlflowClient]:
    """Give a client that only reads; a database file stays as it is.

    Raises:
        StoreError: The store cannot be read; one line with the way out.
    """
    _refuse_address(store)
    with told(store.place):
        uri = store.uri
        if store.database is not None:
            wait_for(store.database, store.place, write=False)
            # with the driver named, MLflow does not take what follows for a folder that it has to make
            uri = f"sqlite+pysqlite:///file:{quote(str(store.database))}?mode=ro&uri=true"
        yield MlflowClient(uri)


def _refuse_address(store: Store) -> None:
    if store.is_folder:
        raise StoreError(
            f"MLFLOW_TRACKING_URI is {store.uri!r}, a folder, which MLflow no longer writes to: unset it, or give "
            f"{SQLITE}{store.root / 'mlflow.db'} or the address of a server"
        )
    if store.database is not None and not store.database.parent.is_dir():
        raise StoreError(
            f"{store.place}: there is no folder {store.database.parent}: correct MLFLOW_TRACKING_URI, or make it"
        )


@contextmanager
def _turn(store: Store) -> Iterator[None]:
    # the first use of a database migrates it, and two first uses at once break it
    if store.database is not None and store.is_shared:
        lock = store.database.with_name(f"{store.database.name}.lock")
    else:
        lock = store.root / "mlruns" / ".lock"
    turn: FileLock | None = None
    try:
        lock.parent.mkdir(exist_ok=True)
        turn = FileLock(lock, timeout=TURN)
        turn.acquire()
    except OSError as error:
        # where nothing can be written here, a server can still keep the run
        if store.database is not None or isinstance(error, Timeout):
            raise
        turn = None
    try:
        yield
    finally:
        if turn is not None:
            turn.release()


def wait_for(database: Path, place: str, *, write: bool) -> None:
    """Wait for a database until no other process holds it.

    MLflow itself waits for minutes, and for an hour when the file cannot be opened.

    Args:
        database: SQLite file; one that is to be written need not exist.
        place: The file as messages show it.
        write: Whether it is to be written.

    Raises:
        StoreError: It is still held after `PATIENCE` seconds, damaged, or cannot be opened.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            _touch(database, write=write)
        except sqlite3.Error as error:
            if "locked" not in str(error) and "busy" not in str(error):
                raise StoreError(f"{place} {of_database(error)}") from error
            if time.monotonic() > end:
                files = [database, *(database.with_name(f"{database.name}-{part}") for part in ("shm", "wal"))]
                raise StoreError(f"{place} is busy: {holder(*files)} holds it: try again when it is done") from error
            time.sleep(0.1)
        else:
            return


def _touch(database: Path, *, write: bool) -> None:
    """Take and give back the lock that is needed; the content stays as it is."""
    mode = "rwc" if write else "ro"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode={mode}", uri=True, timeout=0)) as connection:
        connection.isolation_level = None
        if write:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        else:
            connection.execute("PRAGMA schema_version").fetchall()


def experiment_of(client: MlflowClient, name: str, store: Store, described: Described) -> str:
    """Return the id of an experiment of ours, created if it does not exist.

    Args:
        client: Client of the store.
        name: Name of the experiment.
        store: Where it is.
        described: Gives, for the id of a new experiment, the tags that describe it.

    Raises:
        StoreError: It lies in the trash, or belongs to others.
    """
    known = client.get_experiment_by_name(name)
    if known is None:
        try:
            tags = {EXPERIMENT_TAG: name, KIND_TAG: KIND}
            made = str(client.create_experiment(name, store.location(name), tags=tags))
            for tag, value in described(made).items():
                client.set_experiment_tag(made, tag, value)
            return made
        except MlflowException as error:
            # another clone made it in the meantime
            known = client.get_experiment_by_name(name) if error.error_code == "RESOURCE_ALREADY_EXISTS" else None
            if known is None:
                raise
    where = f"{store.place}: experiment {known.name!r}"
    if known.lifecycle_stage != "active":
        raise StoreError(
            f"{where} lies in MLflow's trash: restore it (`mlflow experiments restore --experiment-id "
            f"{known.experiment_id}`), or choose another name in params.yaml: track.experiment"
        )
    if not _takes_our_runs(client, known, store):
        raise StoreError(f"{where} belongs to another project: choose another name in params.yaml: track.experiment")
    if EXPERIMENT_TAG in known.tags and KIND_TAG not in known.tags:
        # made by an earlier version; who may write runs may not always write experiments
        with suppress(MlflowException):
            client.set_experiment_tag(known.experiment_id, KIND_TAG, KIND)
    return str(known.experiment_id)


def is_ours(run: Run, store: Store) -> bool:
    """Return whether a run was begun by this repository."""
    tags = run.data.tags
    if REPOSITORY_TAG in tags:
        return bool(tags[REPOSITORY_TAG] == store.repository)
    return has_our_tags(run) and not store.is_shared and store.contains(run.info.artifact_uri)


def has_our_tags(run: Run) -> bool:
    """Return whether a run logs a state or watched an evaluation, of whatever repository."""
    return STATE_TAG in run.data.tags or EVALUATION_TAG in run.data.tags


def _takes_our_runs(client: MlflowClient, experiment: Experiment, store: Store) -> bool:
    """Return whether an experiment was made for such runs as ours, and keeps artifacts where ours are."""
    if store.location("") is not None and not store.contains(experiment.artifact_location):
        return False
    if EXPERIMENT_TAG in experiment.tags:
        return True
    # one that an administrator made for us is empty, one of an earlier version has nothing but our runs
    return all(has_our_tags(run) for run in client.search_runs([experiment.experiment_id], max_results=100))
