"""MLflow runs read back, by both ways, and the way from a run to its commit, experiment and trace."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from stages.commands.snapshot import opened
from stages.tracking import read as tracking_read
from stages.tracking.read import Run
from stages.tracking.record import RECORD, RECORD_TAG
from tests.commands.conftest import inside
from tests.commands.study import STUDY, md5
from tests.repository import Repository


def without(run: Run, *names: str) -> Run:
    """Return a run without its times and some tags."""
    tags = {name: value for name, value in run.tags.items() if name not in names}
    return replace(run, tags=tags, started=None, ended=None)


def test_our_record_and_the_client_tell_the_same(study: Repository):
    by_record = [without(run, RECORD_TAG) for run in tracking_read.runs(study.path)]
    by_client = [without(run, RECORD_TAG) for run in tracking_read.stored(study.path)]
    assert by_record == by_client
    assert len(by_record) >= 3


def test_of_a_rebuilt_store_the_newest_record_of_a_state_counts(copy: Repository):
    first, *_ = tracking_read.runs(copy.path)
    folder = copy.path / "mlruns/observatory"
    shutil.copytree(folder / first.run_id, folder / ("0" * 32))
    record = folder / ("0" * 32) / "artifacts" / RECORD
    content = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps({**content, "logged": content["logged"] + 1}), encoding="utf-8")
    assert [run.run_id for run in tracking_read.of_state(first.state, copy.path)] == ["0" * 32]


def test_a_damaged_record_is_no_run(copy: Repository):
    first, *rest = tracking_read.runs(copy.path)
    (copy.path / "mlruns/observatory" / first.run_id / "artifacts" / RECORD).write_text("{", encoding="utf-8")
    assert tracking_read.runs(copy.path) == rest


def test_a_run_is_found_by_its_state_and_by_the_beginning_of_its_id(study: Repository):
    first, *_ = tracking_read.runs(study.path)
    assert tracking_read.of_state(first.state, study.path) == [first]
    assert tracking_read.of_id(first.run_id[:6], study.path) == [first]
    assert tracking_read.of_id("no such", study.path) == []
    assert tracking_read.of_state("no such", study.path) == []


def test_there_are_no_runs_without_a_store(tmp_path: Path):
    assert tracking_read.runs(tmp_path) == []
    assert not tracking_read.has_store(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_leads_to_commit_experiment_inputs_and_trace(study: Repository):
    """What the page of a run in `mlflow ui` shows: tags, and data sets with the md5 that DVC has."""
    with inside(study), opened() as snapshot:
        (run,) = snapshot.runs()
        entries = snapshot.graph.entries
    tags = run.tags
    assert study.run("git", "cat-file", "-t", tags["mlflow.source.git.commit"]).stdout == "commit\n"
    assert tags["observatory.trace"] == f"observatory trace run:{run.run_id}"
    assert run.inputs[f"metadata/{STUDY}/scores.csv"] == md5(study.path / f"metadata/{STUDY}/scores.csv")
    assert run.inputs["data/score_matrix.parquet"] == entries["data/score_matrix.parquet"].md5
    (experiment,) = [found for found in tracking_read.runs(study.path) if "dvc.experiment" in found.tags]
    assert experiment.tags["dvc.experiment"] == "corrected"
    assert len(experiment.tags["dvc.baseline"]) == 40


def test_artifacts_are_found_after_the_repository_moved(study: Repository, tmp_path: Path):
    moved = study.copy_to(tmp_path / "elsewhere")
    run, *_ = tracking_read.runs(moved.path)
    assert run.stored() == moved.path / f"mlruns/observatory/{run.run_id}/artifacts"
    assert run.artifacts(moved.path) == moved.path / f"mlruns/observatory/{run.run_id}/artifacts"
