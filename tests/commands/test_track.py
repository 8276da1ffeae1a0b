"""`observatory track` and the stage: states in MLflow whatever happens to the store, and only what changed is run."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from stages.commands.shown import lines
from stages.commands.trace.target import trace
from stages.commands.track import require_clean
from stages.commands.verify.state import verify
from stages.contracts.errors import InputError
from stages.tracking import read
from stages.tracking.read import Run
from tests.commands.conftest import inside
from tests.commands.study import STUDY, set_params
from tests.repository import Repository

pytestmark = pytest.mark.states

LOADINGS = "figures/2-components/pca_loadings.svg"
ORIGIN = (
    "mlflow.source.git.commit",
    "observatory.dirty",
    "observatory.record",
    "observatory.repository",
    "observatory.trace",
)
"""Tags that tell where and when a state was logged."""


@pytest.fixture
def hanging() -> Iterator[str]:
    """Address of a server that takes calls and does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def finished(repository: Repository) -> dict[str, Run]:
    """Return the state of each finished run in the store, and the run; a state has no second one."""
    runs = [run for run in read.stored(repository.path) if run.status == "FINISHED"]
    assert len({run.state for run in runs}) == len(runs)
    return {run.state: run for run in runs}


def lose_store(repository: Repository) -> None:
    for path in repository.path.glob("mlflow.db*"):
        path.unlink()


def test_drafts_and_readmes_are_not_part_of_a_state(copy: Repository):
    before = finished(copy)
    draft = copy.path / "metadata/draft"
    draft.mkdir()
    (draft / "models.csv").write_text("model_id\n")
    (draft / "study.yaml").write_text("title: later\n")
    (copy.path / f"metadata/{STUDY}/README.md").write_text("How the scores came about.\n")
    assert "up to date" in copy.dvc("status")
    assert "Running stage" not in copy.dvc("repro")
    assert "has its MLflow run" in copy.observatory("track").stdout
    assert "uncommitted" not in copy.observatory("trace", "scale.PC1.de.rho").stdout
    assert finished(copy).keys() == before.keys()
    assert all(run.tags["observatory.dirty"] in ("true", "false") for run in finished(copy).values())
    waivers = copy.path / f"metadata/{STUDY}/waivers.csv"
    waivers.write_text(waivers.read_text().replace("planted", "planted in a test"))
    assert "ingest" in copy.dvc("status")


def test_an_unknown_study_is_told_the_known_ones(copy: Repository):
    set_params(copy, study="nowhere")
    done = copy.run("dvc", "repro", ok=False)
    assert done.returncode != 0
    assert f"studies here: japanese-2024, japanese-2026, {STUDY}" in done.stderr + done.stdout


def test_an_experiment_is_kept_when_the_server_hangs_and_logged_later(copy: Repository, hanging: str):
    said = copy.dvc(
        "exp", "run", "--temp", "-n", "kept", "-S", "compare.tolerance_factor=2", env={"MLFLOW_TRACKING_URI": hanging}
    )
    assert f"{hanging}: no answer in time" in said
    assert "are kept: `observatory track --all` logs it later" in said
    assert "Traceback" not in said
    assert "kept" in copy.dvc("exp", "list", "--name-only")
    assert "kept" not in {run.tags.get("dvc.experiment") for run in finished(copy).values()}
    assert "experiment kept logged as MLflow run" in copy.observatory("track", "--all").stdout
    assert "kept" in {run.tags.get("dvc.experiment") for run in finished(copy).values()}


def test_the_lines_of_a_closed_gate_come_before_those_of_a_server_that_hangs(copy: Repository, hanging: str):
    (copy.path / f"metadata/{STUDY}/waivers.csv").write_text("model_id,benchmark,check,reason,source\n")
    done = copy.run("dvc", "repro", ok=False, env={"MLFLOW_TRACKING_URI": hanging})
    lines = done.stderr.splitlines()
    gate = next(i for i, line in enumerate(lines) if "the gate is closed" in line)
    store = next(i for i, line in enumerate(lines) if line.startswith(f"{hanging}: no answer in time"))
    assert any("org/model-01 is exactly 0" in line for line in lines[:gate])
    assert gate < store
    assert "the next `dvc repro` tries again" in lines[store + 1]
    assert "Traceback" not in done.stderr


