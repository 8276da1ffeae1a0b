from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.analysis.components.pca import decompose
from stages.analysis.decisions.placing import Gauss, Space, build_space, calibration, place
from tests.analysis.population import FAMILIES, population


@pytest.fixture(scope="module")
def space() -> Space:
    drawn = population().draw(np.random.default_rng(0), FAMILIES, 0.5)
    full = decompose(drawn.X, 3, {})
    moments = full.centre.to_numpy(), full.spread.to_numpy()
    return build_space(drawn.X, full.loadings, moments, np.full(19, 0.1), drawn.codes)


def no_error(space: Space) -> pd.Series:
    return pd.Series(0.0, space.loadings.index)


def test_a_model_of_the_study_keeps_its_place(space: Space):
    placed = place(space, space.X.iloc[4], no_error(space), 0.95)
    expected = decompose(space.X, 3, {}).pc_scores.iloc[4]
    np.testing.assert_allclose(placed.estimate, expected, atol=1e-10)
    # nothing is missing and nothing is in error
    np.testing.assert_allclose(placed.low, placed.high, atol=1e-10)
    assert placed.following == ""
    assert placed.given == 19


def test_sampling_error_goes_through_the_loadings(space: Space):
    stderr = pd.Series(0.0, space.loadings.index)
    stderr["task_3"] = 0.2
    placed = place(space, space.X.iloc[4], stderr, 0.95)
    expected = 1.959964 * 0.2 / space.spread[3] * np.abs(space.loadings.loc["task_3"])
    np.testing.assert_allclose(placed.high - placed.estimate, expected, rtol=1e-5)


def test_fewer_benchmarks_give_wider_intervals(space: Space):
    scores = space.X.iloc[7]
    widths = []
    for given in (19, 12, 5):
        partial = scores.where(np.arange(19) < given)
        placed = place(space, partial, no_error(space), 0.95)
        widths.append((placed.high - placed.low).mean())
    assert widths[0] < widths[1] < widths[2]


def test_the_order_of_the_benchmarks_does_not_matter(space: Space):
    scores = space.X.iloc[7].where(np.arange(19) % 2 == 0)
    shuffled = scores.sample(frac=1, random_state=1)
    first, second = (place(space, row, no_error(space), 0.95) for row in (scores, shuffled))
    np.testing.assert_allclose(first.estimate, second.estimate)


def test_the_benchmark_to_measure_next_narrows_most(space: Space):
    scores = space.X.iloc[2].where(np.arange(19) >= 8)
    placed = place(space, scores, no_error(space), 0.95)
    lengths = {}
    for name in scores.index[scores.isna()]:
        more = scores.copy()
        more[name] = space.X.iloc[2][name]
        stderr = no_error(space)
        stderr[name] = 0.1
        then = place(space, more, stderr, 0.95)
        lengths[name] = ((then.high - then.low) / (placed.high - placed.low)).mean()
    assert placed.following == min(lengths, key=lambda name: lengths[name])
    assert placed.narrowed.mean() == pytest.approx(min(lengths.values()))


def test_a_component_whose_benchmarks_are_missing_is_left_open(space: Space):
    # the second component lives on the first four benchmarks
    scores = space.X.iloc[5].where(np.arange(19) >= 4)
    placed = place(space, scores, no_error(space), 0.95)
    assert placed.determined[1] < 0.8 < 0.95 < placed.determined[0]


def test_intervals_are_as_wide_as_families_left_out_were_off(space: Space):
    """A model that promises errors half as large as they are gets intervals twice as wide as its promise."""
    boasting = replace(space, left_out=[Gauss(model.mean, model.covariance / 4) for model in space.left_out])
    scores = space.X.iloc[7].where(np.arange(19) < 8)
    honest, corrected = (place(each, scores, no_error(space), 0.95) for each in (space, boasting))
    np.testing.assert_allclose(corrected.estimate, honest.estimate)
    np.testing.assert_allclose(corrected.high - corrected.low, 2 * (honest.high - honest.low))


def test_calibration_is_one_where_nothing_is_open_and_grows_with_a_false_promise(space: Space):
    everything = np.ones(19, dtype=bool)
    np.testing.assert_array_equal(calibration(space, everything), 1.0)
    some = np.arange(19) < 10
    factor = calibration(space, some)
    assert ((0.5 < factor) & (factor < 2)).all()
