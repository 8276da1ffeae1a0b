import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gate.prediction import Predictor, _condition, _Factors, column_quantile, predict


def how(p, components=2, min_scores=3):
    return Predictor(np.full(p, np.inf), components, min_scores, 0.01)


def none(X):
    return np.zeros(X.shape, dtype=bool)


def two_factor_matrix(seed, n=30, p=12, noise=0.02):
    rng = np.random.default_rng(seed)
    return 0.5 + 0.1 * rng.standard_normal((n, 2)) @ rng.standard_normal((2, p)) + noise * rng.standard_normal((n, p))


def test_condition_is_the_conditional_of_the_joint_normal_distribution():
    # S = L L' + Psi; E[z_j | z_o] = S_jo S_oo^-1 z_o, Var = S_jj - S_jo S_oo^-1 S_oj (Bishop 2006, 2.81 and 2.82)
    rng = np.random.default_rng(0)
    L, psi = rng.normal(size=(5, 2)), rng.uniform(0.2, 0.9, 5)
    mean, spread = rng.uniform(0.2, 0.8, 5), rng.uniform(0.05, 0.2, 5)
    x = rng.uniform(0, 1, (1, 5))
    x[0, 3] = np.nan
    expected, sd = _condition(x, _Factors(mean, spread, L, psi))
    S = L @ L.T + np.diag(psi)
    z = (x[0] - mean) / spread
    for j in range(5):
        o = [c for c in range(5) if c not in (j, 3)]
        weights = S[j, o] @ np.linalg.inv(S[np.ix_(o, o)])
        assert expected[0, j] == pytest.approx(mean[j] + spread[j] * weights @ z[o])
        assert sd[0, j] == pytest.approx(spread[j] * np.sqrt(S[j, j] - weights @ S[o, j]))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 29), st.integers(0, 11), st.floats(0, 1), st.booleans())
def test_predict_never_uses_the_cell_it_predicts(i, j, score, doubted):
    X = two_factor_matrix(1)
    other = X.copy()
    other[i, j] = score
    mask = none(X)
    mask[i, j] = doubted
    mine, yours = (predict(M, none(M), mask, how(12)).expected[i, j] for M in (X, other))
    assert mine == pytest.approx(yours, abs=1e-12)


def test_predict_recovers_scores_that_two_factors_explain():
    X = two_factor_matrix(2, noise=0.001)
    X[4, 3] = np.nan
    truth = two_factor_matrix(2, noise=0.001)
    assert np.abs(predict(X, none(X), none(X), how(12)).expected - truth).max() < 0.02


def test_predict_ignores_hidden_cells_of_the_row():
    X = two_factor_matrix(3)
    other = X.copy()
    other[5, 2] = 0.0
    hidden = none(X)
    hidden[5, 2] = True
    mine = predict(X, hidden, none(X), how(12)).expected[5]
    assert np.array_equal(mine, predict(other, hidden, none(X), how(12)).expected[5])


def test_predict_ignores_doubted_cells_when_it_fits():
    X = two_factor_matrix(4)
    doubted = none(X)
    doubted[:15, 0] = True
    other = X.copy()
    other[:15, 0] = 0.0
    hidden = doubted
    honest, broken = (predict(M, hidden, doubted, how(12)) for M in (X, other))
    assert np.array_equal(honest.expected, broken.expected)
    assert np.array_equal(honest.spread, broken.spread)


def test_predict_widens_the_spread_where_the_informative_score_is_hidden():
    rng = np.random.default_rng(5)
    X = two_factor_matrix(5, p=8)
    X = np.column_stack([X, 0.5 + 0.1 * rng.standard_normal(30)])
    X = np.column_stack([X, X[:, -1] + 0.005 * rng.standard_normal(30)])
    hidden = none(X)
    hidden[7, 8] = True
    with_twin = predict(X, none(X), none(X), how(10, components=3)).spread[7, 9]
    assert predict(X, hidden, none(X), how(10, components=3)).spread[7, 9] > 2 * with_twin


def test_predict_is_silent_about_models_with_too_few_scores():
    X = two_factor_matrix(6)
    X[0, 3:] = np.nan
    expected = predict(X, none(X), none(X), how(12)).expected
    assert np.isnan(expected[0, :3]).all()
    assert np.isfinite(expected[0, 3:]).all()
    assert np.isfinite(expected[1:]).all()


def test_predict_spread_is_no_smaller_than_the_sampling_noise():
    X = np.full((20, 6), 0.5)
    X[:, 0] = np.linspace(0.1, 0.9, 20)
    spread = predict(X, none(X), none(X), Predictor(np.full(6, 100.0), 1, 3, 0.01)).spread
    assert spread[:, 1:] == pytest.approx(0.05)  # sqrt(0.5 * 0.5 / 100)


def test_predict_gives_a_model_its_own_spread_where_the_factors_do_not_fit_it():
    X = two_factor_matrix(7)
    X[3] += 0.3 * np.random.default_rng(8).choice([-1, 1], 12)
    spread = predict(X, none(X), none(X), how(12)).spread
    assert spread[3].mean() > 3 * np.delete(spread, 3, axis=0).mean()


@pytest.mark.parametrize(("n", "p"), [(9, 40), (200, 5), (61, 20)])
def test_predict_copes_with_every_shape(n, p):
    X = np.clip(two_factor_matrix(9, n, p), 0, 1)
    result = predict(X, none(X), none(X), how(p, components=4))
    assert result.expected.shape == result.spread.shape == (n, p)
    assert np.isfinite(result.expected).all()
    assert (result.spread >= 0.01).all()
    assert (result.freedom >= 3).all()


def test_column_quantile_of_no_cells_is_missing():
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = column_quantile(values, np.array([[True, False], [True, False]]), 0.5)
    assert found[0] == 2
    assert np.isnan(found[1])
