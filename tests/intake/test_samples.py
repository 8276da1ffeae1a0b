import json
import math

import pytest

from docs import example
from stages.contracts.errors import InputError
from stages.intake.samples import Of, rates, read_samples
from tests.intake import made

MODEL = "org/medium-7b"


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def lm_eval(path, *changes, task="gsm"):
    rows = [made.lm_eval_sample(MODEL, 0.9, task, i) | change for i, change in enumerate(changes)]
    return read_samples(lines(path, rows), Of("lm-eval", example.metric_of(generated=made.generated(task))))


def test_items_of_lm_eval_keep_what_pairs_them(tmp_path):
    table = lm_eval(tmp_path / "s.jsonl", {}, {}, {})
    first = made.lm_eval_sample(MODEL, 0.9, "gsm", 0)
    assert list(table["item"]) == ["0", "1", "2"]
    assert (table["item_hash"][0], table["prompt_hash"][0]) == (first["doc_hash"], first["prompt_hash"])
    assert list(table["value"]) == [made.right(MODEL, 0.9, "gsm", i) for i in range(3)]


def test_answers_are_told_apart_as_in_our_own_evaluations(tmp_path):
    table = lm_eval(
        tmp_path / "s.jsonl",
        {},
        {"resps": [["  \n"]], "filtered_resps": [""]},
        {"resps": [["I'm sorry, I can't help."]], "filtered_resps": ["[invalid]"]},
        {"resps": [["no number"]], "filtered_resps": ["[invalid]"]},
        {"resps": [[""]], "filtered_resps": ["0"]},
    )
    found = rates([table])
    assert (found["empty_rate"], found["failed_rate"], found["refused_rate"]) == (0.4, 0.8, 0.2)
    # lm-eval does not say whether an answer was cut
    assert math.isnan(found["capped_rate"])
    assert math.isnan(found["truncated_rate"])


def test_a_likelihood_that_is_not_finite_is_a_failure_and_scores_nothing(tmp_path):
    table = lm_eval(
        tmp_path / "s.jsonl", {}, {"resps": [[["nan", "False"]], [["-1", "True"]]], "acc": 1.0}, task="arc"
    )
    assert list(table["failed"]) == [0, 1]
    assert table["value"][1] == 0
    assert list(table["empty"]) == [0, 0]


def test_only_the_filter_that_counts_is_read(tmp_path):
    table = lm_eval(tmp_path / "s.jsonl", {}, {"filter": "flexible-extract"})
    assert len(table) == 1


def test_a_value_that_is_no_number_is_missing(tmp_path):
    table = lm_eval(tmp_path / "s.jsonl", {"exact_match": ["reference", "answer"]})
    assert table["value"].isna().all()


def test_a_line_that_is_cut_short_is_named(tmp_path):
    path = lines(tmp_path / "s.jsonl", [made.lm_eval_sample(MODEL, 0.9, "gsm", 0)])
    path.write_text(path.read_text()[:-20], encoding="utf-8")
    with pytest.raises(InputError, match=r"s\.jsonl: line 1 is not a JSON object"):
        read_samples(path, Of("lm-eval", "exact_match"))


def test_samples_of_every_eval_ever(tmp_path):
    rows = [made.eee_sample(MODEL, 0.9, task, i) for task in ("gsm", "nq") for i in range(4)]
    rows[0]["output"]["raw"] = [" "]
    rows[0]["answer_attribution"] = []
    rows[1]["token_usage"]["output_tokens"] = 100
    rows[2]["error"] = "timeout"
    path = lines(tmp_path / "s.jsonl", rows)
    table = read_samples(path, Of("every-eval-ever", names=("gsm.accuracy", "gsm"), longest=100))
    assert list(table["item"]) == [f"gsm-{i}" for i in range(4)]
    assert list(table["item_hash"]) == [row["sample_hash"] for row in rows[:4]]
    assert list(table["empty"]) == [1, 0, 0, 0]
    assert list(table["failed"]) == [1, 0, 1, 0]
    assert list(table["capped"]) == [0, 1, 0, 0]
    assert len(read_samples(path, Of("every-eval-ever"))) == 8


def test_rates_are_over_all_items_of_several_files(tmp_path):
    one = lm_eval(tmp_path / "a.jsonl", {"resps": [[""]], "filtered_resps": [""]})
    three = lm_eval(tmp_path / "b.jsonl", {}, {}, {})
    assert rates([one, three])["empty_rate"] == 0.25
    known, unknown = one.assign(capped=1.0), three
    assert rates([known])["capped_rate"] == 1
    assert math.isnan(rates([known, unknown])["capped_rate"])
