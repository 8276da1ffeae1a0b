"""`mlflow ui`, bare, in the root: the runs are there and two of them can be compared."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import open_browser
from tests.pipeline.test_tracking import runs
from tests.repository import Repository


@contextmanager
def user_interface(repository: Repository) -> Iterator[str]:
    """Start `mlflow ui` as a user does, but on a free port, and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [str(Path(sys.executable).parent / "mlflow"), "ui", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(
        command, cwd=repository.path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, server)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert server.poll() is None, "mlflow ui ended"
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError("mlflow ui did not start")


def wait_for_text(browser: Chrome, *texts: str) -> str:
    def body(driver: Chrome) -> str | None:
        found = driver.find_element(By.TAG_NAME, "body").text
        return found if all(text in found for text in texts) else None

    return WebDriverWait(browser, 90, ignored_exceptions=[Exception]).until(body)


@pytest.mark.slow
def test_two_runs_are_found_and_compared(workbench: Repository, tmp_path: Path):
    workbench.dvc("exp", "run", "-n", "scratch", "-S", "subset=scratch")
    found = {run.data.tags["observatory.subset"]: run for run in runs(workbench)}
    experiment = found["all"].info.experiment_id
    ids = [found["all"].info.run_id, found["scratch"].info.run_id]
    with user_interface(workbench) as address, open_browser(tmp_path / "profile", 1600, 2400) as browser:
        browser.get(f"{address}/#/experiments/{experiment}/runs")
        wait_for_text(browser, found["all"].info.run_name, found["scratch"].info.run_name)
        quoted = "[" + ",".join(f'"{i}"' for i in ids) + "]"
        browser.get(f'{address}/#/compare-runs?runs={quoted}&experiments=["{experiment}"]')
        page = wait_for_text(browser, "decompose.n_models", "scale.PC1.en.rho", "subset")
        assert "scratch" in page
        for value in ("35", "20"):
            assert value in page
        browser.get(f"{address}/#/experiments/{experiment}/runs/{ids[0]}/artifacts")
        wait_for_text(browser, "figures", "index.html", "data_docs")
