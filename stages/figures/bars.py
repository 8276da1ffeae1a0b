"""Bars of components and factors: scores per model, loadings per benchmark."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from stages.analysis.scores.results import Results
from stages.figures.palette import darker, group_colours, language_colours
from stages.figures.parts import (
    MOST_NAMED,
    MOST_VALUES,
    benchmark_mark,
    groups_shown,
    language_handles,
    legend_above,
    model_mark,
    model_names,
    name_benchmarks,
    repeat_ticks,
    short,
    stacked_panels,
    two_decimals,
    width_for,
    zero_line,
)
from stages.figures.picture import Mark, Picture, name_part, name_shapes
from stages.figures.style import look, new_figure

PANEL = 1.75
"""Height of a panel, inches."""

ROOM = 2.4
"""Height kept for names and legend, inches."""

MOST_BARS = 200


@look()
def draw_scores(results: Results, scores: pd.DataFrame, titles: Mapping[str, str]) -> Picture:
    """Draw one bar per model and one panel per component, models sorted by group.

    Args:
        results: Names and groups of the models.
        scores: (n_models, k).
        titles: Title of each panel, by column.
    """
    rank = {group: i for i, group in enumerate(results.info.groups)}
    order = results.models["group"].map(rank).sort_values(kind="stable").index
    groups = results.models.loc[order, "group"]
    palette = group_colours(results.info)
    figure = new_figure(width_for(len(order), 0.3) if len(order) <= MOST_NAMED else 13.0, PANEL * len(titles) + ROOM)
    panels = stacked_panels(figure, len(titles))
    changes = np.flatnonzero(groups.to_numpy()[1:] != groups.to_numpy()[:-1]) + 0.5
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        zero_line(axes)
        marks = [model_mark(results, str(m), f"{name} {two_decimals(v)}") for m, v in scores.loc[order, name].items()]
        draw_bars(axes, scores.loc[order, name].to_numpy(), list(groups.map(palette)), marks)
        for change in changes:
            axes.axvline(change, color="#BBBBBB", lw=0.8, ls=":")
        axes.set(title=title, xlim=(-0.6, len(order) - 0.4))
    last = panels[-1]
    if len(order) <= MOST_NAMED:
        names = model_names(results)[order]
        last.set_xticks(range(len(order)), names, rotation=60, ha="right", rotation_mode="anchor")
        last.tick_params(axis="x", length=2)
        repeat_ticks(panels, length=2)
        for label, (model_id, group) in zip(last.get_xticklabels(), groups.items(), strict=True):
            label.set_color(darker(palette[group]))
            name_part(label, "tick", {"model": str(model_id)})
    else:
        last.set_xticks([])
        last.set_xlabel(f"{len(order)} models, by group")
    figure.supylabel("Score", size=9)
    shown = groups_shown(results)
    legend_above(figure, [Patch(color=palette[group], label=short(results.info.groups[group])) for group in shown])
    return figure


@look()
def draw_loadings(results: Results, loadings: pd.DataFrame, titles: Mapping[str, str]) -> Picture:
    """Draw one bar per benchmark and one panel per component, coloured by language.

    Args:
        results: Names and languages of the benchmarks.
        loadings: (n_benchmarks, k).
        titles: Title of each panel, by column.
    """
    shades = language_shades(results)
    figure, panels = loading_panels(results, titles)
    for name, axes in panels.items():
        values = loadings[name].to_numpy()
        marks = [benchmark_mark(results, str(b), f"{name} {two_decimals(v)}") for b, v in loadings[name].items()]
        draw_bars(axes, values, shades, marks)
        if len(loadings) <= MOST_VALUES:
            write_values(axes, values)
    legend_above(figure, language_handles(results))
    return figure


def loading_panels(
    results: Results, titles: Mapping[str, str], per_benchmark: float = 0.5
) -> tuple[Picture, dict[str, Axes]]:
    """Return a figure for loadings: one panel per component, the benchmarks along the x axis at 0, 1, ...

    Args:
        results: Names and languages of the benchmarks.
        titles: Title of each panel, by component.
        per_benchmark: Width for each benchmark, inches.
    """
    n = len(results.X.columns)
    figure = new_figure(width_for(n, per_benchmark), PANEL * len(titles) + ROOM)
    panels = stacked_panels(figure, len(titles))
    for axes, title in zip(panels, titles.values(), strict=True):
        zero_line(axes)
        axes.set(title=title, xlim=(-0.6, n - 0.4))
    name_benchmarks(panels[-1].xaxis, results, rotation=40)
    repeat_ticks(panels)
    figure.supylabel("Loading", size=9)
    return figure, dict(zip(titles, panels, strict=True))


def language_shades(results: Results) -> list[str]:
    """Return the colour of each benchmark: that of its language."""
    palette = language_colours(results.info)
    return [palette[language] for language in results.benchmarks.loc[results.X.columns, "language"]]


def draw_bars(axes: Axes, values: np.ndarray, shades: list[str], marks: list[Mark]) -> None:
    """Draw a bar at 0, 1, ... for each value; very many as lines, which are drawn at once."""
    if len(values) > MOST_BARS:
        name_shapes(axes.vlines(range(len(values)), 0, values, colors=shades, lw=0.8), marks)
        return
    for bar, mark in zip(axes.bar(range(len(values)), values, color=shades, width=0.75), marks, strict=True):
        name_shapes(bar, [mark])


def write_values(axes: Axes, values: np.ndarray) -> None:
    """Write each value at the outer end of its bar."""
    axes.margins(y=0.22)
    for i, value in enumerate(values):
        up = value >= 0
        written = axes.annotate(
            two_decimals(value),
            (i, value),
            xytext=(0, 2 if up else -2),
            textcoords="offset points",
            ha="center",
            va="bottom" if up else "top",
            size=7,
        )
        # the margin leaves it room within the panel
        written.set_in_layout(False)
