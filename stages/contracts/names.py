"""How names and values appear in messages, and which known name a wrong one probably means."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

SHOWN = 40
"""Characters of a value that a message shows."""

LISTED = 10
"""Names that a message lists before it counts the rest."""

LONGEST_GUESSED = 100
MOST_GUESSED = 300
"""Beyond this many characters or known names no similar name is searched for: it would take seconds."""


def shown(text: str) -> str:
    """Return a value in quotes, cut to `SHOWN` characters, with characters one cannot see escaped."""
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}..."


def one_line(text: str) -> str:
    """Return a text with line breaks and other invisible characters escaped: one line, whatever it quotes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else repr(c)[1:-1] for c in text)


def label(text: str) -> str:
    """Return a name bare when it is short and visible, otherwise as `shown`."""
    return text if text.isprintable() and len(text) <= 2 * SHOWN else shown(text)


def listed(names: Sequence[str], most: int = LISTED) -> str:
    """Return names separated by commas, at most `most` of them and a count of the rest."""
    text = ", ".join(label(name) for name in names[:most])
    return text if len(names) <= most else f"{text} and {len(names) - most} more"


def folded(name: str) -> str:
    """Return what is left of a name without case, whitespace, invisible characters and character width."""
    plain = unicodedata.normalize("NFKC", name)
    return "".join(c for c in plain if not c.isspace() and unicodedata.category(c) != "Cf").casefold()


class Names:
    """The names allowed somewhere.

    Args:
        known: The names, in the order in which messages list them.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self.known = tuple(dict.fromkeys(known))
        self._exact = frozenset(self.known)
        self._folded = {folded(name): name for name in self.known}

    def __contains__(self, name: str) -> bool:
        return name in self._exact

    def same(self, name: str) -> str | None:
        """Return the known name from which this one differs only by case, whitespace or width."""
        return self._folded.get(folded(name)) if len(name) <= LONGEST_GUESSED else None

    def hint(self, name: str) -> str:
        """Return a phrase that says which known name is probably meant, led by a colon, or nothing."""
        same = self.same(name)
        if same is not None:
            return f": differs only by case or whitespace from {label(same)}"
        if len(name) > LONGEST_GUESSED or len(self.known) > MOST_GUESSED:
            return ""
        close = difflib.get_close_matches(folded(name), self._folded, n=1)
        return f": did you mean {label(self._folded[close[0]])}?" if close else ""
