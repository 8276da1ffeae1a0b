"""What a terminal shows of long work, and a file does not."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from stages.workspace.progress import Step, each, working
from tests.repository import ROOT

WORK = """
import sys, time
from stages.workspace import progress
progress.DELAY = progress.TICK = 0.05
progress.announce("ready")
with progress.working("outer", 2) as step:
    step.next("first")
    for item in progress.each([10, 20], "inner", lambda n: f"item {n}"):
        time.sleep(0.6)
print("done")
"""


def on_a_terminal(script: str) -> tuple[int, str]:
    """Run a script on a terminal of its own and return its exit code and what the terminal got."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    # a test of the same process may have hidden the bars
    kept = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    env = {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    started = subprocess.Popen([sys.executable, "-c", script], stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    got = b""
    try:
        while part := os.read(ours, 4096):
            got += part
    except OSError:
        # the other end is closed
        pass
    os.close(ours)
    return started.wait(), got.decode()


def test_a_terminal_shows_what_is_done_and_how_far_it_is():
    code, shown = on_a_terminal(WORK)
    assert code == 0
    for text in ("ready", "outer 1/2: first", "inner 1/2: item 10", "inner 2/2: item 20", "done"):
        assert text in shown
    # the cursor is back, and nothing stands behind the last line
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert shown.endswith("done\r\n")


def test_an_error_leaves_the_terminal_as_it_was():
    code, shown = on_a_terminal(WORK.replace('print("done")', "").replace("time.sleep(0.6)", "time.sleep(0.6); 1 / 0"))
    assert code == 1
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert "ZeroDivisionError" in shown


def test_work_that_is_done_at_once_shows_nothing():
    quick = WORK.replace("progress.DELAY = progress.TICK = 0.05", "").replace("time.sleep(0.6)", "pass")
    assert on_a_terminal(quick) == (0, "ready\r\ndone\r\n")


def test_a_log_gets_nothing(tmp_path: Path):
    with (tmp_path / "log").open("w") as log:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", WORK], stdout=log, stderr=log, env=env, check=True)
    assert (tmp_path / "log").read_text() == "done\n"


def test_items_come_through_unchanged():
    assert list(each(iter("abc"), "letters")) == ["a", "b", "c"]


def test_an_error_comes_through():
    def fail() -> None:
        with working("outer"):
            for _ in each([1], "inner"):
                raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        fail()


def test_a_step_says_how_far_it_is():
    step = Step("resampling", 6)
    assert step.told == "resampling"
    step.next("models")
    assert step.told == "resampling 1/6: models"
    unknown = Step("variations")
    unknown.next("")
    assert unknown.told == "variations 1"


def test_bars_of_libraries_are_kept_out_of_logs():
    script = """
from stages.workspace.progress import hide_bars
hide_bars(on_terminals=False)
from tqdm import tqdm
for _ in tqdm([1, 2], desc="items"):
    pass
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    logged = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert logged.stderr == ""
    assert "items: 100%" in on_a_terminal(script)[1]
