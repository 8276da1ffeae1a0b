"""Where the names of points go so that they cover neither one another nor the points.

Every name has a fixed set of places around its point. Names take the best place in turn, the most crowded first,
and then move one at a time to whatever place costs least given the others, until none moves. This descends on one
cost, so it ends; it draws no random number, so it always ends the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DIRECTIONS = 24
"""Places per distance."""

DISTANCES = (7.0, 13.0, 20.0, 30.0, 42.0, 56.0, 72.0, 92.0)
"""Distances between a point and its name, pixels."""

LEADER_FROM = 11.0
"""From this distance on a leader line joins point and name, pixels."""

SWEEPS = 40
"""Most rounds over all names."""

NEAR = 11.0
"""A name this near to another point could be taken for that point's, pixels."""

OUTSIDE, COVERED_NAME, COVERED_POINT, COVERED_LINE = 1000.0, 60.0, 40.0, 8.0
NEAR_POINT, LEADER_NAME, LEADER_POINT, LEADER_LEADER, PER_PIXEL = 6.0, 30.0, 10.0, 25.0, 0.12


@dataclass(frozen=True)
class Scene:
    """What names have to avoid, in pixels.

    Attributes:
        points: Centres of the markers (n, 2).
        sizes: Width and height of each name (n, 2).
        low: Lower left corner of the panel (2,).
        high: Upper right corner of the panel (2,).
        radius: Radius of a marker.
        line: Ends of a line drawn in the panel (2, 2).
    """

    points: Array
    sizes: Array
    low: Array
    high: Array
    radius: float
    line: Array | None = None


@dataclass
class _Places:
    """Candidate places of one name, or the places taken, one row each: boxes and leaders in pixels."""

    low: Array
    high: Array
    start: Array
    end: Array
    led: NDArray[np.bool_]


def place(scene: Scene) -> tuple[Array, NDArray[np.bool_]]:
    """Return the centres of the names (n, 2), and for which a leader line is needed (n,)."""
    n = len(scene.points)
    candidates = [_candidates(scene, i) for i in range(n)]
    fixed = [_fixed_cost(scene, i, places) for i, places in enumerate(candidates)]
    order = _crowded_first(scene.points)
    chosen = np.full(n, -1)
    for _ in range(SWEEPS):
        before = chosen.copy()
        for i in order:
            others = [_row(candidates[j], chosen[j]) for j in range(n) if j != i and chosen[j] >= 0]
            cost = fixed[i] + (_mutual_cost(candidates[i], _joined(others)) if others else 0.0)
            best = int(np.argmin(cost))
            if chosen[i] < 0 or cost[best] < cost[chosen[i]] - 1e-9:
                chosen[i] = best
        if (chosen == before).all():
            break
    taken = [_row(places, pick) for places, pick in zip(candidates, chosen, strict=True)]
    centres = np.array([(row.low[0] + row.high[0]) / 2 for row in taken])
    return centres, np.array([bool(row.led[0]) for row in taken])


def _candidates(scene: Scene, i: int) -> _Places:
    """Return the places around point i: the name's box touches a circle about the point, from outside."""
    angle = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
    direction = np.column_stack([np.cos(angle), np.sin(angle)])
    half = scene.sizes[i] / 2
    reach = np.array(DISTANCES)[:, None, None] * direction + np.clip(1.5 * direction, -1, 1) * half
    centre = scene.points[i] + reach.reshape(-1, 2)
    low, high = centre - half, centre + half
    start = np.broadcast_to(scene.points[i], centre.shape)
    end = np.clip(start, low, high)
    led = np.hypot(*(end - start).T) > LEADER_FROM
    return _Places(low, high, start, end, led)


def _row(places: _Places, k: int) -> _Places:
    """Return one place."""
    at = slice(k, k + 1)
    return _Places(places.low[at], places.high[at], places.start[at], places.end[at], places.led[at])


