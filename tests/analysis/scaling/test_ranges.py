import numpy as np
import pandas as pd
import pytest

from stages.analysis.scaling.budgets import budgets, token_range_problems
from stages.analysis.scaling.ranges import log_ranges


def models(**columns: list) -> pd.DataFrame:
    table = pd.DataFrame({"active_params_b": [10.0, 10.0], "tokens_total_b": [100.0, 100.0]}, ["a", "b"])
    table["tokens_ja_b"] = [20.0, np.nan]
    return table.assign(**columns)


DERIVED = pd.DataFrame({"tokens_ja_b": [20.0, 50.0]}, ["a", "b"])


def ends(table: pd.DataFrame, derived: pd.DataFrame) -> list[list[float]]:
    low, high = log_ranges(budgets(table, derived, ["ja"]), ["ja"], derived, tolerance=0.01, error=0.1)
    return (10 ** pd.concat([low["nd_ja"], high["nd_ja"]], axis=1) / 1e19).round(6).to_numpy().tolist()


def test_a_printed_count_that_the_rules_confirm_is_certain_and_a_derived_one_is_not():
    # 10 B parameters x 20 B tokens = 20 x 1e19; 50 B by rule, plus and minus 10 %
    assert ends(models(), DERIVED) == [[20.0, 20.0], [45.0, 55.0]]


def test_a_printed_count_that_the_rules_contradict_lies_between_the_two():
    assert ends(models(), DERIVED.assign(tokens_ja_b=[25.0, 50.0]))[0] == [20.0, 25.0]


def test_a_range_of_the_table_goes_before_everything_else():
    table = models(tokens_ja_b_low=[18.0, np.nan], tokens_ja_b_high=[30.0, np.nan])
    assert ends(table, DERIVED.assign(tokens_ja_b=[25.0, 50.0]))[0] == [18.0, 30.0]


def test_an_unknown_budget_stays_unknown():
    assert np.isnan(ends(models(), DERIVED.assign(tokens_ja_b=np.nan))[1]).all()


def test_a_count_known_as_a_range_only_is_the_middle_of_it_on_the_scale_of_the_laws():
    table = models(tokens_ja_b_low=[np.nan, 10.0], tokens_ja_b_high=[np.nan, 40.0])
    filled = budgets(table, DERIVED, ["ja"])
    assert filled.loc["b", "tokens_ja_b"] == pytest.approx(20.0)
    assert filled["tokens_ja_origin"].tolist() == ["published", "range"]
    assert ends(table, DERIVED)[1] == [10.0, 40.0]
    total = models(
        tokens_total_b=[100.0, np.nan], tokens_total_b_low=[np.nan, 90.0], tokens_total_b_high=[np.nan, 160.0]
    )
    assert budgets(total, DERIVED, ["ja"])["nd_total"].tolist() == [1e21, pytest.approx(1.2e21)]


@pytest.mark.parametrize(("low", "high", "value", "wrong"), [
    (25.0, 30.0, 20.0, True), (10.0, np.nan, 20.0, True), (30.0, 10.0, 20.0, True), (40.0, 10.0, np.nan, True),
    (10.0, 30.0, 20.0, False), (10.0, 30.0, np.nan, False), (np.nan, np.nan, 20.0, False),
])  # fmt: skip
def test_a_range_has_two_ends_in_order_and_the_value_between_them(low: float, high: float, value: float, wrong: bool):
    table = models(tokens_ja_b=[value, 20.0], tokens_ja_b_low=[low, np.nan], tokens_ja_b_high=[high, np.nan])
    found = token_range_problems(table, ["ja"])
    assert [model_id for model_id, _ in found] == ["a"] * wrong
    assert all("tokens_ja_b of a is" in text and "lower one first" in text for _, text in found)
