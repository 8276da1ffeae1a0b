"""Tables that are wrong in one way each: the gate says so in one line, with the fix, and any of them can be waived."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from stages.analysis.scores.cells import correct, to_matrix
from stages.contracts.study.tables import CORRECTIONS, DEFINITE
from stages.gate.findings import Judgement
from stages.gate.matrix import judge_matrix
from tests.analysis.study import NO_WAIVERS, benchmarks, cells_of, params, study_of, waiver

JAPANESE = ["jmmlu", "niilc", "xlsum_ja"]
NAMES = ["arc", "bbh", "gsm8k", "hellaswag", "mmlu", *JAPANESE]


class Tables(NamedTuple):
    """Scores, facts about the benchmarks, and the group of each model."""

    scores: pd.DataFrame
    facts: pd.DataFrame
    groups: list[str]


@pytest.fixture(scope="module")
def honest() -> Tables:
    """Twenty-four models whose scores follow one ability, on 1,000 items each."""
    rng = np.random.default_rng(4)
    ability = np.sort(rng.normal(size=24))[:, None]
    X = 0.5 + 0.13 * ability * rng.uniform(0.8, 1.2, 8) + rng.normal(0, 0.025, (24, 8))
    X[:, -1] *= 0.4
    table = pd.DataFrame(X.clip(0.03, 0.95).round(3), [f"org/model-{i:02d}" for i in range(24)], NAMES)
    language = ["ja" if name in JAPANESE else "en" for name in NAMES]
    chance = [0.25, 0.0, 0.0, 0.25, 0.25, 0.25, 0.0, 0.0]
    answer = ["generation" if level == 0 else "loglikelihood" for level in chance]
    facts = benchmarks(NAMES, language=language, chance=chance, answer=answer, n_items=1000)
    return Tables(table.rename_axis("model_id"), facts, ["even", "odd"] * 12)


def judged(tables: Tables, waivers: pd.DataFrame = NO_WAIVERS, corrections: pd.DataFrame | None = None) -> Judgement:
    table, facts, groups = tables
    cells = cells_of(table, facts, waivers)
    X = to_matrix(cells, "score", list(table.index), list(facts.index))
    return judge_matrix(cells, X, study_of(table, facts, waivers, corrections, group=groups), params(), "s")


def with_column(tables: Tables, name: str, values: pd.Series, **facts: object) -> Tables:
    row = pd.DataFrame(tables.facts.loc[["bbh"]].assign(**facts)).set_axis([name])
    every = pd.concat([tables.facts, row]).rename_axis("benchmark")
    return tables._replace(scores=tables.scores.assign(**{name: values}), facts=every)


def with_row(tables: Tables, name: str, values: pd.Series) -> Tables:
    row = pd.DataFrame([values], [name])
    return tables._replace(
        scores=pd.concat([tables.scores, row]).rename_axis("model_id"), groups=[*tables.groups, "even"]
    )


def with_cell(tables: Tables, model: int, benchmark: str, value: float) -> Tables:
    table = tables.scores.copy()
    table.loc[table.index[model], benchmark] = value
    return tables._replace(scores=table)


def with_facts(tables: Tables, benchmark: str, **changes: object) -> Tables:
    facts = tables.facts.copy()
    for name, value in changes.items():
        facts.loc[benchmark, name] = value
    return tables._replace(facts=facts)


def with_scores(tables: Tables, **columns: object) -> Tables:
    return tables._replace(scores=tables.scores.assign(**columns))


def in_percent(tables: Tables, by: float) -> Tables:
    facts = tables.facts.assign(max_score=100.0, chance=tables.facts["chance"] * by)
    return tables._replace(scores=tables.scores * 100, facts=facts)


WHERE = "s/scores.csv: "
ITSELF = "leave it out, it says nothing of its own, or waive `redundant`"
SLIP = "trained on the test, or a slip? correct it, or waive `too_good`"

Plant = Callable[[Tables], Tables]
ERRORS: dict[str, tuple[Plant, str]] = {
    "mean of all": (
        lambda t: with_column(t, "Average", t.scores.mean(axis=1).round(3)),
        f"{WHERE}Average is the mean of all others: {ITSELF}",
    ),
    "mean of a language": (
        lambda t: with_column(t, "ja_all", t.scores[JAPANESE].mean(axis=1).round(3), language="ja"),
        f"{WHERE}ja_all is the mean of those of its language: {ITSELF}",
    ),
    "mean of some": (
        lambda t: with_column(t, "hard", t.scores[["arc", "gsm8k", "niilc"]].mean(axis=1).round(3)),
        f"{WHERE}hard is the mean of arc, gsm8k, niilc: {ITSELF}",
    ),
    "total of some": (
        lambda t: with_column(t, "sum", t.scores[["arc", "gsm8k", "niilc"]].sum(axis=1), max_score=3.0),
        f"{WHERE}sum is the total of arc, gsm8k, niilc: {ITSELF}",
    ),
    "mean row": (
        lambda t: with_row(t, "Average", t.scores.mean().round(3)),
        f"{WHERE}Average is the mean of the other rows: remove the row, or waive `alike`",
    ),
    "shares under a max_score of 100": (
        lambda t: with_facts(t, "arc", max_score=100.0, chance=25.0),
        f"{WHERE}arc runs from 0.214 to 0.796, max_score is 100: write max_score 1 and chance 0.25 in benchmarks.csv",
    ),
    "chance in percent": (
        lambda t: with_facts(t, "arc", chance=25.0),
        "chance of arc is 25, its scores range from 0 to 1: write it in their unit in benchmarks.csv, 0.25 "
        "if it is in "
        "percent",
    ),
    "total failure of an error rate": (
        lambda t: with_cell(as_errors(t), 9, "mmlu", 1.0),
        f"{WHERE}mmlu of org/model-09 is exactly 1: more often a failed evaluation than inability; correct it in "
        "corrections.csv, or waive `zero` in waivers.csv with the reason",
    ),
    "many zeros": (
        lambda t: with_scores(t, bbh=np.where(np.arange(24) < 9, 0.0, t.scores["bbh"])),
        f"{WHERE}bbh of org/model-00 is exactly 0: more often a failed evaluation than inability; correct it in "
        "corrections.csv, or waive `zero` in waivers.csv with the reason; 8 more of this kind: bbh of "
        "org/model-01, bbh "
        "of org/model-02, bbh of org/model-03, bbh of org/model-04, bbh of org/model-05 and 3 more",
    ),
    "percent but for one": (
        lambda t: with_cell(t._replace(scores=t.scores * 100), 0, "xlsum_ja", 0.8),
        f"{WHERE}nearly every value (191 of 192) of the table is out of range (21.4 in arc of org/model-00), "
        "expected 0 "
        "to 1: looks like percent, divide by 100",
    ),
    "many gaps": (
        lambda t: with_scores(t, bbh=t.scores["bbh"].where(np.arange(24) > 4)),
        f"{WHERE}org/model-00 has no score on bbh: add the scores, or choose what to do with assemble.missing; 4 more "
        "of this kind: bbh of org/model-01, bbh of org/model-02, bbh of org/model-03, bbh of org/model-04",
    ),
}
WARNINGS: dict[str, tuple[Plant, str]] = {
    "column named like a mean": (
        lambda t: with_column(t, "Average", (t.scores.mean(axis=1) ** 1.1).round(3)),
        f"{WHERE}Average is named like a summary of other benchmarks: leave it out, or waive `redundant`",
    ),
    "row named like a total": (
        lambda t: with_row(t, "board/Total", t.scores.iloc[7] + 0.011),
        f"{WHERE}board/Total is named like a summary of other rows: remove the row, or waive `alike`",
    ),
    "twin models": (
        lambda t: with_row(t, "ORG/Model_07", t.scores.iloc[7] + 0.011),
        f"{WHERE}org/model-07, ORG/Model_07 differ by case, punctuation or Unicode form only: keep one model, "
        "or waive "
        "`alike`",
    ),
    "twin models in full width": (
        lambda t: with_row(t, "org/\uff4d\uff4f\uff44\uff45\uff4c-07", t.scores.iloc[7] + 0.011),
        f"{WHERE}org/model-07, org/\uff4d\uff4f\uff44\uff45\uff4c-07 differ by case, punctuation or Unicode "
        "form only: "
        "keep one model, or waive `alike`",
    ),
    "twin benchmarks": (
        lambda t: with_column(t, "MMLU", t.scores["mmlu"] + 0.011),
        f"{WHERE}mmlu, MMLU differ by case, punctuation or Unicode form only: keep one benchmark, or waive `alike`",
    ),
    "contamination": (
        lambda t: with_cell(t, 5, "gsm8k", 0.811),
        f"{WHERE}gsm8k of org/model-05 is 0.811, its other scores predict 0.40, 11.2 robust standard deviations less: "
        f"{SLIP}",
    ),
    "alone": (
        lambda t: with_cell(t, 5, "xlsum_ja", 0.9),
        f"{WHERE}xlsum_ja of org/model-05 is 0.9, no other model has more than 0.322: {SLIP}",
    ),
    "other items": (
        lambda t: with_scores(t, bbh=(np.round(t.scores["bbh"] * 164) / 164).round(4)),
        f"{WHERE}21 of 24 scores on bbh (org/model-00, org/model-02 and 19 more) are multiples of 1/164, none "
        "of them of "
        "1/1000: measured on another number of items? correct n_items in benchmarks.csv, or waive `items`",
    ),
    "nearly constant": (
        lambda t: with_scores(t, bbh=[0.5] * 23 + [0.6]),
        f"{WHERE}bbh is 0.5 for 23 of 24 models: hardly anything can be learnt from it, drop it or waive `constant`",
    ),
    "nearly constant in all": (
        lambda t: with_scores(t, bbh=0.5 + np.arange(24) % 4 / 1000),
        f"{WHERE}bbh runs from 0.5 to 0.503 only: hardly anything can be learnt from it, drop it or waive `constant`",
    ),
    "constant in a subset": (
        lambda t: with_scores(t, bbh=np.where(np.arange(24) % 2, 0.5, t.scores["bbh"])),
        f"{WHERE}bbh is 0.5 for all 12 models of the subset odd: that subset cannot be analysed with it, waive "
        "`constant` if it need not be",
    ),
    "chance as a share": (
        lambda t: in_percent(t, 1),
        "chance of arc is 0.25, its scores range from 0 to 100: write it in their unit in benchmarks.csv, 25 "
        "if it is a "
        "share, or waive `scale`; 3 more of this kind: hellaswag, mmlu, jmmlu",
    ),
    "error rate": (
        lambda t: with_scores(t, mmlu=1 - t.scores["mmlu"]),
        f"{WHERE}mmlu runs against the other benchmarks (median correlation -0.97): if lower is better, write "
        "higher_is_better false in benchmarks.csv",
    ),
    "accuracy declared an error rate": (
        lambda t: with_facts(t, "mmlu", higher_is_better="false", chance=0.0),
        f"{WHERE}mmlu runs against the other benchmarks (median correlation -0.97): if lower is not better, write "
        "higher_is_better true in benchmarks.csv",
    ),
}
ALL = ERRORS | WARNINGS


def as_errors(tables: Tables) -> Tables:
    """MMLU as an error rate, declared so."""
    turned = with_scores(tables, mmlu=1 - tables.scores["mmlu"])
    return with_facts(turned, "mmlu", higher_is_better="false", chance=0.75)


@pytest.mark.parametrize("tables", [lambda t: t, lambda t: in_percent(t, 100), as_errors])
def test_an_honest_study_passes_without_a_word(tables: Plant, honest: Tables):
    judgement = judged(tables(honest))
    assert (judgement.problems(), judgement.warnings()) == ([], [])


@pytest.mark.parametrize("name", ALL)
def test_each_kind_is_one_line(name: str, honest: Tables):
    plant, line = ALL[name]
    judgement = judged(plant(honest))
    assert judgement.problems() == ([line] if name in ERRORS else [])
    # among many zeros, others are no longer predicted well: that is another kind
    assert [said for said in judgement.warnings() if name != "many zeros"] == ([line] if name in WARNINGS else [])


@pytest.mark.parametrize("name", ALL)
def test_each_kind_can_be_waived_by_name_unless_nothing_can_be_computed(name: str, honest: Tables):
    tables = ALL[name][0](honest)
    found = [f for f in judged(tables).findings if f.severity in {"error", "warning"}]
    rows = pd.concat([waiver(f.model_id, f.benchmark, f.check) for f in found]).drop_duplicates()
    again = judged(tables, rows)
    if {f.check for f in found} & set(DEFINITE) and name in ERRORS:
        assert again.problems()[0] == ALL[name][1]
    else:
        assert (again.problems(), again.warnings()) == ([], [])
        assert [f.message.rpartition(": ")[2] for f in again.findings] == ["known"] * len(found)


FOLLOWED: dict[str, Plant] = {
    "shares under a max_score of 100": lambda t: with_facts(t, "arc", max_score=1.0, chance=0.25),
    "chance in percent": lambda t: with_facts(t, "arc", chance=0.25),
    "chance as a share": lambda t: t._replace(facts=t.facts.assign(chance=t.facts["chance"] * 100)),
    "other items": lambda t: with_facts(t, "bbh", n_items=164),
    "error rate": lambda t: with_facts(t, "mmlu", higher_is_better="false", chance=0.75),
    "accuracy declared an error rate": lambda t: with_facts(t, "mmlu", higher_is_better="true"),
    "percent but for one": lambda t: t._replace(scores=t.scores / 100),
    "mean of some": lambda t: Tables(t.scores.drop(columns="hard"), t.facts.drop(index="hard"), t.groups),
    "mean row": lambda t: Tables(t.scores.drop(index="Average"), t.facts, t.groups[:-1]),
    "twin models": lambda t: Tables(t.scores.drop(index="ORG/Model_07"), t.facts, t.groups[:-1]),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_who_does_what_a_line_says_is_not_told_otherwise_by_the_next(name: str, honest: Tables):
    judgement = judged(FOLLOWED[name](ALL[name][0](honest)))
    assert (judgement.problems(), judgement.warnings()) == ([], [])


def test_a_waiver_without_a_check_accepts_failed_evaluations_only(honest: Tables):
    tables = with_row(with_cell(honest, 0, "bbh", 0.0), "org/copy", honest.scores.iloc[3])
    rows = pd.concat([waiver("org/copy", "", ""), waiver("org/model-00", "", "")])
    first, *_ = judged(tables, rows).problems()
    assert first == f"{WHERE}org/model-03 and org/copy have identical scores throughout: one is a copy of the other"
    assert not any(line.startswith(f"{WHERE}bbh") for line in judged(tables, rows).problems())


def test_a_benchmark_of_honest_zeros_is_one_word_in_its_row(honest: Tables):
    hard = with_scores(honest, bbh=np.where(np.arange(24) < 9, 0.0, honest.scores["bbh"]))
    assert judged(hard).problems()
    assert judged(with_facts(hard, "bbh", honest_zeros=True)).problems() == []


def test_a_perfect_error_rate_is_no_failure(honest: Tables):
    assert judged(with_cell(as_errors(honest), 23, "mmlu", 0.0)).problems() == []


def test_a_failed_answer_to_an_error_rate_is_suspected_in_the_unit_it_says(honest: Tables):
    found = [
        f for f in judged(with_cell(as_errors(honest), 22, "mmlu", 0.99)).findings if f.model_id == "org/model-22"
    ]
    assert [f.check for f in found] == ["suspicious"]
    assert "(scores as 1 - score, since lower is better)" in found[0].message


def test_rows_about_what_the_study_lacks_are_named_beside_everything_else(honest: Tables):
    waivers = pd.concat([waiver("org/Model-01", "bbh"), waiver("", "bhb"), waiver("org/model-02", "bbh")])
    rows = [("org/gone", "bbh", 0.1, 0.2, "r", "s"), ("org/model-03", "nowhere", 0.1, 0.2, "r", "s")]
    judgement = judged(with_cell(honest, 0, "arc", 31.0), waivers, pd.DataFrame(rows, columns=CORRECTIONS.names))
    problems = judgement.problems()
    assert problems == [
        f"{WHERE}arc of org/model-00 is 31, expected 0 to 1: looks like percent, divide by 100",
        "s/waivers.csv: the waiver of zero for bbh of org/model-02 matches no finding: remove the row",
        "s/waivers.csv: model_id org/Model-01 is not in models.csv: differs only by case or whitespace from "
        "org/model-01 (or remove the row)",
        "s/waivers.csv: benchmark bhb is not in benchmarks.csv: did you mean bbh? (or remove the row)",
        "s/corrections.csv: model_id org/gone is not in models.csv: did you mean org/model-23? (or remove the row)",
        "s/corrections.csv: benchmark nowhere is not in benchmarks.csv: correct it, or remove the row",
    ]


def test_a_waiver_of_a_comparison_that_a_subset_does_not_make_closes_nothing(honest: Tables):
    tables, rows = (
        honest,
        pd.concat([waiver("org/model-05", "gsm8k", "too_good"), waiver("org/model-05", "bbh", "zero")]),
    )
    assert len([f for f in judged(tables, rows).findings if f.severity == "error"]) == 2
    part = judge_matrix(
        cells_of(tables.scores.iloc[:12], tables.facts),
        tables.scores.iloc[:12],
        study_of(tables.scores, tables.facts, rows, group=tables.groups),
        params(),
        "s",
    )
    assert part.problems() == [
        "s/waivers.csv: the waiver of zero for bbh of org/model-05 matches no finding: remove the row"
    ]
    assert any("the waiver of too_good for gsm8k of org/model-05 matches no finding" in x for x in part.warnings())


def test_a_correction_of_a_model_without_published_scores_hides_nothing(honest: Tables):
    rows = pd.DataFrame([("org/new", "bbh", 0.1, 0.2, "r", "s")], columns=CORRECTIONS.names)
    table, facts, groups = with_cell(honest, 0, "arc", 31.0)
    study = study_of(table, facts, corrections=rows, group=groups)
    models = pd.concat([study.models, study.models.iloc[:1].set_axis(["org/new"])])
    cells = correct(cells_of(table, facts), rows, facts)
    problems = judge_matrix(cells, table, study._replace(models=models), params(), "s").problems()
    assert [line.partition(": ")[2] for line in problems] == [
        "arc of org/model-00 is 31, expected 0 to 1: looks like percent, divide by 100",
        "org/new has no row in scores.csv to correct: remove the row, or add its scores",
    ]
