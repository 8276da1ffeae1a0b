"""Other versions of the repository: traced, verified and compared without touching the workspace."""

import json
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from mlflow.tracking import MlflowClient

from stages.commands.diff import Comparison, compare, diff, read
from stages.commands.shown import lines, machine
from stages.commands.snapshot import opened
from stages.commands.trace.target import trace
from stages.commands.verify.state import verify
from tests.commands.conftest import inside
from tests.commands.study import MODEL, STUDY, md5
from tests.repository import Repository

pytestmark = pytest.mark.states


def state_of(repository: Repository) -> dict[str, str]:
    """Every file of the workspace that git or DVC looks after."""
    paths = [
        path for folder in ("data", "reports", "stages", "metadata") for path in (repository.path / folder).rglob("*")
    ]
    paths += [repository.path / name for name in ("dvc.lock", "params.yaml", "mlflow.db", ".git/index", ".git/HEAD")]
    return {str(path): md5(path) for path in paths if path.is_file() and "__pycache__" not in path.parts}


def told(repository: Repository, target: str, rev: str | None = None) -> dict:
    with inside(repository):
        return json.loads(machine(trace(target, rev=rev)))


def compared(repository: Repository, first: str, second: str) -> Comparison:
    with inside(repository):
        with opened(first) as snapshot:
            ours = read(snapshot)
        with opened(second) as snapshot:
            return compare(ours, read(snapshot))


def run_queue(repository: Repository, name: str) -> None:
    """Work the queue off until an experiment is there; DVC's worker sometimes does not start (treeverse/dvc#10673)."""
    reference = ("git", "for-each-ref", "--format=%(refname)", "refs/exps")
    for _ in range(4):
        repository.dvc("queue", "start")
        for _ in range(100):
            if name in repository.run(*reference).stdout:
                return
            time.sleep(1)
    raise AssertionError(repository.dvc("queue", "status"))


@pytest.mark.parametrize("rev", ["v1", "v2", "HEAD~1", "main", "corrected"])
def test_a_revision_is_traced_and_verified_beside_the_workspace(study: Repository, rev: str):
    before = state_of(study)
    content = told(study, "decompose.explained_variance_ratio.PC1", rev)
    with inside(study):
        report = verify(rev)
    assert report.mismatches == []
    assert report.counts["claims"] == 14
    assert content["state"]["revision"] == rev
    assert len(content["state"]["runs"]) == 1
    assert content["state"]["experiment"] == ("corrected" if rev == "corrected" else "")
    assert state_of(study) == before


def test_a_value_of_a_revision_is_that_of_its_commit(study: Repository):
    name = "reports/metrics/decompose.json"
    then = json.loads(study.run("git", "show", f"v1:{name}").stdout)["explained_variance_ratio"]["PC1"]
    now = json.loads((study.path / name).read_text(encoding="utf-8"))["explained_variance_ratio"]["PC1"]
    assert then != now
    assert told(study, "decompose.explained_variance_ratio.PC1", "v1")["evidence"] == {"value": then}
    assert told(study, "decompose.explained_variance_ratio.PC1")["evidence"] == {"value": now}


def test_the_cell_of_a_model_was_published_before_it_was_evaluated(study: Repository):
    assert told(study, f"{MODEL}:task_0", "v1")["evidence"]["cell"]["origin"] == "published"
    assert told(study, f"{MODEL}:task_0")["evidence"]["cell"]["origin"] == "evaluated"


def test_a_run_leads_to_its_experiment(study: Repository):
    run_id = told(study, "decompose.n_models", "corrected")["state"]["runs"][0]
    with inside(study):
        shown = "\n".join(lines(trace(f"run:{run_id}")))
        there = "\n".join(lines(trace(f"run:{run_id}", rev="corrected")))
    assert "DVC experiment corrected, baseline " in shown
    assert f"its state is not that of workspace: `observatory trace --rev corrected run:{run_id}`" in shown
    assert "its state is that of corrected" in there
    assert "stage ingest: python -m stages.ingest" in there


def test_a_queued_experiment_is_traced_verified_and_compared(copy: Repository):
    copy.dvc("exp", "run", "--queue", "-n", "odds", "-S", "subset=odd")
    run_queue(copy, "odds")
    assert "subset: all" in (copy.path / "params.yaml").read_text(encoding="utf-8")
    content = told(copy, "decompose.n_models", "odds")
    assert content["evidence"] == {"value": 6}
    assert content["state"]["experiment"] == "odds"
    (run_id,) = content["state"]["runs"]
    # it ran in a workspace that is gone, its run is in the store of the repository
    run = MlflowClient(f"sqlite:///{copy.path}/mlflow.db").get_run(run_id)
    assert (run.data.tags["dvc.experiment"], run.data.tags["observatory.subset"]) == ("odds", "odd")
    assert run.info.artifact_uri.startswith((copy.path / "mlruns").as_uri())
    assert Path(run.info.artifact_uri.removeprefix("file://"), "index.html").is_file()
    with inside(copy):
        assert verify("odds", deep=True).mismatches == []
        shown = list(lines(diff("HEAD", "odds", None)))
    assert "  subset: all -> odd" in shown
    assert "facts: none changed" in shown
    assert "  reports/metrics/decompose.json: n_models: 12 -> 6  because of subset" in shown


