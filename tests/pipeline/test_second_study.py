"""The second shipped study, end to end, and what it says about the conclusions of the first."""

import pandas as pd
import pytest

from tests.repository import Repository

TABLES = "reports/tables"


def table(repository: Repository, name: str) -> pd.DataFrame:
    return pd.read_csv(repository.path / TABLES / f"{name}.csv")


def test_a_study_is_not_tested_against_itself(shipped: Repository):
    for name in ("retest", "retest_axes", "retest_criteria", "retest_places", "skipped_retest"):
        assert table(shipped, name).empty, name
    assert "Out of time" not in (shipped.path / "reports/index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_second_study_runs_and_tests_the_first_out_of_time(workbench: Repository):
    workbench.dvc("exp", "run", "-n", "later", "-S", "study=japanese-2026")
    check_second_study(workbench)


def check_second_study(later: Repository) -> None:
    # computed independently of this code: 71.5, 14.0, 4.5, 3.2 %
    ratio = table(later, "explained_variance").set_index("component")["share"]
    assert ratio.iloc[:4].tolist() == pytest.approx([0.715, 0.140, 0.045, 0.032], abs=5e-4)
    verdicts = table(later, "retest").set_index("conclusion")
    assert verdicts["earlier"].value_counts().to_dict() == {"holds": 5, "cannot be told": 2}
    assert verdicts.loc[["academic", "code"], "later"].tolist() == ["holds", "holds"]
    rho = table(later, "retest_criteria").set_index(["variation", "statistic"]).loc[("japanese-2026", "rho.PC2.ja")]
    assert rho[["verdict", "n", "families"]].tolist() == ["cannot be told", 6, 2]
    axes = table(later, "retest_axes").set_index("component")
    assert axes.loc["PC1", "congruence"] > 0.95
    assert (axes["low"] < axes["congruence"]).all()
    places = table(later, "retest_places")
    assert places["study"].value_counts().to_dict() == {"japanese-2026": 50, "japanese-2024": 35}
    doubts = "\n".join(table(later, "skipped_retest")["skipped"])
    assert "another protocol than in japanese-2024" in doubts
    assert "squad2 of 50 of 50 models" in doubts
    assert {"params", "released"} < set(table(later, "scaling")["language"])
    prediction = table(later, "stability_prediction")
    assert set(prediction["predictors"]) == {"params released"}
    assert 0.9 < prediction["coverage"].mean() <= 1
    page = (later.path / "reports/index.html").read_text(encoding="utf-8")
    assert "Conclusions of japanese-2024 on the models of japanese-2026" in page
