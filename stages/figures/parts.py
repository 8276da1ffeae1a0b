"""Pieces that several figures share: names on axes, legends, panels."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stages.analysis.scores.results import Results
from stages.figures.style import group_colours, group_markers, language_colours

MOST_NAMED = 60
"""With more models than this their names are left out: they could not be read."""

MOST_VALUES = 25
"""With more benchmarks than this no values are written into cells or onto bars."""

MOST_TICKS = 150
"""With more benchmarks than this their names are left out."""

LONGEST = 36
"""Characters of a name that a figure shows."""


def short(name: str) -> str:
    """Return a name cut to `LONGEST` characters."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def model_names(results: Results) -> pd.Series:
    """Return model_id to the name shown."""
    return results.models["name"].map(short)


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
    for label, language in zip(axis.get_ticklabels(), benchmarks["language"], strict=True):
        label.set(color=palette[language], **upright)


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
    return list(grid[:, 0])


def zero_line(axes: Axes) -> None:
    """Draw the line at zero and a light grid of values."""
    axes.grid(axis="y")
    axes.axhline(0, color="#666666", lw=0.8, zorder=1.5)
