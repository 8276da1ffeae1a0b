"""Pieces that several figures share: names on axes, legends, panels."""

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN
from matplotlib.patches import Patch

from stages.analysis.scores.results import Results
from stages.figures.palette import group_colours, group_markers, language_colours
from stages.figures.picture import Mark, name_part
from stages.figures.style import INK

MOST_NAMED = 60
"""With more models than this their names are left out: they could not be read."""

MOST_VALUES = 25
"""With more benchmarks than this no values are written into cells or onto bars."""

MOST_TICKS = 150
"""With more benchmarks than this their names are left out."""

LONGEST = 36
"""Width of a name that a figure shows, in Latin characters."""


def width(character: str) -> int:
    """Return the width of a character in Latin characters."""
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def short(name: str) -> str:
    """Return a name cut to `LONGEST`, with an ellipsis where something is cut off."""
    if sum(map(width, name)) <= LONGEST:
        return name
    kept, room = "", LONGEST - 1
    for character in name:
        room -= width(character)
        if room < 0:
            break
        kept += character
    return f"{kept.rstrip()}…"


def model_names(results: Results) -> pd.Series:
    """Return model_id to the name shown."""
    return results.models["name"].map(short)


def model_mark(results: Results, model_id: str, *values: str) -> Mark:
    """Return what a shape that shows a model says.

    Args:
        results: The models.
        model_id: The model.
        values: "NAME 1.23" each.
    """
    return Mark({"model": model_id}, f"{results.models['name'][model_id]}: {', '.join(values)}")


def benchmark_mark(results: Results, benchmark: str, *values: str) -> Mark:
    """Return what a shape that shows a benchmark says; `values` as for `model_mark`."""
    return Mark({"benchmark": benchmark}, f"{results.benchmarks['label'][benchmark]}: {', '.join(values)}")


def width_for(n: int, per_item: float) -> float:
    """Return a figure width in inches for n items along the x axis."""
    return min(max(per_item * n + 1.5, 8.0), 24.0)


def percent(fraction: float) -> str:
    """Return a fraction as percent with one decimal."""
    return f"{100 * fraction:.1f} %"


def two_decimals(value: float) -> str:
    """Return a number with two decimals, a true minus sign and no negative zero."""
    return f"{value:z.2f}".replace("-", "−")


def name_benchmarks(axis: Axis, results: Results, rotation: float = 0) -> None:
    """Label the ticks 0, 1, ... of an axis with the benchmarks, in the colour of their language."""
    benchmarks = results.benchmarks.loc[results.X.columns]
    if len(benchmarks) > MOST_TICKS:
        axis.set_ticks([])
        axis.set_label_text(f"{len(benchmarks)} benchmarks, in the order of benchmarks.csv")
        return
    axis.set_ticks(range(len(benchmarks)), [short(label) for label in benchmarks["label"]])
    upright: dict[str, Any] = {"rotation": rotation, "ha": "right", "rotation_mode": "anchor"} if rotation else {}
    palette = language_colours(results.info)
    for label, (name, language) in zip(axis.get_ticklabels(), benchmarks["language"].items(), strict=True):
        label.set(color=palette[language], **upright)
        name_part(label, "tick", {"benchmark": str(name)})


def languages_shown(results: Results) -> list[str]:
    """Return the languages that have a benchmark, in the order of study.yaml."""
    present = set(results.benchmarks.loc[results.X.columns, "language"])
    return [language for language in results.info.languages if language in present]


def groups_shown(results: Results) -> list[str]:
    """Return the groups that have a model, in the order of study.yaml."""
    present = set(results.models["group"])
    return [group for group in results.info.groups if group in present]


def language_handles(results: Results) -> list[Patch]:
    """Return legend entries for the languages of the benchmarks."""
    palette, names = language_colours(results.info), results.info.languages
    return [Patch(color=palette[code], label=names[code]) for code in languages_shown(results)]


def group_handles(results: Results) -> list[Line2D]:
    """Return legend entries for the groups of the models, colour and marker."""
    palette, markers = group_colours(results.info), group_markers(results.info)
    return [
        Line2D(
            [], [], ls="", marker=markers[group], color=palette[group], ms=6.5, label=short(results.info.groups[group])
        )
        for group in groups_shown(results)
    ]


def legend_above(figure: Figure, handles: Sequence[Any]) -> None:
    """Put a legend above all panels."""
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles) if len(handles) <= 5 else 4)


def stacked_panels(figure: Figure, n: int) -> list[Axes]:
    """Return n panels above one another that share the x axis."""
    grid = figure.subplots(n, 1, sharex=True, squeeze=False)
    panels = list(grid[:, 0])
    for axes in panels:
        name_part(axes, "panel")
    for axes in panels[:-1]:
        axes.tick_params(axis="x", bottom=False)
        # it has no labels
        axes.xaxis.set_in_layout(False)
    return panels


def repeat_ticks(panels: Sequence[Axes], length: float = 3.5) -> None:
    """Draw the ticks of the last of some stacked panels below the others too.

    In each as one shape: as many ticks without labels take much longer.

    Args:
        panels: The last has its ticks.
        length: Points.
    """
    at = panels[-1].get_xticks()
    for axes in panels[:-1]:
        axes.plot(
            at,
            np.zeros(len(at)),
            ls="",
            marker=TICKDOWN,
            ms=length,
            mew=0.8,
            color=INK,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            zorder=0.5,
        )


def draw_cells(axes: Axes, values: np.ndarray, **how: Any) -> QuadMesh:  # noqa: ANN401 (as matplotlib's)
    """Draw a matrix as coloured cells, the first row on top, cell (i, j) around y = i and x = j."""
    rows, columns = values.shape
    edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    cells = axes.pcolormesh(*edges, values, edgecolors="face", linewidth=0.3, zorder=0, **how)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    return cells


def write_cell(axes: Axes, row: int, column: int, text: str, colour: str = INK) -> None:
    """Write into a cell of `draw_cells`."""
    written = axes.text(column, row, text, ha="center", va="center", size=7, color=colour)
    # it lies within the panel; asking for its extent would double the time
    written.set_in_layout(False)


def zero_line(axes: Axes) -> None:
    """Draw the line at zero and a light grid of values."""
    axes.grid(axis="y")
    axes.axhline(0, color="#666666", lw=0.8, zorder=1.5)
