import numpy as np
import pandas as pd
import pytest

from stages.analysis.components.pca import decompose
from stages.analysis.scaling.forecasting import can_predict, left_out_errors

SIZES = (4, 3, 3, 2, 2, 1)


def study(noise: float = 0.0, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Scores that lie on planes in two log budgets, plus noise; budgets; families."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(SIZES)), SIZES)
    logs = rng.uniform(20, 24, (len(codes), 2))
    planes = rng.normal(size=(2, 5))
    X = logs @ planes + noise * rng.normal(size=(len(codes), 5))
    names = [f"model-{i}" for i in range(len(codes))]
    total = np.log10((10**logs).sum(axis=1))
    return pd.DataFrame(X, names, [f"task_{j}" for j in range(5)]), np.column_stack([logs, total]), codes


def errors_of(X: pd.DataFrame, logs: np.ndarray, codes: np.ndarray):
    return left_out_errors(X, decompose(X, 2, {}).loadings.to_numpy(), logs, codes)


def test_scores_on_a_plane_are_predicted_exactly_and_baselines_are_not():
    table = errors_of(*study()).table().set_index("response")
    assert table["rmse"].max() < 1e-8
    assert (table["rmse_mean"] > 0.1).all()
    assert (table["rmse_total"] > 1e-3).all()
    assert (table["n"] == 15).all()
    assert (table["families"] == 6).all()


def test_the_baseline_is_the_mean_of_the_other_families():
    X, logs, codes = study(noise=0.3)
    errors = errors_of(X, logs, codes)
    expected = X[codes != 1]["task_2"].mean() - X[codes == 1]["task_2"]
    np.testing.assert_allclose(errors.mean["task_2"][codes == 1], expected)


def test_a_family_left_out_does_not_bear_on_its_own_prediction():
    X, logs, codes = study(noise=0.3)
    other = X.copy()
    other.loc[codes == 0] += 5.0
    before, after = (errors_of(table, logs, codes).budgets["task_0"] for table in (X, other))
    # the prediction stays, the value moves by 5
    np.testing.assert_allclose((before - after)[codes == 0], 5.0)


def test_models_without_all_budgets_count_for_the_components_only():
    X, logs, codes = study(noise=0.3)
    logs[2, 0] = np.nan
    errors = errors_of(X, logs, codes)
    assert "model-2" not in errors.models
    assert len(errors.models) == 14


def test_what_makes_prediction_impossible_is_said():
    _, logs, codes = study()
    budgets = ["ja", "en", "total"]
    assert can_predict(logs, codes, budgets, 5) == ""
    few = logs.copy()
    few[3:] = np.nan
    assert "3 models have all of ja, en and total, 5 needed" in can_predict(few, codes, budgets, 5)
    # what is known for too few models arrives as unknown: that the models lack it would be false
    few[:, 0] = np.nan
    assert can_predict(few, codes, budgets, 5) == (
        "prediction from budgets: the budget in ja is known for fewer than 5 models or the same for all"
    )
    assert "are 2 families" in can_predict(logs, (codes > 2).astype(int), budgets, 5)
    same = logs.copy()
    same[:, 1] = 22.0
    assert "not different enough" in can_predict(same, codes, budgets, 5)


def test_budgets_that_do_not_differ_are_refused():
    X, logs, codes = study()
    logs[:, 1] = logs[:, 0]
    with pytest.raises(ValueError, match="different"):
        errors_of(X, logs, codes)
