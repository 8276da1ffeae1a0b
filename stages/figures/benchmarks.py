"""Bubble chart of all scores: benchmark, model group, score, size of the model."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D

from stages.analysis.scores.results import Results
from stages.figures.palette import group_colours
from stages.figures.parts import group_handles, groups_shown, model_mark, name_benchmarks, width_for
from stages.figures.picture import MOST_MARKS, Mark, Picture, draw_as_image, name_shapes
from stages.figures.style import look, new_figure

LARGEST = 230.0
"""Area of the largest model's bubble, square points; the others in proportion."""

SMALLEST = 5.0
"""No bubble is smaller, so that it stays visible."""

CROWD = 50
"""With more models than this bubbles become smaller, down to a tenth."""

SPREAD = 0.8
"""Share of a benchmark's width over which the groups stand side by side."""


def bubble_area(parameters: float, largest: float, n_models: int) -> float:
    """Return the area of a bubble in square points: proportional to parameters, but never too small to be seen.

    Args:
        parameters: Parameters of the model.
        largest: Most parameters that a model has.
        n_models: Models drawn; beyond `CROWD` all bubbles shrink.
    """
    return max(LARGEST * parameters / largest, SMALLEST) * min(1.0, max(CROWD / n_models, 0.1))


@look()
def draw_benchmarks(results: Results) -> Picture:
    """Draw the scores of every model, one column per benchmark, groups side by side within it."""
    n = len(results.X.columns)
    figure = new_figure(width_for(n, 0.63), 6.0)
    axes = figure.subplots()
    groups, palette = groups_shown(results), group_colours(results.info)
    parameters = results.models["active_params_b"]
    known = sorted(parameters.dropna())
    largest = known[-1] if known else 1.0
    for i, group in enumerate(groups):
        # large bubbles first, so that small ones lie on top
        members = parameters[results.models["group"] == group].sort_values(ascending=False, kind="stable")
        offset = SPREAD * ((i + 0.5) / len(groups) - 0.5)
        areas = members.fillna(0.0).map(lambda value: bubble_area(value, largest, len(parameters)))
        if results.X.size > MOST_MARKS:
            draw_as_image(draw_bubbles(axes, results.X.loc[members.index], areas, offset, palette[group]))
            continue
        for model_id in members.index:
            own = draw_bubbles(axes, results.X.loc[[model_id]], areas, offset, palette[group])
            scores = results.X.loc[model_id].dropna()
            name_shapes(own, [score_mark(results, model_id, str(name), value) for name, value in scores.items()])
    for edge in range(1, n):
        axes.axvline(edge - 0.5, color="#E4E4E4", lw=0.8, zorder=0)
    axes.grid(axis="y")
    axes.set(xlim=(-0.5, n - 0.5), ylabel="Score")
    name_benchmarks(axes.xaxis, results, rotation=40)
    figure.legend(handles=group_handles_round(results), loc="outside upper left", ncols=2)
    if known:
        figure.legend(
            handles=size_handles(known, len(parameters)),
            loc="outside upper right",
            ncols=4,
            title="Active parameters" + (", smallest where not known" if len(known) < len(parameters) else ""),
            title_fontsize=8.5,
            handletextpad=0.8,
            columnspacing=1.8,
        )
    return figure


def draw_bubbles(axes: Axes, scores: pd.DataFrame, areas: pd.Series, offset: float, shade: str) -> PathCollection:
    """Draw the scores of some models; bubbles of one size go into an SVG as one shape, used many times."""
    at = np.argwhere(scores.notna().to_numpy())
    size = areas[scores.index].to_numpy()
    return axes.scatter(
        at[:, 1] + offset,
        scores.to_numpy()[*at.T],
        s=size[at[:, 0]] if len(scores) > 1 else size,
        c=shade,
        alpha=0.6,
        edgecolors="white",
        linewidths=0.5,
    )


def score_mark(results: Results, model_id: str, benchmark: str, score: float) -> Mark:
    """Return what the bubble of a model on a benchmark says."""
    mark = model_mark(results, model_id, f"{results.benchmarks['label'][benchmark]} {score:.3f}")
    return Mark({**mark.data, "benchmark": benchmark}, mark.title)


def group_handles_round(results: Results) -> list[Line2D]:
    """Return legend entries for the groups, all as bubbles."""
    handles = group_handles(results)
    for handle in handles:
        handle.set(marker="o", alpha=0.75)
    return handles


def size_handles(parameters: list[float], n_models: int) -> list[Line2D]:
    """Return legend entries for the smallest, the largest and a model between them.

    Args:
        parameters: Known active parameters in billions, sorted.
        n_models: Models drawn.
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
            ms=float(np.sqrt(bubble_area(value, parameters[-1], n_models))),
            label=f"{value:.3g} B",
        )
        for value in shown
    ]
