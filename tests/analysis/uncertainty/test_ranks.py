"""Ranks with intervals: against published quantiles, simulation and formulas."""

import numpy as np
import pandas as pd
import pytest

from stages.analysis.components.pca import decompose
from stages.analysis.uncertainty.ranks import (
    FEWEST_DRAWS,
    MOST_LISTED,
    Measure,
    measures,
    pairs_table,
    ranks_table,
    studentised_range,
)
from stages.analysis.uncertainty.resampling import Data
from stages.analysis.uncertainty.tables import Study

ITEMS = 400


def study(X: np.ndarray, stderr: np.ndarray, roots: dict[int, np.ndarray] | None = None) -> Study:
    n, p = X.shape
    logs = np.full((n, 2), np.nan)
    return Study(
        data=Data(X, logs, stderr, logs, logs, roots or {}),
        codes=np.arange(n),
        reference=decompose(pd.DataFrame(X), 2, {}).loadings.to_numpy(),
        models=[f"model-{i}" for i in range(n)],
        benchmarks=[f"b{j}" for j in range(p)],
        components=["PC1", "PC2"],
        budgets=["en", "total"],
        unit_variance=True,
    )


def scores(n: int = 12, p: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = np.clip(0.5 + 0.15 * rng.normal(size=(n, 1)) + 0.05 * rng.normal(size=(n, p)), 0.02, 0.98)
    return X, np.sqrt(X * (1 - X) / ITEMS)


def everything(X: np.ndarray) -> np.ndarray:
    return np.ones(X.shape, dtype=bool)


def table_of(values: list[float], errors: list[float], draws: int = 2000) -> pd.DataFrame:
    n = len(values)
    names = study(*scores(n))
    one = Measure("b", np.arange(n), np.array(values), np.array(errors))
    return ranks_table(names, [one], draws, 0.95, np.random.default_rng(0))


# E. S. Pearson and H. O. Hartley, Biometrika Tables for Statisticians, table 29, upper 5 % points, infinite freedom
@pytest.mark.parametrize(("m", "quantile"), [(2, 2.77), (3, 3.31), (5, 3.86), (10, 4.47), (20, 5.01), (100, 6.08)])
def test_the_studentised_range_is_that_of_the_tables(m: int, quantile: float):
    assert studentised_range(m, 0.95) == pytest.approx(quantile, abs=0.006)


def test_far_models_keep_their_ranks_and_equal_ones_share_theirs():
    found = table_of([0.9, 0.5, 0.5, 0.1], [0.01] * 4)
    assert found["rank"].tolist() == [1, 2, 2, 4]
    assert found[["low", "high"]].to_numpy().tolist() == [[1, 1], [2, 3], [2, 3], [4, 4]]
    assert found[["best", "worst"]].to_numpy().tolist() == [[1, 1], [2, 3], [2, 3], [4, 4]]
    assert found["alike"].tolist() == [0, 1, 1, 0]


def test_true_ranks_of_close_models_lie_between_best_and_worst():
    rng = np.random.default_rng(1)
    true, error, ranks = np.linspace(0.6, 0.4, 12), 0.02, np.arange(1, 13)
    held = []
    for _ in range(200):
        found = table_of(list(true + error * rng.standard_normal(12)), [error] * 12, 200)
        held.append(((found["best"] <= ranks) & (ranks <= found["worst"])).all())
    assert np.mean(held) > 0.95
    # and say something: the first is not thought to be the last
    assert found["worst"].iloc[0] < 12


def test_ranks_measured_again_fall_between_low_and_high_as_often_as_they_say():
    # of many close models, so that an interval of whole ranks holds hardly more than it says
    values, errors = np.linspace(0.7, 0.4, 100), np.full(100, 0.03)
    found = table_of(list(values), list(errors))
    again = values + errors * np.random.default_rng(9).standard_normal((4000, 100))
    ranks = 1 + (-again).argsort(axis=1).argsort(axis=1)
    inside = ((found["low"].to_numpy() <= ranks) & (ranks <= found["high"].to_numpy())).mean(axis=0)
    assert inside.min() > 0.93
    assert 0.95 <= inside.mean() < 0.97


def test_a_large_study_has_fewer_draws_but_not_too_few(monkeypatch: pytest.MonkeyPatch):
    values, errors = list(np.linspace(0.7, 0.4, 40)), [0.1] * 40
    all_drawn, fewest, some = (table_of(values, errors, draws) for draws in (2000, FEWEST_DRAWS, 300))
    monkeypatch.setattr("stages.analysis.uncertainty.ranks.NUMBERS", 40 * 300)
    found = table_of(values, errors, 2000)
    pd.testing.assert_frame_equal(found, some)
    assert not found.equals(all_drawn)
    monkeypatch.setattr("stages.analysis.uncertainty.ranks.NUMBERS", 1)
    found = table_of(values, errors, 2000)
    pd.testing.assert_frame_equal(found, fewest)
    assert not found.equals(some)


def test_a_benchmark_of_unknown_error_has_no_ranks_and_a_prediction_none_on_its_benchmark():
    X, stderr = scores()
    stderr[:, 1] = 0.0
    measured = everything(X)
    measured[3, 2] = False
    one = study(X, stderr)
    found = ranks_table(one, measures(one, measured, {}, 0.0), 200, 0.95, np.random.default_rng(0))
    assert list(dict.fromkeys(found["measure"])) == ["PC1", "b0", "b2", "b3"]
    assert "model-3" not in set(found.loc[found["measure"] == "b2", "model_id"])
    assert found.loc[found["measure"] == "b2", "models"].unique().tolist() == [11]
    assert measures(study(X, np.zeros(X.shape)), measured, {}, 0.01) == []


def test_a_score_at_its_bound_is_not_taken_as_certain():
    X, stderr = scores()
    X[4, 0], stderr[4, 0] = 0.0, 0.0
    (_, first, *_) = measures(study(X, stderr), everything(X), {}, 0.0)
    assert first.errors[4] == pytest.approx(np.delete(stderr[:, 0], 4).min())


def test_protocols_add_their_share_of_the_range():
    X, stderr = scores()
    (_, first, second, *_) = measures(study(X, stderr), everything(X), {"b0": (0.0, 2.0)}, 0.05)
    np.testing.assert_allclose(first.errors**2, stderr[:, 0] ** 2 + 0.1**2)
    np.testing.assert_allclose(second.errors**2, stderr[:, 1] ** 2 + (0.05 * np.ptp(X[:, 1])) ** 2)


def test_the_error_on_the_first_component_is_that_of_drawn_scores():
    X, stderr = scores()
    root = np.zeros((4, 1))
    root[2] = 0.2
    measured = everything(X)
    measured[5, 2] = False
    one = study(X, stderr, {5: root})
    (axis, *_) = measures(one, measured, {}, 0.0)
    rng = np.random.default_rng(2)
    drawn = X + stderr * measured * rng.standard_normal((4000, *X.shape))
    drawn[:, 5, 2] += 0.2 * rng.standard_normal(4000)
    S = (drawn - X.mean(axis=0)) / X.std(axis=0) @ one.reference[:, 0]
    np.testing.assert_allclose(axis.errors, S.std(axis=0), rtol=0.06)
    np.testing.assert_allclose(axis.values, S.mean(axis=0), atol=0.05)


def test_pairs_are_those_that_the_table_counts():
    X, stderr = scores()
    one = study(X, stderr)
    found = measures(one, everything(X), {}, 0.01)
    ranks = ranks_table(one, found, 200, 0.95, np.random.default_rng(0))
    pairs = pairs_table(one, found, 0.95)
    assert (pairs["difference"] <= pairs["needed"]).all()
    assert (pairs["difference"] >= 0).all()
    listed = pd.concat(
        [pairs[["measure", "model_id"]], pairs[["measure", "other"]].set_axis(["measure", "model_id"], axis=1)]
    )
    counted = ranks.set_index(["measure", "model_id"])["alike"]
    expected = listed.value_counts().reindex(counted.index, fill_value=0)
    assert counted.tolist() == expected.tolist()
    many = study(*scores(MOST_LISTED + 1))
    assert pairs_table(many, measures(many, everything(many.data.X), {}, 0.01), 0.95).empty


def test_the_last_digits_of_a_processor_change_no_rank():
    X, stderr = scores()
    tables = []
    for last in (0.0, 1e-13):
        one = study(X + last, stderr)
        found = measures(one, everything(X), {}, 0.01)
        tables.append((ranks_table(one, found, 500, 0.95, np.random.default_rng(0)), pairs_table(one, found, 0.95)))
    for first, second in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(first, second, check_exact=True)
