"""`observatory trace`: every number leads to its evidence."""

import hashlib
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from stages import assemble, ingest
from stages.commands.shown import lines as told
from stages.commands.shown import machine
from stages.commands.trace.target import trace
from stages.contracts.errors import InputError
from tests.commands.conftest import inside
from tests.commands.study import BENCHMARKS, MODEL, STUDY, md5, set_params
from tests.repository import Repository

FACTS = f"metadata/{STUDY}"
COMPONENTS = "stages/analysis/components"


def lines(repository: Repository, target: str, **options: object) -> list[str]:
    with inside(repository):
        return list(told(trace(target, **options)))


def graph(repository: Repository, target: str, **options: object) -> dict:
    with inside(repository):
        return json.loads(machine(trace(target, **options)))


def folder_md5(folder: Path) -> str:
    """Return the md5 of a folder as dvc.lock has it."""
    files = {p.relative_to(folder).as_posix(): md5(p) for p in folder.rglob("*") if p.suffix == ".py"}
    content = json.dumps([{"md5": files[name], "relpath": name} for name in sorted(files)])
    return f"{hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()}.dir"


def ids(content: dict) -> set[str]:
    return {node["id"] for node in content["nodes"]}


def test_a_metric_leads_through_stages_and_parameters_to_the_facts(study: Repository):
    content = graph(study, "scale.PC1.de.rho")
    stages = {name.removeprefix("stage:") for name in ids(content) if name.startswith("stage:")}
    assert stages == {
        "scale",
        "decompose",
        "factorize",
        "validate",
        "assemble",
        "budget",
        "ingest",
        f"evaluate@{MODEL}",
    }
    nodes = {node["id"]: node for node in content["nodes"]}
    assert nodes["reports/metrics/scale.json"]["md5"] == md5(study.path / "reports/metrics/scale.json")
    assert nodes["stage:decompose"]["params"]["decompose.n_components"] == 4
    assert nodes["stage:decompose"]["code"][COMPONENTS] == folder_md5(study.path / COMPONENTS)
    assert nodes[FACTS]["files"]["scores.csv"] == md5(study.path / FACTS / "scores.csv")
    assert [f"data/evaluations/{MODEL}", "stage:assemble"] in content["edges"]
    assert isinstance(content["evidence"]["value"], float)


def test_the_state_names_commit_run_and_experiment(study: Repository):
    commit = study.run("git", "rev-parse", "HEAD").stdout.strip()
    told = graph(study, "decompose.n_models")["state"]
    assert (told["commit"], told["dirty"], told["experiment"]) == (commit, [], "")
    (run,) = told["runs"]
    shown = lines(study, f"run:{run[:8]}")
    assert f"state {told['digest']}" in "\n".join(shown)
    assert any("its state is that of workspace" in line for line in shown)
    assert any(line.strip("│ ").startswith("inputs: ") and f"{FACTS}/scores.csv" in line for line in shown)


def test_every_figure_is_traced_to_the_tables_that_it_shows(study: Repository):
    figures = sorted((study.path / "reports/figures").glob("*.*"))
    assert len(figures) > 10
    with inside(study):
        for figure in figures:
            name = figure.relative_to(study.path).as_posix()
            content = json.loads(machine(trace(name)))
            found = ids(content)
            assert content["kind"] == "figure"
            assert content["evidence"]["md5"] == md5(figure)
            assert {"stage:report", "stage:assemble", "stage:ingest"} <= found
            assert any(path.startswith(("reports/tables/", "data/score_matrix")) for path in found), name
            if "correlation" in name:
                assert "stage:decompose" not in found


def test_every_claim_is_traced(study: Repository):
    claims = pd.read_csv(study.path / FACTS / "claims.csv")
    with inside(study):
        for row in claims.itertuples():
            content = json.loads(machine(trace(row.claim_id)))
            assert content["kind"] == "claim"
            assert float(content["evidence"]["claim"]["published"]) == row.published
            assert content["evidence"]["result"]["status"] in {"reproduced", "not reproduced", "not computed"}
            assert content["paths"], row.claim_id
            assert FACTS in ids(content)


def test_every_claim_of_the_shipped_study_has_a_source(shipped: Repository):
    claims = pd.read_csv(shipped.path / "metadata/japanese-2024/claims.csv")
    with inside(shipped):
        for claim_id in claims["claim_id"].sample(25, random_state=1):
            assert json.loads(machine(trace(claim_id)))["paths"], claim_id


