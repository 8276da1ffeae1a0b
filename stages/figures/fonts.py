"""Fonts that cover the names of a study.

DejaVu Sans, which comes with matplotlib, has Latin, Greek, Cyrillic and more: a study that needs nothing else looks
the same on every machine. Names in Japanese take Noto Sans JP, which is installed with the package; other scripts
whatever font of the machine has their characters. A character that none has becomes a box, and `lacking_line` says
which names have one.
"""

import importlib.util
import logging
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

BASE = "DejaVu Sans"

PACKAGED = ("pylopdf_fonts_jp", "NotoSansJP-Regular.otf")
"""Package and file of Noto Sans JP: only the file is read."""

MOST_SHOWN = 5
"""Texts that a line names."""

_families: ContextVar[tuple[str, ...]] = ContextVar("families", default=(BASE,))


@dataclass(frozen=True)
class Cover:
    """What a set of texts is drawn with.

    Attributes:
        families: Font families in the order tried.
        lacking: Characters that no font has.
    """

    families: tuple[str, ...]
    lacking: frozenset[str]


def families() -> list[str]:
    """Return the font families in use."""
    return list(_families.get())


def lacking_line(texts: Iterable[str], cover: Cover) -> str | None:
    """Return a line that names the texts with a character that no font has, None where there is none."""
    found = list(dict.fromkeys(text for text in texts if cover.lacking & set(text)))
    if not found:
        return None
    shown = ", ".join(found[:MOST_SHOWN]) + (f" and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else "")
    return (
        f"figures: no installed font has all characters of {shown}: they are drawn as boxes; install one that does, "
        "such as Noto Sans for their script, and run again"
    )


@contextmanager
def using(cover: Cover) -> Iterator[None]:
    """Draw with these fonts."""
    token = _families.set(cover.families)
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    # a fallback font need not have every weight
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
        _families.reset(token)


def cover(texts: Iterable[str]) -> Cover:
    """Return the fonts that these texts need, as few as possible, and the characters that none has."""
    # control and format characters have no shape
    missing = {c for text in texts for c in text if unicodedata.category(c) not in {"Cc", "Cf"}}
    missing -= _characters(font_manager.findfont(BASE))
    found = [BASE]
    if missing:
        for family, path in _others():
            has = missing & _characters(path)
            if has:
                found.append(family)
                missing -= has
            if not missing:
                break
    return Cover(tuple(found), frozenset(missing))


@cache
def _characters(path: str) -> frozenset[str]:
    """Return the characters that a font has; none where it cannot be read."""
    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()


def _others() -> Iterator[tuple[str, str]]:
    """Yield family and path of the packaged font, then of the machine's upright fonts of normal weight."""
    package, name = PACKAGED
    spec = importlib.util.find_spec(package)
    if spec and spec.origin:
        path = str(Path(spec.origin).with_name(name))
        font_manager.fontManager.addfont(path)
        yield FT2Font(path).family_name, path
    for entry in sorted(font_manager.fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        # a font of last resort has a box for every character
        usable = entry.style == "normal" and not entry.name.startswith("Last Resort")
        if usable and entry.weight in {400, "normal", "regular"}:
            yield entry.name, entry.fname
