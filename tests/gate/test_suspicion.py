import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.contracts.params import SuspicionParams
from stages.gate.suspicion import find_suspicions
from tests.gate.suspicion_rates import (
    CODE,
    EXACT_MATCH,
    ONE_LINE,
    Case,
    factor_matrix,
    half_columns,
    honest_study,
    newcomers,
    plant,
    study,
    tally,
)

STRONG = "meta-llama/Meta-Llama-3-70B"
MIDDLE = "meta-llama/Meta-Llama-3-8B"
WEAK = "llm-jp/llm-jp-13b-v2.0"


@pytest.fixture(scope="module")
def honest():
    return honest_study()


def cells(report):
    return {(s.model_id, s.benchmark) for s in report.suspicions}


def facts(n, chance=0.0, items=1000.0, answer="generation"):
    names = [f"b{j}" for j in range(n)]
    return pd.DataFrame({"chance": chance, "n_items": items, "answer": answer}, index=names)


# the shipped study


def test_shipped_study_with_its_zeros_known_reports_three_cells_that_look_like_failures():
    scores, table, zeros = study()
    assert len(zeros) == 6
    assert cells(find_suspicions(scores, table, known=zeros)) == {
        ("CohereForAI/c4ai-command-r-v01", "humaneval"),
        ("CohereForAI/c4ai-command-r-v01", "jhumaneval"),
        ("Qwen/Qwen1.5-7B", "bbh"),
    }


def test_shipped_study_reports_all_six_zeros_when_nobody_declares_them():
    scores, table, zeros = study()
    report = find_suspicions(scores, table)
    assert set(zeros) <= cells(report)
    assert {s.kind for s in report.suspicions if (s.model_id, s.benchmark) in zeros} == {"near zero"}


def test_shipped_study_without_its_failures_is_quiet(honest):
    assert find_suspicions(*honest) == find_suspicions(honest[0].iloc[::-1], honest[1])
    assert find_suspicions(*honest).suspicions == ()


# honest models


@pytest.mark.parametrize("kind", ["ja", "en"])
def test_a_specialist_of_one_language_is_not_suspected(kind):
    assert all(tally(newcomers(np.random.default_rng(seed), kind, 1)).besides == 0 for seed in range(3))


@pytest.mark.parametrize("seed", range(8))
def test_a_weak_model_at_chance_is_not_suspected(seed):
    case = newcomers(np.random.default_rng(seed), "weak", 1)
    assert "newcomer-0" not in {s.model_id for s in find_suspicions(case.scores, case.facts).suspicions}


@pytest.mark.parametrize("seed", range(4))
def test_a_group_of_weak_models_at_chance_is_not_suspected(seed):
    case = newcomers(np.random.default_rng(seed), "weak", 4)
    assert not any(s.model_id.startswith("newcomer") for s in find_suspicions(case.scores, case.facts).suspicions)


def test_honest_zeros_of_many_weak_models_on_a_hard_benchmark_are_not_suspected():
    # ability is one line; the last benchmark asks for more than most models have
    rng = np.random.default_rng(0)
    ability = np.linspace(0, 1, 40)[:, None]
    scores = 0.2 + 0.6 * ability * rng.uniform(0.5, 1, 10) + 0.02 * rng.standard_normal((40, 10))
    scores[:, -1] = np.clip(1.5 * (ability[:, 0] - 0.6), 0, 1)
    case = Case(pd.DataFrame(scores, [f"m{i:02d}" for i in range(40)], facts(10).index), facts(10))
    assert (scores[:, -1] == 0).sum() > 20
    assert tally(case).besides == 0


# planted failures


@pytest.mark.parametrize("model", [MIDDLE, STRONG])
@pytest.mark.parametrize("names", [["jsquad"], ["gsm8k"], ["niilc"], ["xlsum_ja"], CODE, EXACT_MATCH, ONE_LINE])
def test_zeros_of_a_model_that_can_do_better_are_reported(honest, model, names):
    result = tally(plant(*honest, model, dict.fromkeys(names, 0.0)))
    assert result.hit == result.planted == len(names)
    assert result.besides == 0


@pytest.mark.parametrize("name", ["mmlu", "hellaswag", "xwino", "jcommonsenseqa"])
def test_a_score_at_chance_of_a_strong_model_is_far_below_prediction(honest, name):
    scores, table = honest
    case = plant(scores, table, STRONG, {name: table.loc[name, "chance"]})
    (found,) = find_suspicions(case.scores, case.facts).suspicions
    assert (found.model_id, found.benchmark, found.kind) == (STRONG, name, "far below prediction")
    assert found.score == table.loc[name, "chance"]
    assert found.expected == pytest.approx(scores.loc[STRONG, name], abs=0.1)
    assert f"{name} of {STRONG} is {found.score:.4g}" in found.detail


