"""A figure in words, for a page, a run or a reader who cannot see it; does not import matplotlib."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Description:
    """A figure in words.

    Attributes:
        name: File stem.
        title: A few words.
        section: Heading under which it belongs; figures of one section follow one another.
        caption: One or two sentences with numbers and units, and how many models they rest on.
        reading: How to read it, one line.
        n: What it rests on: "35 models on 19 benchmarks".
        alternative: What it shows, for readers who cannot see it; does not repeat the title.
        png: It is the main picture, for which NAME.png lies beside NAME.svg.
    """

    name: str
    title: str
    section: str
    caption: str
    reading: str
    n: str
    alternative: str
    png: bool = False

    @property
    def label(self) -> str:
        """The whole text alternative."""
        return f"{self.title}. {self.alternative}"