def test_numbers_move_because_of_what_changed_and_the_largest_comes_first(study: Repository):
    found = compared(study, "v2", "corrected")
    assert [(d.place, d.first, d.second) for d in found.params] == [("assemble.corrections", False, True)]
    assert (found.facts, found.code) == ([], [])
    sizes = [item.difference.size for item in found.moved]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) > 20
    # the correction adds 1 of 100 points
    (cell,) = [m for m in found.moved if m.file == "data/score_matrix.parquet"]
    assert cell.difference.place == "org/model-02 task_2"
    assert cell.difference.second - cell.difference.first == pytest.approx(0.01)
    assert {cause for item in found.moved for cause in item.causes} == {"assemble.corrections"}


def test_an_evaluation_is_the_cause_of_what_moved(study: Repository):
    found = compared(study, "v1", "v2")
    assert [d.place for d in found.params] == ["evaluate.models"]
    assert f"data/evaluations/{MODEL}" in [d.place for d in found.data]
    loadings = [m for m in found.moved if m.file == "reports/tables/pca_loadings.csv"]
    assert loadings
    assert set(loadings[0].causes) >= {"evaluate.models"}


def test_changed_facts_and_code_are_told_cell_by_cell_and_file_by_file(copy: Repository):
    path = copy.path / f"metadata/{STUDY}/scores.csv"
    scores = pd.read_csv(path, index_col="model_id", dtype=str)
    old = scores.loc["org/model-04", "task_1"]
    scores.loc["org/model-04", "task_1"] = "51.5"
    scores.to_csv(path)
    code = copy.path / "stages/scale.py"
    code.write_text(code.read_text(encoding="utf-8") + "# more\n", encoding="utf-8")
    found = compared(copy, "HEAD", "workspace")
    assert [(file, d.place, d.first, d.second) for file, d in found.facts] == [
        (f"metadata/{STUDY}/scores.csv", "org/model-04 task_1", old, "51.5")
    ]
    assert [d.place for d in found.code] == ["stages/scale.py"]
    assert found.moved == []


def test_a_revision_whose_outputs_are_not_in_the_cache_says_so(copy: Repository):
    shutil.rmtree(copy.path / ".dvc/cache")
    with inside(copy):
        report = verify("v1")
        shown = list(lines(diff("v1", "v2")))
    missing = [
        line for line in report.mismatches if line.startswith("data/models.parquet is missing here and in the cache")
    ]
    assert len(missing) == 1
    assert "`dvc pull --all-commits`" in missing[0]
    assert any(line.startswith("not compared: data/models.parquet (md5 ") for line in shown)
    assert told(copy, "decompose.n_models", "v1")["evidence"] == {"value": 12}


def test_a_commit_before_the_first_run_has_no_state(study: Repository, tmp_path: Path):
    first = study.run("git", "rev-list", "--max-parents=0", "HEAD").stdout.strip()
    with inside(study):
        report = verify(first)
    assert len(report.mismatches) == 1
    assert "dvc.lock is missing" in report.mismatches[0]


def test_a_revision_that_does_not_know_a_parameter_is_read_with_the_value_of_today(copy: Repository):
    path = copy.path / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    del params["report"]
    params["former"] = 1
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    copy.commit("Other parameters")
    copy.run("git", "tag", "other")
    copy.run("git", "checkout", "-q", "v2", "--", "params.yaml")
    content = told(copy, "decompose.n_models", "other")
    assert content["evidence"] == {"value": 12}
    assert content["state"]["digest"] != told(copy, "decompose.n_models")["state"]["digest"]
    with inside(copy):
        found = verify("other").mismatches
    assert found
    assert all(line.startswith("dvc.lock: stage ") and "parameter report" in line for line in found)


def test_two_states_become_one_page(study: Repository, tmp_path: Path):
    page = tmp_path / "diff.html"
    done = study.observatory("diff", "v2", "corrected", "--html", str(page))
    assert done.stdout.splitlines()[-1] == f"page: {page}"
    html = page.read_text(encoding="utf-8")
    assert "1 parameter, no facts and no files of code changed" in html
    assert "One ability explains most" in html
    assert '<th scope="col" class="number" data-key="PC1" data-state="before">PC1 before</th>' in html
    refused = study.observatory("diff", "v1", "v2", "--html", str(tmp_path), ok=False)
    assert refused.returncode == 1
    assert "is a folder: name a file to write" in refused.stderr
