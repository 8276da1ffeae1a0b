"""Which models belong together."""

import numpy as np
import pandas as pd

from stages.analysis.scores.families import family_codes, family_names, without_each


def models(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["model_id", "family", "base_model_id"]).set_index("model_id")


def test_a_continual_model_moves_with_its_base():
    table = models([("a", "llama", ""), ("b", "other", "a"), ("c", "own", ""), ("d", "third", "b")])
    assert family_codes(table).tolist() == [0, 0, 1, 0]
    assert family_names(table, family_codes(table)) == ["llama + other + third", "own"]


def test_models_that_name_the_same_absent_base_belong_together():
    table = models([("a", "x", "lab/base"), ("b", "y", "lab/base"), ("c", "z", "")])
    assert family_codes(table).tolist() == [0, 0, 1]


def test_a_family_named_like_a_model_is_not_that_model():
    table = models([("a", "x", ""), ("b", "a", "")])
    assert family_codes(table).tolist() == [0, 1]


def test_each_group_is_left_out_once():
    codes = np.array([0, 1, 0, 2])
    assert without_each(codes).tolist() == [[0, 1, 0, 1], [1, 0, 1, 1], [1, 1, 1, 0]]
    assert without_each(codes, 1, 2).tolist() == without_each(codes).tolist()[1:]
