"""Several people: clone, pull, verify, go on; two branches that each evaluate a model."""

import json
from pathlib import Path

import pytest
import yaml

from stages.commands.shown import machine
from stages.commands.trace.target import trace
from stages.commands.track import track
from stages.commands.verify.state import verify
from tests.commands.conftest import inside
from tests.commands.study import MODEL, OTHER, set_params
from tests.repository import Repository

pytestmark = pytest.mark.states

THIRD = "org/model-05"


def told(repository: Repository, target: str, rev: str | None = None) -> dict:
    with inside(repository):
        return json.loads(machine(trace(target, rev=rev)))


def cloned(origin: Path, target: Path) -> Repository:
    Repository(origin).run("git", "clone", "-q", str(origin), str(target))
    clone = Repository(target)
    clone.run("git", "config", "user.email", "other@example.org")
    clone.run("git", "config", "user.name", "Other")
    return clone


def test_one_evaluates_and_pushes_the_other_pulls_verifies_and_goes_on(copy: Repository, tmp_path: Path):
    bare, store = tmp_path / "origin.git", tmp_path / "store"
    copy.run("git", "init", "-q", "--bare", "-b", "main", str(bare))
    copy.run("git", "remote", "add", "origin", str(bare))
    copy.dvc("remote", "modify", "store", "url", str(store))
    copy.commit("Another place for the outputs")
    copy.dvc("push", "-q")
    copy.run("git", "push", "-q", "origin", "main", "v2")

    other = cloned(bare, tmp_path / "other")
    with inside(other):
        before = verify()
    missing = [line for line in before.mismatches if line.startswith(f"data/evaluations/{MODEL} is missing")]
    assert len(missing) == 1
    assert "missing here and in the cache" in missing[0]
    assert "`dvc pull` fetches it" in missing[0]

    other.dvc("pull", "-q")
    with inside(other):
        after = verify(deep=True)
        assert "logged as" in "\n".join(track(rebuild=True).text())
    assert after.mismatches == []
    assert after.counts["samples"] == 100
    assert any("`observatory track --rebuild`" in note for note in after.notes)
    # the same state, whoever computed it
    theirs, ours = told(other, "decompose.n_models")["state"], told(copy, "decompose.n_models")["state"]
    assert theirs["digest"] == ours["digest"]
    assert told(other, f"{MODEL}:task_1")["evidence"]["cell"] == told(copy, f"{MODEL}:task_1")["evidence"]["cell"]

    set_params(other, subset="odd")
    other.dvc("repro")
    other.commit("Half of the models")
    other.run("git", "push", "-q", "origin", "main")
    other.dvc("push", "-q")
    with inside(other):
        assert verify().mismatches == []
    new = told(other, "decompose.n_models")
    assert new["evidence"] == {"value": 6}
    assert told(other, "decompose.n_models", "v2")["evidence"] == {"value": 12}
    runs = [new["state"]["runs"], told(other, "decompose.n_models", "v2")["state"]["runs"]]
    assert [len(found) for found in runs] == [1, 1]
    assert runs[0] != runs[1]

    copy.run("git", "pull", "-q", "origin", "main")
    copy.dvc("pull", "-q")
    assert told(copy, "decompose.n_models")["evidence"] == {"value": 6}
    with inside(copy):
        assert verify().mismatches == []


def evaluate_on(repository: Repository, branch: str, model: str) -> None:
    repository.run("git", "checkout", "-q", "-b", branch, "v2")
    set_params(repository, evaluate={"models": [MODEL, model]})
    repository.dvc("repro", f"evaluate@{model}")
    repository.commit(f"Evaluate {model}")


def test_two_branches_that_each_evaluate_a_model_are_merged_by_the_recipe(copy: Repository):
    evaluate_on(copy, "one", OTHER)
    evaluate_on(copy, "two", THIRD)
    merge = copy.run("git", "merge", "one", ok=False)
    assert merge.returncode != 0
    assert "dvc.lock" in merge.stdout

    # the recipe: both models in params.yaml, either dvc.lock, then dvc repro
    copy.run("git", "checkout", "--ours", "params.yaml", "dvc.lock")
    set_params(copy, evaluate={"models": [MODEL, OTHER, THIRD]})
    said = copy.dvc("repro")
    copy.commit("Merge the evaluations")

    assert f"Stage 'evaluate@{OTHER}' is cached - skipping run" in said
    assert f"Running stage 'evaluate@{THIRD}'" not in said
    assert f"Running stage 'evaluate@{OTHER}'" not in said
    assert copy.run("git", "log", "-1", "--format=%P").stdout.split() != []
    with inside(copy):
        report = verify(deep=True)
    assert report.mismatches == []
    assert report.counts["samples"] == 300
    lock = yaml.safe_load((copy.path / "dvc.lock").read_text(encoding="utf-8"))
    assert {f"evaluate@{name}" for name in (MODEL, OTHER, THIRD)} <= set(lock["stages"])
    for model in (MODEL, OTHER, THIRD):
        assert told(copy, f"{model}:task_1")["evidence"]["cell"]["origin"] == "evaluated"
