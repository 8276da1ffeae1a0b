"""A store that cannot be used: one line with the way out, in time, and nothing is harmed."""

import contextlib
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from mlflow.environment_variables import (
    MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR,
    MLFLOW_HTTP_REQUEST_MAX_RETRIES,
    MLFLOW_HTTP_REQUEST_TIMEOUT,
)
from mlflow.tracking import MlflowClient

from stages.tracking import connection, patience, read
from stages.tracking.live import live_run
from stages.tracking.log import log_run
from stages.tracking.place import store_uri
from stages.tracking.trouble import StoreError
from tests.repository import ROOT
from tests.tracking.states import state

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


def refused(root: Path, what: str = "log") -> str:
    """Fail to use the store and return the one line that says why."""
    with pytest.raises(StoreError) as caught:
        log_run(state(), root) if what == "log" else read.stored(root)
    (line,) = caught.value.lines()
    assert "delete" not in line
    assert "Traceback" not in line
    return line


@contextlib.contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None], certificate: Path | None = None) -> Iterator[str]:
    """Run a server that answers everything alike, and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET  # noqa: N815 (http.server)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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


def test_a_database_that_another_process_holds_is_busy_and_the_process_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connection, "PATIENCE", 0.3)
    log_run(state("before"), root)
    with held(root / "mlflow.db") as pid:
        for what in ("log", "read"):
            assert refused(root, what).startswith(f"mlflow.db is busy: process {pid} (python")
    assert log_run(state(), root).created
    assert {run.state for run in read.stored(root)} == {"before", "abc"}


def test_a_database_that_is_given_back_in_time_is_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "PATIENCE", 600.0)
    log_run(state("before"), root)
    with contextlib.ExitStack() as stack:
        stack.enter_context(held(root / "mlflow.db"))
        release = threading.Timer(1.5, stack.pop_all().close)
        release.start()
        assert log_run(state(), root).created
        release.join()


def test_a_damaged_database_is_moved_aside_and_never_deleted(tmp_path: Path):
    (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 100)
    for what in ("log", "read"):
        line = refused(tmp_path, what)
        assert line.startswith("mlflow.db is damaged (file is not a database): move it aside")
        assert "`observatory track --rebuild --all`" in line
    assert (tmp_path / "mlflow.db").read_bytes() == b"no database at all" * 100


def test_an_experiment_in_the_trash_is_not_written_to(root: Path):
    logged = log_run(state("before"), root)
    client = MlflowClient(store_uri(root))
    experiment = client.get_run(logged.run_id).info.experiment_id
    client.delete_experiment(experiment)
    line = refused(root)
    assert f"`mlflow experiments restore --experiment-id {experiment}`" in line
    assert "params.yaml: track.experiment" in line
    client.restore_experiment(experiment)
    assert log_run(state(), root).created


@pytest.mark.parametrize("uri", ["./mlruns", "file:///somewhere/mlruns"])
def test_a_folder_is_no_store(root: Path, monkeypatch: pytest.MonkeyPatch, uri: str):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert refused(root).startswith(f"MLFLOW_TRACKING_URI is {uri!r}, a folder")


def test_a_database_in_a_folder_that_is_not_there_is_a_wrong_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/tema/mlflow.db")
    assert refused(tmp_path) == (
        f"{tmp_path}/tema/mlflow.db: there is no folder {tmp_path}/tema: correct MLFLOW_TRACKING_URI, or make it"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("with_store", [False, True])
def test_a_read_only_disk_is_said(tmp_path: Path, root: Path, with_store: bool):
    folder = root if with_store else tmp_path
    script = f"""
from pathlib import Path
from stages.tracking.log import log_run
from stages.tracking.trouble import StoreError
from tests.tracking.states import state
try:
    log_run(state(), Path({str(folder)!r}))
except StoreError as error:
    print(*error.lines(), sep="\\n")
