"""Ranks of the models with their intervals, and pairs that cannot be told apart."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of, texts
from stages.figures.benchmarks import group_handles_round
from stages.figures.palette import darker, group_colours
from stages.figures.parts import (
    MOST_NAMED,
    legend_above,
    model_mark,
    model_names,
    short,
)
from stages.figures.picture import Mark, Picture, name_part, name_shapes
from stages.figures.style import FAINT, INK, look, new_figure

WIDTH = 6.0
"""Width of the line of an interval, points."""

POSSIBLE, AGAIN = "#DDDDDD", "#A9B4C2"
"""Colours of the ranks that are not excluded, and of those that come out when all is measured again."""

ALIKE = "#8A8A8A"
"""Pairs that are not told apart."""

SQUARE = 90.0
"""Area of a pair, square points."""

PANELS = 24
"""Benchmarks with a panel of their own."""

COLUMNS = 4

MOST_STEPS = 150
"""Models of which a band is made."""


class Rank(NamedTuple):
    """A row of stability_ranks.csv."""

    rank: int
    low: int
    high: int
    best: int
    worst: int


def ranked(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the rows of a measure, the best model first, models in the order of the table where they are equal.

    Args:
        table: stability_ranks.csv.
        measure: Benchmark, or the first component.
    """
    return table[table["measure"] == measure].sort_values("rank", kind="stable").set_index("model_id")


@look()
def draw_ranks(results: Results, table: pd.DataFrame, pairs: pd.DataFrame) -> Picture:
    """Draw the ranks on the first component with both intervals and, beside them, the pairs that are not told apart.

    Args:
        results: Names and groups of the models.
        table: stability_ranks.csv, at least one row.
        pairs: stability_rank_pairs.csv; not drawn where the models are too many to be named.
    """
    measure = str(table["measure"].iloc[0])
    rows = ranked(table, measure)
    named = len(rows) <= MOST_NAMED
    figure = new_figure(12.0 if named else 9.0, max(0.21 * len(rows), 1.6) + 1.6 if named else 6.0)
    axes = figure.subplots(1, 2 if named else 1, squeeze=False)[0]
    if named:
        _draw_spans(axes[0], results, rows)
        _name_models(axes[0], results, rows)
        _draw_pairs(axes[1], results, rows, pairs[pairs["measure"] == measure])
    else:
        _draw_bands(axes[0], results, rows)
        axes[0].set_ylabel(f"{len(rows)} models, the best on top")
    axes[0].set(xlabel=f"Rank on {measure}", title=f"Ranks on {measure}")
    axes[0].grid(axis="x")
    legend_above(figure, _handles(results, len(rows)))
    return figure


def _handles(results: Results, n_models: int) -> list[Line2D | Patch]:
    """Return legend entries for the groups, where models are drawn one by one, and for the two intervals."""
    intervals = [Patch(color=AGAIN, label="measured again"), Patch(color=POSSIBLE, label="not excluded, all at once")]
    return [*(group_handles_round(results) if n_models <= MOST_STEPS else []), *intervals]


def _draw_spans(axes: Axes, results: Results, rows: pd.DataFrame) -> None:
    """Draw rank and intervals of each model, one below the other."""
    y = np.arange(len(rows))
    axes.hlines(y, rows["best"], rows["worst"], colors=POSSIBLE, lw=WIDTH)
    axes.hlines(y, rows["low"], rows["high"], colors=AGAIN, lw=WIDTH)
    _draw_points(axes, results, rows, 26.0)


def _draw_bands(axes: Axes, results: Results, rows: pd.DataFrame) -> None:
    """Draw rank and intervals of many models as bands; of very many only some, which looks the same."""
    at = np.unique(np.linspace(0, len(rows) - 1, MOST_STEPS).round().astype(int))
    some = rows.iloc[at]
    axes.fill_betweenx(at, some["best"], some["worst"], color=POSSIBLE, lw=0, step="mid")
    axes.fill_betweenx(at, some["low"], some["high"], color=AGAIN, lw=0, step="mid")
    if len(some) == len(rows):
        _draw_points(axes, results, rows, 9.0)
    else:
        axes.plot(some["rank"], at, color=INK, lw=0.8)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0.4, len(rows) + 0.6))
    axes.set_yticks([])


def _draw_points(axes: Axes, results: Results, rows: pd.DataFrame, size: float) -> None:
    """Draw the rank of each model."""
    shades = results.models.loc[rows.index, "group"].map(group_colours(results.info))
    points = axes.scatter(rows["rank"], range(len(rows)), s=size, c=list(shades), zorder=3, lw=0)
    words = map(rank_words, rows_of(rows, Rank))
    name_shapes(
        points, [model_mark(results, model_id, said) for model_id, said in zip(texts(rows.index), words, strict=True)]
    )
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(0.4, len(rows) + 0.6))


def rank_words(row: Rank) -> str:
    """Return a rank with its intervals in words."""
    return f"rank {row.rank}, {row.low} to {row.high}, {row.best} to {row.worst} not excluded"


def _name_models(axes: Axes, results: Results, rows: pd.DataFrame) -> None:
    palette, groups = group_colours(results.info), results.models.loc[rows.index, "group"]
    axes.set_yticks(range(len(rows)), model_names(results)[rows.index])
    axes.tick_params(axis="y", length=0)
    for label, (model_id, group) in zip(axes.get_yticklabels(), groups.items(), strict=True):
        label.set_color(darker(palette[group]))
        name_part(label, "tick", {"model": str(model_id)})


def _draw_pairs(axes: Axes, results: Results, rows: pd.DataFrame, pairs: pd.DataFrame) -> None:
    """Draw a square for each pair of models that cannot be told apart, the better one along the x axis."""
    at = {str(model_id): i for i, model_id in enumerate(rows.index)}
    names = results.models["name"]
    listed = list(zip(pairs["model_id"], pairs["other"], strict=True))
    x, y = [at[first] for first, _ in listed], [at[second] for _, second in listed]
    squares = axes.scatter(x, y, s=SQUARE, c=ALIKE, marker="s", lw=0)
    name_shapes(
        squares, [Mark({"model": a, "other": b}, f"{names[a]}, {names[b]}: cannot be told apart") for a, b in listed]
    )
    axes.plot([-0.5, len(rows) - 0.5], [-0.5, len(rows) - 0.5], color=FAINT, lw=0.8)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set(title="Pairs that cannot be told apart", xlabel="The better one, the best on the left")
    axes.set(xlim=(-0.6, len(rows) - 0.4), ylim=(len(rows) - 0.4, -0.6), ylabel="The other, in the order of the left")


@look()
def draw_rank_panels(results: Results, table: pd.DataFrame, benchmarks: Sequence[str]) -> Picture:
    """Draw the ranks on benchmarks with both intervals, one panel each.

    Args:
        results: Names and groups of the models, labels of the benchmarks.
        table: stability_ranks.csv.
        benchmarks: Those to draw, at least one.
    """
    lines = -(-len(benchmarks) // COLUMNS)
    figure = new_figure(12.0, 2.1 * lines + 0.8)
    grid = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
    for axes, benchmark in zip(grid, benchmarks, strict=False):
        name_part(axes, "panel")
        _draw_bands(axes, results, ranked(table, benchmark))
        axes.set(title=short(str(results.benchmarks["label"][benchmark])))
    for axes in grid[len(benchmarks) :]:
        axes.set_axis_off()
    figure.supxlabel("Rank", size=9)
    figure.supylabel("Models, the best on top", size=9)
    legend_above(figure, _handles(results, len(results.X)))
    return figure
