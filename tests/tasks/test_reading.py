import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.tasks import reading
from stages.tasks.families import squad2
from stages.tasks.reading import Answered


def test_normalised_drops_case_articles_punctuation_and_white_space():
    assert reading.normalised(" The  Mill, an (old) one. ") == "mill old one"


@pytest.mark.parametrize(
    ("prediction", "answers", "exact"),
    [
        (" the oak", ["oak"], 1.0),
        ("oak tree", ["oak"], 0.0),
        ("96 Steps.", ["96", "96 steps"], 1.0),
        # Of an unanswerable question the accepted answer is the empty string, so saying so is wrong.
        ("unanswerable", [], 0.0),
        ("", [], 1.0),
        ("the", [], 1.0),
    ],
)
def test_exact(prediction, answers, exact):
    assert reading.exact(prediction, answers) == exact


def test_f1_is_the_best_over_the_answers():
    # Common words: elder; precision 1/2, recall 1.
    assert reading.f1("elder bakes", ["baker", "the elder"]) == pytest.approx(2 / 3)
    assert reading.f1("", []) == 1.0
    assert reading.f1("elder", []) == 0.0


def test_best_lets_a_threshold_leave_questions_open():
    results = [
        Answered(1.0, 0.1, answerable=True, empty=False),
        Answered(0.0, 0.9, answerable=False, empty=False),
        Answered(0.0, 0.5, answerable=True, empty=False),
    ]
    # Threshold between 0.1 and 0.9: the first is answered and right, the second is left open and right.
    assert reading.best(results) == pytest.approx(2 / 3)


def test_best_without_answers_is_the_share_of_open_questions():
    results = [Answered(0.0, 0.2, answerable=True, empty=False), Answered(0.0, 0.1, answerable=False, empty=False)]
    assert reading.best(results) == 0.5


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([0.1, 0.2, 0.3, 0.4]), st.booleans(), st.booleans()),
        min_size=1,
        max_size=7,
    )
)
def test_best_is_the_maximum_over_all_thresholds(rows):
    # Distinct probabilities: the official script takes equal ones in their order.
    distinct = [(right, p + 0.001 * n, answerable, empty) for n, (right, p, answerable, empty) in enumerate(rows)]
    results = [
        Answered(float(right if answerable else empty), p, answerable=answerable, empty=empty)
        for right, p, answerable, empty in distinct
    ]

    def mean(threshold):
        return sum(r.value if r.no_answer <= threshold else float(not r.answerable) for r in results) / len(results)

    thresholds = [-1.0, *(r.no_answer for r in results)]
    assert reading.best(results) == pytest.approx(max(mean(threshold) for threshold in thresholds))


def test_passage_answer_records_the_sane_scores_beside_exact():
    metrics = squad2.passage_answer({"answers": []}, ("unanswerable", (0.0, True)))
    assert metrics["exact"] == 0.0
    assert metrics["exact_abstaining"] == 1.0
    assert metrics["best_exact"] == (0.0, 1.0, False, False)
    assert squad2.best_threshold([metrics["best_exact"]]) == 1.0


def test_answers_that_normalise_to_nothing_count_as_none():
    assert reading.exact("", ["the"]) == 1.0
    assert reading.f1("oak", ["a", "oak"]) == 1.0
