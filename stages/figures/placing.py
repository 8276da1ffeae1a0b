"""New models among those of a study, on the components of its frozen space."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from stages.analysis.scores.results import Results
from stages.figures.description import Description
from stages.figures.parts import short
from stages.figures.picture import Picture
from stages.figures.scatter import Panel, draw_panels
from stages.figures.style import INK, look
from stages.figures.words import counted

BACKING = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


@look()
def draw_newcomers(results: Results, placed: pd.DataFrame, level: float) -> Picture:
    """Draw the first component against each other one, new models as stars with their intervals.

    Args:
        results: The study; at least one component. With one, it is drawn against itself.
        placed: Indexed by model_id: <component>, <component>_low, <component>_high.
        level: Coverage of the intervals.
    """
    first, *others = results.pc_scores.columns
    panels = [_panel(results, first, other) for other in others or [first]]
    label = f"new models, {100 * level:g} % intervals"
    star = Line2D([], [], marker="*", color=INK, ms=11, lw=1.1, label=label)
    return draw_panels(results, panels, lambda axes, panel: _draw_intervals(axes, placed, panel), [star])


def newcomers_words(placed: pd.DataFrame, level: float, png: bool) -> Description:
    """Return the figure of `draw_newcomers` in words."""
    n = counted(len(placed), "new model")
    return Description(
        name="newcomers",
        title="New models among those of the study",
        section="",
        caption=f"{n} with {100 * level:g} % intervals.",
        reading="A star is a new model; its cross is what its missing scores leave open.",
        n=n,
        alternative=f"Scatter plots with {n} as stars.",
        png=png,
    )


def _panel(results: Results, first: str, other: str) -> Panel:
    return Panel(
        x=results.pc_scores[first],
        y=results.pc_scores[other],
        title="",
        x_label=f"{first} score",
        y_label=f"{other} score",
        x_short=first,
        y_short=other,
    )


def _draw_intervals(axes: Axes, placed: pd.DataFrame, panel: Panel) -> None:
    first, other = str(panel.x.name), str(panel.y.name)
    for model_id, row in placed.iterrows():
        x, y = row[first], row[other]
        axes.errorbar(
            x,
            y,
            xerr=[[x - row[f"{first}_low"]], [row[f"{first}_high"] - x]],
            yerr=[[y - row[f"{other}_low"]], [row[f"{other}_high"] - y]],
            fmt="*",
            ms=12,
            color=INK,
            elinewidth=1.1,
            capsize=3,
            zorder=5,
        )
        axes.annotate(
            short(str(model_id)),
            (x, y),
            xytext=(8, 7),
            textcoords="offset points",
            size=8.5,
            weight="bold",
            bbox=BACKING,
            zorder=6,
        )
