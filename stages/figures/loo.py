"""Leave-one-out loadings beside those of all models."""

import numpy as np
from matplotlib.lines import Line2D

from stages.analysis.scores.results import Results
from stages.contracts.rows import texts
from stages.figures.bars import language_shades, loading_panels
from stages.figures.parts import benchmark_mark, language_handles, legend_above, two_decimals
from stages.figures.picture import Picture, name_points
from stages.figures.style import look

APART = 0.16
"""Distance of the two markers of a benchmark from its tick."""


@look()
def draw_loo(results: Results) -> Picture:
    """Draw mean and standard deviation of the leave-one-out loadings, one panel per component."""
    shades, x = language_shades(results), np.arange(len(results.loadings))
    figure, panels = loading_panels(results, {name: name for name in texts(results.loadings)})
    for name, axes in panels.items():
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
    markers = [
        Line2D([], [], ls="", marker="D", mfc="white", mec="#555555", ms=6, label="all models"),
        Line2D([], [], marker="o", color="#555555", ms=5, label="leave-one-out mean ± standard deviation"),
    ]
    legend_above(figure, [*language_handles(results), *markers])
    return figure
