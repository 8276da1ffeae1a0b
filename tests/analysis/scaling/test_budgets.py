"""Budgets, and token counts derived by rule."""

import numpy as np
import pandas as pd
import pytest

from stages.analysis.scaling.budgets import budgets, derive_tokens, disagreements
from stages.contracts.study.info import TokenRule

RULES = [
    TokenRule(language="ja", family="llama", share=0.001, source="A.3"),
    TokenRule(language="ja", group="ja", share=0.5, source="A.3"),
    TokenRule(language="en", family="llama", share=0.897, source="A.3"),
]


def table(**changes: dict[str, object]) -> pd.DataFrame:
    rows = {
        "base": dict(construction="scratch", base_model_id="", family="llama", group="en", total=2000, en=1794, ja=2),
        "child": dict(construction="continual", base_model_id="base", family="llama", group="x", total=2100,
                      en=1794, ja=102),
        "own": dict(construction="scratch", base_model_id="", family="own", group="ja", total=400, en=200, ja=np.nan),
    }  # fmt: skip
    for name, change in changes.items():
        rows[name] = rows[name] | change
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame = frame.rename(columns={"total": "tokens_total_b", "en": "tokens_en_b", "ja": "tokens_ja_b"})
    return frame.assign(active_params_b=7.0)


def derived(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return derive_tokens(frame, ["ja", "en"], RULES, "ja")


def test_shares_and_continual_parts():
    counts, words = derived(table())
    assert counts.loc["base"].to_dict() == {"tokens_ja_b": 2.0, "tokens_en_b": pytest.approx(1794)}
    # a continual model adds its whole new part as Japanese: 2 + (2100 - 2000)
    assert counts.loc["child"].to_dict() == {"tokens_ja_b": 102.0, "tokens_en_b": 1794.0}
    assert counts.loc["own", "tokens_ja_b"] == 200
    assert np.isnan(counts.loc["own", "tokens_en_b"])
    assert words.loc["base", "tokens_en_b"] == "89.7 % of the total, A.3"


def test_agreeing_counts_are_no_difference_and_a_wrong_one_is_named():
    assert disagreements(table(), *derived(table()), tolerance=0.01) == []
    wrong = table(child={"en": 1834})
    found = disagreements(wrong, *derived(wrong), tolerance=0.01)
    assert [(d.model_id, d.column, d.printed, d.derived) for d in found] == [("child", "tokens_en_b", 1834, 1794)]
    assert found[0].line() == "tokens_en_b of child is printed as 1834, derived as 1794 (tokens of base)"


def test_a_base_outside_the_table_derives_nothing():
    counts, _ = derived(table(child={"base_model_id": "elsewhere"}))
    assert counts.loc["child"].isna().all()


def test_without_a_continual_language_continual_models_derive_nothing():
    counts, _ = derive_tokens(table(), ["ja", "en"], RULES, None)
    assert counts.loc["child"].isna().all()
    assert counts.loc["base"].notna().all()


def test_printed_counts_win_and_blank_ones_are_filled_and_marked():
    frame = table(child={"en": 1834})
    result = budgets(frame, derived(frame)[0], ["ja", "en"])
    assert result.loc["child", "nd_en"] == pytest.approx(7e9 * 1834e9)
    assert result.loc["own", "tokens_ja_origin"] == "derived"
    assert result.loc["own", "nd_ja"] == pytest.approx(7e9 * 200e9)
    assert result.loc["child", "tokens_en_origin"] == "published"
    assert result.loc["base", "nd_total"] == pytest.approx(7e9 * 2000e9)
    assert frame.loc["own", "tokens_ja_b"] is not None
    assert np.isnan(frame.loc["own", "tokens_ja_b"])
