import numpy as np
import pandas as pd
import pytest

from stages.analysis.components.gaps import fill
from stages.analysis.components.pca import decompose
from stages.analysis.conclusions.evidence import Evidence, weigh
from stages.analysis.conclusions.measures import measure, numbers_of
from stages.analysis.conclusions.variations import Alternatives, Base, Solution, Variation, vary
from stages.analysis.conclusions.verdicts import counts, headline, judge, overall, overview, robustness
from stages.analysis.uncertainty.resampling import Data
from stages.analysis.uncertainty.tables import Study, resample
from stages.contracts.params import StabilityParams
from stages.contracts.study.conclusions import Conclusion, Conclusions, Criterion
from tests.analysis.population import FAMILIES, population

BUDGETS = ["ja", "en", "total"]
SETTINGS = StabilityParams(
    draws=5000, seed=1, level=0.95, parallel_draws=100, cumulative=0.9, token_error=0.1, protocol_error=0.01
)


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


def value_of(statistic: str, solution: Solution, benchmarks: list[str] | None = None) -> float:
    criterion = Criterion(statistic=statistic, benchmarks=benchmarks or [], holds=1, weakens=0)
    return float(measure(criterion, numbers_of(solution))[0])


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
    assert value_of("r.task_0.task_5", found) == pytest.approx(expected)
    rho = value_of("rho.PC1.en", found)
    assert rho == pytest.approx(found.scores["PC1"].corr(base.logs["en"], method="spearman"))


def test_statistics_by_hand(base: Base, varied: dict[str, Variation]):
    found = solution(varied, "all")
    U = base.loadings
    group = ["task_0", "task_1"]

    def value(statistic: str, benchmarks: list[str] | None = None) -> float:
        return value_of(statistic, found, benchmarks)

    assert value("share.PC2", group) == pytest.approx((U.loc[group, "PC2"] ** 2).sum())
    assert value("least.PC1", group) == pytest.approx(U.loc[group, "PC1"].min())
    # 1 for equal loadings, 1 / p for one alone
    assert value("evenness.PC1") == pytest.approx(1 / (10 * (U["PC1"] ** 4).sum()))
    assert value("evr.PC1") == pytest.approx(float(found.ratio["PC1"]))
    rest = [name for name in U.index if name not in group]
    assert value("outside_r", group) == pytest.approx(base.X.corr().loc[group, rest].abs().to_numpy().mean())


ONE_AXIS = Solution(
    loadings=pd.DataFrame({"PC1": [1.0]}, ["a"]),
    ratio=pd.Series({"PC1": 0.6}),
    scores=pd.DataFrame({"PC1": np.arange(20.0)}),
    correlation=pd.DataFrame([[1.0]], ["a"], ["a"]),
    logs=pd.DataFrame(),
)


def evidence(deviation: float, families: int = 10) -> Evidence:
    """Return evidence on 20 models of some families, with one standard deviation on the logit scale for all."""
    codes = pd.Series(np.arange(20) % families)
    return Evidence(codes, {"all": {("evr.PC1", ()): deviation}}, 0.95, min_models=8, min_families=5)


@pytest.mark.parametrize(
    ("holds", "weakens", "verdict"),
    [(0.5, 0.3, "holds"), (0.7, 0.5, "weakens"), (0.9, 0.7, "fails"), (0.7, 0.9, "holds"), (0.5, 0.7, "weakens")],
)
def test_bounds_work_in_both_directions(holds: float, weakens: float, verdict: str):
    criterion = Criterion(statistic="evr.PC1", holds=holds, weakens=weakens)
    assert judge(criterion, "all", ONE_AXIS, evidence(0.01)).verdict == verdict


def test_an_interval_that_covers_both_sides_tells_nothing():
    criterion = Criterion(statistic="evr.PC1", holds=0.5, weakens=0.4)
    # 0.6 is 0.405 on the logit scale, 0.4 lies 0.81 below it: t of 10 families is 2.26, corrected by sqrt(10 / 9)
    near, far = (judge(criterion, "all", ONE_AXIS, evidence(deviation)) for deviation in (0.33, 0.35))
    assert (near.verdict, far.verdict) == ("holds", "cannot be told")
    assert far.reason == "the interval covers both sides"
    assert near.support.low > 0.4 > far.support.low
    # what fails by its estimate, and might hold, cannot be told either
    assert judge(Criterion(statistic="evr.PC1", holds=0.7, weakens=0.65), "all", ONE_AXIS, evidence(0.3)).reason


def test_many_models_of_few_families_tell_nothing():
    criterion = Criterion(statistic="evr.PC1", holds=0.5, weakens=0.4)
    found = judge(criterion, "all", ONE_AXIS, evidence(0.001, families=4))
    assert (found.verdict, found.reason) == ("cannot be told", "4 families, 5 needed")
    assert found.words().endswith("20 models of 4 families)")
    assert judge(criterion, "all", ONE_AXIS, evidence(0.001, families=5)).verdict == "holds"


def test_fewer_families_have_longer_intervals():
    criterion = Criterion(statistic="evr.PC1", holds=0.5, weakens=0.4)
    few, many = (judge(criterion, "all", ONE_AXIS, evidence(0.1, families=m)).support for m in (6, 20))
    assert few.high - few.low > 1.2 * (many.high - many.low)


