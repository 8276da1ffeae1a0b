"""MLflow: one run for each state."""

import json
import math
import re
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from threading import Event

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient
from mlflow.utils.time import get_current_time_millis

from stages.lineage.cache import file_md5, md5_of
from stages.tracking.connection import TURN, experiment_of, is_ours, reading, writing
from stages.tracking.moved import follow
from stages.tracking.note import NOTE_TAG, states_experiment, with_use
from stages.tracking.patience import LIMIT, too_slow, within
from stages.tracking.place import Store
from stages.tracking.record import RECORD, RECORD_TAG, REPOSITORY_TAG, STATE_TAG, State
from stages.tracking.trouble import StoreError, answers

METRICS, PARAMS = 800, 100
"""What one call may log, 1000 of all kinds together."""
ABANDONED = 600.0
"""Seconds after which a run of another repository that does not end is taken for cut off."""
PACKED = "files.zip"
"""Artifact that holds all files of a run on a server but those that are opened there: each costs a request."""
OPENED = (".html",)
"""Ends of the names of files that MLflow's pages show."""


@dataclass(frozen=True)
class Logged:
    """Where a state was logged.

    Attributes:
        run_id: MLflow run.
        created: False when the state had its run already.
        address: Page of the run, "" where no server shows it.
    """

    run_id: str
    created: bool
    address: str = field(default="", compare=False)


@dataclass(frozen=True)
class _Names:
    """Metric names as MLflow takes them, and what they stood for where they had to be changed."""

    metrics: Mapping[str, float]
    originals: Mapping[str, str] = field(default_factory=dict)


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


@dataclass(frozen=True)
class _Work:
    """One state on its way into a store."""

    client: MlflowClient
    store: Store
    state: State
    experiment: str
    names: _Names
    left: Event

    @cached_property
    def tags(self) -> dict[str, str]:
        """What the run is tagged with from its beginning."""
        tags = {**self.state.tags, STATE_TAG: self.state.digest, "mlflow.runName": self.state.name}
        tags[REPOSITORY_TAG] = self.store.repository
        return tags | {f"observatory.metric.{plain}": original for plain, original in self.names.originals.items()}

    def check_limit(self) -> None:
        """Leave a server that is too slow.

        Raises:
            StoreError: The limit is exceeded.
        """
        if self.left.is_set():
            raise too_slow(self.store.place)


def log_run(state: State, root: Path, limit: float | None = LIMIT) -> Logged:
    """Log a state, once, however many processes reach it at the same time.

    Args:
        state: What to log.
        root: Absolute repository root; also inside a temporary workspace of DVC it is the real one.
        limit: Seconds after which a slow server is left, None for never. A database is never left: a disk of this
            machine that is slow gets there.

    Returns:
        The run; when one exists for this state nothing is written.

    Raises:
        StoreError: The store cannot be used; one line with the way out.
    """
    store = Store(root)
    return within(limit if store.database is None else None, store.place, partial(_log, state, store))


def _log(state: State, store: Store, left: Event) -> Logged:
    with writing(store) as client:
        follow(client, store)
        names = normalise(state.metrics)
        described = partial(states_experiment, metrics=names.metrics)
        work = _Work(client, store, state, experiment_of(client, state.experiment, store, described), names, left)
        run = _claim(work)
        logged = Logged(run.info.run_id, run.info.status == "RUNNING", store.page(work.experiment, run.info.run_id))
        if logged.created:
            try:
                _fill(work, run)
            except BaseException as error:
                if answers(error):
                    client.set_terminated(logged.run_id, "KILLED")
                raise
            client.set_terminated(logged.run_id, state.status)
            _link_evaluations(work, logged.run_id)
        return logged


def find_run(digest: str, root: Path) -> str | None:
    """Return the finished run of a state in any experiment, or None.

    Raises:
        StoreError: The store cannot be read.
    """
    with reading(Store(root)) as client:
        ids = [experiment.experiment_id for experiment in client.search_experiments()]
        found = client.search_runs(ids, f"tags.`{STATE_TAG}` = '{digest}'", max_results=1)
        return found[0].info.run_id if found else None


def _claim(work: _Work) -> Run:
    """Return the run of a state: a finished one, or a new one that runs, to only one of those who come together.

    Whoever sees no other run of the state after its own was begun has the claim: of two, at most one can. Of those
    who see each other, all but the one with the smallest id withdraw.

    Raises:
        StoreError: Another process goes on logging the state.
    """
    mine: Run | None = None
    end = time.monotonic() + TURN
    while True:
        done, others = _rivals(work, mine)
        if mine and (done or (others and mine.info.run_id > min(others))):
            _withdraw(work, mine.info.run_id)
            mine = None
        if done:
            return done
        if mine and not others:
            return mine
        if not mine and not others:
            work.check_limit()
            mine = work.client.create_run(work.experiment, tags=work.tags)
            if not work.store.is_shared:
                # the lock of the repository keeps everyone else away
                return mine
            continue
        if time.monotonic() > end:
            if mine:
                _withdraw(work, mine.info.run_id)
            raise StoreError(f"{work.store.place}: another process logs this state as run {min(others)}")
        time.sleep(0.3)


