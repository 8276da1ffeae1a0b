"""How far an interval reaches: against intervals that are known, and against its own kind of resampling."""

import numpy as np
import pytest
from scipy import stats

from stages.analysis.uncertainty.bootstrap import Summary
from stages.analysis.uncertainty.intervals import Kind, Resampling

BUDGETS = 3
KNOWN = (10, 30, 12)
"""Units with a known budget, per budget; `BOTH` know all."""
BOTH = 8


def resampling(statistic: str, estimate: np.ndarray, deviation: float, kind: Kind = "bootstrap") -> Resampling:
    """A resampling of 20 units in which a statistic has a given deviation, on the scale that it is summed on."""
    summary = Summary(estimate)
    summary.add(estimate + np.array([-1, 1]).reshape(2, *[1] * estimate.ndim) * deviation / np.sqrt(2))
    return Resampling("models", kind, 20, (*KNOWN, BOTH), {statistic: summary})


def test_the_interval_of_a_mean_is_students():
    """A bootstrap of n values gives their mean the deviation s / sqrt(n) sqrt((n - 1) / n): Student's interval."""
    values = np.random.default_rng(3).normal(5, 2, 20)
    deviation = values.std(ddof=1) / np.sqrt(20) * np.sqrt(19 / 20)
    low, high = resampling("scores", np.array([values.mean()]), deviation).ends("scores", 0.9)
    expected = stats.t.interval(0.9, 19, values.mean(), stats.sem(values))
    assert (low[0], high[0]) == (pytest.approx(expected[0]), pytest.approx(expected[1]))


def test_an_error_of_measurement_is_normal():
    low, high = resampling("scores", np.array([5.0]), 0.5, "error").ends("scores", 0.95)
    assert (low[0], high[0]) == (pytest.approx(5 - 1.959964 * 0.5), pytest.approx(5 + 1.959964 * 0.5))


def test_units_left_out_give_the_extremes_at_every_level():
    found = resampling("scores", np.array([5.0]), np.sqrt(2), "left_out")
    for level in (0.5, 0.95):
        low, high = found.ends("scores", level)
        assert (low[0], high[0]) == (pytest.approx(4.0), pytest.approx(6.0))


def half(units: int) -> float:
    """Student's multiple for a bootstrap of some units, from printed tables."""
    tabled = {10: 2.262157, 30: 2.045230, 12: 2.200985, 8: 2.364624}
    return tabled[units] * np.sqrt(units / (units - 1))


@pytest.mark.parametrize(
    ("statistic", "units"), [("slope", KNOWN), ("rho", KNOWN), ("partial", (BOTH,) * 3), ("contrast", (BOTH,) * 3)]
)
def test_a_law_counts_the_units_whose_budget_is_known(statistic: str, units: tuple[int, ...]):
    low, high = resampling(statistic, np.zeros((2, BUDGETS)), 0.01).ends(statistic, 0.95)
    z = np.arctanh(high) if statistic in {"rho", "partial"} else high
    np.testing.assert_allclose(z, np.tile([half(m) * 0.01 for m in units], (2, 1)), rtol=1e-5)
    np.testing.assert_allclose(low, -high)


def test_an_interval_stays_where_the_statistic_can_be():
    for statistic, bound in (("loadings", 1.0), ("contrast", 2.0), ("rho", 1.0), ("ratio", 1.0)):
        low, high = resampling(statistic, np.full((1, BUDGETS), 0.4), 50.0).ends(statistic, 0.95)
        assert (np.abs([low, high]) <= bound).all()
    assert (resampling("ratio", np.zeros((1, 3)), 50.0).ends("ratio", 0.95)[0] >= 0).all()
