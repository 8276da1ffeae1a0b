"""Log-linear laws."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress

from stages.analysis.scaling.laws import (
    correlate,
    fit_all_laws,
    fit_law,
    fit_laws,
    lines,
    log_budget,
    with_all_budgets,
)
from stages.analysis.scaling.stand_ins import stand_ins, year_of
from stages.contracts.params import ScaleParams


def models(nd_en: list[float], nd_ja: list[float]) -> pd.DataFrame:
    table = pd.DataFrame({"nd_en": nd_en, "nd_ja": nd_ja}, index=[f"m{i}" for i in range(len(nd_en))])
    return table.assign(nd_total=table["nd_en"] + table["nd_ja"], active_params_b=7.0)


def test_an_exact_law_is_found():
    logs = pd.Series([1.0, 2.0, 3.0, 4.0])
    law = fit_law((3 - 2 * logs).rename("PC1"), logs, "en")
    assert (law.slope, law.intercept, law.rho, law.n) == (pytest.approx(-2), pytest.approx(3), pytest.approx(-1), 4)


@given(st.lists(st.tuples(st.floats(20, 25), st.floats(-5, 5)), min_size=4, max_size=30, unique_by=lambda t: t[0]))
def test_agrees_with_scipy(points: list[tuple[float, float]]):
    x, y = map(np.array, zip(*points, strict=True))
    if np.ptp(x) < 1e-3 or np.ptp(y) < 1e-3:
        return
    law = fit_law(pd.Series(y, name="PC1"), pd.Series(x), "ja")
    reference = linregress(x, y)
    assert law.slope == pytest.approx(reference.slope, rel=1e-6, abs=1e-6)
    assert law.rho == pytest.approx(reference.rvalue, abs=1e-6)


def test_unknown_and_zero_budgets_are_left_out():
    logs = log_budget(models([1e22, np.nan, 1e23, 1e24], [0.0, 1e20, np.nan, 1e21]), "ja")
    assert logs.to_dict() == {"m1": 20.0, "m3": pytest.approx(21.0)}


def test_a_budget_known_for_too_few_is_skipped_with_a_reason():
    table = models([1e22, 1e23, 1e24, 1e25, 1e26], [1e20, np.nan, np.nan, np.nan, np.nan])
    responses = pd.DataFrame({"PC1": [1.0, 2, 3, 4, 6]}, index=table.index)
    laws, skipped = fit_laws(responses, table, ["en", "ja"], min_models=5)
    assert [(law.response, law.language, law.n) for law in laws] == [("PC1", "en", 5)]
    assert skipped == ["no scaling law for the ja budget: known for 1 models, 5 needed"]


def test_models_without_tokens_fall_out_of_a_law_by_name():
    table = models([1e22, 1e23, 1e24, 1e25, 1e26], [0.0, 1e20, 1e21, 1e22, 1e23])
    responses = pd.DataFrame({"PC1": [1.0, 2, 3, 4, 6]}, index=table.index)
    laws, skipped = fit_laws(responses, table, ["en", "ja"], min_models=4)
    assert [law.n for law in laws] == [5, 4]
    assert skipped == ["laws of the ja budget leave out models without such tokens: m0"]
    _, skipped = fit_laws(responses, table, ["ja"], min_models=5)
    assert skipped == ["no scaling law for the ja budget: known for 5 models, zero for 1 of them, 5 needed"]


def test_what_factors_lack_is_not_said_of_components():
    table = models([1e22, 1e23, 1e24, 1e25, 1e26], [np.nan, 1e20, np.nan, np.nan, np.nan])
    table["nd_total"] = table["nd_en"] * 2
    responses = pd.DataFrame({"PC1": [1.0, 2, 3, 4, 6], "Factor1": [2.0, 1, 3, 5, 6]}, index=table.index)
    chosen = ScaleParams(min_models=5, factor_models="common")
    laws, skipped = fit_all_laws(responses[["PC1"]], responses[["Factor1"]], table, ["en", "ja"], chosen)
    assert {(law.response, law.language) for law in laws} == {("PC1", "en"), ("PC1", "total")}
    assert [line.partition(":")[0] for line in skipped] == [
        "no scaling law for the ja budget",
        "no scaling law of factors for the en budget",
        "no scaling law of factors for the total budget",
    ]
    assert "scale.factor_models=common keeps the 1 models whose budget is known in every language" in skipped[-1]
    available = ScaleParams(min_models=5, factor_models="available")
    laws, skipped = fit_all_laws(responses[["PC1"]], responses[["Factor1"]], table, ["en", "ja"], available)
    assert [law.n for law in laws if law.response == "Factor1"] == [5, 5]
    assert len(skipped) == 1


def test_equal_budgets_are_skipped_with_a_reason():
    table = models([1e22] * 5, [1e20] * 5)
    responses = pd.DataFrame({"PC1": np.arange(5.0)}, index=table.index)
    laws, skipped = fit_laws(responses, table, ["en"], min_models=3)
    assert not laws
    assert "the same for all 5 models" in skipped[0]


def test_only_models_of_the_subset_count():
    table = models([1e22, 1e23, 1e24, 1e25, 1e26], [1e20] * 5)
    responses = pd.DataFrame({"PC1": [1.0, 2, 4, 5]}, index=["m0", "m1", "m3", "m4"])
    laws, _ = fit_laws(responses, table, ["en"], min_models=4)
    assert laws[0].n == 4


def test_three_models_or_one_budget_make_no_law():
    rising = pd.Series([1.0, 2.0, 3.0, 4.0], name="PC1")
    for response, logs in [(rising.iloc[:3], rising.iloc[:3]), (rising, pd.Series(22.0, rising.index))]:
        assert np.isnan(correlate(response, logs))
        with pytest.raises(ValueError, match="4 models with different budgets"):
            fit_law(response, logs, "en")


def test_every_sample_gets_the_line_of_its_own_models():
    """What the stages `scale` and `stability` say of a law comes from one engine."""
    rng = np.random.default_rng(4)
    S, x = rng.normal(size=(12, 2)), rng.normal(22, 1, 12)
    weights = rng.multinomial(12, np.full(12, 1 / 12), size=5).astype(float)
    weights[4] = np.eye(12)[:3].sum(axis=0)
    rho, slope = lines(np.broadcast_to(S, (5, 12, 2)), np.broadcast_to(x, (5, 12)), weights)
    for i, chosen in enumerate(np.repeat(np.arange(12), w.astype(int)) for w in weights[:4]):
        for j in range(2):
            expected = linregress(x[chosen], S[chosen, j])
            assert (rho[i, j], slope[i, j]) == (pytest.approx(expected.rvalue), pytest.approx(expected.slope))
    assert np.isnan(rho[4]).all()


@pytest.mark.parametrize(("choice", "counts"), [("common", [6, 6, 6]), ("available", [6, 8, 8])])
def test_laws_of_factors_rest_on_the_models_chosen_and_those_of_components_on_all(choice: str, counts: list[int]):
    rng = np.random.default_rng(7)
    table = models(list(10 ** rng.uniform(22, 24, 8)), list(10 ** rng.uniform(20, 22, 8)))
    table.loc[["m2", "m5"], "nd_en"] = np.nan
    responses = pd.DataFrame(rng.normal(size=(8, 2)), table.index, ["PC1", "Factor1"])
    chosen = ScaleParams(min_models=5, factor_models=choice)
    laws, skipped = fit_all_laws(responses[["PC1"]], responses[["Factor1"]], table, ["en", "ja"], chosen)
    assert skipped == []
    n = {(law.response, law.language): law.n for law in laws}
    languages = ["en", "ja", "total"]
    assert [n["PC1", name] for name in languages] == [6, 8, 8]
    assert [n["Factor1", name] for name in languages] == counts
    for law in laws:
        known = table[f"nd_{law.language}"].notna()
        if law.response == "Factor1" and choice == "common":
            known &= table["nd_en"].notna()
        expected = linregress(np.log10(table.loc[known, f"nd_{law.language}"]), responses.loc[known, law.response])
        assert (law.rho, law.slope) == (pytest.approx(expected.rvalue), pytest.approx(expected.slope))
        assert law.intercept == pytest.approx(expected.intercept)


def test_common_models_know_every_budget():
    table = models([1e22, np.nan, 1e24], [1e20, 1e21, np.nan])
    assert list(with_all_budgets(table, ["en", "ja"]).index) == ["m0"]


def test_parameters_and_release_stand_in_where_few_token_counts_are_known():
    table = models([1e22, 1e23, 1e24, 1e25, 1e26, 1e27], [1e20, 1e21, np.nan, np.nan, np.nan, np.nan])
    table = table.assign(
        active_params_b=[1.0, 10, 100, 1, 10, 100],
        released=["2024-01-01", "2024-07-01", "2025-01-01", "2025-07-01", "2026-01-01", ""],
    )
    found = stand_ins(table, ["en", "ja"])
    assert list(found) == ["params", "released"]
    assert found["params"].tolist() == pytest.approx([9, 10, 11, 9, 10, 11])
    assert found["released"].iloc[0] == 2024
    assert np.isnan(found["released"].iloc[-1])
    assert stand_ins(table, ["en"]).empty
    assert list(stand_ins(table.drop(columns="released"), ["ja"])) == ["params"]
    responses = pd.DataFrame({"PC1": 2 * found["params"]}, index=table.index)
    laws, skipped = fit_all_laws(
        responses, responses.iloc[:, :0], table, ["en", "ja"], ScaleParams(min_models=5, factor_models="common")
    )
    by = {law.language: law for law in laws}
    assert list(by) == ["en", "params", "released"]
    assert by["params"].slope == pytest.approx(2)
    assert by["released"].n == 5
    assert skipped[-1].startswith(
        "budgets are known of 6 models in en for 6, ja for 2: laws against active parameters"
    )


def test_models_without_a_published_size_stand_in_nowhere():
    table = models([np.nan] * 6, [np.nan] * 6).assign(active_params_b=[1.0, 10, 100, 1, 10, np.nan])
    responses = pd.DataFrame({"PC1": [1.0, 2, 3, 1, 2, 9]}, index=table.index)
    laws, _ = fit_all_laws(
        responses, responses.iloc[:, :0], table, ["en", "ja"], ScaleParams(min_models=5, factor_models="common")
    )
    assert [(law.language, law.n, law.slope) for law in laws] == [("params", 5, pytest.approx(1))]


def test_a_day_is_a_year_with_its_fraction():
    assert year_of("2025-01-01") == 2025
    assert year_of("2024-12-31") == pytest.approx(2025, abs=0.01)
