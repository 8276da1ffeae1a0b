"""Checks of the model table."""

import pandas as pd
import pytest

from stages.analysis.scaling.budgets import Disagreement
from stages.gate.models import check_models, size_from_name

BASE = dict(
    active_params_b=7.0, construction="scratch", base_model_id="", tokens_total_b=2000.0, tokens_en_b=1794.0,
    tokens_ja_b=2.0,
)  # fmt: skip
CHILD = BASE | dict(construction="continual", base_model_id="org/base-7b", tokens_total_b=2100.0, tokens_ja_b=102.0)


def lines(*differences: Disagreement, **models: dict[str, object]) -> list[str]:
    table = pd.DataFrame.from_dict({"org/base-7b": BASE, "org/child-7b": CHILD} | models, orient="index")
    return [f"{f.severity}: {f.message}" for f in check_models(table, ["ja", "en"], differences, 100.0, "models.csv")]


def test_honest_models_pass_without_a_word():
    assert lines() == []


@pytest.mark.parametrize(
    ("name", "size"),
    [("meta-llama/Llama-2-70b-hf", 70), ("Qwen/Qwen1.5-7B", 7), ("HuggingFaceTB/SmolLM2-135M", 0.135),
     ("mistralai/Mixtral-8x7B-v0.1", 7), ("CohereForAI/c4ai-command-r-v01", None), ("cyberagent/calm2-7b", 7),
     ("org/model-1.5B-base", 1.5)],
)  # fmt: skip
def test_sizes_are_read_from_names(name: str, size: float | None):
    assert size_from_name(name) == size


def test_a_token_range_in_the_wrong_order_closes_the_gate_and_one_alone_does_not():
    ranged = BASE | {"tokens_ja_b": float("nan")}
    (line,) = lines(**{"org/other-7b": ranged | {"tokens_ja_b_low": 9.0, "tokens_ja_b_high": 3.0}})
    assert line.startswith("error: models.csv: tokens_ja_b of org/other-7b is not known with the range 9 to 3")
    assert lines(**{"org/other-7b": ranged | {"tokens_ja_b_low": 3.0, "tokens_ja_b_high": 9.0}}) == []


@pytest.mark.parametrize("slip", [7000.0, 7e9, 0.007])
def test_a_parameter_count_in_another_unit_is_refused(slip: float):
    (line,) = lines(**{"org/other-7b": BASE | {"active_params_b": slip}})
    assert "active_params_b of org/other-7b" in line
    assert "the name says 7: looks like another unit, write billions of parameters" in line


def test_without_a_size_in_the_name_the_other_models_are_the_measure():
    (line,) = lines(**{"org/other": BASE | {"active_params_b": 7000.0}})
    assert "the median of the study is 7" in line


@pytest.mark.parametrize("slip", [2e6, 2.0])
def test_a_token_count_in_another_unit_is_refused(slip: float):
    found = lines(**{"org/other-7b": BASE | {"tokens_total_b": slip}})
    assert any("tokens_total_b of org/other-7b" in line and "write billions of tokens" in line for line in found)


def test_languages_cannot_have_more_tokens_than_the_total():
    (line,) = lines(**{"org/other-7b": BASE | {"tokens_ja_b": 300.0}})
    assert "tokens_ja_b + tokens_en_b of org/other-7b is 2094, more than tokens_total_b 2000" in line


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"base_model_id": ""}, "names no base model"),
        ({"base_model_id": "org/child-7b"}, "names itself"),
        ({"base_model_id": "ORG/Base-7B"}, "write org/base-7b"),
        ({"construction": "scratch"}, "built from scratch but names the base model"),
        ({"tokens_total_b": 1900.0}, "tokens_total_b of org/child-7b is 1900, less than 2000"),
        ({"tokens_en_b": 1700.0}, "tokens_en_b of org/child-7b is 1700, less than 1794"),
        ({"tokens_ja_b": 1.0}, "tokens_ja_b of org/child-7b is 1, less than 2"),
    ],
)
def test_base_models_are_checked(change: dict[str, object], told: str):
    found = lines(**{"org/child-7b": CHILD | change})
    assert any(line.startswith("error") and told in line for line in found)


def test_a_base_outside_the_study_is_a_warning():
    (line,) = lines(**{"org/child-7b": CHILD | {"base_model_id": "elsewhere/model"}})
    assert line.startswith("warning")
    assert "its tokens are not checked" in line


def test_a_disagreement_with_the_rules_is_a_warning_and_a_slip_of_unit_an_error():
    near = Disagreement("m", "tokens_en_b", 2170, 2520, "70 %")
    far = Disagreement("m", "tokens_en_b", 2.17, 2520, "70 %")
    assert lines(near)[0].startswith("warning")
    assert lines(far)[0].startswith("error")
    assert "unit error" in lines(far)[0]
