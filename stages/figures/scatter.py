"""Scatter panels of models with names that do not cover one another."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from stages.analysis.scores.results import Results
from stages.figures.parts import MOST_NAMED, group_handles, groups_shown, legend_above, model_names
from stages.figures.placement import Scene, place
from stages.figures.style import INK, darker, freeze_layout, group_colours, group_markers, new_figure

PANEL_SIZE = (6.2, 5.3)
"""Width and height of a panel, inches."""

NAME_SIZE = 7.5
"""Font size of the names, points."""

MARKER_AREA = 32.0
"""Square points."""

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
        line: Slope and intercept of a line over the range of x.
    """

    x: pd.Series
    y: pd.Series
    title: str
    x_label: str
    y_label: str
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
) -> Figure:
    """Draw panels in two columns, models in the colour and marker of their group, with their names.

    Call it with the look held. The legend takes the free place of an odd number of panels.

    Args:
        results: The models.
        panels: In the order shown.
        draw_first: Draws into a panel before the points, which fix its limits.
        more_handles: Legend entries after those of the groups.
    """
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = new_figure(PANEL_SIZE[0] * columns, PANEL_SIZE[1] * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    handles = [*group_handles(results), *more_handles]
    if any(panel.line is not None for panel in panels):
        handles.append(Line2D([], [], color=INK, lw=1.2, label="least-squares line"))
    for axes, panel in zip(grid, panels, strict=False):
        if draw_first:
            draw_first(axes, panel)
        draw_points(axes, results, panel)
    if len(grid) > len(panels):
        grid[-1].set_axis_off()
        grid[-1].legend(handles=handles, loc="center", fontsize=10, labelspacing=0.9)
    else:
        legend_above(figure, handles)
    freeze_layout(figure)
    for axes, panel in zip(grid, panels, strict=False):
        if len(panel.x) <= MOST_NAMED:
            write_names(figure, axes, results, panel)
    return figure


def draw_points(axes: Axes, results: Results, panel: Panel) -> None:
    """Draw the points and the line of a panel."""
    palette, markers = group_colours(results.info), group_markers(results.info)
    groups = results.models.loc[panel.x.index, "group"]
    for group in groups_shown(results):
        inside = groups == group
        axes.scatter(
            panel.x[inside],
            panel.y[inside],
            s=MARKER_AREA,
            c=palette[group],
            marker=markers[group],
            edgecolors="white",
            linewidths=0.6,
            zorder=3,
        )
    if panel.line is not None:
        axes.plot(*panel.ends(), color=INK, lw=1.2, zorder=2)
    axes.grid()
    axes.margins(0.11)
    # fixes the limits, so that names change nothing
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    axes.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)


def write_names(figure: Figure, axes: Axes, results: Results, panel: Panel) -> None:
    """Write the names beside their points, with a leader line where a name had to move away."""
    names = model_names(results)[panel.x.index]
    to_pixels, to_data = axes.transData.transform, axes.transData.inverted().transform
    window = axes.get_window_extent()
    points = to_pixels(np.column_stack([panel.x, panel.y]))
    ends = panel.ends()
    scene = Scene(
        points=points,
        sizes=text_sizes(figure, names),
        low=np.array([window.x0, window.y0]) + 4,
        high=np.array([window.x1, window.y1]) - 4,
        radius=MARKER_RADIUS * figure.dpi / 72,
        line=to_pixels(np.column_stack(ends)) if panel.line is not None else None,
    )
    centres, led = place(scene)
    shades = results.models.loc[panel.x.index, "group"].map(group_colours(results.info))
    starts = np.column_stack([panel.x, panel.y])
    stops = to_data(np.clip(points, centres - scene.sizes / 2, centres + scene.sizes / 2))
    for (x, y), name, shade in zip(to_data(centres), names, shades, strict=True):
        axes.text(x, y, name, size=NAME_SIZE, color=darker(shade), ha="center", va="center", zorder=4)
    leaders = list(np.stack([starts, stops], axis=1)[led])
    axes.add_collection(LineCollection(leaders, colors="#8C8C8C", linewidths=0.6, zorder=2.5), autolim=False)


def text_sizes(figure: Figure, names: Iterable[str]) -> NDArray[np.float64]:
    """Return width and height of names in pixels (n, 2), with a little room around."""
    canvas: Any = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()
    font = FontProperties(size=NAME_SIZE)
    widths = [renderer.get_text_width_height_descent(name, font, ismath=False)[0] for name in names]
    height = NAME_SIZE * figure.dpi / 72 * 1.25
    return np.array([(width + 5, height) for width in widths])
