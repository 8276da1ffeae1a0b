"""One plain style of number is read; every other way of writing one is explained."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.contracts.csv.numbers import MISSING, parse_number
from tests.contracts.csv.strategies import mutated, written_numbers

ORDINARY = {
    "0.5": 0.5,
    ".5": 0.5,
    "5.": 5.0,
    "5": 5.0,
    "5e-1": 0.5,
    "5E-1": 0.5,
    "1e+3": 1000.0,
    "+0.5": 0.5,
    "-0.5": -0.5,
    "0.50": 0.5,
    "00.5": 0.5,
    "0": 0.0,
    "-0": 0.0,
    "0e5": 0.0,
    " 0.5 ": 0.5,
    "1234567": 1234567.0,
}


@pytest.mark.parametrize(("text", "value"), ORDINARY.items())
def test_parse_number_reads_ordinary_styles(text, value):
    assert parse_number(text) == value


REFUSED = {
    # percent
    "46.2%": "percent",
    "46.2 %": "percent",
    "46.2％": "percent",
    # commas and grouping
    "0,5": "decimal comma as a point",
    ",5": "decimal comma as a point",
    "0,125": "decimal comma as a point",
    "-46,25": "decimal comma as a point",
    "0，5": "decimal comma as a point",
    "1,5e-1": "decimal comma as a point",
    "1.234,56": "decimal comma as a point",
    "1,234": "separates thousands",
    "1,234,567": "thousands",
    "1,234.5": "thousands",
    "1,00,000": "thousands",
    "1'234": "thousands",
    "1’234’567": "thousands",
    "1 234": "thousands",
    "1\u2009234": "thousands",
    "1\u202f234.5": "thousands",
    "1\u00a0234": "thousands",
    "1.234.567": "more than one decimal point",
    "0..5": "more than one decimal point",
    "1_000": "underscores",
    "0.1_5": "underscores",
    "1e1_0": "underscores",
    "5_": "underscores",
    "_5": "underscores",
    # other scripts
    "٠.٥": "digits 0 to 9",
    "０．５": "digits 0 to 9",
    "0.５": "digits 0 to 9",
    "०.५": "digits 0 to 9",
    "½": "digits 0 to 9",
    "5²": "digits 0 to 9",
    "零": "digits 0 to 9",
    "\u22120.5": "ASCII hyphen",
    "\u20130.5": "ASCII hyphen",
    "\u20140.5": "ASCII hyphen",
    "－0.5": "ASCII hyphen",
    "5e\u22121": "ASCII hyphen",
    # error and remarks
    "0.5 ± 0.1": "without its error",
    "0.5±0.1": "without its error",
    "0.5+-0.1": "without its error",
    "0.5 +/- 0.1": "without its error",
    "0.5 (0.1)": "without the brackets",
    "0.5[3]": "without the brackets",
    "(0.5)": "minus sign, not in brackets",
    # infinities and truth values
    "inf": "infinite",
    "-Infinity": "infinite",
    "∞": "infinite",
    "−∞": "infinite",
    "True": "truth value",
    "false": "truth value",
    "yes": "truth value",
    # other notations
    "0x1.8p-1": "decimal number",
    "0b1": "decimal number",
    "1/2": "fraction",
    "0.5-0.6": "range",
    "0.5–0.6": "range",
    "0.5〜0.6": "range",
    "<0.01": "without the sign",
    "~0.5": "without the sign",
    "5*10^-1": "powers of ten",
    "5×10-1": "powers of ten",
    "5d-1": "powers of ten",
    "5e": "exponent has no digits",
    "5e-": "exponent has no digits",
    "=A1/2": "formula",
    "#DIV/0!": "spreadsheet",
    "#REF!": "spreadsheet",
    "'0.5": "apostrophe",
    "’0.5": "apostrophe",
    '"0.5"': "quote marks",
    "“0.5”": "quote marks",
    "--5": "more than one sign",
    "+-0.5": "more than one sign",
    "0.5 0.6": "one number",
    "0.5;0.6": "one number",
    "0. 5": "whitespace inside",
    "- 0.5": "whitespace inside",
    "0.5\u00a0": "special spaces around",
    "\t0.5": "tabs",
    "0.5\n": "line breaks",
    "\u30000.5": "special spaces around",
    "0.5\u200b": "invisible",
    "\ufeff0.5": "invisible",
    "2024-07-21": "date",
    "5-Jan": "date",
    "0:30": "date or time",
    "O.5": "letter",
    "0.l5": "letter",
    "7B": "unit",
    "0.5 s": "unit",
    "0.5†": "mark",
    "$5": "before the number",
    "abc": "digits and a decimal point",
    # range of doubles
    "1e999": "too large",
    "-1e999": "too large",
    "1e-999": "too small",
    "0." + "0" * 400 + "1": "too small",
    "9" * 3000: "3000 characters",
}


@pytest.mark.parametrize(("text", "hint"), REFUSED.items(), ids=[ascii(text)[:30] for text in REFUSED])
def test_parse_number_explains_other_styles(text, hint):
    problem = parse_number(text)
    assert isinstance(problem, str)
    assert problem.startswith("expected a plain number: ")
    assert hint in problem


@pytest.mark.parametrize(
    "text",
    [
        *"- -- --- – — − － ー ? . … n/a N/A n.a. NA nan NaN -nan <NA> NaT null NULL None".split(),
        *["missing", "TBD", "unknown", "Ｎ／Ａ", " - ", " ", "   ", "\u3000", "\t"],
    ],
)
def test_parse_number_tells_words_for_missing_to_leave_the_cell_empty(text):
    assert parse_number(text) == f"expected a plain number: {MISSING}"


@given(written_numbers())
def test_parse_number_returns_exactly_the_double_written(written):
    value, text = written
    parsed = parse_number(text)
    assert parsed == value
    assert math.copysign(1, parsed) == math.copysign(1, value)


def is_ordinary(text):
    """Python's own reading of a text, restricted to the characters of a plain number."""
    try:
        value = float(text) if set(text) <= set("0123456789+-.eE ") else math.nan
    except ValueError:
        return None
    digits = text.lower().split("e")[0]
    vanished = value == 0 and any(c in digits for c in "123456789")
    return value if math.isfinite(value) and not vanished else None


@given(st.one_of(*(mutated(text) for text in ("0.8286", "0", "1e-3", "-12.5", ".25"))))
def test_parse_number_never_reads_a_mutation_as_something_else(text):
    expected = is_ordinary(text)
    parsed = parse_number(text)
    assert isinstance(parsed, str) if expected is None else parsed == expected


@given(st.text(min_size=1))
def test_parse_number_never_raises_and_never_returns_nan(text):
    parsed = parse_number(text)
    assert isinstance(parsed, str) or math.isfinite(parsed)


@pytest.mark.parametrize("unit", ["1", " ", "0.", "1,", "-", "e", "１", "1 ", "(", "O1"])
@pytest.mark.parametrize("length", [100, 2_000, 100_000])
def test_parse_number_answers_briefly_on_long_cells(unit, length):
    text = (unit * length)[: length - 1] + "x"
    assert len(parse_number(text)) < 200
