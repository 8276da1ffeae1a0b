"""A figure's SVG, made part of the page."""

import re

from markupsafe import Markup, escape

_TAG = re.compile(r"<svg\b[^>]*>")
_SIZE = re.compile(r'\s(?:width|height|version)="[^"]*"')


def inlined(svg: str, name: str, words: str) -> Markup:
    """Return an SVG as an element of the page: named in words, as wide as its place, its ids unlike those of others.

    Args:
        svg: Contents of the file.
        name: Of the figure.
        words: What it shows, for who cannot see it.
    """
    start = _TAG.search(svg)
    if start is None:
        raise ValueError(f"{name} is not SVG")
    body = svg[start.end() :].rstrip()
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = re.sub(r'href="#', f'href="#{name}-', body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    head = _SIZE.sub("", start.group()).removesuffix(">")
    return Markup(f'{head} role="img" aria-label="{escape(words)}">{body}')
