"""Tables and records compared number by number."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lineage.differences import Difference, is_close, record_differences, table_differences


def table(**columns: list) -> pd.DataFrame:
    return pd.DataFrame({"name": ["a", "b"], "x": [1.0, np.nan], "n": [3, 4], **columns})


def test_equal_tables_have_no_difference():
    assert list(table_differences(table(), table())) == []


def test_a_cell_is_named_by_row_and_column():
    other = table()
    other.loc[0, "x"] = 1.5
    assert list(table_differences(table(), other)) == [Difference("a x", 1.0, 1.5)]


def test_missing_is_not_a_number():
    other = table()
    other.loc[1, "x"] = 0.0
    (found,) = table_differences(table(), other)
    assert found.place == "b x"
    assert math.isinf(found.size)


def test_rows_and_columns_that_one_table_lacks_are_named():
    other = pd.DataFrame({"name": ["a", "c"], "x": [1.0, 2.0], "m": [1, 2]})
    places = {found.place for found in table_differences(table(), other)}
    assert places == {"column n", "column m", "row b", "row c"}


def test_rows_are_matched_by_name_and_not_by_place():
    other = table().iloc[::-1].reset_index(drop=True)
    assert {found.place for found in table_differences(table(), other)} == set()


def test_rows_without_text_are_matched_by_place():
    first, second = pd.DataFrame({"x": [1.0, 2.0]}), pd.DataFrame({"x": [1.0, 3.0]})
    assert list(table_differences(first, second)) == [Difference("row 2 x", 2.0, 3.0)]


def test_a_missing_text_is_part_of_a_name():
    first = pd.DataFrame({"name": ["a", "a"], "kind": ["x", None], "v": [1.0, 2.0]})
    assert list(table_differences(first, first.assign(v=[1.0, 3.0]))) == [Difference("a: v", 2.0, 3.0)]


def test_rows_of_one_name_are_matched_by_place():
    first = pd.DataFrame({"name": ["a", "a"], "v": [1.0, 2.0]})
    assert list(table_differences(first, first.assign(v=[1.0, 3.0]))) == [Difference("row 2 v", 2.0, 3.0)]


def test_an_index_names_rows():
    first = table().set_index("name")
    second = first.assign(n=[3, 5])
    assert list(table_differences(first, second)) == [Difference("b n", 4, 5)]


def test_without_tolerance_the_last_digit_counts():
    other = table()
    other.loc[0, "x"] = 1.0 + 1e-15
    assert list(table_differences(table(), other)) == []
    assert [found.place for found in table_differences(table(), other, relative=0.0)] == ["a x"]


@given(st.floats(-1e300, 1e300), st.floats(-1e-10, 1e-10))
def test_numbers_agree_up_to_rounding(value: float, relative: float):
    assert is_close(value, value * (1 + relative))


@pytest.mark.parametrize(("first", "second"), [(1.0, 1.0 + 1e-8), (True, 1), ("a", "b"), (None, 0.0), (0.0, 1e-9)])
def test_other_values_do_not(first: object, second: object):
    assert not is_close(first, second)


def test_records_are_compared_by_leaf():
    first = {"a": {"b": 1, "c": [1, 2]}, "d": 2}
    second = {"a": {"b": 2, "c": [1, 3]}, "e": 1}
    found = {item.place: (item.first, item.second) for item in record_differences(first, second)}
    assert found == {"a.b": (1, 2), "a.c": ([1, 2], [1, 3]), "d": (2, None), "e": (None, 1)}


def test_size_is_the_distance_of_numbers():
    assert Difference("x", 1.0, 0.25).size == 0.75
    assert math.isinf(Difference("x", "a", "b").size)
    assert math.isinf(Difference("x", None, 1.0).size)
