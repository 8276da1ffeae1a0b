"""PCA: agreement with other solvers, and what must not change a number."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn.decomposition import PCA

from stages.analysis.components.alignment import align
from stages.analysis.components.pca import (
    decompose,
    leave_one_out,
    orientation,
    standardise,
    summarise_loo,
    usable_components,
)
from tests.analysis.matrices import planted, shapes


def test_two_benchmarks_give_the_textbook_solution():
    # standardised, two variables with correlation r have eigenvalues 1 + r and 1 - r, axes (1, 1) and (1, -1) / sqrt 2
    X = pd.DataFrame({"a": [0.1, 0.2, 0.4, 0.3], "b": [0.2, 0.1, 0.5, 0.6]})
    r = np.corrcoef(X["a"], X["b"])[0, 1]
    result = decompose(X, 2, {})
    np.testing.assert_allclose(result.explained_variance_ratio, [(1 + r) / 2, (1 - r) / 2])
    np.testing.assert_allclose(result.loadings["PC1"], [0.5**0.5, 0.5**0.5])
    np.testing.assert_allclose(np.abs(result.loadings["PC2"]), [0.5**0.5, 0.5**0.5])


@given(shapes)
@settings(max_examples=25, deadline=None)
def test_agrees_with_scikit_learn(shape: tuple[int, int, int]):
    X = planted(*shape)
    ours = decompose(X, 3, {})
    Z, _, _ = standardise(X)
    theirs = PCA(n_components=3, svd_solver="full").fit(Z)
    np.testing.assert_allclose(ours.explained_variance_ratio, theirs.explained_variance_ratio_, atol=1e-12)
    np.testing.assert_allclose(np.abs(ours.loadings), np.abs(theirs.components_.T), atol=1e-8)


@given(shapes)
@settings(max_examples=25, deadline=None)
def test_loadings_are_orthonormal_and_scores_are_projections(shape: tuple[int, int, int]):
    X = planted(*shape)
    result = decompose(X, 3, {})
    U = result.loadings.to_numpy()
    np.testing.assert_allclose(U.T @ U, np.eye(3), atol=1e-10)
    Z, _, _ = standardise(X)
    np.testing.assert_allclose(result.pc_scores, Z @ U)
    np.testing.assert_allclose(result.pc_scores.mean(), 0, atol=1e-10)


@given(shapes)
@settings(max_examples=25, deadline=None)
def test_order_of_rows_and_columns_changes_no_number(shape: tuple[int, int, int]):
    X = planted(*shape)
    rng = np.random.default_rng(shape[2])
    shuffled = X.sample(frac=1, random_state=1).iloc[:, rng.permutation(X.shape[1])]
    a, b = decompose(X, 3, {"PC2": "task_0"}), decompose(shuffled, 3, {"PC2": "task_0"})
    pd.testing.assert_frame_equal(a.loadings, b.loadings.loc[X.columns], atol=1e-8)
    pd.testing.assert_frame_equal(a.pc_scores, b.pc_scores.loc[X.index], atol=1e-8)


@given(shapes)
@settings(max_examples=25, deadline=None)
def test_unit_of_a_benchmark_changes_no_number_but_reversing_it_flips_its_loading(shape: tuple[int, int, int]):
    X = planted(*shape)
    other_unit = X.assign(task_1=3 + 100 * X["task_1"])
    a, b = decompose(X, 2, {}), decompose(other_unit, 2, {})
    pd.testing.assert_frame_equal(a.loadings, b.loadings, atol=1e-8)
    reversed_ = decompose(X.assign(task_1=1 - X["task_1"]), 2, {"PC1": "task_0"})
    same_sign = decompose(X, 2, {"PC1": "task_0"})
    assert reversed_.loadings.loc["task_1", "PC1"] == pytest.approx(-same_sign.loadings.loc["task_1", "PC1"])


@given(shapes)
@settings(max_examples=25, deadline=None)
def test_orientation_is_the_documented_one(shape: tuple[int, int, int]):
    U = decompose(planted(*shape), 3, {"PC2": "task_2"}).loadings
    assert U["PC1"].mean() >= 0
    assert U.loc["task_2", "PC2"] >= 0
    assert U["PC3"].iloc[np.abs(U["PC3"].to_numpy()).argmax()] > 0


def test_an_anchor_that_is_absent_falls_back_to_the_largest_loading():
    U = pd.DataFrame({"PC1": [0.6, 0.8], "PC2": [0.6, -0.8]}, index=["a", "b"])
    np.testing.assert_array_equal(orientation(U, {"PC2": "elsewhere"}), [1, -1])
    np.testing.assert_array_equal(orientation(U, {"PC2": "a"}), [1, 1])


def test_too_few_models_give_fewer_components():
    assert usable_components(3, 19, 4) == 2
    assert list(decompose(planted(3, 5, 0), 4, {}).loadings.columns) == ["PC1", "PC2"]


def test_missing_and_constant_columns_are_refused():
    X = planted(6, 3, 0)
    with pytest.raises(ValueError, match="constant benchmarks: task_1"):
        decompose(X.assign(task_1=0.5), 2, {})
    with pytest.raises(ValueError, match="missing"):
        decompose(X.where(X["task_0"] < X["task_0"].max()), 2, {})


@given(shapes)
@settings(max_examples=15, deadline=None)
def test_leave_one_out_equals_decomposing_without_the_model(shape: tuple[int, int, int]):
    X = planted(*shape)
    full = decompose(X, 2, {})
    result = leave_one_out(X, full)
    for i in (0, len(X) - 1):
        alone = decompose(X.drop(X.index[i]), min(4, len(X) - 2, X.shape[1]), {}).loadings.to_numpy()
        np.testing.assert_allclose(result[i], align(full.loadings.to_numpy(), alone[None]).loadings[0], atol=1e-7)


def test_a_component_that_the_other_models_lack_is_missing_and_no_accident():
    # five models span four axes, four models three: the fourth axis without one of them is any vector of a null space
    X = planted(5, 7, 3)
    full = decompose(X, 4, {})
    result = leave_one_out(X, full)
    assert np.isnan(result).all(axis=1).sum(axis=1).tolist() == [1] * 5
    summary = summarise_loo(result, full).set_index("component")
    assert summary.loc["PC1", ["mean", "std"]].notna().all(axis=None)


def test_a_model_that_alone_varies_a_benchmark_is_left_out_of_the_summary():
    X = planted(8, 4, 1)
    X["task_3"] = 0.5
    X.loc["model-2", "task_3"] = 0.9
    full = decompose(X, 2, {})
    loadings = leave_one_out(X, full)
    assert np.isnan(loadings[2]).all()
    assert np.isfinite(np.delete(loadings, 2, axis=0)).all()
    assert summarise_loo(loadings, full)["std"].notna().all()


def test_a_duplicated_model_moves_the_axes_towards_it():
    X = planted(10, 4, 3)
    twice = pd.concat([X, X.iloc[[0]].rename({"model-0": "again"})])
    result = decompose(twice, 2, {})
    np.testing.assert_allclose(result.pc_scores.loc["again"], result.pc_scores.loc["model-0"])
