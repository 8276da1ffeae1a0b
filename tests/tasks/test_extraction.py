import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.tasks.families import bbh, gsm8k, humaneval, llm_jp_eval, mgsm, triviaqa


@pytest.mark.parametrize(
    ("text", "answer"),
    [("3", "3"), (" ３\n", "3"), ("3\n\n### 入力", "3"), ("\n\n3", ""), ("ＡＢ　", "AB"), ("", "")],
)
def test_first_paragraph(text, answer):
    assert llm_jp_eval.first_paragraph(text) == answer


def test_label_is_the_whole_answer_or_none():
    assert llm_jp_eval.label(" 4", "01234") == "4"
    assert llm_jp_eval.label("4.", ("0", "1", "2", "3", "4")) is None
    assert llm_jp_eval.label("", ("0", "1")) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5+6=11。答えは11です。", 11),
        ("答えは1,200です", 1200),
        ("-2度", -2),
        ("答えは3.0です", 3),
        ("答えは3.5です", None),
        ("答えは18.", 18),
        ("分からない", None),
        ("", None),
        ("1.2.3", None),
        ("...", None),
        ("9" * 400, None),
    ],
)
def test_mgsm_number_is_the_last_if_it_is_whole(text, number):
    assert mgsm.mgsm_number(text) == number


@pytest.mark.parametrize(
    ("text", "strict", "flexible"),
    [
        ("so 7.\n#### 7", "7", "7"),
        ("#### 3,000 cards", "3,000", "3,000"),
        ("#### 1\n#### 2", "1", "2"),
        ("The answer is $25.", None, "$25."),
        ("it is 5", None, "5"),
        ("####7", None, "7"),
        ("none", None, None),
    ],
)
def test_gsm8k_strict_and_flexible(text, strict, flexible):
    assert gsm8k.strict_answer(text) == strict
    assert gsm8k.flexible_answer(text) == flexible


@pytest.mark.evaluation
@settings(deadline=None)  # the first example imports lm-eval
@given(st.text("Q#0123456789.,$- \nan", max_size=40))
def test_gsm8k_extraction_equals_lm_evals_filters(text):
    from lm_eval.filters.extraction import RegexFilter

    strict = RegexFilter(r"#### (\-?[0-9\.\,]+)").apply([[text]], [{}])[0][0]
    flexible = RegexFilter("(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1).apply([[text]], [{}])[0][0]
    assert (gsm8k.strict_answer(text) or "[invalid]") == strict
    assert (gsm8k.flexible_answer(text) or "[invalid]") == flexible


@pytest.mark.evaluation
@settings(deadline=None)  # the first example imports lm-eval
@given(st.text("#0123456789.,$ \nab", max_size=20), st.text("#0123456789.,$ \nab", max_size=20))
def test_gsm8k_comparison_equals_lm_evals_metric(prediction, gold):
    from lm_eval.api.metrics import exact_match_hf_evaluate

    ignored = [",", "\\$", "(?s).*#### ", "\\.$"]
    expected = exact_match_hf_evaluate([prediction], [gold], regexes_to_ignore=ignored, ignore_case=True)
    equal = gsm8k.normalised(prediction) == gsm8k.normalised(gold)
    assert equal == bool(expected["exact_match"])


@pytest.mark.parametrize(
    ("text", "answer", "whole"),
    [
        ("So the answer is yes.", "yes", "yes"),
        ("So the answer is yes", "ye", "yes"),
        ("the answer is (A).\nQ", "(A)", "(A)"),
        ("So the answer is True. The end.", "True. The end", "True. The end"),
        ("the answer is x", "", "x"),
        ("The Answer is no.", None, None),
        ("", None, None),
    ],
)
def test_bbh_answer_loses_its_last_character(text, answer, whole):
    assert bbh.answer(text) == answer
    assert bbh.whole(text) == whole


@pytest.mark.evaluation
@settings(deadline=None)  # the first example imports lm-eval
@given(st.text("the answer is .yno\n", max_size=12), st.text("yes (A). no\n", max_size=12))
def test_bbh_answer_equals_lm_evals_filter(before, after):
    from lm_eval.filters.extraction import RegexFilter

    text = f"{before}the answer is {after}"
    expected = RegexFilter("(?<=the answer is )(.*)(?=.)").apply([[text]], [{}])[0][0]
    answer = bbh.answer(text)
    assert ("[invalid]" if answer is None else answer) == expected


@pytest.mark.evaluation
@settings(deadline=None)  # the first example imports lm-eval
@given(st.text("Ab .,'-ü", max_size=12), st.text("aB .,'-ü", max_size=12))
def test_triviaqa_comparison_equals_lm_evals_metric(prediction, alias):
    from lm_eval.api.metrics import exact_match_hf_evaluate

    expected = exact_match_hf_evaluate([prediction], [alias], ignore_case=True, ignore_punctuation=True)
    equal = triviaqa.normalised(prediction) == triviaqa.normalised(alias)
    assert equal == bool(expected["exact_match"])


def test_without_one_space_removes_one():
    assert triviaqa.without_one_space("  six") == " six"
    assert triviaqa.without_one_space("six ") == "six "


@pytest.mark.parametrize(
    ("text", "parses"), [("def f():\n    return 1\n", True), ("def f(:", False), ("x = 1\0", False), ("", True)]
)
def test_is_program(text, parses):
    assert humaneval.is_program(text) is parses


def test_is_program_survives_nesting_that_the_parser_does_not():
    assert humaneval.is_program("(" * 10_000) is False
