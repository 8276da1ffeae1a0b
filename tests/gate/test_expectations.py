import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.contracts.csv.schema import Column, Table
from stages.contracts.study.tables import WAIVERS, models_table
from stages.gate.expectations import (
    FINDINGS_COLUMNS,
    Expectation,
    findings_expectations,
    matrix_expectations,
    models_expectations,
)

MODELS = models_table(["en", "ja"], ["japanese", "multilingual"])
REQUIRED = [column.name for column in MODELS.columns if column.required]


def of(expectations, kind, column=None):
    """All expectations of one kind about one column."""
    return [e for e in expectations if e.kind == kind and e.column == column]


def only(expectations, kind, column=None):
    (expectation,) = of(expectations, kind, column)
    return expectation


def test_the_contracts_do_not_pay_for_the_import_of_great_expectations():
    code = "import sys, stages.gate.expectations; print('great_expectations' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "False"


def test_every_expectation_says_its_rule_in_one_line():
    suites = [
        *models_expectations(MODELS, REQUIRED),
        *matrix_expectations({"niilc": (0, 1)}, ["a"], allow_missing=False),
        *findings_expectations(["range"]),
    ]
    assert all(e.note and "\n" not in e.note for e in suites)


def test_an_expectation_cannot_be_changed():
    with pytest.raises(AttributeError):
        Expectation("ExpectColumnValuesToNotBeNull", "x").column = "y"


class TestModels:
    def test_an_optional_column_is_expected_only_where_the_file_has_it(self):
        without = only(models_expectations(MODELS, REQUIRED), "ExpectTableColumnsToMatchSet")
        assert without.arguments == {"column_set": REQUIRED, "exact_match": True}
        present = models_expectations(MODELS, [*REQUIRED, "revision"])
        assert set(only(present, "ExpectTableColumnsToMatchSet").arguments["column_set"]) == {*REQUIRED, "revision"}
        assert only(present, "ExpectTableColumnCountToEqual").arguments == {"value": len(REQUIRED) + 1}

    def test_an_unknown_column_does_not_become_expected(self):
        assert models_expectations(MODELS, [*REQUIRED, "mood"]) == models_expectations(MODELS, REQUIRED)

    def test_the_key_is_unique_and_filled(self):
        suite = models_expectations(MODELS, REQUIRED)
        assert of(suite, "ExpectColumnValuesToBeUnique", "model_id")
        assert of(suite, "ExpectColumnValuesToNotBeNull", "model_id")

    def test_a_key_of_several_columns_is_unique_jointly(self):
        suite = models_expectations(WAIVERS, WAIVERS.names)
        joint = only(suite, "ExpectCompoundColumnsToBeUnique")
        assert joint.arguments == {"column_list": ["model_id", "benchmark", "check"]}

    def test_every_column_is_filled_unless_declared_blank(self):
        suite = models_expectations(MODELS, MODELS.names)
        filled = {e.column for e in suite if e.kind == "ExpectColumnValuesToNotBeNull"}
        assert filled == {column.name for column in MODELS.columns if not column.blank}

    def test_above_is_an_exclusive_bound_and_low_an_inclusive_one(self):
        suite = models_expectations(MODELS, REQUIRED)
        above = only(suite, "ExpectColumnValuesToBeBetween", "active_params_b").arguments
        assert (above["min_value"], above["strict_min"]) == (0, True)
        low = only(suite, "ExpectColumnValuesToBeBetween", "tokens_en_b").arguments
        assert (low["min_value"], low["strict_min"]) == (0, False)

    def test_a_number_without_bounds_is_still_finite(self):
        table = Table("t.csv", (Column("x", "number"),), key=("x",))
        bounds = only(models_expectations(table, ["x"]), "ExpectColumnValuesToBeBetween", "x").arguments
        assert bounds == {"min_value": -math.inf, "strict_min": True, "max_value": math.inf, "strict_max": True}

    def test_an_upper_bound_is_inclusive(self):
        table = Table("t.csv", (Column("x", "number", low=-1, high=2),), key=("x",))
        between = only(models_expectations(table, ["x"]), "ExpectColumnValuesToBeBetween", "x")
        assert between.arguments == {"min_value": -1, "strict_min": False, "max_value": 2, "strict_max": False}
        assert between.note == "is a finite number of at least -1 and of at most 2"

    def test_a_choice_has_its_values(self):
        suite = models_expectations(MODELS, REQUIRED)
        assert only(suite, "ExpectColumnValuesToBeInSet", "construction").arguments == {
            "value_set": ["scratch", "continual"]
        }
        assert only(suite, "ExpectColumnValuesToBeInSet", "group").arguments == {
            "value_set": ["japanese", "multilingual"]
        }

    def test_kinds_are_types(self):
        columns = (Column("i", "integer"), Column("x", "number"), Column("t"), Column("f", "flag"))
        suite = models_expectations(Table("t.csv", columns, key=("i",)), [])
        types = {e.column: e.arguments["type_list"] for e in suite if e.kind == "ExpectColumnValuesToBeInTypeList"}
        assert "float64" not in types["i"]
        assert "float64" in types["x"]
        assert types["t"] == ["str"]
        assert only(suite, "ExpectColumnValuesToBeInSet", "f").arguments == {"value_set": [True, False]}

    def test_a_table_has_rows_unless_declared_otherwise(self):
        assert of(models_expectations(MODELS, REQUIRED), "ExpectTableRowCountToBeBetween")
        assert not of(models_expectations(WAIVERS, WAIVERS.names), "ExpectTableRowCountToBeBetween")


