"""Conclusions of an earlier study on the models of a later one, and these models in its space."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from stages.figures.palette import GROUP_COLOURS
from stages.figures.parts import MOST_NAMED, legend_above, short, two_decimals
from stages.figures.picture import Mark, Picture, name_points, name_shapes
from stages.figures.robustness import SHADES, WRAP
from stages.figures.style import INK, look, new_figure

THEN, NOW = "#777777", GROUP_COLOURS[0]
"""Colours of the earlier study and of the later one."""

FURTHEST = 3.0
"""Distances between the bounds that the axis reaches to either side of the middle; what lies beyond ends there."""

STEP = 0.17
"""Distance of both studies from the middle of a row."""


@look()
def draw_retest(criteria: pd.DataFrame, statements: pd.DataFrame) -> Picture:
    """Draw each criterion with its interval in both studies, on one scale.

    Statistics differ in unit, so that values are shown as distances from the bound from which on they hold, in units
    of the distance between both bounds.

    Args:
        criteria: retest_criteria.csv, at least one row with a value.
        statements: retest.csv.
    """
    keys = criteria[["conclusion", "statistic"]].drop_duplicates().reset_index(drop=True)
    studies = list(dict.fromkeys(criteria["variation"]))
    figure = new_figure(11.5, 0.5 * len(keys) + 1.9)
    axes = figure.subplots()
    for name, low, high in (("fails", -FURTHEST, -1), ("weakens", -1, 0), ("holds", 0, FURTHEST)):
        axes.axvspan(low, high, color=SHADES[name], lw=0, zorder=0)
        axes.text((low + high) / 2, -0.75, name, ha="center", va="center", size=8)
    for study, colour, side in zip(studies, (THEN, NOW), (-STEP, STEP), strict=False):
        own = criteria[criteria["variation"] == study].set_index(["conclusion", "statistic"])
        _draw_study(axes, own.loc[list(keys.itertuples(index=False, name=None))].reset_index(), study, colour, side)
    words = statements.set_index("conclusion")["statement"]
    first = ~keys["conclusion"].duplicated()
    labels = [
        f"{textwrap.fill(str(words[name]), WRAP)}\n{statistic}" if new else str(statistic)
        for name, statistic, new in zip(keys["conclusion"], keys["statistic"], first, strict=True)
    ]
    axes.set_yticks(range(len(keys)), labels)
    for edge in np.flatnonzero(first.to_numpy())[1:] - 0.5:
        axes.axhline(edge, color="white", lw=2.5)
    axes.set(xlim=(-FURTHEST, FURTHEST), ylim=(len(keys) - 0.5, -1.1))
    axes.set_xticks([-1, 0], ["weakens from", "holds from"])
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)
    handles = [
        Line2D([], [], marker=marker, ls="", color=colour, mfc=face, label=label)
        for study, colour in zip(studies, (THEN, NOW), strict=False)
        for marker, face, label in (("o", colour, study), ("o", "white", f"{study}, cannot be told"))
    ]
    legend_above(figure, handles)
    return figure


def _draw_study(axes: Axes, rows: pd.DataFrame, study: str, colour: str, side: float) -> None:
    """Draw the criteria of one study, those that cannot be told hollow."""
    span = rows["holds_from"] - rows["weakens_from"]
    at, one, other = (
        ((rows[name] - rows["holds_from"]) / span).clip(-FURTHEST, FURTHEST) for name in ("value", "low", "high")
    )
    y = np.arange(len(rows)) + side
    axes.hlines(y, np.minimum(one, other), np.maximum(one, other), color=colour, lw=1.6, zorder=2)
    faces = ["white" if verdict == "cannot be told" else colour for verdict in rows["verdict"]]
    points = axes.scatter(at, y, s=34, c=faces, edgecolors=colour, linewidths=1.4, zorder=3)
    marks = [
        Mark(
            {"conclusion": str(row["conclusion"]), "variation": study},
            f"{study}, {row['statistic']}: {row['verdict']}, {two_decimals(row['value'])} "
            f"({two_decimals(row['low'])} to {two_decimals(row['high'])}), {row['n']} models of {row['families']} "
            "families",
        )
        for _, row in rows.iterrows()
    ]
    name_points(points, marks, at)


@look()
def draw_places(places: pd.DataFrame, names: pd.Series, components: tuple[str, str]) -> Picture:
    """Draw the models of a later study among those of an earlier one, on two of its components.

    Args:
        places: retest_places.csv.
        names: Name of each model of the later study.
        components: For the axes.
    """
    first, second = components
    studies = list(dict.fromkeys(places["study"]))
    figure = new_figure(9.6, 7.0)
    axes = figure.subplots()
    for study, colour, size in zip(studies, (THEN, NOW), (20, 30), strict=False):
        own = places[places["study"] == study]
        if own[f"{first}_low"].notna().any():
            axes.hlines(own[second], own[f"{first}_low"], own[f"{first}_high"], color=colour, lw=0.6, alpha=0.5)
            axes.vlines(own[first], own[f"{second}_low"], own[f"{second}_high"], color=colour, lw=0.6, alpha=0.5)
        points = axes.scatter(own[first], own[second], s=size, c=colour, lw=0, label=study, zorder=3)
        marks = [
            Mark(
                {"model": str(row["model_id"])},
                f"{row['model_id']}, {study}: {first} {two_decimals(row[first])}, "
                f"{second} {two_decimals(row[second])}",
            )
            for _, row in own.iterrows()
        ]
        name_shapes(points, marks)
    later = places[places["study"] == studies[-1]]
    labels = [short(str(names.get(model, model))) for model in later["model_id"]]
    points = later[list(components)].to_numpy(dtype=float)
    for i in _with_room(points, labels):
        axes.annotate(labels[i], points[i], xytext=(5, 4), textcoords="offset points", size=7, color=INK, zorder=4)
    axes.set(xlabel=f"{first} score in the space of {studies[0]}", ylabel=f"{second} score in that space")
    axes.grid()
    axes.legend(loc="best")
    return figure


def _with_room(points: np.ndarray, labels: list[str]) -> list[int]:
    """Return which models have room for a name beside them, the outermost first.

    Args:
        points: (n_models, 2).
        labels: Their names.
    """
    extent = np.ptp(points, axis=0)
    height, lengths = 0.03 * extent[1], 0.013 * extent[0] * np.array([len(label) for label in labels])
    order = np.argsort(-np.abs((points - points.mean(axis=0)) / points.std(axis=0)).max(axis=1), kind="stable")
    chosen: list[int] = []
    for i in order[:MOST_NAMED].tolist():
        apart = [
            abs(points[i, 1] - points[j, 1]) > height
            or points[i, 0] + lengths[i] < points[j, 0]
            or points[j, 0] + lengths[j] < points[i, 0]
            for j in chosen
        ]
        if all(apart):
            chosen.append(i)
    return chosen
