"""Bubble chart of all scores: benchmark, model group, score, size of the model."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stages.analysis.scores.results import Results
from stages.figures.parts import group_handles, groups_shown, name_benchmarks, width_for
from stages.figures.style import group_colours, look, new_figure

LARGEST = 230.0
"""Area of the largest model's bubble, square points; the others in proportion."""

SMALLEST = 5.0
"""No bubble is smaller, so that it stays visible."""

MOST_VECTORS = 3000
"""With more scores than this the bubbles go into the SVG as one image: it would take megabytes."""

SPREAD = 0.8
"""Share of a benchmark's width over which the groups stand side by side."""


def bubble_area(parameters: float, largest: float) -> float:
    """Return the area of a bubble in square points: proportional to parameters, at least `SMALLEST`."""
    return max(LARGEST * parameters / largest, SMALLEST)


@look()
def draw_benchmarks(results: Results) -> Figure:
    """Draw the scores of every model, one column per benchmark, groups side by side within it."""
    n = len(results.X.columns)
    figure = new_figure(width_for(n, 0.63), 6.0)
    axes = figure.subplots()
    groups, palette = groups_shown(results), group_colours(results.info)
    parameters = results.models["active_params_b"]
    largest = float(parameters.max())
    for i, group in enumerate(groups):
        # large bubbles first, so that small ones lie on top
        members = parameters[results.models["group"] == group].sort_values(ascending=False, kind="stable")
        offset = SPREAD * ((i + 0.5) / len(groups) - 0.5)
        scores = results.X.loc[members.index].to_numpy()
        x = np.broadcast_to(np.arange(n) + offset, scores.shape)
        areas = np.repeat([bubble_area(value, largest) for value in members], n)
        bubbles = axes.scatter(
            x.ravel(), scores.ravel(), s=areas, c=palette[group], alpha=0.6, edgecolors="white", linewidths=0.5
        )
        bubbles.set_rasterized(results.X.size > MOST_VECTORS)
    for edge in range(1, n):
        axes.axvline(edge - 0.5, color="#E4E4E4", lw=0.8, zorder=0)
    axes.grid(axis="y")
    axes.set(xlim=(-0.5, n - 0.5), ylabel="Score")
    name_benchmarks(axes.xaxis, results, rotation=40)
    figure.legend(handles=group_handles_round(results), loc="outside upper left", ncols=2)
    figure.legend(
        handles=size_handles(sorted(parameters)),
        loc="outside upper right",
        ncols=4,
        title="Active parameters",
        title_fontsize=8.5,
        handletextpad=0.8,
        columnspacing=1.8,
    )
    return figure


def group_handles_round(results: Results) -> list[Line2D]:
    """Return legend entries for the groups, all as bubbles."""
    handles = group_handles(results)
    for handle in handles:
        handle.set(marker="o", alpha=0.75)
    return handles


def size_handles(parameters: list[float]) -> list[Line2D]:
    """Return legend entries for the smallest, the largest and a model between them.

    Args:
        parameters: Active parameters in billions, sorted.
    """
    middle = np.sqrt(parameters[0] * parameters[-1])
    nearest = min(parameters, key=lambda value: abs(np.log(value / middle)))
    shown = sorted({parameters[0], nearest, parameters[-1]})
    return [
        Line2D(
            [],
            [],
            ls="",
            marker="o",
            color="#777777",
            ms=float(np.sqrt(bubble_area(value, parameters[-1]))),
            label=f"{value:.3g} B",
        )
        for value in shown
    ]
