"""What is not ours in the same store, and what is ours in a repository that was moved."""

import shutil
import time
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from stages.tracking.live import live_run
from stages.tracking.log import log_run
from stages.tracking.place import store_uri
from stages.tracking.trouble import StoreError
from tests.tracking.states import every_run, state, told


def other_project(root: Path, client: MlflowClient, name: str) -> str:
    """Make an experiment of another project, one run ended, one going on, one in the trash; artifacts in mlruns/."""
    experiment = client.create_experiment(name, (root.parent / "other/mlruns" / name).as_uri(), tags={"team": "b"})
    for status in ("FINISHED", "RUNNING", "deleted"):
        run_id = client.create_run(experiment, tags={"mlflow.runName": status}).info.run_id
        client.log_metric(run_id, "loss", 0.5)
        if status == "deleted":
            client.delete_run(run_id)
        elif status != "RUNNING":
            client.set_terminated(run_id, status)
    return experiment


def of_experiment(client: MlflowClient, experiment: str) -> dict:
    """Return what the store says of one experiment and its runs."""
    everything = told(client)
    return {k: v for k, v in everything.items() if experiment in (k, v.get("info", {}).get("experiment_id"))}


def test_another_project_in_the_same_database_stays_as_it_is(root: Path):
    client = MlflowClient(store_uri(root))
    experiment = other_project(root, client, "other")
    before = of_experiment(client, experiment)
    assert len(before) == 4
    log_run(state(), root)
    log_run(state("failed", status="FAILED"), root)
    with live_run("digest", "org/model", {}, {}, root):
        pass
    assert of_experiment(client, experiment) == before


def test_an_experiment_of_our_name_that_others_made_is_not_used(root: Path):
    client = MlflowClient(store_uri(root))
    other_project(root, client, "observatory")
    before = told(client)
    with pytest.raises(StoreError, match=r"'observatory' belongs to another project: .* track\.experiment"):
        log_run(state(), root)
    assert told(client) == before
    assert log_run(state(experiment="ours"), root).created


def test_a_run_in_the_trash_stays_there_and_its_state_is_logged_anew(root: Path):
    first = log_run(state(), root)
    client = MlflowClient(store_uri(root))
    client.delete_run(first.run_id)
    before = client.get_run(first.run_id).to_dictionary()
    again = log_run(state(), root)
    assert again.created
    assert client.get_run(first.run_id).to_dictionary() == before


def test_a_running_run_without_our_tags_is_left_in_our_experiment(root: Path):
    first = log_run(state("before"), root)
    client = MlflowClient(store_uri(root))
    running = client.create_run(client.get_run(first.run_id).info.experiment_id).info.run_id
    log_run(state(), root)
    assert client.get_run(running).info.status == "RUNNING"


def test_a_moved_repository_points_its_own_artifacts_once_also_below_a_folder_called_mlruns(
    root: Path, tmp_path: Path
):
    old = tmp_path / "mlruns/of a team/repository"
    old.parent.mkdir(parents=True)
    root.rename(old)
    (old / "page.html").write_text("page")
    logged = log_run(state(artifacts=[(old / "page.html", "")]), old)
    client = MlflowClient(store_uri(old))
    experiment = other_project(old, client, "other")
    trashed = log_run(state("trashed"), old)
    client.delete_run(trashed.run_id)
    elsewhere = log_run(state("elsewhere"), old)
    shutil.rmtree(old / "mlruns/observatory" / elsewhere.run_id)
    new = tmp_path / "mlruns/mlruns/moved"
    new.parent.mkdir()
    shutil.move(old, new)
    moved = MlflowClient(store_uri(new))
    before = of_experiment(moved, experiment)
    untouched = {run_id: moved.get_run(run_id).to_dictionary() for run_id in (trashed.run_id, elsewhere.run_id)}
    for _ in range(3):
        assert log_run(state(), new).run_id == logged.run_id
        uri = moved.get_run(logged.run_id).info.artifact_uri
        assert uri == (new / "mlruns/observatory" / logged.run_id / "artifacts").as_uri()
    assert {item.path for item in moved.list_artifacts(logged.run_id)} == {"page.html", "record.json"}
    found = moved.get_experiment_by_name("observatory")
    assert found is not None
    assert found.artifact_location == (new / "mlruns/observatory").as_uri()
    later = log_run(state("later"), new)
    assert moved.get_run(later.run_id).info.artifact_uri.startswith((new / "mlruns").as_uri())
    assert of_experiment(moved, experiment) == before
    assert {run_id: moved.get_run(run_id).to_dictionary() for run_id in untouched} == untouched


def test_a_copy_leaves_the_original_alone(root: Path, tmp_path: Path):
    logged = log_run(state(), root)
    before = (root / "mlflow.db").read_bytes()
    shutil.copytree(root, tmp_path / "copy")
    assert log_run(state(), tmp_path / "copy").run_id == logged.run_id
    assert (root / "mlflow.db").read_bytes() == before


def test_runs_of_another_folder_in_one_shared_database_are_not_closed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (root / "mlflow.db").rename(tmp_path / "team.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'team.db'}")
    for name in ("mine", "yours"):
        (tmp_path / name).mkdir()
    first = log_run(state("first"), tmp_path / "mine")
    client = MlflowClient(store_uri(tmp_path))
    tags = client.get_run(first.run_id).data.tags | {
        "observatory.repository": "of a colleague",
        "observatory.state": "x",
    }
    experiment = client.get_run(first.run_id).info.experiment_id
    old = int((time.time() - 3600) * 1000)
    running = client.create_run(experiment, start_time=old, tags=tags).info.run_id
    assert log_run(state("x"), tmp_path / "mine").created
    assert client.get_run(running).info.status == "RUNNING"
    assert log_run(state("first"), tmp_path / "yours").run_id == first.run_id
    assert len(every_run(client)) == 3