"""
    jail = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(folder), str(folder), "--chdir", str(ROOT)]
    done = subprocess.run([*jail, sys.executable, "-c", script], capture_output=True, text=True, check=False)
    (line,) = done.stdout.splitlines()
    assert "cannot be written" in line
    assert "set MLFLOW_TRACKING_URI to a server" in line
    assert done.stderr == ""


def calls(listening: socket.socket) -> int:
    """Return how many calls have come in that nobody took."""
    listening.setblocking(False)
    number = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listening.accept()[0].close()
            number += 1
    return number


@pytest.mark.parametrize("what", ["log", "read"])
def test_a_server_that_takes_calls_and_does_not_answer_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{port}")
        assert refused(tmp_path, what).startswith(f"http://127.0.0.1:{port}: no answer in time: ")
        assert calls(listening) == 2


def test_the_bounds_of_one_request_and_of_all_add_up_to_less_than_twenty_seconds():
    tries = MLFLOW_HTTP_REQUEST_MAX_RETRIES.get() + 1
    request = tries * MLFLOW_HTTP_REQUEST_TIMEOUT.get() + (tries - 1) * MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR.get()
    assert request < patience.LIMIT + patience.CLOSING < 20


def test_a_server_whose_bytes_trickle_is_left_while_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patience, "CLOSING", 1.0)
    released = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not released.wait(0.2):
            handler.wfile.write(b" ")

    with serving(trickle) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        try:
            with pytest.raises(StoreError, match=f"^{address}: answers too slowly and was left"):
                log_run(state(), tmp_path, limit=1.0)
        finally:
            released.set()


def test_a_slow_disk_of_this_machine_is_not_left(root: Path):
    assert log_run(state(), root, limit=0.0).created


def test_no_server_at_all(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert refused(root) == (
        "http://127.0.0.1:1: cannot be reached (Connection refused): start the server, or correct MLFLOW_TRACKING_URI"
    )


def test_a_certificate_that_nobody_knows_is_said(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    certificate = self_signed(tmp_path / "server.pem")
    with serving(lambda handler: None, certificate) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert refused(root) == (
            f"{address}: its certificate is not trusted: set MLFLOW_TRACKING_SERVER_CERT_PATH to that of its authority"
        )


def self_signed(path: Path) -> Path:
    """Write a key and a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, b"You are not authenticated", "user name or password is wrong (401): set MLFLOW_TRACKING_USERNAME"),
        (403, b"Permission denied", "this user may not write there (403): ask"),
        (403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}', "this user may not write there (403): ask"),
        (403, b"Invalid Host header - possible DNS rebinding attack detected", "start it with --allowed-hosts"),
        (500, b"oops", "answers with errors (500 and the like): see its log"),
        (200, b"<html>a home page</html>", "it is not an MLflow server: correct MLFLOW_TRACKING_URI"),
        (404, b"nothing", "it is not an MLflow server: correct MLFLOW_TRACKING_URI"),
    ],
)
def test_what_a_server_refuses(root: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, told: str):
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with serving(answer) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        line = refused(root)
    assert line.startswith(f"{address}: ")
    assert told in line


def test_an_evaluation_goes_on_without_a_store(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with live_run("digest", "org/model", {}, {"limit": "3"}, root) as live:
        live.log("mmlu", {"score": 0.5}, 1)
        live.tag({"observatory.scores": "x"})
    assert live.run_id == ""
    (record,) = caplog.records
    assert record.getMessage().startswith("http://127.0.0.1:1: cannot be reached")
    assert "the evaluation goes on and is kept" in record.getMessage()


def test_an_evaluation_whose_store_fails_on_the_way_says_so_once(root: Path, caplog: pytest.LogCaptureFixture):
    with live_run("digest", "org/model", {}, {}, root) as live:
        live.log("mmlu", {"score": 0.5}, 1)
        with sqlite3.connect(root / "mlflow.db") as connection:
            connection.execute("ALTER TABLE runs RENAME TO gone")
        live.log("jmmlu", {"score": 0.5}, 2)
        live.log("mgsm", {"score": 0.5}, 3)
    assert [r.levelname for r in caplog.records if r.name == "stages.tracking.live"] == ["WARNING"]