@pytest.mark.parametrize("model", [WEAK, MIDDLE, STRONG])
def test_a_model_without_output_is_reported_once_as_a_whole(honest, model):
    scores, table = honest
    free = {name: 0.01 * scores.loc[model, name] for name in scores if table.loc[name, "answer"] == "generation"}
    case = plant(scores, table, model, free)
    (found,) = find_suspicions(case.scores, case.facts).suspicions
    assert (found.model_id, found.benchmark, found.kind) == (model, "", "free-form near zero")
    assert found.score < 0.02 < found.expected
    assert "of 15 free-form benchmarks" in found.detail


@pytest.mark.parametrize("model", [WEAK, MIDDLE, STRONG])
def test_a_model_that_guesses_and_says_nothing_is_silent(honest, model):
    scores, table = honest
    change = {name: table.loc[name, "chance"] or 0.01 * scores.loc[model, name] for name in scores}
    (found,) = find_suspicions(plant(scores, table, model, change).scores, table).suspicions
    assert (found.model_id, found.benchmark, found.kind) == (model, "", "silent")
    assert "at chance on all 6 benchmarks that can be guessed and near zero on all 13 others" in found.detail
    # one long answer that was partly right is what a weak model has
    change["jsquad"] = 0.2 * scores.loc[model, "jsquad"]
    kinds = {s.kind for s in find_suspicions(plant(scores, table, model, change).scores, table).suspicions}
    assert "silent" not in kinds


def test_a_free_form_benchmark_that_worked_is_not_named_among_those_that_failed(honest):
    scores, table = honest
    free = [name for name in scores if table.loc[name, "answer"] == "generation"]
    change = {name: (0.3 if name == "jsquad" else 0.01) * scores.loc[STRONG, name] for name in free}
    case = plant(scores, table, STRONG, change)
    (found,) = find_suspicions(case.scores, case.facts).suspicions
    assert found.kind == "free-form near zero"
    assert "14 of 15 free-form benchmarks" in found.detail
    assert "jsquad" not in found.detail


def test_a_third_of_the_models_without_output_is_reported(honest):
    scores, table = honest[0].copy(), honest[1]
    silent = sorted(scores.index)[::3]
    free = table.index[table["answer"] == "generation"]
    scores.loc[silent, free] *= 0.01
    report = find_suspicions(scores, table)
    assert cells(report) == {(model, "") for model in silent}


@pytest.mark.parametrize("n_models", [1, 5, 35])
def test_a_row_of_zeros_is_reported_once_whatever_the_number_of_models(honest, n_models):
    scores, table = honest
    case = plant(scores.iloc[:n_models], table, scores.index[0], dict.fromkeys(scores, 0.0))
    (found,) = find_suspicions(case.scores, case.facts).suspicions
    assert (found.benchmark, found.kind, found.score) == ("", "near zero everywhere", 0)


def test_a_benchmark_that_half_of_the_models_fail_is_reported_and_nothing_else():
    for result in map(tally, half_columns()[::5]):
        assert result.hit > result.planted / 2
        assert result.besides == 0


def test_a_failure_from_next_to_nothing_to_zero_cannot_be_seen(honest):
    # 0.0334 on GSM8K and 0.012 on MGSM are less than `min_drop` away from zero
    assert tally(plant(*honest, WEAK, {"gsm8k": 0.0, "mgsm_ja": 0.0})).hit == 0


def test_failures_are_found_in_a_matrix_with_gaps_and_in_one_with_more_benchmarks_than_models():
    for n, p in [(60, 20), (20, 50)]:
        case = factor_matrix(np.random.default_rng(n), n, p, 30)
        rng = np.random.default_rng(p)
        scores = case.scores.mask(rng.random(case.scores.shape) < 0.1)
        free = case.facts.index[case.facts["chance"] == 0]
        strong = scores.mean(axis=1).nlargest(3).index
        changes = [(model, name) for model in strong for name in scores.loc[model, free].nlargest(2).index]
        results = [tally(plant(scores, case.facts, model, {name: 0.0})) for model, name in changes]
        assert [r.planted for r in results] == [1] * 6
        assert sum(r.hit for r in results) >= 5


# rules that need no prediction


def test_below_chance_takes_half_of_chance_and_four_standard_errors():
    # chance 0.25, 100 items: standard error 0.0433, so 0.25 - 4 * 0.0433 = 0.0768; items unknown: 0.125
    scores = pd.DataFrame({"b0": [0.076, 0.078, 0.24], "b1": [0.12, 0.13, 0.24], "b2": [0.2, 0.1, 0.2]}, list("abc"))
    table = facts(3, chance=[0.25, 0.25, 0.0], items=[100, np.nan, 100])
    report = find_suspicions(scores, table)
    assert cells(report) == {("a", "b0"), ("a", "b1")}
    assert {(s.kind, s.expected) for s in report.suspicions} == {("below chance", 0.25)}


