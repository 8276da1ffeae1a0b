"""Cells as spreadsheets name them."""

import string

LETTERS = string.ascii_uppercase


def reference(column: int, line: int) -> str:
    """Return the name of a cell, such as C7.

    Args:
        column: From 0.
        line: From 1.
    """
    letters, rest = "", column + 1
    while rest:
        rest, letter = divmod(rest - 1, len(LETTERS))
        letters = LETTERS[letter] + letters
    return f"{letters}{line}"


def column_of(cell: str) -> int:
    """Return the column, from 0, of a cell such as C7.

    Raises:
        ValueError: It is not the name of a cell.
    """
    place = 0
    for letter in cell.rstrip(string.digits):
        place = len(LETTERS) * place + LETTERS.index(letter) + 1
    return place - 1
