import numpy as np
import pandas as pd

from stages.analysis.scaling.budgets import budgets
from stages.analysis.scaling.ranges import log_ranges, range_problems


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


def test_values_outside_their_range_are_named():
    table = models(tokens_ja_b_low=[25.0, np.nan], tokens_ja_b_high=[30.0, np.nan])
    (line,) = range_problems(table, ["ja"], "models.csv")
    assert line.startswith("models.csv: tokens_ja_b of a is 20 with the range 25 to 30")
    half = models(tokens_ja_b_low=[10.0, np.nan])
    assert len(range_problems(half, ["ja"], "models.csv")) == 1
    assert range_problems(models(), ["ja"], "models.csv") == []
