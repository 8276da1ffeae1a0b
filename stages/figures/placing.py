"""New models among those of a study, on the components of its frozen space."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.analysis.scores.results import Results
from stages.figures.description import Description
from stages.figures.palette import darker, group_colours, group_markers
from stages.figures.parts import MOST_NAMED, groups_shown, short
from stages.figures.picture import Picture
from stages.figures.scatter import MARKER_AREA, NAME_SIZE, Panel, draw_panels
from stages.figures.style import look
from stages.figures.words import counted

MOST_BESIDE = 8
"""With more new models than this they have numbers instead of names."""

NEW = "new models"
"""Group that the new models are drawn as."""

KEY_WIDTH, KEY_LINE = 3.1, 0.16
"""Width of a column and height of a line in the key of numbers, inches."""


@look()
def draw_newcomers(results: Results, placed: pd.DataFrame, level: float) -> Picture:
    """Draw the first component against each other one, new models with their intervals.

    A few are named beside their points, as the models of the study are. More have numbers and a key below, and the
    models of the study stand behind them without names.

    Args:
        results: The study; at least one component. With one, it is drawn against itself.
        placed: Indexed by model_id: <component>, <component>_low, <component>_high.
        level: Coverage of the intervals.
    """
    first, *others = results.pc_scores.columns
    many = len(placed) > MOST_BESIDE or len(results.pc_scores) + len(placed) > MOST_NAMED
    names = [str(name) for name in placed.index]
    # a model of the study may be placed as well
    placed = placed.set_axis([f"{name} (new)" if name in results.models.index else name for name in names])
    numbers = [str(number) for number in range(1, len(names) + 1)]
    everyone = _with_newcomers(results, placed, numbers if many else names, level)
    shown = everyone.pc_scores.loc[placed.index] if many else everyone.pc_scores
    panels = [_panel(shown, first, other) for other in others or [first]]
    behind = results.pc_scores if many else results.pc_scores.iloc[:0]
    figure = draw_panels(everyone, panels, lambda axes, panel: _draw_behind(axes, everyone, panel, behind, placed))
    if many:
        _write_key(figure, [f"{number}  {short(name)}" for number, name in zip(numbers, names, strict=True)])
    return figure


def newcomers_words(placed: pd.DataFrame, level: float, png: bool) -> Description:
    """Return the figure of `draw_newcomers` in words."""
    n = counted(len(placed), "new model")
    return Description(
        name="newcomers",
        title="New models among those of the study",
        section="",
        caption=f"{n} with {100 * level:g} % intervals.",
        reading="A cross shows the intervals of a new model: what missing scores and sampling leave open.",
        n=n,
        alternative=f"Scatter plots with {n} and their intervals as crosses.",
        png=png,
    )


def _with_newcomers(results: Results, placed: pd.DataFrame, names: Sequence[str], level: float) -> Results:
    """Return the study with the new models as one more group."""
    models = pd.DataFrame({"name": names, "group": NEW}, index=placed.index)
    labels = {**results.info.groups, NEW: f"new models, {100 * level:g} % intervals"}
    return replace(
        results,
        info=results.info.model_copy(update={"groups": labels}),
        models=pd.concat([results.models[["name", "group"]], models]),
        pc_scores=pd.concat([results.pc_scores, placed[results.pc_scores.columns]]),
    )


def _panel(scores: pd.DataFrame, first: str, other: str) -> Panel:
    return Panel(
        x=scores[first],
        y=scores[other],
        title="",
        x_label=f"{first} score",
        y_label=f"{other} score",
        x_short=first,
        y_short=other,
    )


def _draw_behind(axes: Axes, everyone: Results, panel: Panel, study: pd.DataFrame, placed: pd.DataFrame) -> None:
    """Draw the intervals of the new models and, paler, models of the study that the panel does not draw itself."""
    first, other = str(panel.x.name), str(panel.y.name)
    palette, markers = group_colours(everyone.info), group_markers(everyone.info)
    groups = everyone.models.loc[study.index, "group"]
    for group in groups_shown(everyone):
        mine = study[groups == group]
        axes.scatter(
            mine[first], mine[other], s=MARKER_AREA / 2, c=palette[group], marker=markers[group], alpha=0.4, lw=0
        )
    axes.errorbar(
        placed[first],
        placed[other],
        xerr=[placed[first] - placed[f"{first}_low"], placed[f"{first}_high"] - placed[first]],
        yerr=[placed[other] - placed[f"{other}_low"], placed[f"{other}_high"] - placed[other]],
        fmt="none",
        ecolor=darker(palette[NEW]),
        elinewidth=0.6 if len(study) else 1.1,
        alpha=0.5 if len(study) else 0.9,
        zorder=1.8,
    )


def _write_key(figure: Figure, entries: Sequence[str]) -> None:
    """Add a strip below the panels with the number and name of each new model."""
    width, height = figure.get_size_inches()
    columns = max(int(width / KEY_WIDTH), 1)
    rows = -(-len(entries) // columns)
    strip = (rows + 2) * KEY_LINE
    taken = strip / (height + strip)
    for axes in figure.axes:
        box = axes.get_position()
        axes.set_position((box.x0, taken + box.y0 * (1 - taken), box.width, box.height * (1 - taken)))
    figure.set_size_inches(width, height + strip)
    for i, entry in enumerate(entries):
        x, y = 0.05 + i // rows * KEY_WIDTH, strip - (i % rows + 1) * KEY_LINE
        figure.text(x / width, y / (height + strip), entry, size=NAME_SIZE, va="bottom")
