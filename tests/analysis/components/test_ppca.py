import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from stages.analysis.components.pca import decompose, leave_one_out
from stages.analysis.components.ppca import (
    NotImputableError,
    decompose_ppca,
    fill_roots,
    fit_ppca,
    leave_one_out_ppca,
    resolve,
)
from stages.analysis.scores.incomplete import leave_out, left_out_line
from tests.analysis.matrices import planted


def holed(X: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return X.mask(rng.random(X.shape) < share)


@given(st.integers(0, 1000), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_without_missing_cells_the_model_is_pca(seed: int, k: int):
    X = planted(15, 6, seed)
    anchors = {"PC2": "task_1"}
    full, found = decompose(X, k, anchors), decompose_ppca(fit_ppca(X, k), anchors)
    pd.testing.assert_frame_equal(found.loadings, full.loadings, atol=1e-8)
    pd.testing.assert_frame_equal(found.pc_scores, full.pc_scores, atol=1e-7)
    pd.testing.assert_series_equal(found.explained_variance_ratio, full.explained_variance_ratio, atol=1e-8)


def test_missing_cells_come_back_where_abilities_explain_nearly_all():
    X = planted(60, 10, seed=1, k=2, noise=0.01)
    gaps = holed(X, 0.15, seed=2).isna()
    found = fit_ppca(X.mask(gaps), 2).completed
    error = ((found - X) / X.std()).to_numpy()[gaps.to_numpy()]
    assert np.sqrt((error**2).mean()) < 0.05
    pd.testing.assert_frame_equal(found.where(~gaps), X.where(~gaps))


def test_the_model_is_the_one_of_the_highest_likelihood():
    """Where EM stops, a general optimiser finds nothing better, and no imputed score moves."""
    X = planted(25, 5, 11)
    X = X.mask(np.random.default_rng(11).random(X.shape) < 0.2)
    fitted = fit_ppca(X, 1)
    Z = ((X - fitted.centre) / fitted.spread).to_numpy()

    def unpacked(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return theta[:5], np.outer(theta[5:10], theta[5:10]) + np.exp(theta[10]) * np.eye(5)

    def loss(theta: np.ndarray) -> float:
        mean, covariance = unpacked(theta)
        seen = [(row[there], there) for row, there in zip(Z, np.isfinite(Z), strict=True)]
        return -sum(
            multivariate_normal(mean[there], covariance[np.ix_(there, there)]).logpdf(row) for row, there in seen
        )

    start = np.concatenate([np.zeros(5), fitted.weights[:, 0], [np.log(fitted.noise)]])
    best = minimize(loss, start, method="BFGS", options={"gtol": 1e-7})
    mean, covariance = unpacked(best.x)
    imputed = Z.copy()
    for row in imputed:
        gaps = np.isnan(row)
        across = covariance[np.ix_(gaps, ~gaps)] @ np.linalg.inv(covariance[np.ix_(~gaps, ~gaps)])
        row[gaps] = mean[gaps] + across @ (row[~gaps] - mean[~gaps])
    found = ((fitted.completed - fitted.centre) / fitted.spread).to_numpy()
    np.testing.assert_allclose(found, imputed, atol=3e-5)


def test_an_imputed_score_is_neither_zero_nor_the_mean():
    X = planted(40, 8, seed=3)
    # the best model lacks a score: its others say that it is high
    best = X.mean(axis=1).idxmax()
    gap = X.copy()
    gap.loc[best, "task_0"] = np.nan
    value = fit_ppca(gap, 3).completed.loc[best, "task_0"]
    assert value != 0
    assert abs(value - X.loc[best, "task_0"]) < abs(gap["task_0"].mean() - X.loc[best, "task_0"])


@given(st.integers(0, 200), st.floats(0.1, 50), st.floats(-2, 2))
@settings(max_examples=15, deadline=None)
def test_another_unit_of_a_benchmark_changes_only_that_unit(seed: int, scale: float, shift: float):
    X = holed(planted(25, 5, seed), 0.08, seed)
    other = X.copy()
    other["task_0"] = X["task_0"] * scale + shift
    first, second = fit_ppca(X, 2).completed, fit_ppca(other, 2).completed
    np.testing.assert_allclose(second["task_0"], first["task_0"] * scale + shift, atol=1e-5 * scale)
    np.testing.assert_allclose(second.iloc[:, 1:], first.iloc[:, 1:], atol=1e-5)


def test_what_imputed_scores_could_differ_by_covers_the_truth():
    hits = []
    for seed in range(30):
        X = planted(60, 8, seed, k=2, noise=1.0)
        gaps = holed(X, 0.06, seed + 100)
        fitted = fit_ppca(gaps, 2)
        for i, root in fill_roots(fitted, gaps).items():
            row = gaps.isna().to_numpy()[i]
            error = (fitted.completed - X).to_numpy()[i, row]
            hits += list(np.abs(error) <= 1.96 * np.sqrt((root[row] ** 2).sum(axis=1)))
    assert 0.9 < np.mean(hits) < 0.98


def test_policies_leave_out_or_model():
    X = planted(12, 5, seed=5)
    X.iloc[2, 1] = np.nan
    assert resolve(X, "drop_models", 2).X.shape == (11, 5)
    assert resolve(X, "drop_benchmarks", 2).X.shape == (12, 4)
    modelled = resolve(X, "ppca", 2)
    assert modelled.imputed == 1
    assert modelled.X.notna().all(axis=None)
    assert resolve(X.dropna(), "ppca", 2).ppca is None


def test_what_is_left_out_is_named():
    X = planted(4, 3, seed=0)
    X.iloc[1, 2] = np.nan
    names = list(X.index), list(X.columns)
    assert left_out_line(*names, leave_out(X, "drop_models")) == "left out for missing scores: models model-1"
    assert left_out_line(*names, leave_out(X, "drop_benchmarks")) == "left out for missing scores: benchmarks task_2"
    assert left_out_line(*names, leave_out(X, "refuse")) == ""


def test_leaving_out_nearly_everything_is_refused():
    X = planted(4, 3, seed=6)
    for i in range(3):
        X.iloc[i, i] = np.nan
    with pytest.raises(NotImputableError, match="leaves 1 models"):
        resolve(X, "drop_models", 2)


def test_a_model_without_scores_and_a_constant_benchmark_are_named():
    X = planted(8, 4, seed=7)
    empty = X.copy()
    empty.loc["model-3"] = np.nan
    with pytest.raises(NotImputableError, match="too few scores to model model-3"):
        fit_ppca(empty, 2)
    X["task_1"] = 0.5
    X.iloc[0, 0] = np.nan
    with pytest.raises(NotImputableError, match="constant benchmarks: task_1"):
        fit_ppca(X, 2)


def test_leave_one_out_agrees_with_that_of_pca_without_missing_cells():
    X = planted(10, 5, seed=8)
    full = decompose(X, 2, {})
    np.testing.assert_allclose(leave_one_out_ppca(X, full, 2), leave_one_out(X, full), atol=1e-7)