def test_every_state_that_git_has_is_rebuilt_after_the_store_was_lost(copy: Repository):
    before = finished(copy)
    assert len(before) == 3
    lose_store(copy)
    table = copy.path / f"metadata/{STUDY}/waivers.csv"
    table.write_text(table.read_text().replace("planted", "planted and not reproduced"))
    copy.commit("Committed before it was reproduced")
    copy.run("git", "checkout", "-q", "v2")
    said = copy.observatory("track", "--rebuild", "--all").stdout
    assert "1 commits do not hold a finished state" in said
    after = finished(copy)
    assert after.keys() == before.keys()
    for state, run in after.items():
        old = before[state]
        assert run.run_id != old.run_id
        assert (run.metrics, run.params, run.inputs, run.name) == (old.metrics, old.params, old.inputs, old.name)
        assert {k: v for k, v in run.tags.items() if k not in ORIGIN} == {
            k: v for k, v in old.tags.items() if k not in ORIGIN
        }
        assert artifacts(run, copy) == artifacts(old, copy)
        assert LOADINGS in artifacts(run, copy)
    commits = {copy.run("git", "rev-parse", name).stdout.strip() for name in ("v1", "v2")}
    assert {run.tags["mlflow.source.git.commit"] for run in after.values()} == commits
    assert {run.tags.get("dvc.experiment") for run in after.values()} == {None, "corrected"}
    assert "logged as" not in copy.observatory("track", "--all").stdout


def test_what_the_cache_lacks_is_left_out_of_a_rebuilt_run_and_said(copy: Repository):
    lock = yaml.safe_load(copy.run("git", "show", "v1:dvc.lock").stdout)
    figures = next(out for out in lock["stages"]["report"]["outs"] if out["path"] == "reports/figures")
    lose_store(copy)
    (copy.path / ".dvc/cache/files/md5" / figures["md5"][:2] / figures["md5"][2:]).unlink()
    said = copy.observatory("track", "--rebuild", "--all").stdout
    assert "1 states lack files in DVC's cache: `dvc fetch --all-commits` gets them" in said
    assert len(finished(copy)) == 3
    lacking = [run for run in finished(copy).values() if LOADINGS not in artifacts(run, copy)]
    assert len(lacking) == 1
    assert lacking[0].metrics


def test_a_dead_server_costs_a_trace_and_a_verification_one_line(study: Repository, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with inside(study):
        shown = list(lines(trace("scale.PC1.de.rho")))
        report = verify()
    assert any("MLflow runs are not known: http://127.0.0.1:1: cannot be reached" in line for line in shown)
    assert report.mismatches == []
    assert any(note.startswith("MLflow runs are not compared: http://127.0.0.1:1: cannot") for note in report.notes)


def artifacts(run: Run, repository: Repository) -> set[str]:
    folder = run.artifacts(repository.path)
    assert isinstance(folder, Path)
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_lock_that_is_taken_at_every_run_is_no_change(tmp_path, monkeypatch):
    repository = Repository(tmp_path)
    repository.run("git", "init", "-q")
    repository.dvc("init", "-q")
    stage = {"cmd": "cp facts out", "deps": ["facts"], "outs": [{"out": {"cache": False}}], "always_changed": True}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"lock": stage}}), encoding="utf-8")
    (tmp_path / "facts").write_text("1", encoding="utf-8")
    repository.dvc("repro")
    monkeypatch.chdir(tmp_path)
    require_clean()
    (tmp_path / "facts").write_text("2", encoding="utf-8")
    with pytest.raises(InputError, match="changed since the last run: lock: run `dvc repro` first"):
        require_clean()
