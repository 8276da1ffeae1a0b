"""The one exception that a user can cause.

A problem is one line: what is wrong, where, how to fix it. All problems of an input are collected before
the error is raised, so that a user fixes them in one go.
"""

from collections.abc import Sequence

from stages.contracts.names import one_line

SHOWN = 40
"""More problems than this are counted, not printed: a broken file must not flood the terminal."""


class InputError(Exception):
    """The input cannot be used.

    Args:
        problems: One line for each problem, at least one. Line breaks in it, as in a name that it quotes, are escaped.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        if not problems:
            raise ValueError("an InputError needs at least one problem")
        self.problems: tuple[str, ...] = tuple(map(one_line, problems))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """Return at most `SHOWN` problems, then a line that counts the rest."""
        shown = list(self.problems[:SHOWN])
        hidden = len(self.problems) - len(shown)
        return [*shown, f"... and {hidden} more problems"] if hidden else shown


def raise_all(problems: Sequence[str]) -> None:
    """Raise one `InputError` with all problems, or return when there are none."""
    if problems:
        raise InputError(problems)
