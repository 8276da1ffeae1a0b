"""Intervals of the components, their loadings and their scaling laws; how many components there are."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from stages.analysis.scores.results import Results
from stages.figures.bars import loading_panels
from stages.figures.palette import GROUP_COLOURS, language_colours
from stages.figures.parts import benchmark_mark, language_handles, legend_above, two_decimals
from stages.figures.picture import Mark, Picture, name_part, name_points
from stages.figures.scaling import budget_name
from stages.figures.style import INK, look, new_figure

WAYS = {
    "models": "other models",
    "families": "other families of models",
    "items": "other test items",
}
"""Resampling to its words, in drawing order."""

COLOURS = dict(zip(WAYS, ("#222222", "#AA3377", "#009988"), strict=True))

STEP = 0.22
"""Distance of the intervals of one number from one another."""


def ways_of(table: pd.DataFrame) -> list[str]:
    """Return the resamplings that a long table has, in drawing order."""
    present = set(table["resampling"])
    return [way for way in WAYS if way in present]


def way_handles(ways: list[str]) -> list[Line2D]:
    """Return legend entries for resamplings."""
    return [Line2D([], [], marker="o", ms=4.5, lw=1.4, color=COLOURS[way], label=WAYS[way]) for way in ways]


@look()
def draw_explained_variance(table: pd.DataFrame, spectrum: pd.DataFrame) -> Picture:
    """Draw the explained variance with intervals, and the eigenvalues beside what chance gives.

    Args:
        table: stability_explained_variance.csv.
        spectrum: stability_spectrum.csv.
    """
    figure = new_figure(11.0, 4.6)
    left, right = figure.subplots(1, 2)
    ways = [way for way in WAYS if way == "models" or f"low_{way}" in table]
    x = np.arange(len(table))
    for i, way in enumerate(ways):
        suffix = "" if way == "models" else f"_{way}"
        _draw_ends(
            left,
            x + STEP * (i - (len(ways) - 1) / 2),
            100 * table["estimate"],
            100 * table[f"low{suffix}"],
            100 * table[f"high{suffix}"],
            COLOURS[way],
        )
    left.set_xticks(x, table["component"])
    left.set(title="Explained variance", ylabel="Share of the variance, %", ylim=(0, None))
    left.grid(axis="y")
    left.legend(handles=way_handles(ways), loc="upper right")
    ranks = np.arange(1, len(spectrum) + 1)
    right.plot(ranks, spectrum["eigenvalue"], "o-", color=INK, ms=4, lw=1.2, label="this study")
    right.plot(ranks, spectrum["parallel"], "--", color=GROUP_COLOURS[0], lw=1.4, label="parallel analysis")
    right.plot(ranks, spectrum["broken_stick"], ":", color=GROUP_COLOURS[2], lw=1.6, label="broken stick")
    right.axhline(1, color="#777777", lw=0.8)
    right.set(title="Eigenvalues beside chance", xlabel="Component", ylabel="Eigenvalue", yscale="log")
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.grid()
    right.legend(loc="upper right")
    return figure


def _draw_ends(axes: Axes, x: np.ndarray, middle: pd.Series, low: pd.Series, high: pd.Series, colour: str) -> Line2D:
    """Draw numbers with their intervals and return the points."""
    below, above = np.maximum(middle - low, 0), np.maximum(high - middle, 0)
    drawn = axes.errorbar(x, middle, [below, above], fmt="o", ms=4, color=colour, elinewidth=1.3, capsize=2.2)
    points: Line2D = drawn.lines[0]
    return points


def _interval(row: pd.Series, estimate: str, way: str) -> str:
    """Return a number with its interval in words."""
    low, high = two_decimals(row["low"]), two_decimals(row["high"])
    return f"{two_decimals(row[estimate])}, {low} to {high} for {WAYS[way]}"


@look()
def draw_loading_intervals(results: Results, table: pd.DataFrame) -> Picture:
    """Draw the loadings with their intervals, one panel per component.

    Args:
        results: Names and languages of the benchmarks.
        table: stability_loadings.csv.
    """
    names, benchmarks = list(dict.fromkeys(table["component"])), list(results.X.columns)
    ways = ways_of(table)
    figure, panels = loading_panels(results, {name: name for name in names}, per_benchmark=0.62)
    x = np.arange(len(benchmarks))
    for name, axes in panels.items():
        own = table[table["component"] == name]
        for i, way in enumerate(ways):
            rows = own[own["resampling"] == way].set_index("benchmark").loc[benchmarks]
            at = x + STEP * (i - (len(ways) - 1) / 2)
            points = _draw_ends(axes, at, rows["estimate"], rows["low"], rows["high"], COLOURS[way])
            marks = [
                benchmark_mark(results, str(b), f"{name} {_interval(row, 'estimate', way)}")
                for b, row in rows.iterrows()
            ]
            name_points(points, marks, rows["estimate"])
    legend_above(figure, [*language_handles(results), *way_handles(ways)])
    return figure


@look()
def draw_scaling_intervals(results: Results, table: pd.DataFrame) -> Picture:
    """Draw the correlations with the budgets and their intervals, one panel per component.

    Args:
        results: Names of the languages.
        table: stability_scaling.csv, at least one row.
    """
    names, ways = list(dict.fromkeys(table["response"])), ways_of(table)
    palette = language_colours(results.info)
    columns = min(len(names), 2)
    rows = -(-len(names) // columns)
    figure = new_figure(5.2 * columns, 2.3 * rows + 0.7)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axes, name in zip(grid, names, strict=False):
        name_part(axes, "panel")
        own = table[table["response"] == name]
        budgets = list(dict.fromkeys(own["language"]))
        for i, way in enumerate(ways):
            part = own[own["resampling"] == way].set_index("language").loc[budgets]
            y = np.arange(len(budgets)) + STEP * (i - (len(ways) - 1) / 2)
            spans = [np.maximum(part["rho"] - part["low"], 0), np.maximum(part["high"] - part["rho"], 0)]
            drawn = axes.errorbar(
                part["rho"], y, xerr=spans, fmt="o", ms=4, color=COLOURS[way], elinewidth=1.3, capsize=2.2
            )
            name_points(
                drawn.lines[0],
                [
                    Mark({"response": name, "budget": str(b)}, f"{name}: ρ {_interval(row, 'rho', way)}")
                    for b, row in part.iterrows()
                ],
                part["rho"],
            )
        axes.axvline(0, color="#666666", lw=0.8, zorder=1)
        axes.set_yticks(range(len(budgets)), [budget_name(results.info, budget) for budget in budgets])
        for label, budget in zip(axes.get_yticklabels(), budgets, strict=True):
            label.set_color(palette.get(budget, INK))
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.set(title=name, xlim=(-1.02, 1.02))
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    figure.supxlabel("ρ with log₁₀ of the training budget ND", size=9)
    legend_above(figure, way_handles(ways))
    return figure