def _joined(rows: list[_Places]) -> _Places:
    """Return several places as one set."""
    return _Places(
        np.concatenate([row.low for row in rows]),
        np.concatenate([row.high for row in rows]),
        np.concatenate([row.start for row in rows]),
        np.concatenate([row.end for row in rows]),
        np.concatenate([row.led for row in rows]),
    )


def _fixed_cost(scene: Scene, i: int, places: _Places) -> Array:
    """Return what each place of name i costs whatever the other names do (m,)."""
    beyond = (np.maximum(scene.low - places.low, 0) + np.maximum(places.high - scene.high, 0)).sum(axis=1)
    cost = np.where(beyond > 0, OUTSIDE + beyond, 0.0)
    gap = np.clip(scene.points, places.low[:, None], places.high[:, None]) - scene.points
    apart = np.hypot(gap[..., 0], gap[..., 1])
    cost += COVERED_POINT * (apart < scene.radius).sum(axis=1)
    cost += NEAR_POINT * (np.delete(apart, i, axis=1) < NEAR).sum(axis=1)
    marks_low, marks_high = scene.points - scene.radius, scene.points + scene.radius
    # each leader starts at a mark, its own
    touched = _meets(places.start, places.end, marks_low, marks_high).sum(axis=1) - 1
    cost += np.where(places.led, LEADER_POINT * touched, 0.0)
    if scene.line is not None:
        cost += COVERED_LINE * _meets(scene.line[:1], scene.line[1:], places.low, places.high)[0]
    distance: Array = np.hypot(*(places.end - places.start).T)
    return cost + PER_PIXEL * distance


def _mutual_cost(places: _Places, others: _Places) -> Array:
    """Return what each place costs beside the places that the other names have taken (m,)."""
    overlap = np.minimum(places.high[:, None], others.high) - np.maximum(places.low[:, None], others.low)
    depth = np.minimum(overlap[..., 0], overlap[..., 1])
    cost = COVERED_NAME * (depth > 0).sum(axis=1) + np.maximum(depth, 0).sum(axis=1)
    led = places.led
    cost[led] += LEADER_NAME * _meets(places.start[led], places.end[led], others.low, others.high).sum(axis=1)
    lines = others.led
    if lines.any():
        start, end = others.start[lines], others.end[lines]
        cost += LEADER_NAME * _meets(start, end, places.low, places.high).sum(axis=0)
        cost[led] += LEADER_LEADER * _cross(places.start[led], places.end[led], start, end).sum(axis=1)
    total: Array = cost
    return total


def _meets(start: Array, end: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    """Return which segments (m, 2) meet the inside of which boxes (k, 2), as (m, k)."""
    step = end - start
    step = np.where(np.abs(step) < 1e-9, 1e-9, step)[:, None]
    first, second = (low - start[:, None]) / step, (high - start[:, None]) / step
    enter, leave = np.minimum(first, second), np.maximum(first, second)
    entered = np.maximum(np.maximum(enter[..., 0], enter[..., 1]), 0.0)
    left = np.minimum(np.minimum(leave[..., 0], leave[..., 1]), 1.0)
    return entered < left


def _cross(start: Array, end: Array, other_start: Array, other_end: Array) -> NDArray[np.bool_]:
    """Return which segments (m, 2) cross which other segments (k, 2), as (m, k)."""
    a, b = start[:, None], end[:, None]
    c, d = other_start[None], other_end[None]
    return (_turn(a, b, c) * _turn(a, b, d) < 0) & (_turn(c, d, a) * _turn(c, d, b) < 0)


def _turn(a: Array, b: Array, c: Array) -> Array:
    """Return twice the signed area of the triangle a, b, c: positive for a left turn."""
    area: Array = (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
    return area


def _crowded_first(points: Array) -> list[int]:
    """Return the points, those with the nearest neighbours first."""
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    crowding = np.exp(-((distance / 50.0) ** 2)).sum(axis=0)
    return [int(i) for i in np.argsort(-crowding, kind="stable")]
