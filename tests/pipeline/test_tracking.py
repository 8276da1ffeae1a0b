"""One MLflow run for each state, whatever DVC restores, skips or runs elsewhere."""

import json
import shutil
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from tests.repository import Repository


def runs(repository: Repository, status: str = "FINISHED") -> list[Run]:
    # MLflow keeps a database open that was read once, also after its file was replaced: read a copy
    with tempfile.NamedTemporaryFile(suffix=".db") as copy:
        shutil.copy(repository.path / "mlflow.db", copy.name)
        return _runs(MlflowClient(f"sqlite:///{copy.name}"), status)


def _runs(client: MlflowClient, status: str) -> list[Run]:
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    return [run for run in client.search_runs(ids) if run.info.status == status]


def subsets(repository: Repository) -> list[str]:
    return sorted(run.data.tags["observatory.subset"] for run in runs(repository))


def metrics_on_disk(repository: Repository) -> dict[str, float]:
    def flat(name: str, value: object) -> dict[str, float]:
        if isinstance(value, dict):
            return {k: v for key, item in value.items() for k, v in flat(f"{name}.{key}", item).items()}
        return {name: float(value)}  # type: ignore[arg-type]

    found: dict[str, float] = {}
    for path in (repository.path / "reports/metrics").glob("*.json"):
        found |= flat(path.stem, json.loads(path.read_text(encoding="utf-8")))
    return found


def artifacts(run: Run) -> set[str]:
    top = Path(run.info.artifact_uri.removeprefix("file://"))
    return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}


@pytest.mark.states
def test_all_then_scratch_then_all_again_gives_one_run_per_state(scratch: Repository, tmp_path: Path):
    workbench = scratch.copy_to(tmp_path / "workbench")
    assert subsets(workbench) == ["all", "scratch"]
    again = workbench.dvc("exp", "run", "-n", "back", "-S", "subset=all")
    assert "cached - skipping run" in again
    assert subsets(workbench) == ["all", "scratch"]
    assert "didn't change, skipping" in workbench.dvc("repro")
    assert subsets(workbench) == ["all", "scratch"]
    assert "up to date" in workbench.dvc("status")
    found = next(run for run in runs(workbench) if run.data.tags["observatory.subset"] == "scratch")
    assert found.data.tags["dvc.experiment"] == "scratch"
    assert found.data.params["subset"] == "scratch"


def test_the_run_holds_what_the_files_say(shipped: Repository):
    (run,) = runs(shipped)
    assert run.data.metrics == pytest.approx(metrics_on_disk(shipped))
    assert run.data.metrics["scale.PC1.en.rho"] == pytest.approx(0.916, abs=5e-4)
    assert run.data.params["factorize.n_factors"] == "10"
    tags = run.data.tags
    assert tags["observatory.gate"] == "open"
    assert tags["observatory.waived.n"] == "6"
    assert "cyberagent/calm2-7b:humaneval" in tags["observatory.waived"]
    assert tags["observatory.dirty"] == "false"
    assert tags["observatory.trace"] == f"observatory trace run:{run.info.run_id}"
    inputs = {d.dataset.name: d.dataset.digest for d in run.inputs.dataset_inputs}
    lock = (shipped.path / "dvc.lock").read_text(encoding="utf-8")
    assert inputs["data/score_matrix.parquet"] in lock
    assert "metadata/japanese-2024/scores.csv" in inputs


def test_the_run_holds_the_report_as_it_opens_from_disk(shipped: Repository):
    (run,) = runs(shipped)
    kept = artifacts(run)
    assert {"index.html", "params.yaml", "dvc.lock", "tables/claims.csv", "data_docs/validate/index.html"} <= kept
    figures = {path.name for path in (shipped.path / "reports/figures").iterdir()}
    assert figures
    inside = [PurePosixPath(name) for name in kept if name.startswith("figures/")]
    assert {path.name for path in inside} == figures
    assert len({path.parent for path in inside}) <= 5


def test_a_run_and_its_experiment_say_what_they_are(shipped: Repository):
    (run,) = runs(shipped)
    note = run.data.tags["mlflow.note.content"]
    assert "PC1 and en 0.916 (n = 27; 95 % over families: 0.75 to 0.97)" in note
    assert "| PC1 is a general ability that scales with the English budget | 34 | 0 | 2 | 0 |" in note
    assert "**Gate: open** (95 checks, 3 warnings, 6 waived, 0 corrected)" in note
    with tempfile.NamedTemporaryFile(suffix=".db") as copy:
        shutil.copy(shipped.path / "mlflow.db", copy.name)
        experiment = MlflowClient(f"sqlite:///{copy.name}").get_experiment(run.info.experiment_id)
    assert "one state of a study" in experiment.tags["mlflow.note.content"]


def test_the_report_and_the_run_name_the_same_state(shipped: Repository):
    (run,) = runs(shipped)
    page = (shipped.path / "reports/index.html").read_text(encoding="utf-8")
    assert run.data.tags["observatory.state"] in page


@pytest.mark.states
def test_a_lost_store_is_rebuilt_from_versioned_files(scratch: Repository, tmp_path: Path):
    workbench = scratch.copy_to(tmp_path / "workbench")
    before = next(run for run in runs(workbench) if run.data.tags["observatory.subset"] == "scratch")
    for path in workbench.path.glob("mlflow.db*"):
        path.unlink()
    refused = workbench.observatory("track", ok=False)
    assert refused.returncode == 1
    assert "observatory track --rebuild" in refused.stderr
    workbench.observatory("track", "--rebuild")
    (after,) = runs(workbench)
    # the earlier run was logged at another place, of which this is a copy
    own = ("observatory.trace", "observatory.record", "observatory.repository")
    assert {k: v for k, v in after.data.tags.items() if k not in own} == {
        k: v for k, v in before.data.tags.items() if k not in own
    }
    assert after.data.metrics == before.data.metrics
    assert after.data.params == before.data.params
    assert artifacts(after) == artifacts(before)
    assert "has its MLflow run" in workbench.observatory("track").stdout


def test_a_moved_repository_keeps_its_runs_and_their_artifacts(shipped: Repository, tmp_path: Path):
    moved = shipped.copy_to(tmp_path / "moved")
    shutil.rmtree(moved.path / ".dvc/tmp", ignore_errors=True)
    assert "has its MLflow run" in moved.observatory("track").stdout
    (run,) = runs(moved)
    assert run.info.artifact_uri.startswith((moved.path / "mlruns").as_uri())
    assert "index.html" in artifacts(run)


def test_tracking_a_state_that_was_not_reproduced_is_refused(workbench: Repository):
    text = (workbench.path / "params.yaml").read_text(encoding="utf-8")
    (workbench.path / "params.yaml").write_text(text.replace("subset: all", "subset: scratch"), encoding="utf-8")
    refused = workbench.observatory("track", ok=False)
    assert refused.returncode == 1
    assert "run `dvc repro` first" in refused.stderr
    assert subsets(workbench) == ["all"]
