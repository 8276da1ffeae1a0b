"""A real MLflow server that several people log to."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from mlflow.utils import rest_utils

from stages.tracking import log as tracking
from stages.tracking.log import log_run
from stages.tracking.read import of_state
from stages.tracking.record import REPOSITORY_TAG, STATE_TAG
from stages.tracking.trouble import StoreError
from tests.tracking.states import every_run, state


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    env |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [str(Path(sys.executable).parent / "mlflow"), "server", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(360):
            assert process.poll() is None, "mlflow server ended"
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    # the server shares two cores with the rest of the suite
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    return MlflowClient(server)


def folders(root: Path) -> list[tuple[Path, str]]:
    """Make forty figures, a page and parameters."""
    (root / "figures").mkdir()
    for i in range(40):
        (root / f"figures/{i}.svg").write_text(f"figure {i}")
    for name in ("index.html", "params.yaml"):
        (root / name).write_text(name)
    return [(root / "figures", "figures"), (root / "index.html", ""), (root / "params.yaml", "")]


def test_a_state_takes_few_requests(client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "root").mkdir()
    asked: list[str] = []
    send = rest_utils._get_http_response_with_retries

    def counted(method: str, url: str, *rest: object, **more: object):
        asked.append(url)
        return send(method, url, *rest, **more)

    monkeypatch.setattr(rest_utils, "_get_http_response_with_retries", counted)
    metrics = {f"m.{i}": float(i) for i in range(665)}
    params = {f"p.{i}": str(i) for i in range(60)}
    logged = log_run(
        state("few", artifacts=folders(tmp_path), metrics=metrics, params=params), tmp_path / "root", None
    )
    assert sum("log-batch" in url for url in asked) == 1
    assert sum("artifacts" in url for url in asked) <= 5
    assert len(asked) <= 16
    run = client.get_run(logged.run_id)
    assert run.data.metrics == metrics
    assert run.data.params == params
    files = {item.path for item in client.list_artifacts(logged.run_id)}
    assert files == {"files.zip", "index.html", "params.yaml", "record.json"}
    (read,) = of_state("few", tmp_path / "root")
    assert (read.run_id, read.status, len(read.metrics)) == (logged.run_id, "FINISHED", 665)


def test_a_colleagues_running_run_stays_as_it_is(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = log_run(state("first"), tmp_path, None)
    experiment = client.get_run(first.run_id).info.experiment_id
    tags = {STATE_TAG: "theirs", REPOSITORY_TAG: "their folder"}
    running = client.create_run(experiment, tags=tags).info.run_id
    before = client.get_run(running).to_dictionary()
    log_run(state("mine"), tmp_path, None)
    assert client.get_run(running).to_dictionary() == before
    monkeypatch.setattr(tracking, "TURN", 1.0)
    with pytest.raises(StoreError, match=f"another process logs this state as run {running}"):
        log_run(state("theirs"), tmp_path, None)
    assert client.get_run(running).to_dictionary() == before
    client.set_terminated(running, "FINISHED")
    assert log_run(state("theirs"), tmp_path, None) == tracking.Logged(running, created=False)


def test_a_run_of_ours_that_was_cut_off_is_closed(client: MlflowClient, tmp_path: Path):
    first = log_run(state("before the cut"), tmp_path, None)
    run = client.get_run(first.run_id)
    tags = {STATE_TAG: "cut", REPOSITORY_TAG: run.data.tags[REPOSITORY_TAG]}
    cut = client.create_run(run.info.experiment_id, tags=tags).info.run_id
    assert log_run(state("cut"), tmp_path, None).created
    assert client.get_run(cut).info.status == "KILLED"


def test_a_server_that_is_too_slow_is_left_without_an_open_run(client: MlflowClient, tmp_path: Path):
    with pytest.raises(StoreError, match=r"answers too slowly, left it after 0 s"):
        log_run(state("slow"), tmp_path, limit=0.0)
    left = [run for run in every_run(client) if run.data.tags.get(STATE_TAG) == "slow"]
    assert all(run.info.status == "KILLED" for run in left)
    assert log_run(state("slow"), tmp_path, None).created


def _reach(root: Path, gate: "multiprocessing.synchronize.Barrier") -> None:
    gate.wait()
    log_run(state("popular"), root, None)


def test_many_who_reach_a_state_at_the_same_time_log_it_once(client: MlflowClient, tmp_path: Path):
    """Every one from a clone of its own: no lock is shared but what the server knows."""
    log_run(state("warm"), tmp_path, None)
    context = multiprocessing.get_context("spawn")
    roots = [tmp_path / f"clone-{i}" for i in range(4)]
    gate = context.Barrier(len(roots))
    for root in roots:
        root.mkdir()
    workers = [context.Process(target=_reach, args=(root, gate)) for root in roots]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * len(roots)
    runs = [run for run in every_run(client) if run.data.tags.get(STATE_TAG) == "popular"]
    (finished,) = [run for run in runs if run.info.status == "FINISHED"]
    assert all(run.info.lifecycle_stage == "deleted" for run in runs if run is not finished)
