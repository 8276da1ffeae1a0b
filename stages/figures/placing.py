"""New models among those of a study, on the components of its frozen space."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stages.analysis.results import Results
from stages.figures.parts import MOST_NAMED, group_handles, legend_above, short
from stages.figures.scatter import PANEL_SIZE, Panel, draw_points, write_names
from stages.figures.style import INK, freeze_layout, look, new_figure

BACKING = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


@look()
def draw_newcomers(results: Results, placed: pd.DataFrame, level: float) -> Figure:
    """Draw the first component against each other one, new models as stars with their intervals.

    Args:
        results: The study; at least one component. With one, it is drawn against itself.
        placed: Indexed by model_id: <component>, <component>_low, <component>_high.
        level: Coverage of the intervals.
    """
    first, *others = results.pc_scores.columns
    panels = [_panel(results, first, other) for other in others or [first]]
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = new_figure(PANEL_SIZE[0] * columns, PANEL_SIZE[1] * rows)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        # before the points, which fix the limits
        _draw_intervals(axes, placed, panel)
        draw_points(axes, results, panel)
    label = f"new models, {100 * level:g} % intervals"
    handles = [*group_handles(results), Line2D([], [], marker="*", color=INK, ms=11, lw=1.1, label=label)]
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


def _panel(results: Results, first: str, other: str) -> Panel:
    return Panel(
        x=results.pc_scores[first],
        y=results.pc_scores[other],
        title="",
        x_label=f"{first} score",
        y_label=f"{other} score",
    )


def _draw_intervals(axes: Axes, placed: pd.DataFrame, panel: Panel) -> None:
    first, other = str(panel.x.name), str(panel.y.name)
    for model_id, row in placed.iterrows():
        x, y = row[first], row[other]
        axes.errorbar(
            x,
            y,
            xerr=[[x - row[f"{first}_low"]], [row[f"{first}_high"] - x]],
            yerr=[[y - row[f"{other}_low"]], [row[f"{other}_high"] - y]],
            fmt="*",
            ms=12,
            color=INK,
            elinewidth=1.1,
            capsize=3,
            zorder=5,
        )
        axes.annotate(
            short(str(model_id)),
            (x, y),
            xytext=(8, 7),
            textcoords="offset points",
            size=8.5,
            weight="bold",
            bbox=BACKING,
            zorder=6,
        )
