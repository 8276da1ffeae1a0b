"""Leave-one-out loadings beside those of all models."""

import numpy as np
from matplotlib.lines import Line2D

from stages.analysis.scores.results import Results
from stages.figures.bars import PANEL, ROOM
from stages.figures.palette import language_colours
from stages.figures.parts import (
    benchmark_mark,
    language_handles,
    legend_above,
    name_benchmarks,
    stacked_panels,
    two_decimals,
    width_for,
    zero_line,
)
from stages.figures.picture import Picture, name_points
from stages.figures.style import look, new_figure

APART = 0.16
"""Distance of the two markers of a benchmark from its tick."""


@look()
def draw_loo(results: Results) -> Picture:
    """Draw mean and standard deviation of the leave-one-out loadings, one panel per component."""
    names, n = list(results.loadings.columns), len(results.loadings)
    palette = language_colours(results.info)
    shades = [palette[language] for language in results.benchmarks.loc[results.loadings.index, "language"]]
    figure = new_figure(width_for(n, 0.5), PANEL * len(names) + ROOM)
    panels = stacked_panels(figure, len(names))
    x = np.arange(n)
    for axes, name in zip(panels, names, strict=True):
        zero_line(axes)
        table = results.loo[results.loo["component"] == name].set_index("benchmark").loc[results.loadings.index]
        full = results.loadings[name]
        alone = axes.scatter(x - APART, full, s=30, marker="D", facecolors="white", edgecolors=shades, linewidths=1.2)
        name_points(
            alone,
            [benchmark_mark(results, str(b), f"{name} {two_decimals(v)} of all models") for b, v in full.items()],
            full,
        )
        mean, std = table["mean"].to_numpy(), table["std"].to_numpy()
        for shade in dict.fromkeys(shades):
            own = np.array([other == shade for other in shades])
            drawn = axes.errorbar(
                x[own] + APART, mean[own], std[own], fmt="o", ms=4.5, color=shade, elinewidth=1.4, capsize=2.5
            )
            name_points(
                drawn.lines[0],
                [
                    benchmark_mark(results, str(b), f"{name} {two_decimals(row['mean'])} ± {two_decimals(row['std'])}")
                    for b, row in table[own].iterrows()
                ],
                mean[own],
            )
        axes.set(title=name, xlim=(-0.6, n - 0.4))
    name_benchmarks(panels[-1].xaxis, results, rotation=40)
    figure.supylabel("Loading", size=9)
    markers = [
        Line2D([], [], ls="", marker="D", mfc="white", mec="#555555", ms=6, label="all models"),
        Line2D([], [], marker="o", color="#555555", ms=5, label="leave-one-out mean ± standard deviation"),
    ]
    legend_above(figure, [*language_handles(results), *markers])
    return figure
