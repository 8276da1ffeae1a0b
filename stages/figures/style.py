"""The look that all figures share, and how a figure becomes files.

Everything here is local: a matplotlibrc or a style that the caller set changes no figure, and drawing a figure
changes no setting of the caller. DejaVu Sans comes with matplotlib, so text has the same shape on every machine; see
`fonts` for what it lacks.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from stages.figures.description import Description
from stages.figures.fonts import families
from stages.figures.picture import Picture
from stages.figures.svg import compact

INK = "#222222"
"""Text and axes."""

FAINT = "#B8B8B8"
"""Zero lines, leader lines and grids."""

# matplotlib's types want each key as a literal
LOOK: dict[Any, Any] = {
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
        mpl.rcParams["font.family"] = families()
        with warnings.catch_warnings():
            # said once for all figures, see fonts.lacking_line
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            yield


def new_figure(width: float, height: float) -> Picture:
    """Return an empty figure of this size in inches, laid out so that nothing is cut off."""
    return Picture(figsize=(width, height), layout="constrained")


def freeze_layout(figure: Figure) -> None:
    """Compute the layout once and keep it, so that what is placed afterwards stays where it is."""
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        for axes in figure.axes:
            _fix_title(axes)
            _plain_spines(axes)
        engine.execute(figure)
        figure.set_layout_engine("none")
        for axes in figure.axes:
            _fix_empty_labels(axes)


def _fix_title(axes: Axes) -> None:
    """Keep the title right above its panel, unless the power of ten of the y axis stands there.

    Otherwise matplotlib measures the tick labels several times to see whether one is in the way.
    """
    formatter = axes.yaxis.get_major_formatter()
    formatter.set_locs(list(axes.get_yticks()))
    if not formatter.get_offset():
        axes.set_title(axes.get_title(loc="left"), y=1.0)


def _plain_spines(axes: Axes) -> None:
    """Leave spines and their ticks out of the layout where tick labels reach farther.

    Otherwise matplotlib looks for the ticks again whenever it measures a spine.
    """
    for axis, label in ((axes.xaxis, "labelbottom"), (axes.yaxis, "labelleft")):
        for spine in axes.spines.values():
            if spine.axis is axis and axis.get_tick_params()[label]:
                spine.set_in_layout(False)
                spine.axis = None


def _fix_empty_labels(axes: Axes) -> None:
    """Put an empty label of an axis anywhere; otherwise matplotlib measures the tick labels to put it below them."""
    for axis in (axes.xaxis, axes.yaxis):
        if not axis.get_label_text():
            axis.set_label_coords(0, 0)


def save(figure: Picture, description: Description, folder: Path, dpi: int) -> None:
    """Write NAME.svg, and NAME.png where the description asks for it.

    The bytes depend on the figure alone: no date, no version, no random identifier goes into the files.

    Args:
        figure: Drawn by a function of this package; not to be drawn again.
        description: Description of the figure.
        folder: Where to write; it exists.
        dpi: Resolution of the PNG and of images in the SVG, dots per inch.
    """
    with look():
        freeze_layout(figure)
        # Figure.savefig would draw twice for each file
        figure.set_dpi(dpi)
        if description.png:
            canvas: Any = FigureCanvasAgg(figure)
            canvas.print_png(folder / f"{description.name}.png", metadata={"Software": None})
        drawn = io.StringIO()
        svg: Any = FigureCanvasSVG(figure)
        svg.print_svg(drawn, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = compact(drawn.getvalue(), description, figure.parts, figure.rasterised)
    (folder / f"{description.name}.svg").write_text(text, encoding="utf-8", newline="\n")
