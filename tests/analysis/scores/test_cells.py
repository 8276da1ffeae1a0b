"""From tables to cells and matrix."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.analysis.scores.cells import (
    binomial_stderr,
    correct,
    evaluated_cells,
    finish,
    mark_waived,
    missing_evaluations,
    published_cells,
    replace_cells,
    scaled_ranges,
    take_subset,
    to_matrix,
)
from tests.analysis.study import benchmarks, cells_of, scores, waiver

CORRECTION = pd.DataFrame(
    [("model-1", "task_0", 0.0, 0.25, "a failure", "a later run")],
    columns=["model_id", "benchmark", "published", "corrected", "reason", "source"],
)
EVALUATION = {
    "task_0": {"score": 0.3, "stderr": 0.05, "n_items": 80, "protocol": "accuracy, 4-shot, generation",
               "empty_rate": 0.0, "failed_rate": 0.1, "capped_rate": 0.0},
}  # fmt: skip


def corrected_scores() -> pd.DataFrame:
    """Return three models on two benchmarks, with the published score that `CORRECTION` is of."""
    table = scores(3, 2)
    table.loc["model-1", "task_0"] = 0.0
    return table


def test_scores_are_scaled_by_the_declared_maximum_and_negative_metrics_keep_their_range():
    facts = benchmarks(["pct", "comet", "loss"], max_score=[100.0, 1.0, 0.0], min_score=[np.nan, -1.0, -5.0])
    table = pd.DataFrame({"pct": [46.2], "comet": [-0.3], "loss": [-2.5]}, index=pd.Index(["m"], name="model_id"))
    cells = published_cells(table, facts, "s").set_index("benchmark")["score"]
    assert cells.to_dict() == {"pct": pytest.approx(0.462), "comet": -0.3, "loss": -2.5}
    assert scaled_ranges(facts) == {"pct": (0, 1), "comet": (-1, 1), "loss": (-5, 0)}


def test_a_missing_score_stays_missing():
    table = scores(3, 2)
    table.iloc[1, 0] = np.nan
    cells = cells_of(table, benchmarks(list(table)))
    assert np.isnan(to_matrix(cells, "score", list(table.index), list(table)).iloc[1, 0])
    assert cells["score"].isna().sum() == 1


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_matrix_and_cells_hold_the_same_numbers_in_any_order(seed: int):
    table = scores(6, 4, seed)
    facts = benchmarks(list(table))
    shuffled = published_cells(table.sample(frac=1, random_state=seed), facts, "s").sample(frac=1, random_state=seed)
    cells = finish(shuffled, list(table.index), list(table))
    pd.testing.assert_frame_equal(to_matrix(cells, "score", list(table.index), list(table)), table)
    assert list(cells["model_id"][:4]) == ["model-0"] * 4
    assert list(cells["benchmark"][:4]) == list(table)


def test_a_correction_carries_its_origin_reason_and_source():
    table = corrected_scores()
    facts = benchmarks(list(table), max_score=1.0)
    cell = correct(published_cells(table, facts, "s"), CORRECTION, facts).set_index(["model_id", "benchmark"])
    changed = cell.loc[("model-1", "task_0")]
    assert (changed["score"], changed["origin"], changed["reason"]) == (0.25, "corrected", "a failure")
    assert changed["source"] == "a later run"
    assert (cell.drop(index=("model-1", "task_0"))["origin"] == "published").all()


def test_a_correction_of_another_score_than_published_changes_nothing():
    facts = benchmarks(["task_0", "task_1"])
    cells = published_cells(scores(3, 2), facts, "s")
    pd.testing.assert_frame_equal(correct(cells, CORRECTION, facts), cells)


def test_an_evaluation_outranks_a_correction_and_a_published_score():
    table = corrected_scores()
    facts = benchmarks(list(table))
    cells = correct(published_cells(table, facts, "s"), CORRECTION, facts)
    merged = replace_cells(cells, evaluated_cells("model-1", EVALUATION, facts))
    assert len(merged) == len(cells)
    cell = merged.set_index(["model_id", "benchmark"]).loc[("model-1", "task_0")]
    assert (cell["score"], cell["origin"], cell["n_items"], cell["failed_rate"]) == (0.3, "evaluated", 80, 0.1)


def test_a_correction_leaves_an_evaluated_cell_alone_in_whatever_order():
    """An evaluation is newer evidence than a correction of what was published before it."""
    table = scores(3, 2)
    facts = benchmarks(list(table))
    newer = evaluated_cells("model-1", EVALUATION, facts)
    merged = replace_cells(published_cells(table, facts, "s"), newer)
    pd.testing.assert_frame_equal(correct(merged, CORRECTION, facts), merged)


def test_a_partial_evaluation_is_listed():
    facts = benchmarks(["task_0", "task_1", "task_2"])
    assert missing_evaluations(EVALUATION, facts) == ["task_1", "task_2"]


def test_a_corrected_cell_needs_no_waiver():
    table = corrected_scores()
    facts = benchmarks(list(table))
    cells = correct(published_cells(table, facts, "s"), CORRECTION, facts)
    assert not mark_waived(cells, waiver("model-1", "task_0"))["waived"].any()
    assert mark_waived(cells, waiver("model-2", "task_0"))["waived"].sum() == 1


def test_a_waiver_that_names_no_cell_marks_what_is_zero():
    """Accepting a trial as a whole is not accepting failures one by one."""
    table = scores(3, 2)
    table.loc["model-1", "task_0"] = 0.0
    cells = published_cells(table, benchmarks(list(table)), "s")
    for row, marked in ((("model-1", "", ""), 1), (("", "task_0", "zero"), 1), (("model-1", "", "limited"), 0)):
        found = mark_waived(cells, waiver(*row))
        assert found["waived"].sum() == marked
        assert set(found.loc[found["waived"], "model_id"]) <= {"model-1"}


def test_standard_errors_given_are_kept_and_missing_ones_are_binomial():
    table = scores(2, 2)
    facts = benchmarks(list(table))
    merged = replace_cells(published_cells(table, facts, "s"), evaluated_cells("model-1", EVALUATION, facts))
    cells = finish(merged, list(table.index), list(table)).set_index(["model_id", "benchmark"])
    assert cells.loc[("model-1", "task_0"), "stderr"] == 0.05
    p = table.loc["model-0", "task_0"]
    assert cells.loc[("model-0", "task_0"), "stderr"] == pytest.approx((p * (1 - p) / 100) ** 0.5)


def test_subsets_keep_the_order_of_the_table():
    models = pd.DataFrame(
        {"construction": ["scratch", "continual", "scratch"], "group": ["ja", "ja", "en"]}, index=["a", "b", "c"]
    )
    assert list(take_subset(models, "scratch").index) == ["a", "c"]
    assert list(take_subset(models, "ja").index) == ["a", "b"]
    assert list(take_subset(models, "all").index) == ["a", "b", "c"]


def test_standard_error_of_a_half_on_250_items():
    # Saito et al. 2024, section 4.2: 0.032
    assert binomial_stderr(pd.Series([0.5]), pd.Series([250]))[0] == pytest.approx(0.0316, abs=1e-4)


def test_a_score_that_is_no_share_has_no_binomial_error():
    result = binomial_stderr(pd.Series([-0.2, 0.5, 1.2]), pd.Series([100, None, 100], dtype="Int64"))
    assert result.isna().all()
