import numpy as np
import pytest

from stages.analysis.components.dimensionality import (
    average_partials,
    broken_stick,
    criteria,
    eigenvalues,
    parallel_thresholds,
    spectrum,
)
from tests.analysis.matrices import planted


def kept(table) -> dict[str, int]:
    return dict(table.itertuples(index=False))


def test_eigenvalues_sum_to_the_number_of_benchmarks():
    found = eigenvalues(planted(20, 7, seed=1))
    assert found.sum() == pytest.approx(7)
    assert (np.diff(found) <= 1e-12).all()


def test_broken_stick_of_three_pieces():
    # 1/1 + 1/2 + 1/3, 1/2 + 1/3, 1/3: mean pieces of a stick of length 3
    np.testing.assert_allclose(broken_stick(3), [11 / 6, 5 / 6, 1 / 3])


def test_parallel_thresholds_fall_towards_one_with_many_models():
    rng = np.random.default_rng(0)
    few, many = (parallel_thresholds(n, 6, 200, 0.95, rng) for n in (15, 5000))
    assert few[0] > many[0] > 1
    assert abs(many - 1).max() < 0.15


@pytest.mark.parametrize("k", [1, 2, 3])
def test_parallel_analysis_finds_the_planted_number(k: int):
    rng = np.random.default_rng(k)
    X = planted(200, 12, seed=k, k=k, noise=1.0)
    found = kept(criteria(spectrum(X, 200, 0.95, rng), 0.9))
    assert found["parallel analysis"] == k
    assert found["minimum average partial"] == k


def test_unrelated_benchmarks_keep_no_component():
    rng = np.random.default_rng(5)
    X = planted(80, 6, seed=3)
    X[:] = rng.normal(size=X.shape)
    assert kept(criteria(spectrum(X, 400, 0.99, rng), 0.9))["parallel analysis"] == 0


def test_average_partials_start_with_the_mean_squared_correlation():
    X = planted(30, 5, seed=2)
    r = X.corr().to_numpy()
    assert average_partials(X)[0] == pytest.approx((r[~np.eye(5, dtype=bool)] ** 2).mean())
