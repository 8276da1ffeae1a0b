from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.analysis.components.pca import decompose
from stages.analysis.decisions.placing import Placed, Space, build_space, calibration, place
from tests.analysis.population import FAMILIES, population

NAN = float("nan")


@pytest.fixture(scope="module")
def space() -> Space:
    drawn = population().draw(np.random.default_rng(0), FAMILIES, 0.5)
    full = decompose(drawn.X, 3, {})
    return build_space(drawn.X, {}, full.loadings, np.full(19, 0.1), drawn.codes, unit_variance=True)


def placed(space: Space, scores: pd.Series, errors: dict[str, float] | None = None, ahead: int = 1) -> Placed:
    stderr = pd.Series(0.0, space.loadings.index)
    for name, value in (errors or {}).items():
        stderr[name] = value
    (found,) = place(space, scores.to_frame().T, stderr.to_frame(scores.name).T, 0.95, ahead)
    return found


def test_a_model_of_the_study_keeps_its_place(space: Space):
    found = placed(space, space.X.iloc[4])
    expected = decompose(space.X, 3, {}).pc_scores.iloc[4]
    np.testing.assert_allclose(found.estimate, expected, atol=1e-10)
    # nothing is missing and nothing is in error
    np.testing.assert_allclose(found.low, found.high, atol=1e-10)
    np.testing.assert_array_equal(found.determined, 1.0)
    assert found.following == []
    assert found.given == 19


def test_sampling_error_goes_through_the_loadings(space: Space):
    found = placed(space, space.X.iloc[4], {"task_3": 0.2})
    expected = 1.959964 * 0.2 / space.spread[3] * np.abs(space.loadings.loc["task_3"])
    np.testing.assert_allclose(found.high - found.estimate, expected, rtol=1e-5)


def test_sampling_error_of_given_scores_moves_the_missing_ones(space: Space):
    scores = space.X.iloc[4].where(np.arange(19) < 9)
    certain, found = placed(space, scores), placed(space, scores, {"task_3": 0.2})
    length = ((found.high - found.low) ** 2 - (certain.high - certain.low) ** 2) / 4
    nudged = scores.copy()
    nudged["task_3"] += 1e-4
    moved = (placed(space, nudged).estimate - certain.estimate) / 1e-4
    # weights that scores have in the model move a little too
    np.testing.assert_allclose(np.sqrt(length), 1.959964 * 0.2 * np.abs(moved), rtol=0.35)


def test_fewer_benchmarks_give_wider_intervals(space: Space):
    scores = space.X.iloc[7]
    widths = []
    for given in (19, 12, 5):
        found = placed(space, scores.where(np.arange(19) < given))
        widths.append((found.high - found.low).mean())
    assert widths[0] < widths[1] < widths[2]


def test_the_order_of_the_benchmarks_does_not_matter(space: Space):
    scores = space.X.iloc[7].where(np.arange(19) % 2 == 0)
    first, second = (placed(space, row) for row in (scores, scores.sample(frac=1, random_state=1)))
    np.testing.assert_allclose(first.estimate, second.estimate)


def test_models_placed_together_are_placed_as_alone(space: Space):
    rows = space.X.iloc[:3].copy()
    rows.iloc[1, 5:] = NAN
    rows.iloc[2, 5:] = NAN
    together = place(space, rows, rows * 0, 0.95)
    for one, (_, row) in zip(together, rows.iterrows(), strict=True):
        alone = placed(space, row)
        assert one.model_id == alone.model_id
        np.testing.assert_allclose([one.low, one.estimate, one.high], [alone.low, alone.estimate, alone.high])


def test_benchmarks_to_measure_next_narrow_the_intervals_as_told(space: Space):
    row = space.X.iloc[2]
    scores = row.where(np.arange(19) >= 8)
    found = placed(space, scores, ahead=3)
    assert len(found.following) == 3
    lengths, opens = [], []
    for step in found.following:
        assert np.isnan(scores[step.benchmark])
        scores = scores.copy()
        scores[step.benchmark] = row[step.benchmark]
        then = placed(space, scores, {s.benchmark: 0.1 for s in found.following if not np.isnan(scores[s.benchmark])})
        lengths.append(((then.high - then.low) / (found.high - found.low)).mean())
        opens.append(step.open)
        # the calibration is another for other benchmarks, hence not the same to the digit
        assert step.narrowed.mean() == pytest.approx(lengths[-1], rel=0.3)
    assert lengths == sorted(lengths, reverse=True)
    assert opens == sorted(opens, reverse=True)
    assert opens[0] < 1
    assert placed(space, scores, ahead=0).following == []


def test_a_component_whose_benchmarks_are_missing_is_left_open(space: Space):
    # the second component lives on the first four benchmarks
    scores = space.X.iloc[5].where(np.arange(19) >= 4)
    found = placed(space, scores)
    assert found.determined[1] < 0.8 < 0.95 < found.determined[0]


def test_intervals_are_as_wide_as_families_left_out_were_off(space: Space):
    """A model that promises errors half as large as they are gets intervals twice as wide as its promise."""
    boasting = replace(space, left_out=[replace(model, stretch=model.stretch / 2) for model in space.left_out])
    scores = space.X.iloc[7].where(np.arange(19) < 8)
    honest, corrected = (placed(each, scores) for each in (space, boasting))
    np.testing.assert_allclose(corrected.estimate, honest.estimate)
    np.testing.assert_allclose(corrected.high - corrected.low, 2 * (honest.high - honest.low))


def test_calibration_is_one_where_nothing_is_open_and_near_one_where_the_model_is_right(space: Space):
    everything = np.ones(19, dtype=bool)
    np.testing.assert_array_equal(calibration(space, everything), 1.0)
    factor = calibration(space, np.arange(19) < 10)
    assert ((0.5 < factor) & (factor < 2)).all()


def test_intervals_cover_new_models_of_a_study_with_gaps():
    everyone = population()
    hits = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        drawn = everyone.draw(rng, (*FAMILIES, 4, 4), 0.5)
        known = drawn.codes < len(FAMILIES)
        X = drawn.X.mask(rng.random(drawn.X.shape) < 0.15)[known]
        full = decompose(drawn.X[known], 3, {})
        space = build_space(X, {}, full.loadings, np.zeros(19), drawn.codes[known], unit_variance=True)
        new = drawn.X[~known]
        truth = (new - space.centre) / space.spread @ full.loadings
        seen = new.mask(np.tile(np.arange(19) % 2 == 1, (len(new), 1)))
        for one, true in zip(place(space, seen, seen * 0, 0.9), truth.to_numpy(), strict=True):
            hits.append((one.low <= true) & (true <= one.high))
    assert 0.8 <= np.mean(hits) <= 0.99
