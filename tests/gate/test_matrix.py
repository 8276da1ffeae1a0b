"""What the gate refuses, what it only says, and what passes in silence."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stages.analysis.scores.cells import correct, evaluated_cells, finish, published_cells, replace_cells, to_matrix
from stages.analysis.scores.correlation import pearson
from stages.analysis.scores.incomplete import leave_out
from stages.contracts.outcomes import RATES
from stages.contracts.params import AssembleParams, SuspicionParams
from stages.contracts.study.tables import CORRECTIONS
from stages.gate.corrections import stale_corrections
from stages.gate.findings import MATRIX_CHECKS, Finding, Judgement, findings_table, summary
from stages.gate.matrix import check_matrix, judge, judge_matrix
from tests.analysis.study import NO_WAIVERS, benchmarks, cells_of, params, scores, study_of, waiver
from tests.gate.suspicion_rates import honest_study


def lines(table: pd.DataFrame, facts: pd.DataFrame | None = None, waivers: pd.DataFrame = NO_WAIVERS) -> list[str]:
    """Every line of the gate on a published table, `severity: message`."""
    facts = benchmarks(list(table)) if facts is None else facts
    return judged(cells_of(table, facts, waivers), facts, waivers)


def judged(
    cells: pd.DataFrame, facts: pd.DataFrame, waivers: pd.DataFrame = NO_WAIVERS, **changes: object
) -> list[str]:
    X = to_matrix(cells, "score", list(cells["model_id"].unique()), list(facts.index))
    found = check_matrix(cells, X, facts, params(**changes), "scores.csv")
    return [f"{f.severity}: {f.message}" for f in judge(found, cells, waivers, "waivers.csv")]


def test_a_correction_of_a_score_that_was_not_published_is_refused_and_not_applied():
    table = scores()
    published = float(table.loc["model-3", "task_1"])
    facts = benchmarks(list(table))
    rows = [("model-3", "task_1", published, 0.5, "a", "b"), ("model-3", "task_2", 0.123, 0.5, "a", "b")]
    corrections = pd.DataFrame(rows, columns=CORRECTIONS.names)
    cells = cells_of(table, facts)
    for state in (cells, correct(cells, corrections, facts)):
        (finding,) = stale_corrections(state, corrections, facts, "metadata/x")
        assert (finding.severity, finding.model_id, finding.benchmark) == ("error", "model-3", "task_2")
        assert finding.message == (
            "metadata/x/corrections.csv: published task_2 of model-3 is 0.123, metadata/x/scores.csv has "
            f"{table.loc['model-3', 'task_2']:g}: remove the row or correct the published value"
        )
        assert finding in judge_matrix(state, table, study_of(table, facts), params(), "x").joined([finding]).findings
    assert list(state[state["origin"] == "corrected"]["benchmark"]) == ["task_1"]
    evaluated = cells.assign(origin="evaluated")
    assert stale_corrections(evaluated, corrections, facts, "metadata/x") == []


def test_an_honest_matrix_passes_without_a_word():
    assert lines(scores()) == []


def test_a_missing_cell_is_refused_by_name():
    table = scores()
    table.loc["model-3", ["task_1", "task_4"]] = np.nan
    assert lines(table) == [
        "error: scores.csv: model-3 has no score on task_1, task_4: add the scores, or choose "
        "what to do with assemble.missing"
    ]


def test_percent_is_refused_in_the_unit_of_the_table():
    table = scores()
    table.loc["model-3", "task_1"] = 46.2
    assert lines(table) == [
        "error: scores.csv: task_1 of model-3 is 46.2, expected 0 to 1: looks like percent, divide by 100"
    ]


def test_the_old_marker_of_a_missing_score_is_refused():
    table = scores()
    table.loc["model-3", "task_1"] = -0.01
    assert len(lines(table)) == 1
    assert "task_1 of model-3 is -0.01, expected 0 to 1" in lines(table)[0]


def test_ranges_are_those_declared():
    table = scores() * 100
    facts = benchmarks(list(table), max_score=100.0)
    assert lines(table, facts) == []
    table.loc["model-0", "task_0"] = 101
    assert "task_0 of model-0 is 101, expected 0 to 100" in lines(table, facts)[0]
    negative = (scores() - 1).assign(task_0=scores()["task_0"])
    facts = benchmarks(list(negative), min_score=[0.0] + [-1.0] * 4)
    assert lines(negative, facts) == []


def test_a_constant_benchmark_is_refused():
    assert "error: scores.csv: task_2 is 0.4 for all 12 models" in lines(scores().assign(task_2=0.4))[0]


@pytest.mark.parametrize("policy", ["drop_benchmarks", "drop_models"])
def test_leaving_out_everything_is_refused_in_one_line(policy: str):
    table = scores()
    for i, name in enumerate(table):
        table.loc[f"model-{i}" if policy == "drop_benchmarks" else slice(None), name] = np.nan
    (line,) = judged_after(policy, table)
    assert line.startswith("error: metadata/x/scores.csv: ")
    assert f"after assemble.missing: {policy}, choose another policy" in line


def judged_after(policy: str, table: pd.DataFrame, **columns: object) -> list[str]:
    """Return what the gate says of a table whose gaps are dealt with by a policy; the suspicion check aside."""
    facts = benchmarks(list(table), **columns)
    chosen = params(assemble=AssembleParams(corrections=False, mixed_protocols=False, missing=policy))
    X = leave_out(table, policy)
    cells = cells_of(table, facts)
    kept = cells[cells["model_id"].isin(X.index) & cells["benchmark"].isin(X.columns)]
    judgement = judge_matrix(kept, X, study_of(table, facts), chosen, "metadata/x")
    return [f"{f.severity}: {f.message}" for f in judgement.findings if f.check != "suspicious"]


def test_what_has_too_few_scores_cannot_be_modelled():
    table = scores()
    table.loc["model-3"] = np.nan
    table.loc[:, "task_2"] = table["task_2"].where(np.arange(12) < 2)
    errors = [line for line in judged_after("model", table) if line.startswith("error")]
    assert errors == [
        "error: metadata/x/scores.csv: model-3 has no score at all: evaluate it (evaluate.models), or remove it from "
        "models.csv and scores.csv",
        "error: metadata/x/scores.csv: task_2 has 2 scores: too few to predict the missing ones, at least 3 are "
        "needed",
    ]
    blank = judged_after("model", table * np.nan)
    assert sum(line.startswith("error") for line in blank) >= len(table)


def test_benchmarks_that_share_too_few_models_are_said_to_have_no_correlation():
    table = scores()
    table.loc[:, "task_1"] = table["task_1"].where(np.arange(12) < 6)
    table.loc[:, "task_2"] = table["task_2"].where(np.arange(12) >= 4)
    lines = judged_after("model", table)
    assert not any(line.startswith("error") for line in lines)
    assert lines[-1] == (
        "warning: metadata/x/scores.csv: fewer than 3 models have scores on both benchmarks in 1 of the pairs, "
        "such as task_1 and task_2: no correlation is computed for them"
    )
    r = pearson(table)
    assert np.isnan(r.loc["task_1", "task_2"])
    assert r.drop(index="task_1").drop(columns="task_1").notna().all(axis=None)


def test_a_score_at_a_declared_minimum_below_zero_is_a_marker_unless_waived():
    table = scores() * 2 - 1
    table.loc["model-3", "task_1"] = -1.0
    facts = benchmarks(list(table), min_score=-1.0)
    (line,) = lines(table, facts)
    assert line.startswith(
        "error: scores.csv: task_1 of model-3 is exactly -1: more often a marker of a missing score"
    )
    assert lines(table, facts, waiver("model-3", "task_1")) == ["waived: task_1 of model-3: zero waived: known"]


@pytest.mark.parametrize(("value", "which"), [(0.05, "lowest"), (1.0, "highest")])
def test_a_value_that_many_models_share_at_an_end_is_named(value: float, which: str):
    table = scores(20, 5)
    table.loc[table.index[:4], "task_1"] = value
    (line,) = lines(table)
    assert line.startswith(f"warning: scores.csv: task_1 is exactly {value:g} for 4 of 20 models, its {which} value")
    (percent,) = lines(table * 100, benchmarks(list(table), max_score=100.0))
    assert f"task_1 is exactly {value * 100:g} for 4 of 20 models" in percent
    table.loc[table.index[3], "task_1"] = 0.5
    assert lines(table) == []


def test_scores_below_zero_raise_no_suspicion_against_others():
    table, facts = suspicious_study()
    table["bbh"] -= 0.5
    facts.loc["bbh", "min_score"] = -1.0
    judgement = judge_matrix(cells_of(table, facts), table, study_of(table, facts), params(), "metadata/x")
    named = [(f.model_id, f.benchmark) for f in judgement.findings if f.check == "suspicious" and f.model_id]
    assert [benchmark for _, benchmark in named] == ["gsm8k"]
    assert any("bbh: scores may be below zero: not predicted" in line for line in judgement.warnings())


def test_copied_rows_and_columns_are_refused():
    table = scores()
    table.loc["model-5"] = table.loc["model-2"]
    assert "model-2 and model-5 have identical scores" in lines(table)[0]
    table = scores().assign(task_3=scores()["task_0"])
    assert "task_0 and task_3 have identical scores" in lines(table)[0]


def test_too_few_models_are_refused_and_few_are_warned_about():
    assert "error: scores.csv: 2 models in this subset, at least 3" in lines(scores(2, 5))[0]
    warned = lines(scores(5, 5))
    assert len(warned) == 1
    assert warned[0].startswith("warning: scores.csv: 5 models for 5 benchmarks")
    assert "at most 4 components" in warned[0]


def test_a_zero_is_refused_unless_waived_by_name():
    table = scores()
    table.loc["model-3", "task_1"] = 0.0
    assert "task_1 of model-3 is exactly 0" in lines(table)[0]
    assert lines(table)[0].startswith("error")
    assert lines(table, waivers=waiver("model-3", "task_1")) == ["waived: task_1 of model-3: zero waived: known"]
    assert lines(table, waivers=waiver("model-3", "task_1", "suspicious"))[0].startswith("error")


def test_zero_is_an_ordinary_value_where_scores_may_be_negative():
    table = scores() - 0.5
    table.loc["model-3", "task_1"] = 0.0
    assert lines(table, benchmarks(list(table), min_score=-1.0)) == []


def test_a_waiver_that_matches_nothing_is_an_error():
    found = lines(scores(), waivers=waiver("model-3", "task_1"))
    assert found == ["error: waivers.csv: the waiver of zero for task_1 of model-3 matches no finding: remove the row"]


def test_a_waiver_without_a_benchmark_is_for_the_model_as_a_whole():
    table = scores()
    found = [Finding("suspicious", "error", "model-3", "", "scores.csv: model-3 says nothing")]
    whole = waiver("model-3", "", "suspicious")
    waived = judge(found, cells_of(table, benchmarks(list(table))), whole, "waivers.csv")
    assert [(f.severity, f.message) for f in waived] == [("waived", "model-3 as a whole: suspicious waived: known")]
    message = "the waiver of suspicious for model-3 as a whole matches no finding: remove the row"
    assert lines(table, waivers=whole) == [f"error: waivers.csv: {message}"]


@pytest.mark.parametrize(
    ("row", "waived"),
    [
        (("model-3", "", ""), {("model-3", "task_1"), ("model-3", "task_2")}),
        (("model-3", "", "zero"), {("model-3", "task_1"), ("model-3", "task_2")}),
        (("model-3", "", "limited"), set()),
        (("", "task_1", ""), {("model-3", "task_1"), ("model-4", "task_1")}),
        (("", "", "zero"), {("model-3", "task_1"), ("model-3", "task_2"), ("model-4", "task_1")}),
        (("model-4", "task_1", ""), {("model-4", "task_1")}),
    ],
)
def test_a_waiver_may_cover_a_model_a_benchmark_or_a_kind(row: tuple[str, str, str], waived: set):
    table = scores()
    cells = [("model-3", "task_1"), ("model-3", "task_2"), ("model-4", "task_1")]
    for cell in cells:
        table.loc[cell] = 0.0
    facts = benchmarks(list(table))
    long = cells_of(table, facts)
    found = judge(check_matrix(long, table, facts, params(), "scores.csv"), long, waiver(*row), "waivers.csv")
    by = {
        severity: {(f.model_id, f.benchmark) for f in found if (f.check, f.severity) == ("zero", severity)}
        for severity in ("waived", "error")
    }
    assert by == {"waived": waived, "error": set(cells) - waived}
    assert [f.severity for f in found if f.check == "waivers"] == ([] if waived else ["error"])


def test_the_narrowest_waiver_gives_the_reason():
    table = scores()
    table.loc["model-3", "task_1"] = 0.0
    rows = pd.concat([waiver("model-3", "", "").assign(reason="all of it"), waiver("model-3", "task_1")])
    assert lines(table, waivers=rows) == ["waived: task_1 of model-3: zero waived: known"]


def test_a_waiver_of_a_kind_that_matches_nothing_here_is_a_warning():
    found = lines(scores(), waivers=waiver("", "task_1", ""))
    assert found == [
        "warning: waivers.csv: the waiver of every check for task_1 of all models matches no finding: remove the row"
    ]


def trial() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A model evaluated on two items of every benchmark, some of them wrong or empty."""
    table = scores()
    facts = benchmarks(list(table))
    odd = {name: i % 2 / 2 for i, name in enumerate(table)}
    entries = {name: evaluation(n_items=2, score=half, empty_rate=half) for name, half in odd.items()}
    newer = evaluated_cells("model-3", entries, facts)
    return finish(replace_cells(published_cells(table, facts, "s"), newer), list(table.index), list(table)), facts