def test_a_published_cell_shows_its_row_licence_and_waiver(study: Repository):
    shown = "\n".join(lines(study, "org/model-01:task_1"))
    assert "score 0, published; accuracy, 0-shot, generation" in shown
    assert "licence: CC0" in shown
    assert f"published: {FACTS}/scores.csv line 3: task_1 0.0" in shown
    assert f"waiver: {FACTS}/waivers.csv line 2: check zero; reason planted; source Made for a test" in shown
    content = graph(study, "org/model-01:task_1")["evidence"]
    assert content["cell"]["origin"] == "published"
    assert content["scores.csv"] == {"line": 3, "task_1": "0.0"}


def test_a_correction_is_shown_whether_applied_or_not(study: Repository):
    corrections = pd.read_csv(study.path / FACTS / "corrections.csv").iloc[0]
    here = "\n".join(lines(study, "org/model-02:task_2"))
    assert "(not applied)" in here
    there = "\n".join(lines(study, "org/model-02:task_2", rev="corrected"))
    assert f"score {corrections.corrected / 100:.12g}, corrected" in there
    assert "(not applied)" not in there
    assert "(replaced)" in there


def test_an_evaluated_cell_shows_the_model_the_data_and_the_answers(study: Repository):
    shown = lines(study, f"{MODEL}:task_3", samples=2)
    text = "\n".join(shown)
    for part in ("commit: " + "c" * 40, "weights.model.safetensors: " + "w" * 64, "revision: r3", "task_hash: t3",
                 "libraries.lm_eval: 0.4.13", "device: cpu", "dirty: False"):  # fmt: skip
        assert part in text
    assert "revision: r2" not in text
    samples = study.path / f"data/evaluations/{MODEL}/samples/task_3.parquet"
    assert md5(samples) in text
    content = graph(study, f"{MODEL}:task_3", samples=2)
    rows = content["evidence"]["samples"]
    expected = pd.read_parquet(samples).head(2)
    assert [row["item"] for row in rows] == list(expected["item"])
    assert [row["raw"] for row in rows] == list(expected["raw"])
    assert f"stage:evaluate@{MODEL}" in ids(content)


def test_a_model_shows_its_record_budgets_and_cells(study: Repository):
    content = graph(study, MODEL)
    assert content["evidence"]["record"]["name"] == "Model 07"
    assert set(content["evidence"]["cells"]) == set(BENCHMARKS)
    assert {cell["origin"] for cell in content["evidence"]["cells"].values()} == {"evaluated"}
    assert content["evidence"]["budgets"]["nd_de"] > 0
    assert content["evidence"]["provenance"]["model"] == MODEL


def test_downstream_of_code_and_facts_is_all_that_depends_on_them(study: Repository):
    scaling = ids(graph(study, "stages/analysis/scaling/laws.py", down=True))
    assert "reports/metrics/scale.json" in scaling
    assert "reports/tables/claims.csv" in scaling
    assert "reports/tables/pca_loadings.csv" not in scaling
    everything = ids(graph(study, f"{FACTS}/scores.csv", down=True))
    assert {"data/score_matrix.parquet", "reports/tables/fa_loadings.csv", "reports/figures"} <= everything


def test_a_change_since_the_run_is_shown_where_it_is_used(copy: Repository):
    folder = copy.path / COMPONENTS
    before = folder_md5(folder)
    path = folder / "pca.py"
    path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    shown = "\n".join(lines(copy, "decompose.explained_variance_ratio.PC1"))
    assert f"{COMPONENTS} {before[:8]} (changed since, now md5 {folder_md5(folder)})" in shown
    assert f"uncommitted: {COMPONENTS}/pca.py" in shown


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("scale.PC1.de.rh", "did you mean scale.PC1.de.rho"),
        ("reports/tables/scalin.csv", "did you mean reports/tables/scaling.csv"),
        ("pca.all.evr.pc2", "did you mean pca.all.evr.pc1"),
        ("org/model-01:task_9", "no benchmark task_9: did you mean task_"),
        ("org/modell-01:task_1", "no model org/modell-01: did you mean org/model-01?"),
        ("org/model-99", "did you mean org/model-0"),
        (
            "rinna/youri-7b:jsquad",
            "rinna/youri-7b is of the study japanese-2024, the state here is of tiny: run `dvc exp",
        ),
        ("rinna/youri-7b", "rinna/youri-7b is of the study japanese-2024"),
        ("run:0123", "no MLflow run 0123: known: "),
        ("", "expected a file, a metric, a claim_id"),
    ],
)
def test_an_unknown_target_is_one_line_with_the_closest(study: Repository, target: str, hint: str):
    with pytest.raises(InputError) as caught:
        lines(study, target)
    (line,) = caught.value.problems
    assert hint in line


