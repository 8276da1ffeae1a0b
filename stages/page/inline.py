"""Figures that stand in one page: letters, markers and words that several of them draw are written once.

Each file in reports/figures stands on its own; in the page they share what `figures.svg` defines in each.
"""

import re
from collections import Counter
from collections.abc import Sequence

DEFS = re.compile(r"<defs>.*?</defs>", re.DOTALL)
SHAPE = re.compile(r'<path ([^<>]*?) id="([^"]+)"/>')
WORD = re.compile(r"(?<=>)((?:<use [^<>]*/>){2,})(?=</g>)")
HREF = re.compile(r'href="#([^"]+)"')


def share(svgs: Sequence[str]) -> tuple[str, list[str]]:
    """Return what figures have in common as the inside of a `defs`, and the figures with references to it.

    Args:
        svgs: As `figures.svg.compact` writes them.
    """
    shapes: dict[str, str] = {}
    inline = [_without_shapes(svg, shapes) for svg in svgs]
    used = Counter(body for svg in inline for body in WORD.findall(svg))
    words = {body: f"_w{i:x}" for i, body in enumerate(body for body, n in used.items() if n > 1)}
    drawn = [f'<path {body} id="{name}"/>' for body, name in shapes.items()]
    drawn += [f'<g id="{name}">{body}</g>' for body, name in words.items()]

    def refer(found: re.Match[str]) -> str:
        return f'<use href="#{words[found[0]]}"/>' if found[0] in words else found[0]

    return "".join(drawn), [WORD.sub(refer, svg) for svg in inline]


def _without_shapes(svg: str, shapes: dict[str, str]) -> str:
    """Return a figure whose shapes are among those given, to which new ones are added."""
    renamed: dict[str, str] = {}

    def take(found: re.Match[str]) -> str:
        renamed[found[2]] = shapes.setdefault(found[1], f"_{len(shapes):x}")
        return ""

    svg = DEFS.sub(lambda block: SHAPE.sub(take, block[0]), svg).replace("<defs></defs>", "")
    return HREF.sub(lambda found: f'href="#{renamed.get(found[1], found[1])}"', svg)
