"""Two models on the same items: numbers derived by hand, other implementations, and what must always hold."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.analysis.decisions.pairing import (
    DRAWS,
    EXACT_BELOW,
    bootstrap_p_value,
    compare,
    detectable,
    holm,
    match,
    mcnemar,
    paired_stderr,
    turned,
    verdict,
)

LEVEL, SEED = 0.95, 7


def table(values: list[float], name: str = "i") -> pd.DataFrame:
    items = [f"{name}{k}" for k in range(len(values))]
    return pd.DataFrame({"item": items, "value": values, "item_hash": items, "prompt_hash": [f"p{i}" for i in items]})


def pairs(first: list[float], second: list[float]) -> pd.DataFrame:
    return match(table(first), table(second))[0]


def test_mcnemar_is_exact_for_few_items():
    # of 10 items that turned one is better: 2 (C(10,0) + C(10,1)) / 2^10 = 22 / 1024
    assert mcnemar(1, 9) == pytest.approx(22 / 1024, abs=1e-15)
    assert mcnemar(5, 5) == 1
    assert mcnemar(0, 0) == 1
    # 2 / 2^6: six of six are enough, five of five are not
    assert mcnemar(6, 0) == pytest.approx(1 / 32)
    assert mcnemar(5, 0) == pytest.approx(1 / 16)


def test_mcnemar_is_corrected_chi_squared_for_many_items():
    # (|10 - 30| - 1)^2 / 40 = 9.025, and P(chi2_1 > x) = erfc(sqrt(x / 2))
    assert mcnemar(10, 30) == pytest.approx(math.erfc(math.sqrt(9.025 / 2)), rel=1e-12)
    assert mcnemar(20, 20) == 1
    # from 25 items on: (|8 - 17| - 1)^2 / 25 = 2.56, and the test says so
    assert mcnemar(8, 17) == pytest.approx(math.erfc(math.sqrt(2.56 / 2)), rel=1e-12)
    assert compare(pairs([1] * 8 + [0] * 17, [0] * 8 + [1] * 17), LEVEL, SEED).test == "McNemar"
    assert compare(pairs([1] * 8 + [0] * 16, [0] * 8 + [1] * 16), LEVEL, SEED).test == "McNemar, exact"


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_agrees_with_the_binomial_test(better: int, worse: int):
    exact = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
    few = better + worse < EXACT_BELOW
    assert mcnemar(better, worse) == pytest.approx(exact, abs=1e-12 if few else 0.035)


def test_the_paired_standard_error_and_the_detectable_difference():
    # ten items, three better, one worse: mean 0.2, sum of squares 4, (4 - 10 * 0.2^2) / 9 = 0.4, sqrt(0.4 / 10) = 0.2
    first, second = [1, 1, 1, 0, 1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1, 0, 0, 0]
    found = compare(pairs(first, second), LEVEL, SEED)
    assert (found.n, found.first, found.second) == (10, 0.6, 0.4)
    assert found.difference == pytest.approx(0.2)
    assert found.stderr == pytest.approx(0.2)
    assert (found.better, found.worse, found.test) == (3, 1, "McNemar, exact")
    # 2 (1 + 4) / 16
    assert found.p_value == pytest.approx(0.625)
    # z_0.975 = 1.959964, z_0.8 = 0.841621
    assert found.detectable == pytest.approx(0.2 * (1.959964 + 0.841621), abs=1e-6)


def test_the_standard_error_is_that_of_scipy_and_below_the_unpaired_one_where_items_are_hard_for_both():
    rng = np.random.default_rng(1)
    easy = rng.uniform(size=300)
    x, y = (np.clip(easy + rng.normal(0, 0.1, 300), 0, 1) for _ in range(2))
    assert paired_stderr(x - y) == pytest.approx(float(stats.sem(x - y)))
    assert paired_stderr(x - y) < 0.5 * math.hypot(float(stats.sem(x)), float(stats.sem(y)))
    assert math.isnan(paired_stderr(np.array([1.0])))


def test_a_difference_at_the_detectable_one_is_found_with_the_promised_chance():
    rng, n, found = np.random.default_rng(3), 100, 0
    size = detectable(1 / math.sqrt(n), LEVEL)
    for _ in range(2000):
        found += abs(rng.normal(size, 1, n).mean()) * math.sqrt(n) > stats.norm.ppf(0.975)
    assert found / 2000 == pytest.approx(0.8, abs=0.03)


def test_the_bootstrap_has_the_chances_that_can_be_counted():
    # of two items with differences 0 and 1, samples have means 0, 1/2, 1 with chances 1/4, 1/2, 1/4: half are as far
    assert bootstrap_p_value(np.array([0.0, 1.0]), SEED) == pytest.approx(0.5, abs=0.02)


def test_no_number_of_samples_shows_that_a_difference_is_impossible():
    # Davison and Hinkley (1997): the values observed count as one of the samples
    d = np.array([0.5, 0.75] * 20)
    assert bootstrap_p_value(d, SEED) == 1 / (DRAWS + 1)


def test_the_bootstrap_agrees_with_the_normal_law_for_many_items():
    d = np.random.default_rng(5).normal(0.03, 0.3, 400)
    z = abs(d.mean()) / (d.std() / math.sqrt(len(d)))
    assert bootstrap_p_value(d, SEED) == pytest.approx(2 * stats.norm.sf(z), abs=0.02)


def test_values_between_right_and_wrong_are_bootstrapped():
    assert compare(pairs([1, 0.5, 0], [0, 0.5, 0]), LEVEL, SEED).test == "paired bootstrap"
    assert compare(pairs([1, 0, 0], [0, 1, 0]), LEVEL, SEED).test == "McNemar, exact"


def test_p_values_are_adjusted_for_their_number():
    # sorted .01 .03 .04: 3 x .01, 2 x .03, and 1 x .04 is raised to the one before
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([0.2]) == [0.2]


def test_the_verdict_has_three_values():
    assert verdict(0.1, 0.01, LEVEL) == "better"
    assert verdict(-0.1, 0.01, LEVEL) == "worse"
    assert verdict(0.1, 0.05, LEVEL) == "cannot be told"
    assert verdict(0.1, math.nan, LEVEL) == "cannot be told"
    assert verdict(0.1, 0.01, LEVEL, falls=True) == "worse"
    assert verdict(-0.1, 0.01, LEVEL, falls=True) == "better"
    assert verdict(0.1, 0.5, LEVEL, falls=True) == "cannot be told"


VALUES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=40)
RIGHT = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40)


@given(st.one_of(VALUES, RIGHT), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_swapped_models_change_the_sign_and_nothing_else(values: list[float], random: object):
    first, second = table(values), table([value for value in reversed(values)])
    one = compare(match(first, second)[0], LEVEL, SEED)
    order = list(range(len(values)))
    random.shuffle(order)
    other = compare(match(second.iloc[order], first)[0], LEVEL, SEED)
    assert other.difference == -one.difference
    assert (other.better, other.worse) == (one.worse, one.better)
    assert other.p_value == one.p_value
    assert other.stderr == one.stderr or math.isnan(one.stderr)
    assert 0 < one.p_value <= 1
    back = {"better": "worse", "worse": "better"}
    told = verdict(one.difference, one.p_value, LEVEL)
    assert verdict(other.difference, other.p_value, LEVEL) == back.get(told, told)


@given(st.one_of(VALUES, RIGHT))
@settings(max_examples=30, deadline=None)
def test_the_same_answers_cannot_be_told_apart(values: list[float]):
    found = compare(pairs(values, values), LEVEL, SEED)
    assert (found.difference, found.p_value, found.better, found.worse) == (0, 1, 0, 0)
    assert math.isnan(found.detectable)
    assert verdict(found.difference, found.p_value, LEVEL) == "cannot be told"
    assert turned(pairs(values, values)).empty


def test_items_are_matched_by_hash_whatever_their_order_and_the_others_left_out():
    first, second = table([1, 0, 1]), table([0, 1, 1, 1]).iloc[[3, 1, 0]]
    found, key = match(first, second)
    assert key == "item_hash"
    assert found.to_dict("list") == {"item": ["i0", "i1"], "first": [1, 0], "second": [0, 1]}


def test_a_hash_that_stands_twice_meets_its_like_once():
    first, second = table([1, 0]), table([0, 1])
    first["item_hash"] = second["item_hash"] = "same"
    found, _ = match(first, second)
    assert found[["first", "second"]].to_numpy().tolist() == [[1, 0], [0, 1]]


def test_items_without_a_value_are_left_out():
    found, _ = match(table([1, math.nan, 0]), table([1, 1, math.nan]))
    assert list(found["item"]) == ["i0"]


def test_prompts_match_what_ids_do_not():
    first, second = table([1, 0]), table([1, 0], name="other")
    second["prompt_hash"] = first["prompt_hash"]
    second["item_hash"] = ""
    assert match(first, second)[1] == "prompt_hash"
    second["prompt_hash"] = ""
    found, key = match(first, second)
    assert (len(found), key) == (0, "")


def test_the_items_that_turned_come_largest_first():
    found = turned(pairs([0.5, 1, 0, 1], [0.25, 1, 1, 0]))
    assert list(found["item"]) == ["i2", "i3", "i0"]
