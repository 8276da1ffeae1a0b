"""What a user can get wrong: one line each, all at once, non-zero exit, earlier outputs untouched."""

import hashlib
from pathlib import Path

import pytest

from tests.pipeline.test_tracking import runs
from tests.repository import Repository

OUTPUTS = ("data", "reports/metrics", "reports/tables", "reports/figures", "reports/index.html",
           "reports/data_docs/budget", "reports/data_docs/validate")  # fmt: skip


def fingerprint(repository: Repository) -> dict[str, str]:
    found = {}
    for name in OUTPUTS:
        top = repository.path / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file():
                found[str(path.relative_to(repository.path))] = hashlib.md5(path.read_bytes()).hexdigest()
    return found


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def refuse(repository: Repository, *arguments: str, written: tuple[str, ...] = ()) -> str:
    """Run the pipeline, expect a refusal that leaves everything as it was, and return what was said.

    `written` names what the stages before the refusal may write: a gate judges tables that have been read.
    """
    before = fingerprint(repository)
    done = repository.run("dvc", *(arguments or ("repro",)), ok=False)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    after = fingerprint(repository)
    assert set(after) == set(before)
    assert [name for name in after if after[name] != before[name] and not (written and name.startswith(written))] == []
    return said


def test_wrong_parameters_are_refused_together(workbench: Repository):
    params = workbench.path / "params.yaml"
    edit(params, "n_components: 4", "n_components: 0")
    edit(params, "suspicious: warn", "suspicious: shrug")
    edit(params, "subset: all", "subset: all\nsubsets: all")
    said = refuse(workbench)
    assert "params.yaml: decompose.n_components is 0, expected at least 1" in said
    assert "params.yaml: validate.suspicious is 'shrug', expected 'warn' or 'fail'" in said
    assert "params.yaml: subsets is unknown: did you mean subset?" in said


def test_a_wrong_subset_and_a_wrong_study_list_the_known_ones(workbench: Repository):
    said = refuse(workbench, "exp", "run", "-S", "subset=japanse_scratch")
    assert "did you mean japanese_scratch?; known: all, scratch, continual" in said
    workbench.run("git", "checkout", "-q", "--", "params.yaml", "dvc.lock")
    said = refuse(workbench, "exp", "run", "-S", "study=japanese-2025")
    assert "studies here: japanese-2024" in said


def test_broken_tables_are_named_together(workbench: Repository):
    study = workbench.path / "metadata/japanese-2024"
    edit(study / "scores.csv", "0.6604,", "66.04%,")
    edit(study / "models.csv", "Qwen/Qwen2-72B,", "Qwen/Qwen2-72b,")
    edit(study / "waivers.csv", ",zero,", ",zeros,")
    said = refuse(workbench)
    for told in ("scores.csv", "waivers.csv", "Qwen/Qwen2-72"):
        assert told in said
    assert "failed to reproduce 'ingest'" in said


def test_a_missing_table_is_named(workbench: Repository):
    (workbench.path / "metadata/japanese-2024/benchmarks.csv").unlink()
    assert "metadata/japanese-2024/benchmarks.csv: the file is missing" in refuse(workbench)


def test_a_closed_gate_stops_the_analysis_and_is_tracked_with_its_data_docs(workbench: Repository):
    scores = workbench.path / "metadata/japanese-2024/scores.csv"
    edit(scores, "0.6604,", "66.04,")
    edit(scores, "0.2118,", "0,")
    said = refuse(workbench, written=("data/study/", "data/score_"))
    assert "jcommonsenseqa of 01-ai/Yi-1.5-6B is 66.04, expected 0 to 1: looks like percent, divide by 100" in said
    assert "jcommonsenseqa of cyberagent/calm2-7b is exactly 0" in said
    assert "failed to reproduce 'validate'" in said
    assert (workbench.path / "reports/data_docs/failed/validate/index.html").is_file()
    (run,) = runs(workbench, status="FAILED")
    assert run.data.tags["observatory.gate"] == "closed"
    assert "66.04" in run.data.tags["observatory.gate.problems"]
    top = Path(run.info.artifact_uri.removeprefix("file://"))
    assert (top / "data_docs/validate/index.html").is_file()
    refuse(workbench, written=("data/",))
    assert len(runs(workbench, status="FAILED")) == 1
    edit(scores, "66.04,", "0.6604,")
    edit(scores, ",0,", ",0.2118,")
    workbench.dvc("repro")
    assert len(runs(workbench)) == 1


def test_a_closed_budget_gate_is_tracked_too(workbench: Repository):
    edit(workbench.path / "metadata/japanese-2024/models.csv", "Llama 2 7B,7,", "Llama 2 7B,7000,")
    said = refuse(workbench, written=("data/study/",))
    assert "active_params_b of meta-llama/Llama-2-7b-hf is 7000, but the name says 7" in said
    (run,) = runs(workbench, status="FAILED")
    assert run.data.tags["observatory.gate.stage"] == "budget"


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("scores.csv", ",0.256,", ",,", "has no score on mgsm_ja"),
        ("waivers.csv", "cyberagent/calm2-7b,humaneval", "cyberagent/calm2-7b,mmlu", "matches no finding"),
    ],
)
def test_gate_findings_in_the_tables(workbench: Repository, name: str, old: str, new: str, told: str):
    edit(workbench.path / "metadata/japanese-2024" / name, old, new)
    checked = workbench.observatory("check", ok=False)
    assert checked.returncode == 1
    assert told in checked.stdout
    assert "Traceback" not in checked.stdout + checked.stderr


def test_an_unknown_claim_keeps_the_earlier_comparison(workbench: Repository):
    claims = workbench.path / "metadata/japanese-2024/claims.csv"
    edit(claims, "corr.pearson.mmlu.jmmlu", "corr.pearson.mmlu.nowhere")
    before = (workbench.path / "reports/tables/claims.csv").read_bytes()
    done = workbench.run("dvc", "repro", ok=False)
    assert done.returncode != 0
    assert "claims.csv: corr.pearson.mmlu.nowhere: names nothing of this analysis" in done.stderr + done.stdout
    assert (workbench.path / "reports/tables/claims.csv").read_bytes() == before
