import numpy as np

from stages.analysis.uncertainty.resampling import Data, Weights, family_weights, model_weights, samples


def once(draws: int, n: int) -> Weights:
    return Weights(draws, lambda _, count: np.ones((count, n)))


def test_samples_keep_the_number_of_units_and_families_whole():
    codes = np.array([0, 0, 1, 2, 2, 2])
    of_models = model_weights(6, 200, np.random.default_rng(0))
    assert (of_models.sum(axis=1) == 6).all()
    of_families = family_weights(codes, 200, np.random.default_rng(0))
    assert (of_families[:, 0] == of_families[:, 1]).all()
    assert (of_families[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_only_what_is_uncertain_varies():
    rng = np.random.default_rng(0)
    X, logs = rng.random((4, 3)), rng.random((4, 2))
    logs[1, 0] = np.nan
    low, high = logs.copy(), logs.copy()
    low[2, 1], high[2, 1] = 1.0, 3.0
    root = np.zeros((3, 1))
    root[2] = 0.5
    data = Data(X, logs, np.zeros((4, 3)), low, high, {3: root})
    (part,) = samples(data, once(500, 4), np.random.default_rng(1))
    varying = np.ptp(part.X, axis=0) > 0
    assert np.argwhere(varying).tolist() == [[3, 2]]
    np.testing.assert_allclose(part.X[:, 3, 2].std(), 0.5, rtol=0.1)
    drawn = part.logs[:, 2, 1]
    assert drawn.min() >= 1
    assert drawn.max() <= 3
    assert abs(drawn.mean() - 2) < 0.1
    np.testing.assert_array_equal(part.logs[7][[0, 1, 3]], logs[[0, 1, 3]])


def test_test_items_vary_by_their_standard_errors_and_left_out_samples_do_not():
    X, stderr = np.full((5, 2), 0.5), np.tile([0.1, 0.0], (5, 1))
    logs = np.zeros((5, 1))
    data = Data(X, logs, stderr, logs, logs, {})
    (part,) = samples(data, once(2000, 5), np.random.default_rng(0), items=True)
    np.testing.assert_allclose(part.X.std(axis=0), stderr, rtol=0.1, atol=0)
    (fixed,) = samples(data, once(3, 5), None)
    assert fixed.X is X
