"""What README.md and the pages under docs/ hold: commands, the output that follows them, files to write."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.repository import ROOT

BLOCK = re.compile(r"^( *)```([a-z]*)(?: title=\"([^\"]+)\")?\n(.*?)^ *```$", flags=re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: `console` holds commands, `text` right after it what the last of them prints."""

    language: str
    title: str
    text: str


@dataclass(frozen=True)
class Step:
    """A command of a page.

    Attributes:
        command: Without its comment.
        output: Lines that it prints, in this order and with others between them; empty where the page shows none.
    """

    command: str
    output: tuple[str, ...] = ()


def pages() -> list[Path]:
    """Return README.md and every page under docs/, in the order of their names."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    found = BLOCK.findall(text)
    return [Block(language, title, _dedented(body, len(indent))) for indent, language, title, body in found]


def _dedented(body: str, indent: int) -> str:
    return "".join(line[indent:] for line in body.splitlines(keepends=True))


def steps(text: str) -> Iterator[Step]:
    """Yield the commands of a page, each with the output that the page shows."""
    found = blocks(text)
    for block, following in pairwise([*found, Block("", "", "")]):
        if block.language == "console":
            *others, last = [line.split("  #")[0].strip() for line in block.text.splitlines() if line.strip()]
            yield from map(Step, others)
            shown = following.text.splitlines() if following.language == "text" and not following.title else []
            yield Step(last, tuple(line.strip() for line in shown if line.strip() != "..."))


def parts(text: str) -> Iterator[tuple[dict[str, str], list[Step]]]:
    """Yield the parts of a page under its headings: the files to write first, by name, and the commands."""
    for part in re.split(r"^## ", text, flags=re.MULTILINE):
        yield files(part), list(steps(part))


def files(text: str) -> dict[str, str]:
    """Return the files that a page tells to write, by name."""
    return {block.title: block.text for block in blocks(text) if block.title}
