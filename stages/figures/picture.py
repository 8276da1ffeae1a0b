"""A figure whose parts know which model or benchmark they show, so that the SVG can say so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

MOST_MARKS = 3000
"""With more marks than this they go into the SVG as one image: it would take megabytes."""


@dataclass(frozen=True)
class Mark:
    """What one drawn shape shows.

    Attributes:
        data: Attributes of the SVG element, without `data-`: model, benchmark, ...
        title: Its tooltip, or nothing.
    """

    data: Mapping[str, str]
    title: str


@dataclass(frozen=True)
class Part:
    """A part of a figure: as a whole, or shape by shape.

    Attributes:
        kind: Class of the SVG element: mark, label, tick, law, panel.
        data: Attributes of the whole, without `data-`.
        marks: One for each shape of the part, in drawing order; none for a part that is named as a whole.
    """

    kind: str
    data: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()


class Picture(Figure):
    """A matplotlib figure with the parts that its SVG names."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (as matplotlib's)
        super().__init__(*args, **kwargs)
        self.parts: dict[str, Part] = {}
        self.rasterised = False
        FigureCanvasAgg(self)


def name_part(artist: Artist, kind: str, data: Mapping[str, str] | None = None) -> None:
    """Give an artist a class and attributes in the SVG."""
    _register(artist, Part(kind, data or {}))


def name_shapes(artist: Artist, marks: Iterable[Mark], kind: str = "mark") -> None:
    """Say what each shape of an artist shows, in drawing order; too many are drawn as an image instead."""
    listed = tuple(marks)
    if len(listed) > MOST_MARKS:
        draw_as_image(artist)
    elif listed:
        _register(artist, Part(kind, marks=listed))


def name_points(artist: Artist, marks: Sequence[Mark], values: Iterable[float]) -> None:
    """Say what each point shows; one whose value is missing is not drawn.

    Args:
        artist: Draws one shape per value that is not missing.
        marks: One per value.
        values: Along one axis; those along the other are never missing.
    """
    name_shapes(artist, [mark for mark, value in zip(marks, values, strict=True) if isfinite(value)])


def draw_as_image(artist: Artist) -> None:
    """Draw an artist into the SVG as an image."""
    artist.set_rasterized(True)
    _picture(artist).rasterised = True


def _register(artist: Artist, part: Part) -> None:
    parts = _picture(artist).parts
    gid = f"part-{len(parts)}"
    artist.set_gid(gid)
    parts[gid] = part


def _picture(artist: Artist) -> Picture:
    picture = artist.get_figure(root=True)
    assert isinstance(picture, Picture), "figures are made by new_figure"
    return picture
