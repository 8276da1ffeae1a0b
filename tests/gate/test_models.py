"""Checks of the model table."""

import pandas as pd
import pytest

from stages.analysis.scaling.budgets import Disagreement
from stages.contracts.params import BudgetParams
from stages.contracts.study.info import StudyInfo
from stages.gate.models import check_models, judge_models
from tests.analysis.study import NO_WAIVERS, waiver

BASE = dict(
    active_params_b=7.0, construction="scratch", base_model_id="", tokens_total_b=2000.0, tokens_en_b=1794.0,
    tokens_ja_b=2.0,
)  # fmt: skip
CHILD = BASE | dict(construction="continual", base_model_id="org/base-7b", tokens_total_b=2100.0, tokens_ja_b=102.0)


def lines(*differences: Disagreement, **models: dict[str, object]) -> list[str]:
    table = pd.DataFrame.from_dict({"org/base-7b": BASE, "org/child-7b": CHILD} | models, orient="index")
    table["name"] = table.get("name", pd.Series(index=table.index, dtype=object)).fillna(
        pd.Series(table.index, table.index)
    )
    return [f"{f.severity}: {f.message}" for f in check_models(table, ["ja", "en"], differences, 100.0, "models.csv")]


def test_honest_models_pass_without_a_word():
    assert lines() == []


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


@pytest.mark.parametrize(
    ("name", "active", "total"),
    [
        ("openai/gpt-oss-120b", 5.1, 117.0),
        ("openai/gpt-oss-120b", 5.1, None),
        ("Qwen/Qwen3-30B-A3B", 3.3, None),
        ("Qwen/Qwen3-235B-A22B", 22.0, 235.0),
        ("nvidia/Nemotron-3-Super-120B-A12B", 12.0, None),
        ("mistralai/Mixtral-8x7B-v0.1", 12.9, None),
        ("mistralai/Mixtral-8x7B-v0.1", 12.9, 46.7),
        ("org/flash-100B", 6.1, 103.0),
        ("facebook/m2m100_418M", 0.418, None),
        ("EleutherAI/pythia-70m", 0.07, None),
        ("k2m/model", 7.0, None),
    ],
)
def test_sizes_of_real_models_pass(name: str, active: float, total: float | None):
    size = {"active_params_b": active} | ({} if total is None else {"total_params_b": total})
    assert lines(**{name: BASE | size}) == []


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        (
            "Qwen/Qwen3-30B-A3B",
            {"active_params_b": 30.0},
            "active_params_b of Qwen/Qwen3-30B-A3B is 30, but the name says 3",
        ),
        ("org/model-30B", {"active_params_b": 3.0}, "the name says 30 (of a mixture give total_params_b, too)"),
        (
            "org/model-30B",
            {"active_params_b": 3.0, "total_params_b": 3e4},
            "total_params_b of org/model-30B is 30000, but",
        ),
        ("org/model-30B", {"active_params_b": 0.03, "total_params_b": 30.0}, "is 0.03, but there are in all 30"),
        (
            "org/model",
            {"active_params_b": 7.0, "total_params_b": 3.0},
            "active_params_b of org/model is 7, more than",
        ),
    ],
)
def test_sizes_that_contradict_a_name_or_each_other_are_refused(name: str, size: dict[str, float], told: str):
    found = [line for line in lines(**{name: BASE | size}) if line.startswith("error")]
    assert len(found) == 1
    assert told in found[0]


def test_models_without_a_size_are_one_warning():
    unknown = {f"org/api-{i}": BASE | {"active_params_b": float("nan")} for i in range(9)}
    found = lines(**unknown)
    assert len(found) == 9
    assert found[0] == (
        "warning: models.csv: active_params_b of org/api-0 is not known: analyses of budgets leave the model out"
    )


def test_a_token_column_in_another_unit_is_one_error_and_one_sparse_model_a_warning():
    slip = {
        f"org/other-{i}": BASE
        | {"active_params_b": 9.0, "tokens_total_b": 2.0 + i, "tokens_en_b": 1.0, "tokens_ja_b": 0.0}
        for i in range(6)
    }
    (line,) = (line for line in lines(**slip) if "token per parameter" in line)
    assert line == (
        "error: models.csv: tokens_total_b is less than one token per parameter for 6 of 8 models, such as "
        "org/other-0 (2 billion tokens for 9 billion parameters): looks like another unit, write billions of tokens"
    )
    one = {"org/other": BASE | {"active_params_b": 90.0, "tokens_total_b": 60.0, "tokens_en_b": 30.0}}
    assert lines(**one) == [
        "warning: models.csv: org/other has 60 billion tokens for 90 billion parameters, less than one each: check "
        "both"
    ]


def test_models_with_one_display_name_are_named():
    assert lines(**{"org/other-7b": BASE | {"name": "org/base-7b"}}) == [
        "warning: models.csv: org/base-7b, org/other-7b share the name 'org/base-7b': figures cannot tell them apart, "
        "give each its own"
    ]


def test_findings_on_models_are_waived_by_name_and_stale_waivers_named():
    table = pd.DataFrame.from_dict(
        {"org/base-7b": BASE | {"active_params_b": 7000.0}, "org/child-7b": CHILD}, orient="index"
    )
    table = table.rename_axis("model_id").assign(name=table.index, family="f", group="g", corpus="", reference="")
    info = StudyInfo(title="t", citation="c", licence="l", languages={"ja": "J", "en": "E"}, groups={"g": "G"})
    params = BudgetParams(tolerance=0.01, typical_factor=100.0)

    def told(waivers: pd.DataFrame) -> list[tuple[str, str]]:
        judgement = judge_models(table, waivers, info, params, "s")
        return [(finding.severity, finding.message) for finding in judgement.findings]

    ((severity, _),) = told(NO_WAIVERS)
    assert severity == "error"
    assert told(waiver("org/base-7b", "", "units")) == [("waived", "org/base-7b as a whole: units waived: known")]
    assert told(waiver("", "", "units")) == [("waived", "org/base-7b as a whole: units waived: known")]
    assert [severity for severity, _ in told(waiver("org/base-7b", "", ""))] == ["error"]
    assert told(waiver("org/child-7b", "", "units"))[1] == (
        "error", "s/waivers.csv: the waiver of units for org/child-7b as a whole matches no finding: remove the row"
    )  # fmt: skip


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
