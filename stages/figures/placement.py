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
        points: Centres of the markers (p, 2); the first n have a name.
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

    def at(self, rows: NDArray[np.intp]) -> "_Places":
        """Return some of the places."""
        return _Places(self.low[rows], self.high[rows], self.start[rows], self.end[rows], self.led[rows])

    def reach(self) -> tuple[Array, Array]:
        """Return the corners of the boxes that hold a name and its leader."""
        return np.minimum(self.low, self.start), np.maximum(self.high, self.start)

    def take(self, row: int, other: "_Places", other_row: int) -> None:
        """Set a place to one of others."""
        for name in ("low", "high", "start", "end", "led"):
            getattr(self, name)[row] = getattr(other, name)[other_row]


def place(scene: Scene) -> tuple[Array, NDArray[np.bool_]]:
    """Return the centres of the names (n, 2), and for which a leader line is needed (n,)."""
    n = len(scene.sizes)
    candidates = [_candidates(scene, i) for i in range(n)]
    fixed = [_fixed_cost(scene, i, places) for i, places in enumerate(candidates)]
    reaches = [places.reach() for places in candidates]
    low, high = np.array([low.min(axis=0) for low, _ in reaches]), np.array([high.max(axis=0) for _, high in reaches])
    near = ((low[:, None] < high) & (high[:, None] > low)).all(axis=-1) & ~np.eye(n, dtype=bool)
    taken = _Places(np.zeros((n, 2)), np.zeros((n, 2)), np.zeros((n, 2)), np.zeros((n, 2)), np.zeros(n, bool))
    chosen = np.full(n, -1)
    stale = np.ones(n, bool)
    order = _crowded_first(scene.points[:n])
    for _ in range(SWEEPS):
        if not stale.any():
            break
        for i in order:
            # what a name costs changes only when a name within reach of it moves
            if not stale[i]:
                continue
            stale[i] = False
            others = taken.at(np.flatnonzero(near[i] & (chosen >= 0)))
            best = _best(candidates[i], fixed[i], others, chosen[i])
            if best != chosen[i]:
                chosen[i] = best
                taken.take(i, candidates[i], best)
                stale |= near[i]
    return (taken.low + taken.high) / 2, taken.led


def readable(scene: Scene, centres: Array) -> NDArray[np.bool_]:
    """Return which names (n,) cover no point and no name before them that is readable itself."""
    low, high = centres - scene.sizes / 2, centres + scene.sizes / 2
    keep = np.ones(len(centres), bool)
    for i in range(len(centres)):
        gap = np.clip(scene.points, low[i], high[i]) - scene.points
        covers = (np.hypot(*gap.T) < scene.radius).any()
        meets = ((low[:i] < high[i]) & (high[:i] > low[i])).all(axis=-1)
        keep[i] = not covers and not (meets & keep[:i]).any()
    return keep


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


def _fixed_cost(scene: Scene, i: int, places: _Places) -> Array:
    """Return what each place of name i costs whatever the other names do (m,)."""
    low, high = places.reach()
    about = ((scene.points > low.min(axis=0) - NEAR) & (scene.points < high.max(axis=0) + NEAR)).all(axis=1)
    about[i] = False
    points = scene.points[about]
    beyond = (np.maximum(scene.low - places.low, 0) + np.maximum(places.high - scene.high, 0)).sum(axis=1)
    cost = np.where(beyond > 0, OUTSIDE + beyond, 0.0)
    x, y = (
        np.clip(at, bottom[:, None], top[:, None]) - at
        for at, bottom, top in zip(points.T, places.low.T, places.high.T, strict=True)
    )
    squared = x**2 + y**2
    # its own point is never nearer than the first distance, which is beyond a marker
    cost += COVERED_POINT * (squared < scene.radius**2).sum(axis=1)
    cost += NEAR_POINT * (squared < NEAR**2).sum(axis=1)
    touched = _meets(places.start, places.end, points - scene.radius, points + scene.radius).sum(axis=1)
    cost += np.where(places.led, LEADER_POINT * touched, 0.0)
    if scene.line is not None:
        cost += COVERED_LINE * _meets(scene.line[:1], scene.line[1:], places.low, places.high)[0]
    distance: Array = np.hypot(*(places.end - places.start).T)
    return cost + PER_PIXEL * distance


def _best(places: _Places, fixed: Array, others: _Places, chosen: int) -> int:
    """Return the place that costs least: the one chosen so far (-1: none) unless another costs less.

    The other names only add to a cost. So what one place costs in all bounds the fixed cost of those to compare it
    with, which are few.
    """
    first = int(np.argmin(fixed)) if chosen < 0 else chosen
    bound = fixed[first] + _mutual_cost(places.at(np.array([first])), others)[0]
    rows = np.flatnonzero(fixed <= bound)
    if len(rows) == 1:
        return first
    cost = fixed[rows] + _mutual_cost(places.at(rows), others)
    best = int(np.argmin(cost))
    return int(rows[best]) if chosen < 0 or cost[best] < bound - 1e-9 else chosen


def _mutual_cost(places: _Places, others: _Places) -> Array:
    """Return what each place costs, given the places that the other names have taken (m,)."""
    low, high = places.reach()
    other_low, other_high = others.reach()
    others = others.at(np.flatnonzero(((low.min(axis=0) <= other_high) & (high.max(axis=0) >= other_low)).all(axis=1)))
    if not len(others.low):
        return np.zeros(len(places.low))
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
    # a segment is in a box from where it has entered both of its ranges until it leaves one
    entered: Array = np.zeros((len(start), len(low)))
    left: Array = np.ones((len(start), len(low)))
    for from_, to, bottom, top in zip(start.T, end.T, low.T, high.T, strict=True):
        step = to - from_
        step = np.where(np.abs(step) < 1e-9, 1e-9, step)[:, None]
        first, second = (bottom - from_[:, None]) / step, (top - from_[:, None]) / step
        entered = np.maximum(entered, np.minimum(first, second))
        left = np.minimum(left, np.maximum(first, second))
    return entered < left


def _cross(start: Array, end: Array, other_start: Array, other_end: Array) -> NDArray[np.bool_]:
    """Return which segments (m, 2) cross which other segments (k, 2), as (m, k)."""
    a, b = start.T[:, :, None], end.T[:, :, None]
    c, d = other_start.T[:, None], other_end.T[:, None]
    ab, cd, ac = b - a, d - c, c - a
    # each pair of ends on different sides of the other segment
    return (_turn(ab, ac) * _turn(ab, d - a) < 0) & (_turn(cd, ac) * _turn(cd, c - b) < 0)


def _turn(one: Array, other: Array) -> Array:
    """Return twice the signed area between two vectors (2, ...): positive for a left turn."""
    area: Array = one[0] * other[1] - one[1] * other[0]
    return area


def _crowded_first(points: Array) -> list[int]:
    """Return the points, those with the nearest neighbours first."""
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    crowding = np.exp(-((distance / 50.0) ** 2)).sum(axis=0)
    return [int(i) for i in np.argsort(-crowding, kind="stable")]
