"""Names beside points: no collisions where there is room, the same result every time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.figures.placement import OUTSIDE, Scene, place, readable


def scene(points: np.ndarray, width: float = 60.0, line: np.ndarray | None = None) -> Scene:
    sizes = np.tile([width, 12.0], (len(points), 1))
    return Scene(points, sizes, np.zeros(2), np.array([600.0, 500.0]), 5.0, line)


def boxes(given: Scene) -> tuple[np.ndarray, np.ndarray]:
    centres, _ = place(given)
    return centres - given.sizes / 2, centres + given.sizes / 2


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 25), st.integers(0, 10_000))
def test_names_stay_inside_and_do_not_collide_where_there_is_room(n, seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform([0, 0], [600, 500], (n, 2))
    low, high = boxes(scene(points))
    assert (low >= 0).all()
    assert (high <= [600, 500]).all()
    overlap = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    assert not np.triu((overlap > 0).all(axis=-1), 1).any()


def test_coincident_points_get_separate_names():
    low, high = boxes(scene(np.full((8, 2), 250.0)))
    overlap = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    assert not np.triu((overlap > 0).all(axis=-1), 1).any()


def test_lone_name_is_next_to_its_point_without_a_leader():
    given = scene(np.array([[300.0, 250.0]]))
    centres, led = place(given)
    gap = np.abs(centres[0] - given.points[0]) - given.sizes[0] / 2
    assert 0 < gap.max() < 10
    assert not led[0]


def test_crowded_names_move_away_on_leaders():
    points = np.random.default_rng(0).normal(250, 12, (20, 2))
    assert place(scene(points))[1].any()


def test_name_leaves_a_line_free_whatever_its_direction():
    point = np.array([300.0, 250.0])
    for angle in np.linspace(0, np.pi, 12, endpoint=False):
        reach = 200 * np.array([np.cos(angle), np.sin(angle)])
        low, high = boxes(scene(point[None], line=np.array([point - reach, point + reach])))
        on_line = point + np.linspace(-1, 1, 2001)[:, None] * reach
        assert not ((on_line > low[0]) & (on_line < high[0])).all(axis=1).any()


def test_placement_does_not_depend_on_chance():
    points = np.random.default_rng(1).uniform(100, 300, (20, 2))
    first, second = place(scene(points)), place(scene(points))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_leaving_the_panel_costs_more_than_anything_else():
    corner = np.array([[2.0, 2.0]])
    low, _ = boxes(scene(corner))
    assert (low >= 0).all()
    assert OUTSIDE > 500


def test_names_that_cover_something_are_not_readable():
    given = scene(np.array([[100.0, 100.0], [300.0, 100.0], [305.0, 100.0], [500.0, 100.0]]))
    centres = given.points + np.array([0.0, 12.0])
    centres[3] = given.points[3]
    # the third lies on the second, the fourth on its point
    assert list(readable(given, centres)) == [True, True, False, False]
