"""Leases: one holder at a time, and what a dead one held can be had."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.evaluation import leases
from stages.evaluation.leases import LIFETIME, holder, leased, release

HOLD = """
import sys
from pathlib import Path
from stages.evaluation.leases import leased
with leased(Path(sys.argv[1]), "other") as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def other(path: Path) -> subprocess.Popen:
    """Start a process that holds a lease until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "True\n"
    return process


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def test_it_is_held_by_one_and_told_by_name(tmp_path: Path):
    path = tmp_path / "unit/.key.lease"
    with other(path) as process:
        assert holder(path).pid == process.pid
        with leased(path) as mine:
            assert not mine
        process.communicate()
    assert not path.exists()
    with leased(path) as mine:
        assert mine
        assert holder(path).told == f"{os.uname().nodename}, process {os.getpid()}"
    assert holder(path) is None


def test_that_of_a_killed_process_is_free_at_once(tmp_path: Path):
    path = tmp_path / ".lease"
    with other(path) as process:
        process.kill()
        process.wait()
    assert path.exists()
    assert holder(path) is None
    with leased(path) as mine:
        assert mine


def test_a_process_id_that_is_used_again_is_another_process(tmp_path: Path):
    path = tmp_path / ".lease"
    with leased(path):
        assert holder(path) is not None
        rewrite(path, born="1")
        assert holder(path) is None


def test_it_is_held_where_the_system_does_not_tell_when_processes_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(leases, "_born", lambda _: None)
    path = tmp_path / ".lease"
    with leased(path), leased(path) as second:
        assert not second
        assert holder(path) is not None


def test_that_of_another_machine_is_free_when_its_heart_has_stopped(tmp_path: Path):
    path = tmp_path / ".lease"
    with other(path) as process:
        process.kill()
    rewrite(path, host="elsewhere")
    with leased(path) as mine:
        assert not mine
    past = path.stat().st_mtime - LIFETIME - 10
    os.utime(path, (past, past))
    with leased(path) as mine:
        assert mine


def test_of_two_that_find_a_dead_one_the_second_takes_nothing_from_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / ".lease"
    with other(path) as process:
        process.kill()

    def too_late(*_: object) -> bool:
        rewrite(path, host="elsewhere", token="of the first")
        return True

    with monkeypatch.context() as patch:
        patch.setattr(leases, "_is_dead", too_late)
        with leased(path) as mine:
            assert not mine
    assert holder(path).token == "of the first"
    assert [file.name for file in tmp_path.iterdir()] == [".lease"]


def test_a_heart_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(leases, "BEAT", 0.01)
    path = tmp_path / ".lease"
    with leased(path):
        os.utime(path, (0, 0))
        for _ in range(10_000):
            if path.stat().st_mtime > 0:
                break
            leases.threading.Event().wait(0.01)
        assert path.stat().st_mtime > 0


def test_a_restarted_process_takes_over_what_it_held(tmp_path: Path):
    path = tmp_path / ".lease"
    with other(path) as process:
        with leased(path, "another"):
            assert holder(path).pid == process.pid
        release(path, "another")
        assert path.exists()
        with leased(path, "other") as mine:
            assert mine
            assert holder(path).pid == os.getpid()
        process.communicate()
    assert not path.exists()


def test_what_is_half_written_is_held(tmp_path: Path):
    path = tmp_path / ".lease"
    path.write_bytes(b"")
    with leased(path) as mine:
        assert not mine
