"""What matplotlib draws as SVG, made small and fit to stand inline in a page among other figures.

No prolog, no style sheet, no identifier that another figure could have; coordinates to a hundredth of a point; marks
that say which model or benchmark they show.
"""

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement
from zlib import crc32

from stages.figures.description import Description
from stages.figures.picture import Part

SVG = "http://www.w3.org/2000/svg"
HREF = "{http://www.w3.org/1999/xlink}href"
SHAPES = {f"{{{SVG}}}{name}" for name in ("path", "use")}
DEFS = f"{{{SVG}}}defs"
USE = f"{{{SVG}}}use"

REFERRING = frozenset({"href", "clip-path", "style"})
REFERENCE = re.compile(r"(?:(?<=url\()|^)#([^)]+)")
LONG = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
SPACE = re.compile(r"\s+(?=[A-Za-z\s]|$)|(?<=[A-Za-z])\s+")
MOVE = re.compile(r"translate\(([^ )]+)[ ,]+([^ )]+)\)")


def compact(text: str, description: Description, parts: Mapping[str, Part], rasterised: bool) -> str:
    """Return the SVG of a figure as one element that can stand in a page.

    Args:
        text: As matplotlib's SVG backend writes it.
        description: Description of the figure; its name decides the identifiers.
        parts: Identifier of a group to what it shows.
        rasterised: Its points are an image.

    Raises:
        ValueError: A group has not one shape per mark.
    """
    root = ElementTree.fromstring(text)
    for element in root.iter(f"{{{SVG}}}g"):
        part = parts.get(element.get("id", ""))
        if part:
            _say(element, part)
    _tidy(root)
    _repeat_words(root)
    _rename(root, description.name)
    _unwrap(root)
    size = {name: root.get(name, "") for name in ("viewBox", "width", "height")}
    root.attrib = {
        "xmlns": SVG,
        **size,
        "role": "img",
        "aria-label": description.label,
        "style": "stroke-linejoin:round;stroke-linecap:butt",
        **({"data-rasterised": "true"} if rasterised else {}),
    }
    for element in root.iter():
        element.tag = element.tag.partition("}")[2]
        element.text = (element.text or "").strip()
        element.tail = "\n" if element.tag == "g" else ""
    return ElementTree.tostring(root, encoding="unicode").replace(" />", "/>") + "\n"


def _say(group: Element, part: Part) -> None:
    """Write what a group, or each of its shapes, shows."""
    if not part.marks:
        _attributes(group, part.kind, part.data)
        return
    shapes = list(_shapes(group))
    if len(shapes) != len(part.marks):
        raise ValueError(f"{len(shapes)} shapes for {len(part.marks)} marks")
    for shape, mark in zip(shapes, part.marks, strict=True):
        _attributes(shape, part.kind, mark.data)
        if mark.title:
            SubElement(shape, f"{{{SVG}}}title").text = mark.title


def _shapes(group: Element) -> Iterator[Element]:
    """Yield what is drawn in a group, without what is only defined in it."""
    for element in group:
        if element.tag in SHAPES:
            yield element
        elif element.tag != DEFS:
            yield from _shapes(element)


def _attributes(element: Element, kind: str, data: Mapping[str, str]) -> None:
    element.set("class", kind)
    for name, value in data.items():
        element.set(f"data-{name}", value)


def _tidy(root: Element) -> None:
    """Drop metadata and style sheets, shorten numbers, styles and references."""
    for child in list(root):
        if child.tag == f"{{{SVG}}}metadata" or (child.tag == DEFS and child.find(f"{{{SVG}}}style") is not None):
            root.remove(child)
    for element in root.iter():
        given = element.attrib
        if HREF in given:
            given["href"] = given.pop(HREF)
        if "d" in given:
            given["d"] = SPACE.sub("", LONG.sub(_hundredths, given["d"]))
        for name in ("x", "y"):
            if name in given:
                given[name] = LONG.sub(_hundredths, given[name])
        if "style" in given:
            given["style"] = given["style"].replace(": ", ":").replace("; ", ";")
        if "transform" in given:
            _move(element)


def _move(element: Element) -> None:
    """Shorten a translation; that of a glyph in its word becomes a coordinate."""
    transform = element.attrib["transform"]
    found = MOVE.fullmatch(transform)
    if not found or element.tag != USE or "x" in element.attrib:
        element.set("transform", MOVE.sub(lambda found: LONG.sub(_hundredths, found[0]), transform))
        return
    x, y = (LONG.sub(_hundredths, number) for number in found.groups())
    del element.attrib["transform"]
    element.set("x", x)
    if float(y):
        element.set("y", y)


def _hundredths(found: re.Match[str]) -> str:
    return f"{float(found[0]):z.2f}".rstrip("0").rstrip(".")


def _repeat_words(root: Element) -> None:
    """Write each word once and refer to it where it comes again; colour, place and size are those of the place."""
    words: dict[tuple[str, ...], str] = {}
    for group in list(root.iter(f"{{{SVG}}}g")):
        glyphs = [child for child in group if child.tag != DEFS]
        if len(glyphs) < 2 or any(child.tag != USE or "style" in child.attrib for child in glyphs):
            continue
        word = tuple(f"{glyph.get('href')} {glyph.get('x')} {glyph.get('y')}" for glyph in glyphs)
        defs = [child for child in group if child.tag == DEFS]
        if word in words:
            group[:] = [*defs, Element(USE, {"href": f"#{words[word]}"})]
        else:
            words[word] = f"word-{len(words)}"
            whole = Element(f"{{{SVG}}}g", {"id": words[word]})
            whole.extend(glyphs)
            group[:] = [*defs, whole]


def _rename(root: Element, name: str) -> None:
    """Keep only the identifiers that something refers to, each beginning with letters that stand for the figure."""
    start = prefix(name)
    used: dict[str, str] = {}

    def rename(found: re.Match[str]) -> str:
        return "#" + used.setdefault(found[1], f"{start}{len(used):x}")

    for element in root.iter():
        for key, value in element.items():
            if key in REFERRING and "#" in value:
                element.set(key, REFERENCE.sub(rename, value))
    for element in root.iter():
        old = element.attrib.pop("id", "")
        if old in used:
            element.set("id", used[old])


def prefix(name: str) -> str:
    """Return the letters with which every identifier of a figure begins."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in f"{crc32(name.encode()):08x}"[:5]) + "-"


def _unwrap(parent: Element) -> None:
    """Replace groups without attributes by what is in them; say once what all parts of a group have in common."""
    children: list[Element] = []
    for child in parent:
        _unwrap(child)
        bare = not child.attrib and (child.tag == f"{{{SVG}}}g" or (child.tag == DEFS and not len(child)))
        children.extend(list(child) if bare else [child])
    parent[:] = children
    if parent.tag == f"{{{SVG}}}g" and len(parent) > 1:
        for name in ("style", "clip-path"):
            values = {child.get(name, "") for child in parent}
            value = values.pop()
            # opacity of a group is not that of its parts
            if not values and value and name not in parent.attrib and "opacity" not in value.replace("-opacity", ""):
                parent.set(name, value)
                for child in parent:
                    del child.attrib[name]
