"""Numbers as people and programs write them into tables: one plain style is read, the rest is explained.

Python's `float` is too generous for a table of scores: it takes `nan`, `infinity`, `1_000` and the digits of
every script. Here a number is an ASCII decimal with an optional sign and exponent, and spaces around it.
"""

import math
import re
import unicodedata
from collections.abc import Callable

LONGEST = 2_000
"""Characters a number may have; the longest exact decimal form of a double has 1,077."""

LONGEST_EXPLAINED = 100

SIGNED = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
PLAIN = re.compile(f" *{SIGNED} *")
SIGNIFICANT = re.compile(r"[ +\-0.]*[1-9]")

MISSING = "leave the cell empty when the value is missing"
TRUTH = "a truth value is not a number"
INFINITE = "an infinite value is not a measurement"
WORDS = {
    **dict.fromkeys(
        "- -- --- \u2010 \u2011 \u2012 \u2013 \u2014 \u2015 \u2212 \u30fc ? ?? . .. ... * / \\n na n/a n.a. "
        "<na> nan -nan +nan nat null <null> nil none missing unknown empty tbd tba void".split(),
        MISSING,
    ),
    "n / a": MISSING,
    "not available": MISSING,
    **dict.fromkeys("true false yes no t f y n on off".split(), TRUTH),
    **dict.fromkeys((sign + word for sign in ("", "+", "-", "\u2212") for word in ("inf", "infinity", "∞")), INFINITE),
}

SPREADSHEET_ERRORS = frozenset(
    "#N/A #REF! #DIV/0! #VALUE! #NAME? #NUM! #NULL! #SPILL! #CALC! #FIELD! #ERROR! #GETTING_DATA ########".split()
)
"""What spreadsheets write where a formula has no value, or a column is too narrow for it."""

DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d\u207b"
COMMA = "[,\uff0c\u066b]"
GROUPING = "[,\uff0c\u066c'\u2019 \u00a0\u2007\u2009\u202f]"


def form(pattern: str) -> Callable[[str], object]:
    """Return a test whether a text has a form as a whole."""
    return re.compile(pattern, re.DOTALL).fullmatch


def in_other_digits(text: str) -> bool:
    """Return whether a text has numerals other than 0 to 9."""
    return any(c.isnumeric() and not c.isascii() for c in text)


def spaced(text: str) -> object:
    """Return a match when a text is a number but for whitespace inside."""
    return PLAIN.fullmatch("".join(text.split()))


FORMS: tuple[tuple[Callable[[str], object], str], ...] = (
    (form(SIGNED), "delete the tabs, line breaks or special spaces around it"),
    (
        form(".*[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff].*"),
        "it holds an invisible character, type it anew",
    ),
    (form("=.*"), "it is a formula, write its value"),
    (form("#[A-Za-z0-9/]+[!?]?"), "it is an error of a spreadsheet, fix it there"),
    (form("['\u2018\u2019`´].*"), "delete the apostrophe before the number"),
    (form('["\u201c\u201d\u201e«»].*'), "delete the quote marks around the number"),
    (in_other_digits, "write it with the digits 0 to 9"),
    (form(".*[%\uff05\u066a\ufe6a].*"), "delete the percent sign and divide by 100"),
    (form(rf"{SIGNED}\s*(?:±|\+/?[-{DASHES}]).*"), "keep the value only, without its error"),
    (form(rf"{SIGNED}\s*[(\[{{\uff08].*"), "keep the value only, without the brackets"),
    (form(r"[(\uff08].*[)\uff09]"), "write a negative number with a minus sign, not in brackets"),
    (form(rf"{SIGNED}\s*[-~\u301c\uff5e{DASHES}]\s*{SIGNED}"), "it is a range, write one number"),
    (form(f".*[{DASHES}].*[0-9].*"), "write the minus sign as the ASCII hyphen -"),
    (
        form(rf"[+-]?[0-9]{{1,3}}(?:\.[0-9]{{3}})+{COMMA}[0-9]*"),
        "delete the thousands separators and write the decimal comma as a point",
    ),
    (
        form(f"[+-]?[1-9][0-9]{{0,2}}{COMMA}[0-9]{{3}}"),
        "delete the comma if it separates thousands, write a point if it is a decimal comma",
    ),
    (form(f"[+-]?[0-9]*{COMMA}[0-9]*(?:[eE][+-]?[0-9]+)?"), "write the decimal comma as a point"),
    (
        form(rf"[+-]?[0-9]{{1,3}}(?:{GROUPING}[0-9]{{2,3}})*{GROUPING}[0-9]{{3}}(?:\.[0-9]*)?"),
        "delete the thousands separators",
    ),
    (form(r"[+-]?[0-9._]*_[0-9._]*(?:[eE][+-]?[0-9_]*)?|[0-9.]+[eE][+-]?[0-9_]+"), "delete the underscores"),
    (form(r"[+-]?[0-9]*(?:\.[0-9]*){2,}"), "it has more than one decimal point"),
    (form("[+-]?0[xXoObB][0-9a-fA-F].*"), "write it as a decimal number"),
    (form(rf"{SIGNED}\s*[/\u2044÷]\s*{SIGNED}"), "it is a fraction, write its decimal value"),
    (form(r"[<>~≈≒≤≥±].*"), "write the number alone, without the sign before it"),
    (form(rf"{SIGNED}\s*[xX×*·]\s*10\s*\^?\s*[+-]?[0-9]+"), "write powers of ten as in 5e-1"),
    (form(f"{SIGNED}[dD][+-]?[0-9]+"), "write powers of ten as in 5e-1"),
    (form(f"{SIGNED}[eE][+-]?"), "its exponent has no digits"),
    (spaced, "delete the whitespace inside the number"),
    (form("[+-]{2,}.*"), "it has more than one sign"),
    (form(rf"{SIGNED}(?:\s*[,;|\s]\s*{SIGNED})+"), "a cell holds one number"),
    (
        form(r"[0-9]+[-/:\u5e74][0-9]+[-/:\u6708].*|[0-9]+:[0-9]+|[0-9]+-[A-Za-z]{3}|[A-Za-z]{3}-[0-9]+"),
        "it is a date or time, perhaps made by a spreadsheet: write the number",
    ),
    (form("[+-]?[0-9oOlI.]*[0-9][0-9oOlI.]*"), "a letter stands where a digit belongs"),
    (form(rf"{SIGNED}\s*[^0-9\s].*"), "delete the unit, word or mark after the number"),
    (form(rf"[^0-9+\-.]+{SIGNED}"), "delete what stands before the number"),
)


def parse_number(text: str) -> float | str:
    """Read one cell as a number.

    Args:
        text: The cell, not empty.

    Returns:
        The number, exact to the nearest double; or what is expected and how to fix the cell, a phrase that
        continues "... is 'TEXT', ".
    """
    if len(text) > LONGEST or not PLAIN.fullmatch(text):
        return f"expected a plain number: {fix_of(text)}"
    value = float(text)
    if math.isinf(value):
        return "expected a plain number: it is too large"
    if value == 0 and SIGNIFICANT.match(text):
        return "expected a plain number: it is too small, only an exact 0 may read as zero"
    return value


def fix_of(text: str) -> str:
    """Return how to fix a cell that is not a plain number."""
    if len(text) > LONGEST_EXPLAINED:
        return f"it has {len(text)} characters"
    bare = text.strip()
    word = MISSING if not bare else WORDS.get(unicodedata.normalize("NFKC", bare).casefold())
    if word is not None:
        return word
    return next((hint for matches, hint in FORMS if matches(bare)), "write digits and a decimal point, as in 0.5")
