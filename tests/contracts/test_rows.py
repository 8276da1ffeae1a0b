from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from stages.contracts.rows import is_missing, rows_of


class Pair(NamedTuple):
    name: str
    size: int


def test_rows_are_records_of_the_named_columns_whatever_their_order():
    frame = pd.DataFrame({"size": [1, 2], "other": [None, 3.0], "name": ["a", "b"]}, index=["x", "y"])
    assert list(rows_of(frame, Pair)) == [Pair("a", 1), Pair("b", 2)]


def test_a_missing_column_is_an_error_but_not_where_there_are_no_rows():
    assert list(rows_of(pd.DataFrame(), Pair)) == []
    with pytest.raises(KeyError, match="size"):
        rows_of(pd.DataFrame({"name": ["a"]}), Pair)


@pytest.mark.parametrize("value", [None, np.nan, pd.NA, pd.NaT])
def test_what_is_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", ["", 0, False, np.inf, "nan"])
def test_what_is_not_missing(value):
    assert not is_missing(value)