def test_near_zero_everywhere_is_no_verdict_on_a_weak_model_without_guessable_benchmarks():
    scores = pd.DataFrame([[0.5] * 4, [0.6] * 4, [0.004] * 4, [0.0] * 4], list("abcd"), facts(4).index)
    assert cells(find_suspicions(scores, facts(4))) == {("d", "")}


# what cannot be computed


def test_fewer_than_eight_models_give_a_note_and_no_prediction(honest):
    scores, table = honest
    report = find_suspicions(scores.iloc[:7], table)
    assert report.suspicions == ()
    (note,) = report.notes
    assert note.startswith("7 models, 0 benchmarks")


def test_benchmarks_and_models_that_cannot_be_predicted_are_named(honest):
    scores, table = honest[0].copy(), honest[1]
    scores["bbh"] = 0.4
    scores.loc[scores.index[7:], "mmlu"] = np.nan
    scores.loc[STRONG, scores.columns[3:]] = np.nan
    scores.loc[WEAK] = np.nan
    report = find_suspicions(scores, table)
    assert report.suspicions == ()
    assert report.notes == (
        "bbh: the same score for all models: not predicted",
        "mmlu: 7 scores, fewer than 8: not predicted",
        f"{STRONG}: fewer than 4 usable scores: not predicted",
    )


def test_a_matrix_without_multiple_choice_says_what_it_cannot_tell(honest):
    scores, table = honest
    free = table.index[table["answer"] == "generation"]
    assert any("no multiple-choice" in note for note in find_suspicions(scores[free], table).notes)


def test_an_empty_matrix_gives_a_note():
    assert find_suspicions(pd.DataFrame(columns=["b0"], dtype=float), facts(1)).notes


# input


def test_known_cells_and_scores_off_the_scale_are_treated_as_missing(honest):
    scores, table = honest
    cell = (STRONG, "gsm8k")
    missing, broken = scores.copy(), scores.copy()
    missing.loc[cell], broken.loc[cell] = np.nan, 0.0
    assert cells(find_suspicions(broken, table)) == {cell}
    assert find_suspicions(broken, table, known={cell, ("nobody", "gsm8k")}) == find_suspicions(missing, table)
    off, none = scores.copy(), scores.copy()
    off["gsm8k"], off["bbh"], none["gsm8k"], none["bbh"] = 100 * off["gsm8k"], -off["bbh"], np.nan, np.nan
    assert find_suspicions(off, table) == find_suspicions(none, table)


def test_input_is_not_changed(honest):
    scores, table = honest[0].copy(), honest[1].copy()
    find_suspicions(scores, table, known=[(STRONG, "gsm8k")])
    pd.testing.assert_frame_equal(scores, honest[0])
    pd.testing.assert_frame_equal(table, honest[1])


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_of_models_and_benchmarks_does_not_matter(random):
    scores, table, _ = study()
    rows, columns = list(scores.index), list(scores.columns)
    random.shuffle(rows)
    random.shuffle(columns)
    assert find_suspicions(scores.loc[rows, columns], table) == find_suspicions(scores, table)


def test_suspicions_are_sorted():
    scores, table, _ = study()
    keys = [(s.model_id, s.benchmark) for s in find_suspicions(scores, table).suspicions]
    assert keys == sorted(keys)


def test_repeated_names_and_benchmarks_without_facts_are_refused(honest):
    scores, table = honest
    with pytest.raises(ValueError, match="appears twice"):
        find_suspicions(pd.concat([scores, scores.iloc[:1]]), table)
    with pytest.raises(ValueError, match=r"no facts of bbh, mmlu$"):
        find_suspicions(scores, table.drop(index=["mmlu", "bbh"]))


# thresholds


def test_thresholds_decide(honest):
    scores, table = honest
    case = plant(scores, table, STRONG, {"mmlu": 0.25, "gsm8k": 0.0})
    assert cells(find_suspicions(case.scores, table)) == {(STRONG, "mmlu"), (STRONG, "gsm8k")}
    only_zero = SuspicionParams(far_z=1e3)
    assert cells(find_suspicions(case.scores, table, only_zero)) == {(STRONG, "gsm8k")}
    nothing = SuspicionParams(min_drop=0.9)
    assert cells(find_suspicions(case.scores, table, nothing)) == set()


@pytest.mark.slow
def test_five_thousand_models_on_a_hundred_benchmarks():
    case = factor_matrix(np.random.default_rng(3), 5000, 100, 30)
    easy = case.scores.columns[(case.scores.quantile(0.25) > 0.4) & (case.facts["chance"] == 0)][0]
    model = case.scores.mean(axis=1).idxmax()
    broken = plant(case.scores, case.facts, model, {easy: 0.0})
    result = tally(broken)
    assert result.hit == 1
    assert result.besides < 0.0005 * result.cells