def test_an_unknown_revision_is_one_line_with_the_closest(study: Repository):
    with pytest.raises(InputError, match=r"no revision correctd: did you mean corrected\?"):
        lines(study, "models.n", rev="correctd")


def test_a_damaged_file_is_no_traceback(copy: Repository):
    (copy.path / "data/score_cells.parquet").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="damaged"):
        lines(copy, "org/model-01:task_1")


@pytest.mark.parametrize("policy", ["drop_models", "drop_benchmarks"])
def test_what_is_left_out_for_missing_scores_says_so(copy: Repository, policy: str):
    path = copy.path / FACTS / "scores.csv"
    scores = pd.read_csv(path, index_col="model_id", dtype=str)
    scores.loc["org/model-04", "task_3"] = ""
    scores.to_csv(path)
    set_params(copy, assemble={"missing": policy})
    with inside(copy):
        ingest.main()
        assemble.main()
    shown = "\n".join(lines(copy, "org/model-04:task_3"))
    if policy == "drop_models":
        reason = "left out by assemble.missing=drop_models: org/model-04 has no score on task_3"
        assert graph(copy, "org/model-04")["evidence"]["absent"] == reason
    else:
        reason = "left out by assemble.missing=drop_benchmarks: task_3 has no score of org/model-04"
        assert reason in "\n".join(lines(copy, "org/model-02:task_3"))
        assert set(graph(copy, "org/model-04")["evidence"]["cells"]) == set(BENCHMARKS) - {"task_3"}
    assert reason in shown


def test_a_model_outside_of_the_subset_is_said_to_be(copy: Repository):
    set_params(copy, subset="odd")
    with inside(copy):
        assemble.main()
    assert "not in the subset odd" in "\n".join(lines(copy, "org/model-02"))


def test_after_gc_what_is_gone_is_said_to_be_and_how_to_get_it(copy: Repository):
    set_params(copy, assemble={"corrections": True})
    with inside(copy):
        assemble.main()
    copy.dvc("commit", "-q", "-f", "assemble")
    copy.dvc("gc", "-q", "-w", "-f")
    told = "data/score_cells.parquet is missing here and in the cache: `dvc pull --all-commits` fetches it"
    for target in ("org/model-02:task_2", "org/model-02"):
        absent = graph(copy, target, rev="v1")["evidence"]["absent"]
        assert absent.startswith(told)
        assert "`git switch --detach v1` and `dvc repro` make it again" in absent
        assert f"│  {absent}" in lines(copy, target, rev="v1")
    assert graph(copy, "data/score_cells.parquet", rev="v1")["evidence"]["absent"].startswith(told)
    assert "absent" not in graph(copy, "org/model-02:task_2")["evidence"]
    (copy.path / "data/score_cells.parquet").unlink()
    assert "`dvc checkout` restores it" in graph(copy, "org/model-02:task_2")["evidence"]["absent"]
    shutil.rmtree(copy.path / ".dvc/cache")
    assert graph(copy, "org/model-02:task_2")["evidence"]["absent"] == (
        "data/score_cells.parquet is missing here and in the cache: `dvc pull` fetches it from the remote, "
        "`dvc repro` makes it again"
    )
    shutil.rmtree(copy.path / "reports/figures")
    figure = graph(copy, "reports/figures/pca_loadings.svg")
    assert figure["kind"] == "figure"
    assert "missing here and in the cache" in figure["evidence"]["absent"]


def test_the_command_loads_none_of_the_heavy_tools(shipped: Repository):
    """They alone would take longer than the answer."""
    done = shipped.run(
        "python",
        "-c",
        "import atexit, sys; atexit.register(lambda: print(*sys.modules)); "
        "from stages.commands.lineage_cli import trace; trace()",
        "scale.PC1.en.rho",
    )
    answer, loaded = done.stdout.rstrip("\n").rsplit("\n", 1)
    assert "value 0.91597" in answer
    heavy = {
        "mlflow",
        "torch",
        "transformers",
        "great_expectations",
        "matplotlib",
        "scipy",
        "sklearn",
        "factor_analyzer",
    }
    assert "pandas" in loaded.split()
    assert not heavy & set(loaded.split())