def test_the_interval_of_a_conclusion_is_that_of_stage_stability(base: Base, ways: Alternatives):
    """The same bootstrap of families: the deviations agree within the error of 2,000 samples."""
    criteria = [Criterion(statistic=name, holds=0.5, weakens=0.4) for name in ("evr.PC1", "rho.PC1.en", "evr.PC9")]
    found = Conclusions(conclusions=[conclusion(*criteria)])
    drawn = weigh(base, pd.Series(ways.codes, base.X.index), {"all": base.X.index}, found, SETTINGS)
    study = Study(
        data=Data(
            base.X.to_numpy(),
            base.logs.to_numpy(),
            np.zeros(base.X.shape),
            base.logs.to_numpy(),
            base.logs.to_numpy(),
            {},
        ),
        codes=ways.codes,
        reference=base.loadings.to_numpy(),
        models=list(base.X.index),
        benchmarks=list(base.X.columns),
        components=list(base.loadings),
        budgets=BUDGETS,
        unit_variance=True,
    )
    (families,) = [way for way in resample(study, 2000, np.random.default_rng(2))[0] if way.name == "families"]
    deviations = drawn.deviations["all"]
    assert set(deviations) == {("evr.PC1", ()), ("rho.PC1.en", ())}
    expected = families.summaries["ratio"].deviation()[0], families.summaries["rho"].deviation()[0, 1]
    assert list(deviations.values()) == pytest.approx(expected, rel=0.12)


def conclusion(*criteria: Criterion) -> Conclusion:
    return Conclusion(id="any", statement="Anything", criteria=list(criteria))


@pytest.fixture(scope="module")
def firm(base: Base, ways: Alternatives) -> Evidence:
    """Evidence so firm that estimates decide."""
    listed = ("evr.PC1", "evr.PC3", "r.task_0.task_5")
    families = pd.Series(ways.codes, base.X.index)
    return Evidence(families, {"all": {(name, ()): 1e-9 for name in listed}}, 0.95, min_models=4, min_families=2)


def test_a_conclusion_is_as_good_as_its_worst_criterion(varied: dict[str, Variation], firm: Evidence):
    good = Criterion(statistic="evr.PC1", holds=0.1, weakens=0.05)
    bad = Criterion(statistic="evr.PC3", holds=0.9, weakens=0.8)
    table, criteria = robustness([conclusion(good, bad)], [varied["all"]], firm)
    assert table.loc[0, ["verdict", "statistic"]].tolist() == ["fails", "evr.PC3"]
    assert table.loc[0, ["n", "families"]].tolist() == [35, 12]
    assert "evr.PC1" in table.loc[0, "detail"]
    assert criteria["verdict"].tolist() == ["holds", "fails"]


def test_what_a_variation_lacks_is_no_failure(varied: dict[str, Variation], firm: Evidence):
    pair = conclusion(Criterion(statistic="r.task_0.task_5", holds=0.0, weakens=-0.5))
    table, _ = robustness([pair], [varied["without task_5"], varied["tiny"]], firm)
    assert table["verdict"].tolist() == ["cannot be told", "cannot be told"]
    assert table["detail"].tolist() == ["r.task_0.task_5 (no task_5)", "2 models"]
    assert table["value"].isna().all()


def test_the_overview_names_the_worst_family(varied: dict[str, Variation], firm: Evidence):
    statement = conclusion(Criterion(statistic="evr.PC1", holds=0.0, weakens=-1.0))
    table, _ = robustness([statement], list(varied.values()), firm)
    table.loc[table["variation"] == "without family-3", ["verdict", "value"]] = ["fails", -3.0]
    shown = overview(table, [statement])
    assert shown.loc[0, "without each family"] == "11 of 12 hold; without family-3 fails (evr.PC1 -3.00)"
    assert shown.loc[0, "without each benchmark"] == "10 of 10 hold"
    (counted,) = counts(table, [statement]).to_dict("records")
    assert counted.pop("statement") == "Anything"
    assert counted == {"conclusion": "any", "holds": len(varied) - 2, "weakens": 0, "fails": 1, "cannot_be_told": 1}


def test_no_conclusions_make_an_empty_table(firm: Evidence):
    table, criteria = robustness([], [], firm)
    assert table.empty
    assert criteria.empty
    assert "verdict" in table
    assert list(overview(table, [])) == ["conclusion"]
    assert counts(table, []).empty
    assert headline(table, []) == {"conclusions": {"holds": 0, "weakens": 0, "fails": 0, "cannot_be_told": 0}}


NOT_THERE = "not there"
"""Stands for a variation without the number of a conclusion."""


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["holds", "holds", NOT_THERE], "holds"),
        (["holds", "weakens", "holds"], "weakens"),
        (["weakens", "fails", "holds"], "fails"),
        (["holds", "cannot be told", "holds"], "cannot be told"),
        (["cannot be told", "fails", "holds"], "cannot be told"),
        ([NOT_THERE] * 3, "cannot be told"),
    ],
)
def test_a_conclusion_counts_once(verdicts: list[str], expected: str):
    rows = [
        ("one", "cannot be told" if name == NOT_THERE else name, np.nan if name == NOT_THERE else 0.5)
        for name in verdicts
    ]
    table = pd.DataFrame(rows, columns=["conclusion", "verdict", "value"])
    assert overall(table) == expected
    one = conclusion(Criterion(statistic="evr.PC1", holds=0.1, weakens=0.05)).model_copy(update={"id": "one"})
    assert headline(table, [one])["conclusions"][expected.replace(" ", "_")] == 1
