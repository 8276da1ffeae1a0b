"""The real MLflow store."""

import json
import multiprocessing
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mlflow.tracking import MlflowClient

from stages.tracking import live
from stages.tracking.log import find_run, log_run, normalise
from stages.tracking.place import is_missing, store_uri
from tests.tracking.states import state


def test_a_state_is_logged_once(root: Path):
    first = log_run(state(), root)
    again = log_run(state(), root)
    other = log_run(state("def"), root)
    assert (first.created, again.created, other.created) == (True, False, True)
    assert first.run_id == again.run_id != other.run_id
    assert first.address == ""
    assert find_run("abc", root) == first.run_id
    assert find_run("nothing", root) is None


def test_a_run_that_was_cut_off_is_closed_and_logged_anew(root: Path):
    finished = log_run(state("before"), root)
    client = MlflowClient(store_uri(root))
    experiment = client.get_run(finished.run_id).info.experiment_id
    cut = client.create_run(experiment, tags={"observatory.state": "abc"}).info.run_id
    whole = log_run(state(), root)
    assert whole.created
    assert client.get_run(cut).info.status == "KILLED"
    assert client.get_run(whole.run_id).info.status == "FINISHED"


def test_a_run_that_cannot_be_filled_is_closed_as_killed(root: Path):
    broken = state(artifacts=[(root / "nowhere.csv", "")])
    with pytest.raises(Exception, match=r"nowhere\.csv"):
        log_run(broken, root)
    assert log_run(state(), root).created


def test_a_refused_state_and_a_finished_one_do_not_stand_in_for_each_other(root: Path):
    failed = log_run(state(status="FAILED"), root)
    finished = log_run(state(), root)
    assert failed.run_id != finished.run_id


def test_artifacts_keep_their_folders(root: Path, tmp_path: Path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/a.png").write_bytes(b"png")
    (tmp_path / "index.html").write_text("page")
    artifacts = [(tmp_path / "figures", "figures"), (tmp_path / "index.html", "")]
    logged = log_run(state(artifacts=artifacts), root)
    top = root / "mlruns/observatory" / logged.run_id / "artifacts"
    kept = {path.relative_to(top).as_posix() for path in top.rglob("*.*")}
    assert kept == {"figures/a.png", "index.html", "record.json"}


def test_an_experiment_opens_on_its_runs_also_one_that_was_made_before_mlflow_had_kinds(root: Path):
    logged = log_run(state(), root)
    client = MlflowClient(store_uri(root))
    experiment = client.get_run(logged.run_id).info.experiment_id
    tags = client.get_experiment(experiment).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    runs = f"#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey=observatory"
    assert tags["mlflow.note.content"].startswith(f"[Open the runs]({runs})")
    columns = json.loads(tags["mlflow.sharedViewState.observatory"])["selectedColumns"]
    assert columns == ["params.`subset`", "metrics.`scale.PC1.en.rho`"]
    client.delete_experiment_tag(experiment, "mlflow.experimentKind")
    log_run(state("def"), root)
    assert client.get_experiment(experiment).tags == tags
    client.set_experiment_tag(experiment, "mlflow.experimentKind", "genai_development")
    log_run(state("ghi"), root)
    assert client.get_experiment(experiment).tags["mlflow.experimentKind"] == "genai_development"


def test_the_run_of_an_evaluation_links_the_states_that_use_it(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "SAMPLING_SECONDS", 0.05)
    with live.live_run("e", "org/a", {}, {}, root) as evaluation:
        pass
    logged = log_run(state(evaluations=[evaluation.run_id, 32 * "f"]), root)
    client = MlflowClient(store_uri(root))
    run = client.get_run(evaluation.run_id)
    link = f"[study/all abc](#/experiments/{client.get_run(logged.run_id).info.experiment_id}/runs/{logged.run_id})"
    assert link in run.data.tags["mlflow.note.content"]
    assert "org/a" in run.data.tags["mlflow.note.content"]
    tags = client.get_experiment(run.info.experiment_id).tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert "evaluated" in tags["mlflow.note.content"]


def test_reading_leaves_nothing_where_it_is_done(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    logged = log_run(state(), root)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_run("abc", root) == logged.run_id
    assert list(Path().iterdir()) == []


def test_numbers_that_are_not_finite_are_refused():
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"metric a\.b is"):
            normalise({"a.b": value})


def test_names_that_mlflow_refuses_are_normalised_and_the_original_kept(root: Path):
    logged = log_run(state(metrics={"exact_match,strict-match": 0.5, "jamp (NLI)": 0.25}), root)
    run = MlflowClient(store_uri(root)).get_run(logged.run_id)
    assert run.data.metrics == {"exact_match_strict-match": 0.5, "jamp _NLI_": 0.25}
    assert run.data.tags["observatory.metric.exact_match_strict-match"] == "exact_match,strict-match"


def test_two_names_that_become_one_are_refused():
    with pytest.raises(ValueError, match="one name in MLflow"):
        normalise({"a,b": 1, "a;b": 2})


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20).map(lambda t: f"{t}{ord(t[0])}"),
        st.floats(allow_nan=False, allow_infinity=False),
        max_size=5,
    )
)
def test_normalised_names_are_plain(metrics: dict[str, float]):
    assume(len({re.sub(r"[^a-zA-Z0-9_\-. :/]", "_", name) for name in metrics}) == len(metrics))
    names = normalise(metrics)
    assert all(c.isascii() and (c.isalnum() or c in "_-. :/") for name in names.metrics for c in name)
    assert sorted(names.metrics.values()) == sorted(metrics.values())


def _first_use(root: Path, digest: str) -> None:
    log_run(state(digest), root)


def test_first_uses_at_once_do_not_race(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_first_use, args=(tmp_path, f"state-{i}")) for i in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert find_run("state-0", tmp_path)
    assert find_run("state-1", tmp_path)


def test_a_team_server_overrides_the_local_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert is_missing(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert store_uri(tmp_path) == "http://127.0.0.1:1"
    assert not is_missing(tmp_path)
