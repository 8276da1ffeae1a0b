"""A store that cannot be used: one line with the way out, in time, and nothing is harmed."""

import contextlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from stages.tracking import read
from stages.tracking.live import live_run
from stages.tracking.log import log_run
from stages.tracking.place import store_uri
from stages.tracking.trouble import StoreError
from tests.repository import ROOT
from tests.tracking.states import state

LONGEST = 20.0
HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def refused(root: Path, what: str = "log") -> str:
    """Fail to use the store and return the one line that says why."""
    begun = time.monotonic()
    with pytest.raises(StoreError) as caught:
        log_run(state(), root) if what == "log" else read.stored(root)
    assert time.monotonic() - begun < LONGEST
    (line,) = caught.value.lines()
    assert "delete" not in line
    assert "Traceback" not in line
    return line


@contextlib.contextmanager
def held(database: Path) -> Iterator[int]:
    """Hold a database in another process and yield its id."""
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process.pid
        finally:
            process.communicate("")


def test_a_database_that_another_process_holds_is_busy_and_the_process_named(tmp_path: Path):
    log_run(state("before"), tmp_path)
    with held(tmp_path / "mlflow.db") as pid:
        for what in ("log", "read"):
            assert refused(tmp_path, what).startswith(f"mlflow.db is busy: process {pid} (python")
    assert log_run(state(), tmp_path).created
    assert {run.state for run in read.stored(tmp_path)} == {"before", "abc"}


def test_a_database_that_is_given_back_in_time_is_waited_for(tmp_path: Path):
    log_run(state("before"), tmp_path)
    with contextlib.ExitStack() as stack:
        stack.enter_context(held(tmp_path / "mlflow.db"))
        release = threading.Timer(1.5, stack.pop_all().close)
        release.start()
        assert log_run(state(), tmp_path).created
        release.join()


def test_a_damaged_database_is_moved_aside_and_never_deleted(tmp_path: Path):
    (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 100)
    for what in ("log", "read"):
        line = refused(tmp_path, what)
        assert line.startswith("mlflow.db is damaged (file is not a database): move it aside")
        assert "`observatory track --rebuild --all`" in line
    assert (tmp_path / "mlflow.db").read_bytes() == b"no database at all" * 100


def test_an_experiment_in_the_trash_is_not_written_to(tmp_path: Path):
    logged = log_run(state("before"), tmp_path)
    client = MlflowClient(store_uri(tmp_path))
    experiment = client.get_run(logged.run_id).info.experiment_id
    client.delete_experiment(experiment)
    line = refused(tmp_path)
    assert f"`mlflow experiments restore --experiment-id {experiment}`" in line
    assert "params.yaml: track.experiment" in line
    client.restore_experiment(experiment)
    assert log_run(state(), tmp_path).created


@pytest.mark.parametrize("uri", ["./mlruns", "file:///somewhere/mlruns"])
def test_a_folder_is_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert refused(tmp_path).startswith(f"MLFLOW_TRACKING_URI is {uri!r}, a folder")


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap makes a disk read-only")
@pytest.mark.parametrize("with_store", [False, True])
def test_a_read_only_disk_is_said(tmp_path: Path, with_store: bool):
    if with_store:
        log_run(state("before"), tmp_path)
    script = f"""
from pathlib import Path
from stages.tracking.log import log_run
from stages.tracking.trouble import StoreError
from tests.tracking.states import state
try:
    log_run(state(), Path({str(tmp_path)!r}))
except StoreError as error:
    print(*error.lines(), sep="\\n")
"""
    jail = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(tmp_path), str(tmp_path), "--chdir", str(ROOT)]
    done = subprocess.run([*jail, sys.executable, "-c", script], capture_output=True, text=True, check=False)
    (line,) = done.stdout.splitlines()
    assert "cannot be written" in line
    assert "set MLFLOW_TRACKING_URI to a server" in line
    assert done.stderr == ""


def test_a_server_that_takes_calls_and_does_not_answer_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{port}")
        assert refused(tmp_path).startswith(f"http://127.0.0.1:{port}: no answer in time: ")
        assert refused(tmp_path, "read").startswith(f"http://127.0.0.1:{port}: no answer in time: ")


def test_no_server_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert refused(tmp_path) == (
        "http://127.0.0.1:1: cannot be reached (Connection refused): start the server, or correct MLFLOW_TRACKING_URI"
    )


@contextlib.contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Run a server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 (http.server)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, b"You are not authenticated", "user name or password is wrong (401): set MLFLOW_TRACKING_USERNAME"),
        (403, b"Permission denied", "this user may not write there (403): ask"),
        (403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}', "this user may not write there (403): ask"),
        (403, b"Invalid Host header - possible DNS rebinding attack detected", "start it with --allowed-hosts"),
        (500, b"oops", "answers with errors (500 and the like): see its log"),
        (200, b"<html>a home page</html>", "it is no MLflow server: correct MLFLOW_TRACKING_URI"),
        (404, b"nothing", "it is no MLflow server: correct MLFLOW_TRACKING_URI"),
    ],
)
def test_what_a_server_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, told: str):
    with answering(status, body) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        line = refused(tmp_path)
    assert line.startswith(f"{address}: ")
    assert told in line


def test_an_evaluation_goes_on_without_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with live_run("digest", "org/model", {}, {"limit": "3"}, tmp_path) as live:
        live.log("mmlu", {"score": 0.5}, 1)
        live.tag({"observatory.scores": "x"})
    assert live.run_id == ""
    (record,) = caplog.records
    assert record.getMessage().startswith("http://127.0.0.1:1: cannot be reached")
    assert "the evaluation goes on and is kept" in record.getMessage()


def test_an_evaluation_whose_store_fails_on_the_way_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with live_run("digest", "org/model", {}, {}, tmp_path) as live:
        live.log("mmlu", {"score": 0.5}, 1)
        with sqlite3.connect(tmp_path / "mlflow.db") as connection:
            connection.execute("ALTER TABLE runs RENAME TO gone")
        live.log("jmmlu", {"score": 0.5}, 2)
        live.log("mgsm", {"score": 0.5}, 3)
    assert [r.levelname for r in caplog.records if r.name == "stages.tracking.live"] == ["WARNING"]
