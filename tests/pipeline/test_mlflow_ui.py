"""Two states side by side: in `mlflow ui`, bare, in the root, and in the tables of DVC."""

import os
import re
import shlex
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
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import open_browser
from tests.pipeline.test_tracking import runs
from tests.repository import ROOT, Repository

pytestmark = pytest.mark.states


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
        wait_for_server(address, server)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_for_server(address: str, server: subprocess.Popen[bytes]) -> None:
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


def wait_for(browser: Chrome, by: str, what: str, n: int = 1) -> list[WebElement]:
    """Return the elements once there are so many."""
    return WebDriverWait(browser, 90).until(lambda b: found if len(found := b.find_elements(by, what)) >= n else None)


def open_runs(browser: Chrome, address: str, experiment: str) -> None:
    """Come to the runs of an experiment as a newcomer does: by the list of experiments and the first link there."""
    browser.get(f"{address}/#/experiments")
    wait_for(browser, By.LINK_TEXT, experiment)[0].click()
    link = wait_for(browser, By.LINK_TEXT, "Open the runs")[0]
    # MLflow greets newcomers with a layer over the page
    browser.execute_script("arguments[0].click()", link)
    WebDriverWait(browser, 30).until(lambda b: len(b.window_handles) == 2)
    browser.switch_to.window(browser.window_handles[-1])


def compare_both(browser: Chrome) -> None:
    """Tick the two runs of the list, the older one first, and compare them."""
    # the list has the newest run first
    for row in reversed(wait_for(browser, By.CSS_SELECTOR, "input[aria-label^='Press Space to toggle row']", 2)):
        browser.execute_script("arguments[0].click()", row)
    wait_for(browser, By.XPATH, "//button[normalize-space()='Compare']")[0].click()


def wait_until_gone(browser: Chrome, text: str) -> str:
    def body(driver: Chrome) -> str | None:
        found = driver.find_element(By.TAG_NAME, "body").text
        return None if text in found else found

    return WebDriverWait(browser, 30, ignored_exceptions=[Exception]).until(body)


def test_two_runs_are_found_and_compared(scratch: Repository, tmp_path: Path):
    found = {run.data.tags["observatory.subset"]: run for run in runs(scratch)}
    experiment = found["all"].info.experiment_id
    ids = [found["all"].info.run_id, found["scratch"].info.run_id]
    with user_interface(scratch) as address, open_browser(tmp_path / "profile", 1600, 2400) as browser:
        open_runs(browser, address, "observatory")
        wait_for_text(browser, *(found[subset].info.run_name for subset in ("all", "scratch")), "scale.PC1.en.rho")
        compare_both(browser)
        wait_for_text(browser, "Comparing 2 Runs", "scale.min_models", "correlate.pearson.gsm8k.mgsm_ja")
        for switch in browser.find_elements(By.XPATH, "//*[normalize-space(text())='Show diff only']"):
            switch.click()
        shown = " ".join(wait_until_gone(browser, "scale.min_models").split())
        # the first lines of the tables, which show more when they are scrolled
        assert "subset all scratch" in shown
        for name in ("compare.reproduced", "correlate.pearson.gsm8k.mgsm_ja"):
            values = [
                f"{found[subset].data.metrics[name]:.3f}".rstrip("0").rstrip(".") for subset in ("all", "scratch")
            ]
            assert name in shown
            assert f" {' '.join(values)} " in shown
        browser.get(f"{address}/#/experiments/{experiment}/runs/{ids[0]}/artifacts")
        wait_for_text(browser, "figures", "index.html", "data_docs")
        browser.get("about:blank")
        browser.get(f"{address}/#/experiments/{experiment}/runs/{ids[0]}")
        wait_for_text(browser, "35 models on 19 benchmarks", "Metrics (40)")


def test_few_parameters_are_logged_and_none_about_machines_or_looks(scratch: Repository):
    for run in runs(scratch):
        names = set(run.data.params)
        assert {"study", "subset", "assemble.corrections"} <= names
        assert not [name for name in names if name.startswith(("track.", "report."))]
        assert not [name for name in names if name.startswith("evaluate.")]
        assert len(names) <= 30


def test_the_table_of_experiments_that_the_docs_show_fits_120_columns(scratch: Repository):
    page = (ROOT / "docs/how-to/compare-two-states.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^dvc exp show .*$", page, flags=re.MULTILINE)
    printed = scratch.dvc(*shlex.split(command)[1:], "--no-pager", env={"COLUMNS": "120"}).splitlines()
    (header,) = [line for line in printed if "Experiment" in line]
    assert header.split()[1:] == page.split(command, 1)[1].split("Experiment", 1)[1].splitlines()[0].split()
    assert all(len(line.rstrip()) <= 120 for line in printed)
