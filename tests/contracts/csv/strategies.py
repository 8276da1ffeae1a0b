"""A small study's scores as bytes, and ways to damage them."""

import csv
import io
from collections.abc import Sequence
from typing import Literal

from hypothesis import strategies as st

from stages.contracts.csv.schema import Column, Table
from stages.contracts.study.tables import scores_table

MODELS = ["org/Alpha-7b", "org/Beta-13b", "org/Gamma-70b"]
BENCHMARKS = ["jsquad", "mgsm_ja", "humaneval"]
SCORES = scores_table(BENCHMARKS)
NOTES = Table("notes.csv", tuple(map(Column, ("model_id", "benchmark", "note"))), key=("model_id", "benchmark"))
KNOWN = {"model_id": MODELS}
ROWS = [
    ["model_id", *BENCHMARKS],
    ["org/Alpha-7b", "0.8286", "0.256", "0.3439"],
    ["org/Beta-13b", "0.7335", "0.064", "0.0"],
    ["org/Gamma-70b", "0.9", "", "0.5"],
]


def csv_bytes(rows: Sequence[Sequence[str]], quoting: Literal[0, 1] = csv.QUOTE_MINIMAL) -> bytes:
    """Write rows as any program would."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=quoting).writerows(rows)
    return out.getvalue().encode()


def with_cell(row: int, column: int, text: str) -> list[list[str]]:
    """Return the rows with one cell replaced; row 0 is the header."""
    rows = [list(cells) for cells in ROWS]
    rows[row][column] = text
    return rows


STYLES = ("{!r}", "{:.17g}", "{:.17e}", "{:+.17E}", "{:.1074f}", " {!r}  ")


@st.composite
def written_numbers(draw: st.DrawFn) -> tuple[float, str]:
    """A finite double and a text that stands for exactly that double."""
    value = draw(st.floats(allow_nan=False, allow_infinity=False))
    return value, draw(st.sampled_from(STYLES)).format(value)


ODD_CHARACTERS = st.sampled_from("0123456789+-.,eE %_'/x()±−–−٤４½\t\u00a0\u2009\u200b∞nNa?#")


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """A text with one character inserted, replaced or deleted; never empty."""
    at = draw(st.integers(0, len(text)))
    new = draw(ODD_CHARACTERS | st.characters(codec="utf-8", exclude_characters="\0"))
    forms = [text[:at] + new + text[at:]]
    if at < len(text):
        forms += [text[:at] + new + text[at + 1 :], text[:at] + text[at + 1 :]]
    return draw(st.sampled_from([form for form in forms if form]))
