"""Heat map of the correlations between benchmarks."""

import pandas as pd

from stages.analysis.scores.results import Results
from stages.contracts.rows import texts
from stages.figures.parts import (
    MOST_VALUES,
    draw_cells,
    language_handles,
    legend_above,
    name_benchmarks,
    two_decimals,
    write_cell,
)
from stages.figures.picture import Mark, Picture, name_shapes
from stages.figures.style import look, new_figure


@look()
def draw_correlation(results: Results, correlation: pd.DataFrame, label: str) -> Picture:
    """Draw a correlation matrix, benchmark names in the colour of their language.

    Args:
        results: Names and languages of the benchmarks.
        correlation: (n_benchmarks, n_benchmarks), from -1 to 1.
        label: Name of the coefficient, for the colour bar.
    """
    n = len(correlation)
    side = min(max(0.44 * n + 1.5, 5.0), 18.0)
    figure = new_figure(side + 1.2, side)
    axes = figure.subplots()
    cells = draw_cells(axes, correlation.to_numpy(), cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set_aspect("equal")
    labels = results.benchmarks["label"]
    names = texts(correlation)
    name_shapes(
        cells,
        [
            Mark({"benchmark": a, "other": b}, f"{labels[a]}, {labels[b]}: {two_decimals(value)}")
            for a, row in zip(names, correlation.to_numpy(), strict=True)
            for b, value in zip(names, row, strict=True)
        ],
    )
    name_benchmarks(axes.xaxis, results, rotation=45)
    name_benchmarks(axes.yaxis, results)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if n <= MOST_VALUES:
        for i, row in enumerate(correlation.to_numpy()):
            for j, value in enumerate(row):
                colour = "white" if abs(value) > 0.65 else "black"
                write_cell(axes, i, j, two_decimals(value), colour)
    bar = figure.colorbar(cells, ax=axes, shrink=0.7, pad=0.02, aspect=30, label=label)
    bar.outline.set_visible(False)
    legend_above(figure, language_handles(results))
    return figure
