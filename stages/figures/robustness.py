"""Which conclusions hold in which variations, at a glance."""

import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from stages.figures.parts import draw_cells, two_decimals, write_cell
from stages.figures.picture import Mark, Picture, name_shapes
from stages.figures.style import look, new_figure

SHADES = {"holds": "#D3E6F5", "weakens": "#FBE3A6", "fails": "#F0A58F", "cannot be told": "#EDEDED"}
"""Verdict to the colour of its cell: blue to orange, which colour-blind readers can distinguish; marks show it too."""

MARKS = {"holds": "", "weakens": "≈", "fails": "✗", "cannot be told": "?"}

MOST_VARIATIONS = 60

WRAP = 44
"""Characters of a statement per line."""


@look()
def draw_robustness(table: pd.DataFrame, statements: Mapping[str, str]) -> Picture:
    """Draw conclusions as rows and variations as columns, each cell with its deciding number.

    Args:
        table: robustness.csv, at least one row. In a large study families and benchmarks without which everything
            holds are not drawn.
        statements: Conclusion to its words.
    """
    if table["variation"].nunique() > MOST_VARIATIONS:
        good = table.groupby("variation")["verdict"].transform(lambda verdicts: (verdicts == "holds").all())
        table = table[~(good & table["kind"].isin(["family", "benchmark"]))]
    rows, columns = list(dict.fromkeys(table["conclusion"])), list(dict.fromkeys(table["variation"]))
    verdicts = table.pivot(index="conclusion", columns="variation", values="verdict").loc[rows, columns]
    values = table.pivot(index="conclusion", columns="variation", values="value").loc[rows, columns]
    kinds = table.drop_duplicates("variation")["kind"].to_numpy()
    figure = new_figure(0.44 * len(columns) + 4.2, 0.62 * len(rows) + 2.6)
    axes = figure.subplots()
    codes = verdicts.replace({verdict: i for i, verdict in enumerate(SHADES)}).to_numpy(dtype=float)
    cells = draw_cells(axes, codes, cmap=ListedColormap(list(SHADES.values())), vmin=-0.5, vmax=len(SHADES) - 0.5)
    marks = []
    for i, name in enumerate(rows):
        for j, variation in enumerate(columns):
            verdict, value = str(verdicts[variation][name]), float(values[variation][name])
            marks.append(cell_mark(name, variation, verdict, value))
            number = "" if np.isnan(value) else two_decimals(value)
            text = "\n".join(part for part in (number, MARKS[verdict]) if part)
            write_cell(axes, i, j, text)
    name_shapes(cells, marks)
    for edge in np.flatnonzero(kinds[1:] != kinds[:-1]) + 0.5:
        axes.axvline(edge, color="#555555", lw=1.2)
    axes.set_xticks(range(len(columns)), columns, rotation=55, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), [textwrap.fill(statements[name], WRAP) for name in rows])
    # as two collections: minor ticks with a grid take longer
    axes.vlines(np.arange(len(columns) - 1) + 0.5, -0.5, len(rows) - 0.5, colors="white", lw=1.2, zorder=0.5)
    axes.hlines(np.arange(len(rows) - 1) + 0.5, -0.5, len(columns) - 0.5, colors="white", lw=1.2, zorder=0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    handles = [
        Patch(color=shade, label=f"{verdict} {MARKS[verdict]}".strip())
        for verdict, shade in SHADES.items()
        if verdict in set(table["verdict"])
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def cell_mark(name: str, variation: str, verdict: str, value: float) -> Mark:
    """Return what a cell says: the variation, the verdict and the number that decides."""
    number = "" if np.isnan(value) else f", {two_decimals(value)}"
    return Mark({"conclusion": name, "variation": variation}, f"{variation}: {verdict}{number}")
