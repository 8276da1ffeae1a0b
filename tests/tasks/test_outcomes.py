import json
import math

import pytest

from stages.tasks import outcomes


def sample(doc, raw, **metrics):
    return {
        "doc": {"id": "1", **doc},
        "arguments": [("prompt", {"until": ["\n"]})],
        "resps": [list(raw)],
        "metrics": list(metrics),
        **metrics,
    }


def one(benchmark, doc, raw, **metrics):
    return outcomes.items(benchmark, [sample(doc, raw, **metrics)])[0]


@pytest.mark.parametrize(
    ("benchmark", "doc", "raw", "filtered", "empty", "failed"),
    [
        ("jcommonsenseqa", {"target": "3"}, " 3", "3", 0, 0),
        ("jcommonsenseqa", {"target": "3"}, "答", "", 0, 1),
        ("jcommonsenseqa", {"target": "3"}, "\n", "", 1, 1),
        ("jmmlu", {"target": "B"}, "Ｂ", "B", 0, 0),
        ("jmmlu", {"target": "B"}, "4", "", 0, 1),
        ("mgsm_ja", {"target": "7"}, "残りは7個", "7", 0, 0),
        ("mgsm_ja", {"target": "7"}, "分からない", "", 0, 1),
        ("gsm8k", {"target": "#### 7"}, "so #### 7", "7", 0, 0),
        ("gsm8k", {"target": "#### 7"}, "it is 7", "", 0, 1),
        ("bbh", {"target": "yes"}, " the answer is yes.", "yes", 0, 0),
        ("bbh", {"target": "yes"}, "yes.", "", 0, 1),
        ("triviaqa", {"target": "six"}, " Six", "six", 0, 0),
        ("triviaqa", {"target": "six"}, " ", "", 1, 1),
    ],
)
def test_items_tell_what_was_found(benchmark, doc, raw, filtered, empty, failed):
    metrics = {"exact_match": 0.0, "exact_match_flexible": 0.0, "exact_match_whole": 0.0, "exact_match_stripped": 0.0}
    item = one(benchmark, doc, [raw], **metrics)
    assert (item.raw, item.filtered, item.empty, item.failed) == ((raw,), filtered, empty, failed)
    assert item.target == doc["target"]
    assert item.prompt == "prompt"


def test_short_answers_fail_when_nothing_is_left_to_compare():
    metrics = {"char_f1": 0.0, "character_f1": 0.0}
    assert one("jemhopqa", {"target": "YES"}, ["。\n\nYES"], **metrics).failed == 1
    item = one("jemhopqa", {"target": "YES"}, ["YES\n\n### 入力"], **metrics)
    assert (item.filtered, item.failed) == ("YES", 0)


def test_programs_are_counted_by_sample():
    doc = {"target": "", "prompt": "def f():\n"}
    raw = ["    return 1\n", "    return (\n", "", "    pass\n"]
    metrics = {"pass@1": 0.25, "pass@10": 1.0, "answered@10": 1.0}
    item = one("humaneval", doc, raw, **metrics)
    assert (item.empty, item.failed, item.value) == (0.25, 0.5, 0.25)
    assert item.secondary == {"pass@10": 1.0, "answered@10": 1.0}


def test_choices_tell_the_likeliest_and_neither_empty_nor_failed():
    choice = {
        "doc": {"id": "q", "choices": ["sink", "fly"], "gold": 0},
        "arguments": [("stem", " sink"), ("stem", " fly")],
        "resps": [[(-3.0, False)], [(-1.0, False)]],
        "acc": 0.0,
        "acc_norm": 1.0,
    }
    item = outcomes.items("openbookqa", [choice])[0]
    assert (item.filtered, item.target, item.raw) == ("fly", "sink", ())
    assert (item.value, item.secondary, item.empty, item.failed) == (0.0, {"acc_norm": 1.0}, 0, 0)


@pytest.mark.parametrize("broken", [math.nan, -math.inf, math.inf, None])
def test_a_choice_by_likelihoods_that_are_no_numbers_has_failed_and_is_wrong(broken):
    def choice(first, second):
        return {
            "doc": {"id": "q", "choices": ["sink", "fly"], "gold": 0},
            "arguments": [("stem", " sink"), ("stem", " fly")],
            "resps": [[(first, False)], [(second, False)]],
            "acc": 1.0,
            "acc_norm": 1.0,
        }

    samples = [choice(-1.0, -2.0), choice(broken, -2.0)]
    good, bad = outcomes.items("openbookqa", samples)
    assert (good.failed, good.filtered, good.value) == (0, "sink", 1)
    assert (bad.failed, bad.filtered, bad.value, bad.secondary) == (1, "", 0, {"acc_norm": 0})
    score = outcomes.score("openbookqa", samples, {"acc,none": 1.0, "acc_norm,none": 1.0})
    assert (score.score, score.failed_rate, score.secondary) == (0.5, 0.5, {"acc_norm": 0.5})


def test_items_are_the_same_after_a_round_trip_through_json():
    choice = {
        "doc": {"id": "q", "options": ["Ann", "Eve"], "contexts": ["a", "b"], "gold": 1},
        "arguments": [("a", " rest"), ("b", " rest")],
        "resps": [[(-3.0, False)], [(-1.0, True)]],
        "acc": 1.0,
    }
    written = json.loads(json.dumps(choice))
    written["arguments"] = {"gen_args_0": {"arg_0": "a", "arg_1": " rest"}}
    assert outcomes.items("xwino", [choice]) == outcomes.items("xwino", [written])


def test_score_is_lm_evals_with_rates_and_standard_error():
    samples = [
        sample({"target": "1"}, [text], exact_match=value)
        for text, value in (("1", 1.0), ("2", 0.0), ("", 0.0), ("x", 0.0))
    ]
    result = outcomes.score("jcommonsenseqa", samples, {"exact_match,none": 0.25})
    assert (result.score, result.n_items, result.empty_rate, result.failed_rate) == (0.25, 4, 0.25, 0.5)
    # Sample variance 4/3 x 1/4 x 3/4 = 1/4, over four items.
    assert result.stderr == pytest.approx(math.sqrt(1 / 4 / 4))
    assert result.metric == "exact_match"
    assert result.secondary == {}


def test_score_of_one_item_has_no_standard_error():
    result = outcomes.score(
        "jcommonsenseqa", [sample({"target": "1"}, ["1"], exact_match=1.0)], {"exact_match,none": 1.0}
    )
    assert math.isnan(result.stderr)


@pytest.mark.evaluation
def test_bleu_is_divided_by_its_scale():
    pair = ("The library opens at nine today.", "The library opens at ten today.")
    samples = [sample({"target": pair[0]}, [pair[1]], bleu=pair, chrf=pair)] * 3
    result = outcomes.score("wmt20_ja_en", samples, {"bleu,none": 42.0, "chrf,none": 60.0})
    assert result.score == 0.42
    assert result.secondary == {"chrf": 0.6}
    assert result.stderr == pytest.approx(0.0, abs=1e-9)
    assert 0 < outcomes.items("wmt20_ja_en", samples)[0].value < 1
