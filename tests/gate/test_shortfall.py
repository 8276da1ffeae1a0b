import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from stages.contracts.params import SuspicionParams
from stages.gate import shortfall
from stages.gate.prediction import Prediction
from stages.gate.shortfall import compare, find_shortfalls, normal_bound, outdone_cells, stretched
from tests.gate.suspicion_rates import honest_study

T = SuspicionParams()


def column(*values):
    return np.array(values, dtype=float)[:, None]


def against(x, e, near_zero=None, spread=0.02):
    """Compare one benchmark with scores x and predictions e."""
    X = column(*x)
    masks = np.zeros((2, len(x), 1), dtype=bool)
    if near_zero is not None:
        masks[0, :, 0] = near_zero
    prediction = Prediction(column(*e), np.full(X.shape, spread), np.array([30.0]))
    return compare(X, np.zeros(1), prediction, masks[0], masks[1], T)


def test_compare_leaves_cells_alone_that_are_not_low():
    c = against([0.5, 0.6, 0.7, 0.8], [0.52, 0.6, 0.7, 0.81])
    assert c.expected[:, 0].tolist() == [0.52, 0.6, 0.7, 0.81]
    assert (c.spread == 0.02).all()
    assert not c.low.any()


def test_compare_lowers_a_prediction_by_the_median_shortfall_of_the_nearest_models():
    # the nearest eight are all 0.1 below prediction: 0.5 - 0.1, and no scatter about that
    e = np.linspace(0.46, 0.54, 9)
    x = e - 0.1
    x[4] = 0.1
    c = against(x, e)
    assert c.low[:, 0].tolist() == [False] * 4 + [True] + [False] * 4
    assert c.expected[4, 0] == pytest.approx(0.5 - 0.1)
    assert c.spread[4, 0] == pytest.approx(0.02)


def test_compare_widens_the_spread_to_the_scatter_of_the_nearest_models():
    # deviations from prediction ±0.1 in turn, sorted: four of -0.1, four of 0.1; the upper of the middle two is 0.1
    e = np.linspace(0.46, 0.54, 9)
    x = e + 0.1 * np.array([-1, 1, -1, 1, 0, -1, 1, -1, 1])
    x[4] = 0.1
    c = against(x, e)
    assert c.expected[4, 0] == pytest.approx(0.5)
    # distances from 0.1: four of 0, four of 0.2; the sixth of eight is 0.2, over 1.0364
    assert c.spread[4, 0] == pytest.approx(0.2 / 1.0364)


def test_compare_looks_only_at_the_nearest():
    e = np.linspace(0.1, 0.9, 17)
    x = e.copy()
    x[:3], x[14:] = e[:3] - 0.3, e[14:] - 0.3
    x[8] = 0.1
    c = against(x, e)
    assert c.expected[8, 0] == pytest.approx(0.5)


def test_zeros_are_a_comparison_only_where_they_are_those_of_the_weakest():
    # six weakest at zero: of the eight neighbours of each at least five are at zero. Every third at
    # zero: these say nothing of ability, so the others alone are the neighbours, which score as predicted
    e = np.linspace(0.1, 0.8, 16)
    weakest, scattered = np.arange(16) < 6, np.arange(16) % 3 == 1
    c = against(np.where(weakest, 0, e), e, near_zero=weakest)
    assert (c.expected[:4, 0] < e[:4] - 0.05).all()
    c = against(np.where(scattered, 0, e), e, near_zero=scattered)
    assert c.expected[:, 0] == pytest.approx(e)
    assert c.low[:, 0].tolist() == scattered.tolist()


def outdone(lower):
    """Judge a score of 0.1 predicted 0.7, beside models of lower level with the scores given and one of higher."""
    n = len(lower) + 2
    X = np.column_stack([np.linspace(0.2, 0.8, n), np.linspace(0.1, 0.9, n), [*lower, 0.1, 0.9]])
    cells = np.zeros(X.shape, dtype=bool)
    cells[-2, 2] = True
    return outdone_cells(X, np.full(X.shape, 0.7), cells, cells, T)


@pytest.mark.parametrize(
    ("lower", "better", "verdict"),
    [
        # a third of the way from 0.1 to 0.7 is 0.3
        ([0.31, 0.31], 2, True),
        ([0.31, 0.29], 1, False),
        ([0.31, 0.31, 0.29, 0.29], 2, True),
        ([0.31, 0.31, 0.29, 0.29, 0.29], 2, False),
        ([0.5], 1, False),
        ([], 0, False),
    ],
)
def test_outdone_takes_two_models_and_half_of_those_of_no_better_level(lower, better, verdict):
    found, count = outdone(lower)
    assert (bool(found[-2, 2]), int(count[-2, 2])) == (verdict, better)
    assert found.sum() <= 1


@pytest.mark.parametrize("name", ["gsm8k", "bbh", "niilc", "jmmlu", "mmlu", "humaneval"])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.4])
def test_rounds_settle(monkeypatch, name, share):
    scores, facts = honest_study()
    scores.loc["meta-llama/Meta-Llama-3-70B", name] *= share
    arrays = (scores.to_numpy(), facts["chance"].to_numpy(), facts["n_items"].to_numpy(dtype=float))
    found = []
    for rounds in (6, 7, 12):
        monkeypatch.setattr(shortfall, "ROUNDS", rounds)
        result = find_shortfalls(*arrays, T)
        found.append((result.zero | result.far).tolist())
    assert found[0] == found[1] == found[2]


def test_stretched_is_close_to_the_quantile_of_student():
    # same tail probability: t.ppf(Phi(z)); the expansion is first order, so a few per cent
    assert stretched(2.0, np.array([30.0]))[0] == pytest.approx(student.ppf(norm.cdf(2), 30), rel=0.01)
    assert stretched(4.0, np.array([30.0]))[0] == pytest.approx(student.ppf(norm.cdf(4), 30), rel=0.03)


def test_normal_bound_falls_below_level_times_in_all():
    assert 20 * norm.cdf(-normal_bound(0.1, 20)) == pytest.approx(0.1)
    assert normal_bound(0.1, 0) == pytest.approx(1.2816, abs=1e-4)
