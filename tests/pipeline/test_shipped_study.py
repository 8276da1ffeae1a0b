"""The numbers of Saito et al. 2024 (arXiv 2412.14471), from `dvc repro` on the shipped study."""

import json
import re
import shlex
import sys
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.lineage.pipeline import flatten
from tests.repository import ROOT, Repository


def metrics(repository: Repository, name: str) -> dict:
    return json.loads((repository.path / f"reports/metrics/{name}.json").read_text(encoding="utf-8"))


def table(repository: Repository, name: str) -> pd.DataFrame:
    return pd.read_csv(repository.path / f"reports/tables/{name}.csv")


def explained(repository: Repository) -> list[float]:
    return list(metrics(repository, "decompose")["explained_variance_ratio"].values())


def test_explained_variance_of_all_35_models(shipped: Repository):
    # section 4.3 of the paper, with two more digits from the published score matrix
    np.testing.assert_allclose(explained(shipped), [0.6515, 0.1542, 0.0697, 0.0323], atol=5e-5)
    assert metrics(shipped, "decompose")["n_models"] == 35


def test_cross_lingual_correlations(shipped: Repository):
    pearson = metrics(shipped, "correlate")["pearson"]
    pairs = {"jmmlu.mmlu": 0.91, "gsm8k.mgsm_ja": 0.94, "humaneval.jhumaneval": 0.98}
    for pair, published in pairs.items():
        assert pearson[pair] == pytest.approx(published, abs=0.005)


@pytest.mark.parametrize(
    ("component", "language", "rho", "n"),
    [("PC1", "en", 0.916, 27), ("PC2", "ja", 0.779, 25), ("PC2", "en", 0.164, 27), ("PC2", "total", 0.186, 27),
     ("PC1", "total", 0.938, 27)],
)  # fmt: skip
def test_scaling_laws(shipped: Repository, component: str, language: str, rho: float, n: int):
    law = table(shipped, "scaling").set_index(["response", "language"]).loc[component, language]
    assert law["rho"] == pytest.approx(rho, abs=5e-4)
    assert law["n"] == n


def test_forty_numbers_stand_for_the_study(shipped: Repository):
    """As many as `dvc metrics diff` and MLflow can show at once; everything else is in tables."""
    names = {path.stem for path in (shipped.path / "reports/metrics").iterdir()}
    found = dict(flatten("", {name: metrics(shipped, name) for name in names}))
    assert len(found) == 40
    abstract = {
        "decompose.n_models": 35,
        "decompose.n_benchmarks": 19,
        "decompose.explained_variance_ratio.PC1": 0.6515,
        "scale.PC1.en.rho": 0.916,
        "scale.PC1.en.n": 27,
        "scale.PC2.ja.rho": 0.779,
        "correlate.pearson.jmmlu.mmlu": 0.91,
        "compare.reproduced": 101,
        "compare.not_reproduced": 5,
        "robustness.conclusions.holds": 4,
        "robustness.conclusions.weakens": 0,
        "robustness.conclusions.fails": 1,
        "robustness.conclusions.cannot_be_told": 2,
        "validate.waived": 6,
    }
    assert {name: found[name] for name in abstract} == pytest.approx(abstract, abs=1e-3)
    assert found["stability.PC1.en.families.low"] < 0.916 < found["stability.PC1.en.families.high"]
    assert found["stability.PC2.ja.families.low"] < 0.779 < found["stability.PC2.ja.families.high"]


def test_every_claim_but_the_known_five_reproduces(shipped: Repository):
    claims = table(shipped, "claims").set_index("claim_id")
    missed = set(claims.index[claims["status"] == "not reproduced"])
    assert missed == {"std.mgsm_ja", *(f"fa.all.contribution.factor{k}" for k in (1, 2, 3, 4))}
    assert claims.loc[list(missed), "note"].str.len().min() > 0
    assert (claims["status"] == "reproduced").sum() == 101
    loadings = claims.index.str.startswith("fa.all.loading")
    assert loadings.sum() == 76
    assert claims.loc[loadings, "difference"].abs().max() < 0.005


def test_the_printed_deviation_of_mgsm_is_that_of_gsm8k(shipped: Repository):
    # section 4.2 prints 0.246 for MGSM
    spread = table(shipped, "precision").set_index("benchmark")["std"]
    assert spread["gsm8k"] == pytest.approx(0.246, abs=5e-4)
    assert spread["mgsm_ja"] == pytest.approx(0.201, abs=5e-4)


def test_standard_errors_are_binomial(shipped: Repository):
    cells = pd.read_parquet(shipped.path / "data/score_cells.parquet").set_index(["model_id", "benchmark"])
    cell = cells.loc[("01-ai/Yi-1.5-6B", "mgsm_ja")]
    assert cell["stderr"] == pytest.approx((0.256 * 0.744 / 250) ** 0.5)
    assert cells["stderr"].notna().all()


@pytest.mark.states
def test_scratch_models_give_figure_8(scratch: Repository):
    np.testing.assert_allclose(explained(scratch), [0.6557, 0.1702, 0.0712, 0.0300], atol=5e-5)
    claims = table(scratch, "claims").set_index("claim_id")
    loadings = claims[claims.index.str.startswith("pca.scratch.loading")]
    assert len(loadings) == 76
    assert (loadings["status"] == "reproduced").all()
    assert metrics(scratch, "scale")["PC1"]["en"]["rho"] == pytest.approx(0.923, abs=5e-4)
    # the paper prints 0.779 here, the value of all models: known not to reproduce
    assert metrics(scratch, "scale")["PC2"]["ja"] == {"rho": pytest.approx(0.80, abs=5e-3), "n": 10}
    assert claims.loc["scaling.scratch.pc2.ja.rho", "status"] == "not reproduced"


