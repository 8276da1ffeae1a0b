"""Colours and markers of languages and groups; free of matplotlib, so that a page can use them too.

Both palettes are drawn from P. Tol's vibrant and muted schemes (Colour Schemes, SRON/EPS/TN/09-002), whose colours
stay apart under red-green and blue-yellow blindness and in bright light. Groups differ by marker too, so that they can
be distinguished in grey.
"""

import colorsys
from collections.abc import Iterable

from stages.contracts.study.info import StudyInfo

LANGUAGE_COLOURS = ("#CC3311", "#0077BB", "#00796B", "#AA3377", "#8A6D00", "#555555", "#3BA7D6")
"""Dark enough for text on white."""

GROUP_COLOURS = ("#CC3311", "#EE7733", "#0077BB", "#009988", "#AA3377", "#33BBEE", "#777777")

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""As matplotlib names them."""


def colours(names: Iterable[str], palette: tuple[str, ...]) -> dict[str, str]:
    """Return a colour for each name, in order.

    More names than the palette has colours get evenly spaced dark hues instead, so that no two share one.
    """
    listed = list(names)
    if len(listed) <= len(palette):
        return dict(zip(listed, palette, strict=False))
    return {name: _hex(colorsys.hsv_to_rgb(i / len(listed), 0.85, 0.65)) for i, name in enumerate(listed)}


def language_colours(info: StudyInfo) -> dict[str, str]:
    """Return language code to colour."""
    return colours(info.languages, LANGUAGE_COLOURS)


def group_colours(info: StudyInfo) -> dict[str, str]:
    """Return model group to colour.

    Beyond seven groups colours come again, with another marker: see `group_markers`.
    """
    return {group: GROUP_COLOURS[i % len(GROUP_COLOURS)] for i, group in enumerate(info.groups)}


def group_markers(info: StudyInfo) -> dict[str, str]:
    """Return model group to marker; colour and marker together repeat after 49 groups."""
    n = len(MARKERS)
    return {group: MARKERS[(i + i // n) % n] for i, group in enumerate(info.groups)}


def darker(colour: str) -> str:
    """Return a shade of a colour, given as #RRGGBB, that can be read as text on white."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return _hex((0.75 * red, 0.75 * green, 0.75 * blue))


def _hex(channels: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
