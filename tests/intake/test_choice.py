from pathlib import Path

import pytest

from stages.intake.choice import NEWEST, Candidate, Wanted, by_score, parse_choices, scales, settle
from stages.intake.results import Result, moment


def result(score=0.5, metric="acc", name="none", **more):
    return Result("m", "t", metric, score, Path("f.json"), "p", "lm-eval 0.4.13", filter=name, **more)


def test_the_only_score_of_a_task_needs_no_choice():
    kept, problems = by_score([result()], [Wanted("b", "t")])
    assert (list(kept), problems) == (["b"], [])


def test_of_several_one_must_be_declared():
    several = [result(), result(metric="acc_norm"), result(name="strict")]
    kept, (problem,) = by_score(several, [Wanted("b", "t")])
    assert kept == {}
    assert "t has 3 scores, acc, acc_norm, acc,strict: say which counts" in problem
    assert "--metric 't=acc'" in problem
    kept, problems = by_score(several, [Wanted("b", "t", "acc", "strict")])
    assert (kept["b"], problems) == ([several[2]], [])


def test_two_benchmarks_may_be_two_scores_of_a_task():
    kept, _ = by_score([result(), result(0.7, "f1")], [Wanted("a", "t", "acc"), Wanted("b", "t", "f1")])
    assert [kept[name][0].score for name in ("a", "b")] == [0.5, 0.7]


def test_a_metric_that_there_is_not_is_named_with_those_that_there_are():
    _, (problem,) = by_score([result()], [Wanted("b", "t", "ac")])
    assert "t has no score ac: did you mean acc?: it has acc" in problem


def test_choices_are_read_from_their_words():
    assert parse_choices(["acc_norm", "gsm=exact_match,strict"]) == (
        {"": ("acc_norm", ""), "gsm": ("exact_match", "strict")},
        [],
    )
    assert parse_choices(["gsm="])[1] == ["--metric gsm=: expected [TASK=]METRIC[,FILTER], once for each task"]
    assert parse_choices(["gsm=acc", "gsm=f1"])[1] == [
        "--metric gsm=f1: expected [TASK=]METRIC[,FILTER], once for each task"
    ]


def test_scores_up_to_one_are_shares_and_others_percent_said_aloud():
    assert scales([result(0.2), result(1.0)], Wanted("b", "t")) == ([1, 1], [], [])
    by, (note,), problems = scales([result(31.5), result(62)], Wanted("b", "t"))
    assert (by, problems) == ([100, 100], [])
    assert "no file states a scale: divided by 100" in note


def test_a_stated_scale_is_not_guessed():
    assert scales([result(0.4, top=1.0), result(40, top=100.0)], Wanted("b", "t")) == ([1, 100], [], [])
    assert scales([result(0.4)], Wanted("b", "t", scale=10)) == ([10], [], [])


def test_shares_beside_percent_are_refused():
    _, _, (problem,) = scales([result(0.4), result(0.6), result(55), result(61)], Wanted("b", "t"))
    assert "2 scores lie in 0 to 1 and 2 above" in problem


def test_a_weak_model_in_percent_is_no_share():
    scores = [result(0.8), *(result(10 + i) for i in range(9))]
    assert scales(scores, Wanted("b", "t"))[2] == []


def test_scores_beyond_percent_are_refused():
    assert "go up to 1200" in scales([result(1200)], Wanted("b", "t"))[2][0]


def candidate(score=0.5, tool="lm-eval 0.4.13", time="2026-01-01T00:00:00Z", **more):
    return Candidate("m", "b", score, None, None, f"{tool}, b", tool, time, "f", **more)


def test_copies_count_once():
    assert settle([candidate(), candidate()], "") == ([candidate()], [], [])


def test_of_copies_that_with_answers_counts():
    bare = candidate(row={"samples": ""})
    full = candidate(row={"samples": "a.jsonl"})
    assert settle([bare, full], "")[0] == [full]
    assert settle([bare, bare], "")[0] == [bare]


def test_equal_scores_of_different_protocols_are_no_copies():
    kept, _, (problem,) = settle([candidate(), candidate(tool="lighteval 0.8")], "")
    assert kept == []
    assert "b of m has 2 scores: 0.5 " in problem


def test_scores_that_contradict_each_other_are_refused_until_a_rule_decides():
    old, new = candidate(0.4), candidate(0.6, time="2026-02-01T00:00:00Z")
    kept, notes, (problem,) = settle([old, new], "")
    assert (kept, notes) == ([], [])
    assert "b of m has 2 scores: 0.4 " in problem
    kept, (note,), problems = settle([old, new], NEWEST)
    assert (kept, problems) == ([new], [])
    assert "the newest counts, 0.6" in note


@pytest.mark.parametrize("rule", ["lighteval", "lighteval 0.8"])
def test_a_tool_decides(rule):
    ours = candidate(0.7, "lighteval 0.8")
    assert settle([candidate(), ours], rule)[0] == [ours]


def test_a_rule_that_does_not_decide_leaves_the_conflict():
    assert settle([candidate(0.4), candidate(0.6)], NEWEST)[2]
    assert settle([candidate(0.4, time=""), candidate(0.6)], NEWEST)[2]
    assert settle([candidate(0.4), candidate(0.6)], "inspect")[2]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (1777629600.5, "2026-05-01T10:00:00Z"),
        ("1777629600", "2026-05-01T10:00:00Z"),
        ("2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00Z"),
        ("2026-05-01T12:00:00", "2026-05-01T12:00:00"),
        ("yesterday", ""),
        (None, ""),
    ],
)
def test_times_in_every_writing(given, told):
    assert moment(given) == told
