"""MLflow runs read back, by both ways, and the way from a run to its commit, experiment and trace."""

from pathlib import Path

import pytest

from stages.commands.snapshot import opened
from stages.tracking import live as tracking_live
from stages.tracking import log as tracking
from stages.tracking import read as tracking_read
from tests.commands.conftest import inside
from tests.commands.study import STUDY, md5
from tests.repository import Repository


def test_the_database_and_the_client_tell_the_same(study: Repository, monkeypatch: pytest.MonkeyPatch):
    by_file = tracking_read.runs(study.path)
    by_client = list(tracking_read._from_client(tracking_read.store(study.path), tracking_read.STATE_TAG))
    assert by_file == by_client
    assert len(by_file) >= 3
    # a server is asked through the client
    monkeypatch.setattr(tracking_read, "database", lambda root: None)
    assert tracking_read.of_state(by_file[0].state, study.path) == by_file[:1]


def test_names_agree_with_what_writes_them():
    assert tracking_read.STATE_TAG == tracking.STATE_TAG
    assert tracking_read.RECORD_TAG == tracking.RECORD_TAG
    assert tracking_read.RECORD == tracking.RECORD
    assert tracking_read.EVALUATION_TAG == tracking_live.EVALUATION_TAG
    assert tracking_read.store(Path("/somewhere")) == tracking.store_uri(Path("/somewhere"))


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
    assert run.stored() == study.path / f"mlruns/observatory/{run.run_id}/artifacts"
    assert run.artifacts(moved.path) == moved.path / f"mlruns/observatory/{run.run_id}/artifacts"