class TestMatrix:
    def test_columns_rows_and_ranges_are_exact(self):
        suite = matrix_expectations({"niilc": (0, 1), "jcom": (-1, 2)}, ["b", "a"], allow_missing=False)
        columns = only(suite, "ExpectTableColumnsToMatchOrderedList").arguments
        assert columns == {"column_list": ["model_id", "niilc", "jcom"]}
        assert only(suite, "ExpectTableRowCountToEqual").arguments == {"value": 2}
        for kind in ("ExpectColumnValuesToBeInSet", "ExpectColumnDistinctValuesToContainSet"):
            assert only(suite, kind, "model_id").arguments == {"value_set": ["b", "a"]}
        assert of(suite, "ExpectColumnValuesToBeUnique", "model_id")
        assert only(suite, "ExpectColumnValuesToBeBetween", "jcom").arguments == {"min_value": -1, "max_value": 2}

    @given(
        st.dictionaries(st.text(min_size=1), st.tuples(st.floats(-9, 0), st.floats(0.5, 9)), min_size=1, max_size=5),
        st.booleans(),
    )
    def test_each_range_goes_with_completeness_unless_scores_may_be_missing(self, ranges, allow_missing):
        suite = matrix_expectations(ranges, ["m"], allow_missing)
        for benchmark, (low, high) in ranges.items():
            between = [e.arguments for e in of(suite, "ExpectColumnValuesToBeBetween", benchmark)]
            assert between == [{"min_value": low, "max_value": high}]
            filled = of(suite, "ExpectColumnValuesToNotBeNull", benchmark)
            assert len(filled) == (benchmark == "model_id") + (not allow_missing)


class TestFindings:
    def test_every_declared_check_has_a_row_and_no_error_is_left(self):
        suite = findings_expectations(["range", "zeros"])
        assert only(suite, "ExpectTableColumnsToMatchOrderedList").arguments["column_list"] == list(FINDINGS_COLUMNS)
        assert only(suite, "ExpectColumnDistinctValuesToContainSet", "check").arguments == {
            "value_set": ["range", "zeros"]
        }
        assert only(suite, "ExpectColumnValuesToBeInSet", "errors").arguments == {"value_set": [0]}
        assert of(suite, "ExpectColumnValuesToNotBeNull", "errors")
