"""Values out of range: one line for a cell, one for a whole column, row or table in percent."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.contracts.ranges import range_problem, range_problems

UNIT = {"jsquad": (0, 1), "mgsm_ja": (0, 1)}
WHERE = "metadata/japanese-2024/scores.csv"


def table(jsquad, mgsm_ja):
    names = ["tokyotech-llm/Swallow-7b-hf", "b", "c", "d"][: len(jsquad)]
    return pd.DataFrame({"model_id": names, "jsquad": jsquad, "mgsm_ja": mgsm_ja})


@pytest.mark.parametrize(
    ("value", "bounds", "problem"),
    [
        (0.5, (0, 1), None),
        (0.0, (0, 1), None),
        (1.0, (0, 1), None),
        (math.nan, (0, 1), None),
        (46.2, (0, 1), "expected 0 to 1: looks like percent, divide by 100"),
        (100.0, (0, 1), "expected 0 to 1: looks like percent, divide by 100"),
        (100.5, (0, 1), "expected 0 to 1"),
        (-0.2, (0, 1), "expected 0 to 1"),
        (-1.0, (0, 1), "expected 0 to 1: looks like a marker, leave the cell empty when the value is missing"),
        (-0.01, (0, 1), "expected 0 to 1: looks like a marker, leave the cell empty when the value is missing"),
        (9999.0, (0, 1), "expected 0 to 1: looks like a marker, leave the cell empty when the value is missing"),
        (50.0, (0, 10), "expected 0 to 10"),  # percent of 10 would not be fixed by dividing by 100
        (-3.0, (0, None), "expected at least 0"),
        (7.0, (None, 5), "expected at most 5"),
        (0.0, (None, None, 0), "expected more than 0"),
        (1e-9, (None, None, 0), None),
        (math.inf, (0, None), None),
        (7.5, (None, 5.25, 0), "expected more than 0 and at most 5.25"),
    ],
)
def test_range_problem_names_the_range_and_the_remedy(value, bounds, problem):
    assert range_problem(value, *bounds) == problem


def test_range_problems_tells_one_cell_with_row_and_column():
    lines = range_problems(table([0.4, 0.5], [46.2, 0.3]), WHERE, UNIT, "model_id")
    assert lines == [
        f"{WHERE}: mgsm_ja of tokyotech-llm/Swallow-7b-hf is 46.2, expected 0 to 1: looks like percent, divide by 100"
    ]


def test_range_problems_takes_one_value_as_a_cell_even_where_all_others_are_missing():
    for frame in (table([0.4], [46.2]), table([math.nan, math.nan], [46.2, 0])):
        (line,) = range_problems(frame, WHERE, UNIT, "model_id")
        assert "mgsm_ja of tokyotech-llm/Swallow-7b-hf is 46.2" in line


def test_range_problems_tells_a_column_in_percent_once():
    lines = range_problems(table([0.4, 0.5, 0.1, 0.2], [46.2, 30, 0, math.nan]), WHERE, UNIT, "model_id")
    assert lines == [
        f"{WHERE}: every value of column mgsm_ja is out of range "
        "(46.2 in mgsm_ja of tokyotech-llm/Swallow-7b-hf), expected 0 to 1: looks like percent, divide by 100"
    ]


def test_range_problems_tells_a_row_in_percent_once():
    lines = range_problems(table([0.4, 50], [0.3, 60]), WHERE, UNIT, "model_id")
    assert len(lines) == 1
    assert "every value of b is out of range (50 in jsquad of b)" in lines[0]


def test_range_problems_tells_a_table_in_percent_once():
    lines = range_problems(table([40, 50], [46.2, 60]), WHERE, UNIT, "model_id")
    assert len(lines) == 1
    assert "every value of the table" in lines[0]


def test_range_problems_tells_groups_and_other_cells_apart():
    lines = range_problems(table([0.4, -5, 0.1], [46.2, 30, 20]), WHERE, UNIT, "model_id")
    assert ["every value of column mgsm_ja" in line for line in lines] == [True, False]
    assert lines[1] == f"{WHERE}: jsquad of b is -5, expected 0 to 1: correct it"


def test_range_problems_takes_columns_of_other_units_beside_a_table_in_percent():
    frame = table([40, 50], [46.2, 60]).assign(n_items=pd.array([100, None], dtype="Int64"))
    lines = range_problems(frame, WHERE, {**UNIT, "n_items": (1, None)}, ["model_id"])
    assert len(lines) == 1
    assert "every value of the table" in lines[0]


def test_range_problems_of_one_kind_are_one_line_and_of_other_kinds_others():
    frame = pd.DataFrame({"m": [f"m{i}" for i in range(300)], "x": np.full(300, -5.0), "n": np.full(300, 2.0)})
    frame.loc[3, "x"], frame.loc[5, "n"] = -1.0, 0.0
    assert range_problems(frame, "t", {"x": (0, 1), "n": (1, None)}, "m") == [
        "t: x of m0 is -5, expected 0 to 1: correct it; 298 more of this kind: x of m1, x of m2, x of m4, x of m5, "
        "x of m6 and 293 more",
        "t: x of m3 is -1, expected 0 to 1: looks like a marker, leave the cell empty when the value is missing",
        "t: n of m5 is 0, expected at least 1: correct it",
    ]


def test_range_problems_is_quiet_without_rows_or_ranges():
    assert range_problems(table([], []), WHERE, UNIT, "model_id") == []
    assert range_problems(table([5], [5]), WHERE, {"absent": (0, 1)}, "model_id") == []


cells = st.floats(-200, 200) | st.just(math.nan)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=4))
def test_range_problems_refuses_exactly_the_tables_with_a_value_out_of_range(rows):
    frame = table(*map(list, zip(*rows, strict=True)))
    bad = any(range_problem(value, 0, 1) for row in rows for value in row)
    assert bool(range_problems(frame, WHERE, UNIT, "model_id")) == bad


def test_the_rows_in_percent_of_a_large_table_are_one_line():
    X = np.random.default_rng(0).uniform(2, 100, (5_000, 100))
    X[::2] /= 100
    frame = pd.DataFrame(X, columns=[f"b{j}" for j in range(100)]).assign(m=[f"m{i}" for i in range(5_000)])
    (line,) = range_problems(frame, "t", {f"b{j}": (0, 1) for j in range(100)}, "m")
    assert line.startswith("t: every value of m1 is out of range (")
    assert line.endswith("divide by 100; 2499 more of this kind: m3, m5, m7, m9, m11 and 2494 more")
