"""Scatter panels of models with names that do not cover one another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray

from stages.analysis.scores.results import Results
from stages.contracts.rows import texts
from stages.figures.palette import darker, group_colours, group_markers
from stages.figures.parts import (
    MOST_NAMED,
    group_handles,
    groups_shown,
    legend_above,
    model_mark,
    model_names,
    two_decimals,
)
from stages.figures.picture import MOST_MARKS, Mark, Picture, draw_as_image, name_part, name_shapes
from stages.figures.placement import Scene, place, readable
from stages.figures.style import INK, freeze_layout, new_figure

PANEL_SIZE = (6.2, 5.3)
"""Width and height of a panel, inches."""

NAME_SIZE = 7.5
"""Font size of the names, points."""

MARKER_AREA = 32.0
"""Square points."""

CROWD = 120
"""With more models than this markers become smaller."""

SMALLEST = 0.15
"""Least share of `MARKER_AREA` that a marker has."""

TINY = 1e-12

APART = 0.04
"""Least distance of models that are named among many, as a share of the panel."""

MOST_STANDING_OUT = 30
"""Names tried in a panel of more than `MOST_NAMED` models."""

MARKER_RADIUS = 3.4
"""Points; the names keep this distance from the centre of a marker."""


@dataclass(frozen=True)
class Panel:
    """One scatter plot.

    Attributes:
        x: By model_id.
        y: By model_id, same index.
        title: Above the panel.
        x_label: Below it.
        y_label: Beside it.
        x_short: What x is, in a word or two.
        y_short: What y is.
        line: Slope and intercept of a line over the range of x.
    """

    x: pd.Series
    y: pd.Series
    title: str
    x_label: str
    y_label: str
    x_short: str
    y_short: str
    line: tuple[float, float] | None = None

    def ends(self) -> tuple[list[float], list[float]]:
        """Return the x and y coordinates of the ends of the line, none without a line."""
        if self.line is None:
            return [], []
        slope, intercept = self.line
        x = [float(self.x.min()), float(self.x.max())]
        return x, [intercept + slope * value for value in x]


def draw_panels(
    results: Results,
    panels: Sequence[Panel],
    draw_first: Callable[[Axes, Panel], None] | None = None,
    more_handles: Sequence[Line2D] = (),
    size: tuple[float, float] = PANEL_SIZE,
) -> Picture:
    """Draw panels in two columns, models in the colour and marker of their group, with their names.

    Call it with the look held. The legend takes the free place of an odd number of panels.

    Args:
        results: The models.
        panels: In the order shown.
        draw_first: Draws into a panel before the points, which fix its limits.
        more_handles: Legend entries after those of the groups.
        size: Width and height of a panel, inches.
    """
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = new_figure(size[0] * columns, size[1] * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    handles = [*group_handles(results), *more_handles]
    if any(panel.line is not None for panel in panels):
        handles.append(Line2D([], [], color=INK, lw=1.2, label="least-squares line"))
    for axes, panel in zip(grid, panels, strict=False):
        name_part(axes, "panel")
        if draw_first:
            draw_first(axes, panel)
        draw_points(axes, results, panel, as_image=sum(len(one.x) for one in panels) > MOST_MARKS)
    if len(grid) > len(panels):
        grid[-1].set_axis_off()
        grid[-1].legend(handles=handles, loc="center", fontsize=10, labelspacing=0.9)
    else:
        legend_above(figure, handles)
    freeze_layout(figure)
    named = [models_named(panel) for panel in panels]
    # most panels name the same models
    sizes = text_sizes(figure, model_names(results)[list(dict.fromkeys(chain.from_iterable(named)))])
    for axes, panel, models in zip(grid, panels, named, strict=False):
        write_names(figure, axes, results, panel, sizes.loc[models])
    return figure


def marker_area(n: int) -> float:
    """Return the area of the markers of n models, square points: smaller where they would cover one another."""
    return MARKER_AREA * min(1.0, max(CROWD / n, SMALLEST))


def draw_points(axes: Axes, results: Results, panel: Panel, *, as_image: bool = False) -> None:
    """Draw the points, on request as an image, and the line of a panel."""
    palette, markers = group_colours(results.info), group_markers(results.info)
    groups = results.models.loc[panel.x.index, "group"]
    crowded = len(panel.x) > CROWD
    for group in groups_shown(results):
        x, y = panel.x[groups == group], panel.y[groups == group]
        points = axes.scatter(
            x,
            y,
            s=marker_area(len(panel.x)),
            c=palette[group],
            marker=markers[group],
            edgecolors="white",
            linewidths=0.25 if crowded else 0.6,
            zorder=3,
        )
        if as_image:
            draw_as_image(points)
        else:
            name_shapes(points, [_mark(results, panel, *one) for one in zip(texts(x.index), x, y, strict=True)])
    if panel.line is not None:
        # over a crowd the line has a white rim
        halo: list[AbstractPathEffect] = [withStroke(linewidth=4.0, foreground="white")] if crowded else []
        (line,) = axes.plot(*panel.ends(), color=INK, lw=1.6 if crowded else 1.2, zorder=2 + 1.5 * crowded)
        line.set_path_effects(halo)
        name_part(line, "law")
    axes.grid()
    axes.margins(0.11)
    # fixes the limits, so that names change nothing
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    axes.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)


def _mark(results: Results, panel: Panel, model_id: str, x: float, y: float) -> Mark:
    """Return what the point of a model says."""
    return model_mark(results, model_id, f"{panel.x_short} {two_decimals(x)}", f"{panel.y_short} {two_decimals(y)}")


def relevance(panel: Panel) -> NDArray[np.float64]:
    """Return how far each model of a panel stands out (n,): from the middle, or from the line, in deviations."""
    values = [panel.x, panel.y]
    if panel.line is not None:
        slope, intercept = panel.line
        values.append(panel.y - (intercept + slope * panel.x))
    scaled = [np.abs(value - value.mean()) / (value.std(ddof=0) or 1.0) for value in values]
    out: NDArray[np.float64] = np.max(scaled, axis=0)
    return out


def standing_out(panel: Panel) -> NDArray[np.intp]:
    """Return the places of the models to name among many: far from most, and not side by side."""
    at = np.column_stack([panel.x, panel.y])
    scaled = (at - at.min(axis=0)) / np.maximum(np.ptp(at, axis=0), TINY)
    chosen: list[int] = []
    for i in np.argsort(-relevance(panel), kind="stable"):
        if len(chosen) == MOST_STANDING_OUT:
            break
        if not chosen or np.hypot(*(scaled[chosen] - scaled[i]).T).min() > APART:
            chosen.append(int(i))
    return np.array(chosen, dtype=np.intp)


def models_named(panel: Panel) -> pd.Index:
    """Return the models that a panel names: all, or of more than `MOST_NAMED` those that stand out most."""
    return panel.x.index[standing_out(panel)] if len(panel.x) > MOST_NAMED else panel.x.index


def write_names(figure: Figure, axes: Axes, results: Results, panel: Panel, sizes: pd.DataFrame) -> None:
    """Write the names beside their points, with a leader line where a name had to move away.

    Among more than `MOST_NAMED` models only where there is room.

    Args:
        figure: Laid out.
        axes: With the points of the panel.
        results: Names and groups of the models.
        panel: What the axes show.
        sizes: Of the names to write, as `text_sizes` gives them.
    """
    named, many = sizes.index, len(panel.x) > MOST_NAMED
    chosen = panel.x.index.get_indexer(named)
    order = np.concatenate([chosen, np.setdiff1d(np.arange(len(panel.x)), chosen)])
    to_pixels, to_data = axes.transData.transform, axes.transData.inverted().transform
    window = axes.get_window_extent()
    starts = np.column_stack([panel.x, panel.y])[order]
    points = to_pixels(starts)
    ends = panel.ends()
    scene = Scene(
        points=points,
        sizes=sizes.to_numpy(),
        low=np.array([window.x0, window.y0]) + 4,
        high=np.array([window.x1, window.y1]) - 4,
        radius=MARKER_RADIUS * figure.dpi / 72 * np.sqrt(marker_area(len(points)) / MARKER_AREA),
        line=to_pixels(np.column_stack(ends)) if panel.line is not None else None,
    )
    centres, led = place(scene)
    shown = readable(scene, centres) if many else np.ones(len(named), bool)
    names, groups = model_names(results)[named[shown]], results.models.loc[named[shown], "group"]
    palette = group_colours(results.info)
    for (x, y), (model_id, name), group in zip(to_data(centres[shown]), names.items(), groups, strict=True):
        text = axes.text(x, y, name, size=NAME_SIZE, color=darker(palette[group]), ha="center", va="center", zorder=4)
        name_part(text, "label", {"model": str(model_id)})
    stops = to_data(np.clip(points[: len(named)], centres - scene.sizes / 2, centres + scene.sizes / 2))
    lines = np.stack([starts[: len(named)], stops], axis=1)[led & shown]
    leaders = LineCollection(list(lines), colors="#8C8C8C", linewidths=0.6, zorder=2.5)
    axes.add_collection(leaders, autolim=False)
    name_shapes(leaders, [Mark({"model": str(model_id)}, "") for model_id in named[led & shown]], "label")


def text_sizes(figure: Figure, names: pd.Series) -> pd.DataFrame:
    """Return width and height of names in pixels, by model, with a little room around."""
    canvas: Any = figure.canvas
    renderer = canvas.get_renderer()
    font = FontProperties(size=NAME_SIZE)
    widths = [renderer.get_text_width_height_descent(name, font, ismath=False)[0] for name in names]
    height = NAME_SIZE * figure.dpi / 72 * 1.25
    return pd.DataFrame({"width": np.array(widths) + 5, "height": height}, index=names.index)