def test_a_limited_trial_is_one_line_with_the_row_that_accepts_it():
    (line,) = judged(*trial())
    assert line == (
        "error: task_0 of model-3 was evaluated on 2 of 100 items, and on a part of the items of 4 other benchmarks: "
        "evaluate without evaluate.limit, or accept the trial by one row of waivers.csv: `model-3,,,REASON,SOURCE`"
    )
    accepted = judged(*trial(), waiver("model-3", "", ""))
    assert len(accepted) > 5
    assert all(line.startswith("waived") for line in accepted)


def test_a_waiver_of_a_model_outside_the_subset_is_out_of_scope():
    table = scores()
    cells = cells_of(table.drop(index="model-3"), benchmarks(list(table)))
    assert judged(cells, benchmarks(list(table)), waiver("model-3", "task_1")) == []


def evaluation(**changes: object) -> dict[str, object]:
    honest = {"score": 0.3, "stderr": 0.05, "n_items": 100, "protocol": "accuracy, 4-shot, generation",
              "empty_rate": 0.0, "failed_rate": 0.1, "capped_rate": 0.2, "refused_rate": 0.1,
              "truncated_rate": 0.0}  # fmt: skip
    return honest | changes


def with_evaluation(**changes: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = scores()
    facts = benchmarks(list(table))
    newer = evaluated_cells("model-3", {"task_1": evaluation(**changes)}, facts)
    return finish(replace_cells(published_cells(table, facts, "s"), newer), list(table.index), list(table)), facts


def test_an_honest_evaluation_passes():
    assert judged(*with_evaluation()) == []


LIMITS = {"empty_rate": 0.2, "failed_rate": 0.5, "capped_rate": 0.9, "refused_rate": 0.4, "truncated_rate": 0.3}


@pytest.mark.parametrize("rate", LIMITS)
def test_each_outcome_rate_has_a_limit_of_its_own(rate: str):
    """What is allowed is allowed to the limit; a limit of another rate neither refuses nor lets through."""
    gate = params().gate.model_copy(update={f"max_{name}": limit for name, limit in LIMITS.items()})
    at_limit, above = (judged(*with_evaluation(**{rate: LIMITS[rate] + more}), gate=gate) for more in (0.0, 0.01))
    assert at_limit == []
    (line,) = above
    assert f"task_1 of model-3: {rate} {LIMITS[rate] + 0.01:.3g} > {LIMITS[rate]:g}: looks like" in line


def test_every_rate_that_a_cell_records_is_judged():
    assert set(LIMITS) == set(RATES)
    (line,) = judged(*with_evaluation(**dict.fromkeys(RATES, 1.0)))
    assert all(f"{name} 1 >" in line for name in RATES)


@pytest.mark.parametrize("rate", LIMITS)
def test_outcome_rates_refuse_and_name_the_diagnosis(rate: str):
    (line,) = judged(*with_evaluation(**{rate: 0.95}))
    assert line.startswith("error: task_1 of model-3:")
    assert f"{rate} 0.95 >" in line
    assert "observatory diagnose model-3 --benchmark task_1" in line
    assert judged(*with_evaluation(**{rate: 0.95}), waiver("model-3", "task_1", "outcomes"))[0].startswith("waived")


def test_a_zero_names_the_table_or_the_evaluation_it_comes_from():
    (line,) = judged(*with_evaluation(score=0.0))
    assert "evaluation of model-3: task_1 of model-3 is exactly 0" in line
    assert "observatory diagnose model-3 --benchmark task_1" in line
    assert ".csv: " not in line
    assert "corrections.csv" not in line


def test_a_score_out_of_range_names_the_table_or_the_evaluation_it_comes_from():
    (line,) = judged(*with_evaluation(score=1.5))
    assert line.startswith("error: own evaluation: task_1 of model-3 is 1.5")
    table = scores()
    table.loc["model-3", "task_1"] = 1.5
    assert lines(table)[0].startswith("error: scores.csv: task_1 of model-3 is 1.5")


def test_a_limited_evaluation_is_refused_unless_waived():
    (line,) = judged(*with_evaluation(n_items=8))
    assert "was evaluated on 8 of 100 items" in line
    assert judged(*with_evaluation(n_items=8), waiver("model-3", "task_1", "limited"))[0].startswith("waived")


def test_an_evaluation_on_more_items_than_the_benchmark_has_is_doubtful():
    (line,) = judged(*with_evaluation(n_items=101))
    assert line.startswith("warning: task_1 of model-3 was evaluated on 101 items, benchmarks.csv gives 100: ")
    assert judged(*with_evaluation(n_items=101), waiver("model-3", "task_1", "items"))[0].startswith("waived")


def test_protocols_do_not_mix_unless_allowed():
    cells, facts = with_evaluation(protocol="exact match, 0-shot, generation")
    (line,) = judged(cells, facts)
    assert line.startswith("error: task_1: measured as 'exact match, 0-shot, generation' for model-3")
    (line,) = judged(cells, facts, assemble=AssembleParams(corrections=False, mixed_protocols=True, missing="refuse"))
    assert line.startswith("warning: task_1")


@given(
    st.integers(0, 11),
    st.integers(0, 4),
    st.one_of(st.just(0.0), st.floats(allow_nan=True, allow_infinity=True).filter(lambda x: not 0 <= x <= 1)),
)
@settings(max_examples=150, deadline=None)
def test_no_single_cell_outside_the_contract_passes(i: int, j: int, value: float):
    table = scores()
    table.iloc[i, j] = value
    found = lines(table)
    assert any(line.startswith("error") for line in found), value


@given(st.integers(0, 11), st.integers(0, 4), st.floats(0.01, 1.0))
@settings(max_examples=60, deadline=None)
def test_any_positive_score_in_range_passes_these_checks(i: int, j: int, value: float):
    table = scores()
    assume(value != table.iloc[i, j])
    table.iloc[i, j] = value
    assert lines(table) == []


def test_every_problem_is_named_at_once():
    table = scores()
    table.loc["model-0", "task_0"] = 0.0
    table.loc["model-1", "task_1"] = 46.2
    table.loc["model-2", "task_2"] = np.nan
    assert len([line for line in lines(table) if line.startswith("error")]) == 3


def suspicious_study() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A strong model has lost nearly all of its answers on one benchmark."""
    table, known = honest_study()
    table = table.dropna()
    table.loc[table["mmlu"].idxmax(), "gsm8k"] = 0.002
    return table, benchmarks(list(table), **{name: known[name].tolist() for name in ("chance", "n_items", "answer")})


@pytest.mark.parametrize("own", [True, False])
def test_a_suspicion_names_the_table_or_the_evaluation_it_comes_from(own: bool):
    table, facts = suspicious_study()
    cells = cells_of(table, facts)
    model = table["mmlu"].idxmax()
    if own:
        cells.loc[(cells["model_id"] == model) & (cells["benchmark"] == "gsm8k"), "origin"] = "evaluated"
    judgement = judge_matrix(cells, table, study_of(table, facts), params(), "metadata/x")
    (message,) = [f.message for f in judgement.findings if (f.check, f.benchmark) == ("suspicious", "gsm8k")]
    assert message.startswith(f"evaluation of {model}: gsm8k" if own else "metadata/x/scores.csv: gsm8k")


def suspicions(judgement: Judgement, severity: str) -> list[str]:
    return [f.benchmark for f in judgement.findings if (f.check, f.severity) == ("suspicious", severity)]


@pytest.mark.parametrize(("choice", "severity"), [("warn", "warning"), ("fail", "error")])
def test_a_suspicion_warns_or_closes_the_gate_as_chosen(choice: str, severity: str):
    table, facts = suspicious_study()
    chosen = params(gate=params().gate.model_copy(update={"suspicious": choice}))
    judgement = judge_matrix(cells_of(table, facts), table, study_of(table, facts), chosen, "metadata/x")
    assert suspicions(judgement, severity) == ["gsm8k"]
    assert len(judgement.problems()) == (choice == "fail")
    assert all("gsm8k of" in line and "near zero" in line for line in judgement.problems())


def test_the_thresholds_of_suspicion_are_those_of_the_parameters():
    table, facts = suspicious_study()
    lenient = params().gate.model_copy(update={"suspicion": SuspicionParams(min_drop=0.99)})
    judgement = judge_matrix(cells_of(table, facts), table, study_of(table, facts), params(gate=lenient), "metadata/x")
    assert suspicions(judgement, "warning") == []


def test_a_waived_suspicion_does_not_close_the_gate():
    table, facts = suspicious_study()
    strict = params(gate=params().gate.model_copy(update={"suspicious": "fail"}))
    known = waiver(str(table["gsm8k"].idxmin()), "gsm8k", "suspicious")
    judgement = judge_matrix(cells_of(table, facts, known), table, study_of(table, facts, known), strict, "metadata/x")
    assert judgement.problems() == []
    assert suspicions(judgement, "waived") == ["gsm8k"]


def test_the_summary_counts_each_check_also_silent_ones():
    table = scores()
    table.loc["model-3", "task_1"] = 0.0
    facts = benchmarks(list(table))
    cells = cells_of(table, facts)
    found = check_matrix(cells, table, facts, params(), "scores.csv")
    overview = summary(found, MATRIX_CHECKS).set_index("check")
    assert list(overview.index) == list(MATRIX_CHECKS)
    assert overview["errors"].to_dict() == {check: int(check == "zero") for check in MATRIX_CHECKS}
    assert list(findings_table(found)["model_id"]) == ["model-3"]