@pytest.mark.states
def test_two_states_fit_a_terminal_of_120_columns(scratch: Repository):
    moved = scratch.dvc("metrics", "diff", "HEAD", "workspace").splitlines()
    rows = [line.split() for line in moved[1:] if line.strip()]
    assert ["reports/metrics/scale.json", "PC1.en.rho", "0.91597", "0.92281", "0.00684"] in rows
    assert len(rows) <= 40
    assert max(map(len, moved)) <= 120
    page = (ROOT / "docs/how-to/compare-two-states.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^dvc (exp show .*)$", page, flags=re.MULTILINE)
    shown = scratch.dvc(*shlex.split(command), env={"COLUMNS": "120"}).splitlines()
    assert any("[scratch]" in line and "0.92281" in line for line in shown)
    assert max(len(line.rstrip()) for line in shown) <= 120


@pytest.mark.states
def test_two_states_are_overlaid_by_declared_templates_and_no_figure_is_shown_twice(scratch: Repository):
    answer = scratch.run(sys.executable, "-m", "dvc", "plots", "diff", "HEAD", "workspace", "--json").stdout
    found = json.loads(answer)
    assert "errors" not in found
    assert list(found["data"]) == [
        "Explained variance per component",
        "Loadings per component",
        "Models on the first two components",
        "Models on each component",
        "Training budgets and components",
        "Correlations with training budgets",
        "Correlations between benchmarks",
        "Conclusions in all variations of the analysis",
    ]
    for (plot,) in found["data"].values():
        assert plot["type"] == "vega"
        assert {row["rev"] for row in plot["content"]["data"]["values"]} == {"HEAD", "workspace"}
        assert "DVC_METRIC" not in json.dumps(plot["content"])


@pytest.mark.states
def test_corrections_move_the_numbers_and_say_where(fixed: Repository):
    np.testing.assert_allclose(explained(fixed), [0.6548, 0.1501, 0.0707, 0.0330], atol=5e-5)
    assert metrics(fixed, "scale")["PC1"]["en"]["rho"] == pytest.approx(0.9115, abs=5e-5)
    cells = pd.read_parquet(fixed.path / "data/score_cells.parquet")
    changed = cells[cells["origin"] == "corrected"]
    assert set(changed["model_id"]) == {"sbintuitions/sarashina2-7b", "sbintuitions/sarashina2-13b"}
    assert sorted(changed["score"]) == [0.121, 0.146, 0.161, 0.198]
    assert changed["source"].str.contains("CC BY 4.0").all()
    verdict = metrics(fixed, "validate")
    assert (verdict["waived"], verdict["corrected"]) == (2, 4)


def test_leave_one_out_is_matched_and_signed_to_the_full_solution(shipped: Repository):
    loo = table(shipped, "pca_loo")
    assert len(loo) == 19 * 4
    first = loo[loo["component"] == "PC1"]
    # an axis of 65 % of the variance hardly moves when one of 35 models goes; a flipped sign would show as std ~ 0.2
    assert (first["mean"] - first["full"]).abs().max() < 0.005
    assert first["std"].max() < 0.03


def test_disagreeing_token_counts_are_found(shipped: Repository):
    findings = table(shipped, "findings_models")
    rows = findings[findings["check"] == "token_rules"]
    assert set(rows["model_id"]) == {"01-ai/Yi-1.5-6B", "rinna/youri-7b"}
    assert rows["message"].str.contains("the printed value is used").all()
    models = pd.read_parquet(shipped.path / "data/models.parquet")
    assert models.loc["01-ai/Yi-1.5-6B", "nd_en"] == 6e9 * 2170e9


def test_six_zeros_are_waived_by_name(shipped: Repository):
    assert metrics(shipped, "validate")["waived"] == 6
    findings = table(shipped, "findings_matrix")
    waived = findings[findings["severity"] == "waived"]
    assert set(waived["benchmark"]) == {"humaneval", "jhumaneval"}
    assert waived["model_id"].nunique() == 3


def test_a_fresh_clone_writes_what_git_has(shipped: Repository):
    """After `make repro` `git status` is clean, on any processor: dvc.lock and the metrics are the committed ones."""
    assert (shipped.path / "changed.txt").read_text(encoding="utf-8") == ""


def test_a_clone_with_windows_line_ends_has_the_same_hashes(shipped: Repository, tmp_path: Path):
    shipped.run("git", "clone", "-q", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", ".", str(tmp_path / "clone"))
    files = shipped.run("git", "ls-files").stdout.splitlines()
    assert len(files) > 100
    assert [
        name for name in files if (tmp_path / "clone" / name).read_bytes() != (shipped.path / name).read_bytes()
    ] == []


def test_the_page_is_one_small_file(shipped: Repository):
    page = (shipped.path / "reports/index.html").read_bytes()
    assert len(page) < 3e6
    assert not re.findall(rb'(?:src|href)="(?:https?:)?//', page)
    assert b"4 of 7 conclusions hold in every variation of the analysis" in page


def test_the_chains_of_the_page_are_those_that_trace_prints(shipped: Repository):
    page = (shipped.path / "reports/index.html").read_text(encoding="utf-8")
    name = "reports/tables/scaling.csv"
    shown = re.search(r'<pre id="trace-reports-tables-scaling-csv">(.*?)</pre>', page, flags=re.DOTALL)
    assert shown
    command, *chain = unescape(shown[1]).splitlines()
    assert command == f"$ observatory trace {name}"
    target, *printed = shipped.observatory("trace", name).stdout.splitlines()
    assert target == f"file {name}"
    assert [line[3:] for line in printed[: len(chain)]] == chain
    assert printed[len(chain)].startswith("state ")