def _rivals(work: _Work, mine: Run | None) -> tuple[Run | None, list[str]]:
    """Return the finished run of a state and those that other processes are about to fill."""
    done: Run | None = None
    others = []
    for run in work.client.search_runs([work.experiment], f"tags.`{STATE_TAG}` = '{work.state.digest}'"):
        run_id = str(run.info.run_id)
        if run.info.status == work.state.status:
            done = run
        elif run.info.status != "RUNNING" or (mine and run_id == mine.info.run_id):
            continue
        elif is_ours(run, work.store):
            # the lock is ours, so whoever began this run is gone, or the server did not say that it had begun it
            work.client.set_terminated(run_id, "KILLED")
        elif time.time() - run.info.start_time / 1000 < ABANDONED:
            others.append(run_id)
    return done, others


def _withdraw(work: _Work, run_id: str) -> None:
    work.client.set_terminated(run_id, "KILLED")
    # who may write may not always delete
    with suppress(MlflowException):
        work.client.delete_run(run_id)


def _fill(work: _Work, run: Run) -> None:
    """Log everything of a state in few requests: on a server with passwords each may take half a second."""
    run_id = run.info.run_id
    text = _record(work)
    _log_artifacts(work, run, text)
    inputs = [
        DatasetInput(
            Dataset(item.name, item.digest, source_type="dvc", source=f'{{"path": "{item.name}"}}'),
            [InputTag("mlflow.data.context", item.context)],
        )
        for item in work.state.inputs
    ]
    if inputs:
        work.client.log_inputs(run_id, inputs)
    work.check_limit()
    now = get_current_time_millis()
    metrics = [Metric(name, value, now, 0) for name, value in work.names.metrics.items()]
    params = [Param(name, value) for name, value in work.state.params.items()]
    tags = [
        RunTag("observatory.trace", f"observatory trace run:{run_id}"),
        RunTag(RECORD_TAG, md5_of(text.encode())),
    ]
    work.client.log_batch(run_id, metrics[:METRICS], params[:PARAMS], tags)
    for start in range(METRICS, len(metrics), METRICS):
        work.client.log_batch(run_id, metrics[start : start + METRICS])
    for start in range(PARAMS, len(params), PARAMS):
        work.client.log_batch(run_id, params=params[start : start + PARAMS])


def _link_evaluations(work: _Work, run_id: str) -> None:
    """Link the run of a state from the runs that watched its evaluations."""
    for evaluation in work.state.evaluations:
        if work.left.is_set():
            break
        # it may be of another store, in the trash, or of a colleague who lets nobody write to it
        with suppress(MlflowException):
            note = work.client.get_run(evaluation).data.tags.get(NOTE_TAG, "")
            work.client.set_tag(evaluation, NOTE_TAG, with_use(note, work.state.name, work.experiment, run_id))


def _record(work: _Work) -> str:
    """Return what is logged, so that a later change of the database or of an artifact shows."""
    state = work.state
    record = {
        "state": state.digest,
        "status": state.status,
        "logged": get_current_time_millis(),
        "params": dict(state.params),
        "metrics": dict(work.names.metrics),
        "tags": work.tags,
        "inputs": {item.name: item.digest for item in state.inputs},
        "artifacts": {name: file_md5(file) for file, name in _files(state)},
    }
    return json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False)


def _log_artifacts(work: _Work, run: Run, record: str) -> None:
    client, state, run_id = work.client, work.state, run.info.run_id
    if work.store.location("") is not None:
        for path, folder in state.artifacts:
            if path.is_dir():
                client.log_artifacts(run_id, str(path), folder)
            else:
                client.log_artifact(run_id, str(path), folder)
        client.log_text(run_id, record, RECORD)
        return
    # MLflow's client would ask for the run again, to learn where its artifacts go
    place = get_artifact_repository(run.info.artifact_uri, tracking_uri=work.store.uri)
    with tempfile.TemporaryDirectory(prefix="observatory-") as name:
        packed, record_file = Path(name) / PACKED, Path(name) / RECORD
        opened = []
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, inside in _files(state):
                if "/" not in inside and inside.endswith(OPENED):
                    opened.append(file)
                else:
                    archive.write(file, inside)
        record_file.write_text(record, encoding="utf-8")
        for path in (packed, *opened, record_file):
            place.log_artifact(str(path))
            work.check_limit()


def _files(state: State) -> Iterator[tuple[Path, str]]:
    """Yield each file that is logged, with its path within the run."""
    for path, folder in state.artifacts:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if not file.is_dir():
                name = file.relative_to(path) if path.is_dir() else Path(file.name)
                yield file, (Path(folder) / name).as_posix()
