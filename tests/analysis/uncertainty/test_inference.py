import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.analysis.uncertainty.inference import compare_dependent, fit_robust


def test_interval_of_a_difference_is_zous_example():
    # Zou (2007), Psychological Methods 12, section on overlapping correlations: r = .396 and .179, r between the two
    # .088, n = 66: 95 % interval -.093 to .517
    found = compare_dependent(0.396, 0.179, 0.088, 66, 0.95)
    assert found.low == pytest.approx(-0.093, abs=5e-4)
    assert found.high == pytest.approx(0.517, abs=5e-4)


def test_williams_t_is_that_of_the_formula():
    # Steiger (1980), equation 7, by hand for r = .5, .3, .4 and n = 43:
    # |R| = 1 - .25 - .09 - .16 + 2 * .06 = .62; scale = 2 * .62 * 42 / 40 + .16 * .216 = 1.33656
    found = compare_dependent(0.5, 0.3, 0.4, 43, 0.95)
    assert found.t == pytest.approx(0.2 * np.sqrt(42 * 1.4 / 1.33656), rel=1e-6)
    assert found.df == 40


def test_williams_test_keeps_its_level():
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(2000):
        shared = rng.normal(size=21)
        y, a, b = (shared * weight + rng.normal(size=21) for weight in (1.0, 0.7, 0.7))
        r = np.corrcoef([y, a, b])
        rejected += compare_dependent(r[0, 1], r[0, 2], r[1, 2], 21, 0.95).p < 0.05
    assert 0.035 < rejected / 2000 < 0.065


def test_dependent_variables_are_refused():
    with pytest.raises(ValueError, match="independent"):
        compare_dependent(0.5, 0.5, 1.0, 20, 0.95)


@given(st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_with_single_models_the_covariance_is_hc2(seed: int):
    # MacKinnon and White (1985): residuals divided by the root of 1 - leverage
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(12), rng.normal(size=12)])
    y = rng.normal(size=12)
    bread = np.linalg.inv(design.T @ design)
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    residual = y - design @ bread @ design.T @ y
    hc2 = bread @ (design.T * (residual**2 / (1 - leverage))) @ design @ bread
    np.testing.assert_allclose(fit_robust(y, design, np.arange(12)).covariance, hc2, rtol=1e-8)


def test_the_covariance_is_unbiased_for_independent_errors():
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(6), [5, 3, 3, 2, 1, 1])
    design = np.column_stack([np.ones(15), rng.normal(size=15)])
    exact = np.linalg.inv(design.T @ design)
    mean = np.mean([fit_robust(rng.normal(size=15), design, codes).covariance for _ in range(6000)], axis=0)
    np.testing.assert_allclose(np.diag(mean), np.diag(exact), rtol=0.06)


def test_intervals_hold_the_slope_where_families_go_together():
    rng = np.random.default_rng(2)
    codes = np.repeat(np.arange(10), [6, 4, 4, 3, 3, 2, 2, 2, 1, 1])
    inside = 0
    for _ in range(800):
        x = rng.normal(size=10)[codes] * 0.7 + rng.normal(size=28) * 0.7
        y = 0.5 * x + rng.normal(size=10)[codes] * 0.7 + rng.normal(size=28) * 0.7
        low, high = fit_robust(y, np.column_stack([np.ones(28), x]), codes).interval(1, 0.95)
        inside += low <= 0.5 <= high
    assert 0.92 <= inside / 800 <= 0.98


def test_one_family_gives_no_error():
    with pytest.raises(ValueError, match="two"):
        fit_robust(np.arange(4.0), np.ones((4, 1)), np.zeros(4, dtype=int))
