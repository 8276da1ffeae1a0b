import numpy as np
import pandas as pd
import pytest

from stages.analysis.components.gaps import fill
from stages.analysis.components.pca import decompose
from stages.analysis.conclusions.variations import Alternatives, Base, Solution, Variation, vary
from stages.analysis.conclusions.verdicts import counts, headline, judge, measure, overview, robustness
from stages.contracts.study.conclusions import Conclusion, Criterion
from tests.analysis.population import FAMILIES, population

BUDGETS = ["ja", "en", "total"]


@pytest.fixture(scope="module")
def base() -> Base:
    drawn = population(p=10).draw(np.random.default_rng(1), FAMILIES, 0.3)
    logs = pd.DataFrame(np.column_stack([drawn.logs, drawn.logs.sum(axis=1)]), drawn.X.index, BUDGETS)
    loadings = decompose(drawn.X, 3, {}).loadings
    return Base(drawn.X, fill(drawn.X, {}), {}, loadings, logs, unit_variance=True, n_factors=3, power=4)


@pytest.fixture(scope="module")
def ways(base: Base) -> Alternatives:
    codes = np.repeat(np.arange(len(FAMILIES)), FAMILIES)
    suspected = pd.DataFrame(False, base.X.index, base.X.columns)
    suspected.iloc[0, 0] = True
    corrected = base.X.copy()
    corrected.iloc[0, 0] += 0.5
    return Alternatives(
        subset="all",
        subsets={"scratch": base.X.index[:20], "tiny": base.X.index[:2]},
        corrected=corrected,
        suspected=suspected,
        codes=codes,
        families=[f"family-{i}" for i in range(len(FAMILIES))],
    )


@pytest.fixture(scope="module")
def varied(base: Base, ways: Alternatives) -> dict[str, Variation]:
    return {variation.name: variation for variation in vary(base, ways)}


def solution(varied: dict[str, Variation], name: str) -> Solution:
    found = varied[name].solution
    assert isinstance(found, Solution), found
    return found


def test_every_variation_of_the_list_is_there(varied: dict[str, Variation]):
    names = list(varied)
    assert names[:8] == [
        "all",
        "scratch",
        "tiny",
        "corrected zeros",
        "failed cells dropped",
        "rank correlation",
        "factor analysis",
        "not standardised",
    ]
    assert names[8:20] == [f"without family-{i}" for i in range(12)]
    assert names[20:] == [f"without task_{i}" for i in range(10)]
    assert varied["tiny"].solution == "2 models"


def test_the_first_variation_is_the_study_as_analysed(base: Base, varied: dict[str, Variation]):
    found = solution(varied, "all")
    pd.testing.assert_frame_equal(found.loadings, base.loadings, check_exact=False)
    assert len(solution(varied, "without family-0").scores) == 25
    assert "task_3" not in solution(varied, "without task_3").loadings.index


def test_axes_keep_their_names_and_signs_in_every_variation(base: Base, varied: dict[str, Variation]):
    for variation in varied.values():
        if isinstance(variation.solution, Solution):
            U = variation.solution.loadings
            assert (U * base.loadings.loc[U.index, U.columns]).sum().gt(0).all(), variation.name


def test_ranks_are_correlated_by_rank(base: Base, varied: dict[str, Variation]):
    found = solution(varied, "rank correlation")
    expected = base.X["task_0"].corr(base.X["task_5"], method="spearman")
    assert measure(Criterion(statistic="r.task_0.task_5", holds=1, weakens=0), found) == pytest.approx(expected)
    rho = measure(Criterion(statistic="rho.PC1.en", holds=1, weakens=0), found)
    assert rho == pytest.approx(found.scores["PC1"].corr(base.logs["en"], method="spearman"))


def test_statistics_by_hand(base: Base, varied: dict[str, Variation]):
    found = solution(varied, "all")
    U = base.loadings
    group = ["task_0", "task_1"]

    def value(statistic: str, benchmarks: list[str] | None = None) -> float:
        return measure(Criterion(statistic=statistic, benchmarks=benchmarks or [], holds=1, weakens=0), found)

    assert value("share.PC2", group) == pytest.approx((U.loc[group, "PC2"] ** 2).sum())
    assert value("least.PC1", group) == pytest.approx(U.loc[group, "PC1"].min())
    # 1 for equal loadings, 1 / p for one alone
    assert value("evenness.PC1") == pytest.approx(1 / (10 * (U["PC1"] ** 4).sum()))
    assert value("evr.PC1") == pytest.approx(float(found.ratio["PC1"]))
    rest = [name for name in U.index if name not in group]
    assert value("outside_r", group) == pytest.approx(base.X.corr().loc[group, rest].abs().to_numpy().mean())


