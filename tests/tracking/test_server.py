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
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from mlflow.tracking import MlflowClient
from mlflow.utils import rest_utils

from stages.tracking import log as tracking
from stages.tracking import patience, read
from stages.tracking.log import log_run
from stages.tracking.record import REPOSITORY_TAG, STATE_TAG
from stages.tracking.trouble import StoreError
from tests.commands.conftest import copied, study, study_path
from tests.commands.study import STUDY
from tests.repository import Repository
from tests.tracking.states import every_run, state, told

__all__ = ["study", "study_path"]  # fixtures


ADMIN, READER = ("admin", "correct-horse-1"), ("reader", "reads-but-no-more")


def become(monkeypatch: pytest.MonkeyPatch, name: str, password: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)


def ask(address: str, route: str, **content: str) -> None:
    """Ask the server, as its administrator, for something that is about users."""
    requests.post(f"{address}/api/{route}", json=content, auth=ADMIN, timeout=60).raise_for_status()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server that wants a password; who is no administrator may read."""
    folder = tmp_path_factory.mktemp("server")
    # without the cache it takes half a second to check the password of each request
    (folder / "auth.ini").write_text(
        "[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///auth.db\nadmin_username = admin\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\nauth_cache_ttl_seconds = 600\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of this test",
    }
    command = [str(Path(sys.executable).parent / "mlflow"), "server", "--app-name", "basic-auth"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--workers", "1"],
        cwd=folder,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
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
        ask(address, "2.0/mlflow/users/create", username=READER[0], password=READER[1])
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    become(monkeypatch, *ADMIN)
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


def test_a_state_takes_few_requests(
    client: MlflowClient, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "root").mkdir()
    # makes the experiment
    log_run(state("the first"), tmp_path / "root", None)
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
    assert sum("artifacts" in url for url in asked) == 3
    assert len(asked) <= 10
    run = client.get_run(logged.run_id)
    assert logged.address == f"{server}/#/experiments/{run.info.experiment_id}/runs/{logged.run_id}"
    data = run.data
    assert data.metrics == metrics
    assert data.params == params
    files = {item.path for item in client.list_artifacts(logged.run_id)}
    assert files == {"files.zip", "index.html", "record.json"}
    (found,) = read.of_state("few", tmp_path / "root")
    assert (found.run_id, found.status, len(found.metrics)) == (logged.run_id, "FINISHED", 665)
    asked.clear()
    assert "few" in {run.state for run in read.stored(tmp_path / "root", history_of="few")}
    assert len(asked) <= 3


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


def test_a_server_that_is_too_slow_is_left_without_an_open_run(
    client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(patience, "CLOSING", 600.0)
    with pytest.raises(StoreError, match=r"answers too slowly and was left"):
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


def refused(use: Callable[[], object]) -> str:
    """Fail to use the store and return the one line that says why."""
    with pytest.raises(StoreError) as caught:
        use()
    (line,) = caught.value.lines()
    return line


def test_a_wrong_password_and_a_missing_permission_are_a_line_each(
    client: MlflowClient, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = log_run(state("of the administrator"), tmp_path, None)
    before = told(client)
    become(monkeypatch, ADMIN[0], "wrong")
    for use in (lambda: log_run(state("ours"), tmp_path, None), lambda: read.stored(tmp_path)):
        assert refused(use) == (
            f"{server}: user name or password is wrong (401): set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD"
        )
    become(monkeypatch, *READER)
    assert first.run_id in {run.run_id for run in read.stored(tmp_path)}
    assert log_run(state("of the administrator"), tmp_path, None) == tracking.Logged(first.run_id, created=False)
    assert refused(lambda: log_run(state("ours"), tmp_path, None)) == (
        f"{server}: this user may not write there (403): ask whoever runs it for the permission EDIT"
    )
    become(monkeypatch, *ADMIN)
    assert told(client) == before
    experiment = client.get_run(first.run_id).info.experiment_id
    ask(
        server,
        "3.0/mlflow/users/permissions/grant",
        username=READER[0],
        resource_type="experiment",
        resource_id=experiment,
        permission="EDIT",
    )
    become(monkeypatch, *READER)
    assert log_run(state("ours"), tmp_path, None).created


def test_results_outlast_a_wrong_password_and_are_logged_with_the_right_one(
    client: MlflowClient, server: str, study: Repository, tmp_path: Path
):
    copy = copied(study, tmp_path / "study")
    wrong = {"MLFLOW_TRACKING_URI": server, "MLFLOW_TRACKING_USERNAME": ADMIN[0], "MLFLOW_TRACKING_PASSWORD": "wrong"}
    said = copy.run("python", "-m", "stages.track", env=wrong).stderr
    assert f"{server}: user name or password is wrong (401)" in said
    assert "are kept: `observatory track` logs it later" in said
    assert len(said.splitlines()) == 2
    right = {**wrong, "MLFLOW_TRACKING_PASSWORD": ADMIN[1], "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
    assert "logged as MLflow run" in copy.run("python", "-m", "stages.cli", "track", env=right).stdout
    logged = [run for run in every_run(client) if run.data.tags.get("observatory.study") == STUDY]
    assert [run.info.status for run in logged] == ["FINISHED"]
