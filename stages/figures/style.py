"""The look that all figures share, and how a figure becomes files.

Everything here is local: a matplotlibrc or a style that the caller set changes no figure, and drawing a figure
changes no setting of the caller. DejaVu Sans comes with matplotlib, so text has the same shape on every machine.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from stages.contracts.study.info import StudyInfo

INK = "#222222"
"""Text and axes."""

FAINT = "#B8B8B8"
"""Zero lines, leader lines and grids."""

LANGUAGE_COLOURS = ("#CC3311", "#0077BB", "#00796B", "#AA3377", "#8A6D00", "#555555", "#3BA7D6")
"""Colour-blind-safe in this order and dark enough for text on white; after P. Tol's vibrant and muted schemes."""

GROUP_COLOURS = ("#CC3311", "#EE7733", "#0077BB", "#009988", "#AA3377", "#33BBEE", "#777777")
"""P. Tol's vibrant scheme. Groups differ by marker too."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")

# matplotlib's types want each key as a literal
LOOK: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    # a model name may hold a dollar sign
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "local-llm-observatory",
}


@contextmanager
def look() -> Iterator[None]:
    """Hold the look of the figures; usable as a decorator."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(LOOK)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches, laid out so that nothing is cut off."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def freeze_layout(figure: Figure) -> None:
    """Compute the layout once and keep it, so that what is placed afterwards stays where it is."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def colours(names: Iterable[str], palette: tuple[str, ...]) -> dict[str, str]:
    """Return a colour for each name, in order.

    More names than the palette has colours get evenly spaced dark hues instead, so that no two share one.
    """
    listed = list(names)
    if len(listed) <= len(palette):
        return dict(zip(listed, palette, strict=False))
    wheel = [mpl.colors.hsv_to_rgb((i / len(listed), 0.85, 0.65)) for i in range(len(listed))]
    return {name: mpl.colors.to_hex(tuple(colour)) for name, colour in zip(listed, wheel, strict=True)}


def language_colours(info: StudyInfo) -> dict[str, str]:
    """Return language code to colour."""
    return colours(info.languages, LANGUAGE_COLOURS)


def group_colours(info: StudyInfo) -> dict[str, str]:
    """Return model group to colour."""
    return colours(info.groups, GROUP_COLOURS)


def group_markers(info: StudyInfo) -> dict[str, str]:
    """Return model group to marker; markers repeat in a study of many groups."""
    return {group: MARKERS[i % len(MARKERS)] for i, group in enumerate(info.groups)}


def darker(colour: str) -> str:
    """Return a shade of a colour that can be read as text on white."""
    red, green, blue = mpl.colors.to_rgb(colour)
    return mpl.colors.to_hex((0.75 * red, 0.75 * green, 0.75 * blue))


def save(figure: Figure, stem: Path, dpi: int) -> None:
    """Write `stem`.png and `stem`.svg and clear the figure.

    The bytes depend on the figure alone: no date, no version, no random identifier goes into the files.

    Args:
        figure: Drawn by a function of this package; empty afterwards.
        stem: Path without suffix; its folder exists.
        dpi: Resolution of the PNG, dots per inch.
    """
    with look():
        if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
            freeze_layout(figure)
        # Figure.savefig would draw twice for each file
        figure.set_dpi(dpi)
        png: Any = FigureCanvasAgg(figure)
        png.print_png(stem.with_name(f"{stem.name}.png"), metadata={"Software": None})
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        svg: Any = FigureCanvasSVG(figure)
        svg.print_svg(stem.with_name(f"{stem.name}.svg"), metadata=nothing)
    figure.clear()