@pytest.mark.parametrize(
    ("holds", "weakens", "verdict"),
    [(0.5, 0.3, "holds"), (0.7, 0.5, "weakens"), (0.9, 0.7, "fails"), (0.7, 0.9, "holds"), (0.5, 0.7, "weakens")],
)
def test_bounds_work_in_both_directions(base: Base, holds: float, weakens: float, verdict: str):
    found = Solution(
        loadings=pd.DataFrame({"PC1": [1.0]}, ["a"]),
        ratio=pd.Series({"PC1": 0.6}),
        scores=pd.DataFrame({"PC1": [1.0, 2.0]}),
        correlation=pd.DataFrame([[1.0]], ["a"], ["a"]),
        logs=pd.DataFrame(),
    )
    assert judge(Criterion(statistic="evr.PC1", holds=holds, weakens=weakens), found).verdict == verdict


def conclusion(*criteria: Criterion) -> Conclusion:
    return Conclusion(id="any", statement="Anything", criteria=list(criteria))


def test_a_conclusion_is_as_good_as_its_worst_criterion(varied: dict[str, Variation]):
    good = Criterion(statistic="evr.PC1", holds=0.1, weakens=0.05)
    bad = Criterion(statistic="evr.PC3", holds=0.9, weakens=0.8)
    table = robustness([conclusion(good, bad)], [varied["all"]])
    assert table.loc[0, ["verdict", "statistic"]].tolist() == ["fails", "evr.PC3"]
    assert "evr.PC1" in table.loc[0, "detail"]


def test_what_a_variation_lacks_is_not_computable_and_no_failure(varied: dict[str, Variation]):
    pair = conclusion(Criterion(statistic="r.task_0.task_5", holds=0.0, weakens=-0.5))
    table = robustness([pair], [varied["without task_5"], varied["tiny"]])
    assert table["verdict"].tolist() == ["not computable", "not computable"]
    assert table["detail"].tolist() == ["r.task_0.task_5 (no task_5)", "2 models"]
    assert table["value"].isna().all()


def test_the_overview_names_the_worst_family(varied: dict[str, Variation]):
    statement = conclusion(Criterion(statistic="evr.PC1", holds=0.0, weakens=-1.0))
    table = robustness([statement], list(varied.values()))
    table.loc[table["variation"] == "without family-3", ["verdict", "value"]] = ["fails", -3.0]
    shown = overview(table, [statement])
    assert shown.loc[0, "without each family"] == "11 of 12 hold; without family-3 fails (evr.PC1 -3.00)"
    assert shown.loc[0, "without each benchmark"] == "10 of 10 hold"
    (counted,) = counts(table, [statement]).to_dict("records")
    assert counted.pop("statement") == "Anything"
    assert counted == {"conclusion": "any", "holds": len(varied) - 2, "weakens": 0, "fails": 1, "not_computable": 1}


def test_no_conclusions_make_an_empty_table():
    table = robustness([], [])
    assert table.empty
    assert "verdict" in table
    assert list(overview(table, [])) == ["conclusion"]
    assert counts(table, []).empty
    assert headline(counts(table, [])) == {"conclusions": {"holds": 0, "weakens": 0, "fails": 0, "not_computable": 0}}


def test_a_conclusion_counts_once_as_the_worst_that_could_be_computed():
    verdicts = {
        "firm": ["holds", "holds", "not computable"],
        "soft": ["holds", "weakens", "holds"],
        "gone": ["weakens", "fails", "holds"],
        "open": ["not computable"] * 3,
    }
    rows = [(name, verdict) for name, listed in verdicts.items() for verdict in listed]
    criterion = Criterion(statistic="evr.PC1", holds=0.1, weakens=0.05)
    listed = [Conclusion(id=name, statement=name, criteria=[criterion]) for name in verdicts]
    counted = counts(pd.DataFrame(rows, columns=["conclusion", "verdict"]), listed)
    assert counted["conclusion"].tolist() == list(verdicts)
    assert headline(counted) == {"conclusions": {"holds": 1, "weakens": 1, "fails": 1, "not_computable": 1}}
