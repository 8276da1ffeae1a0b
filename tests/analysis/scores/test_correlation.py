"""Correlations and the precision of scores."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy import stats

from stages.analysis.scores.correlation import counterparts, pearson, precision, spearman
from tests.analysis.matrices import planted, shapes


@given(shapes)
@settings(max_examples=20, deadline=None)
def test_agree_with_scipy_also_with_ties(shape: tuple[int, int, int]):
    X = planted(*shape).round(1)
    X = X.loc[:, X.nunique() > 1]
    if X.shape[1] < 2:
        return
    a, b = X.columns[:2]
    assert pearson(X).loc[a, b] == pytest.approx(stats.pearsonr(X[a], X[b]).statistic)
    assert spearman(X).loc[a, b] == pytest.approx(stats.spearmanr(X[a], X[b]).statistic)


def test_spearman_sees_only_ranks():
    X = planted(12, 3, 5)
    np.testing.assert_allclose(spearman(X), spearman(np.exp(5 * X)))


def test_a_benchmark_whose_error_rivals_its_spread_is_noisy():
    X = pd.DataFrame({"clear": [0.1, 0.5, 0.9], "muddy": [0.50, 0.51, 0.52]})
    stderr = pd.DataFrame({"clear": [0.02] * 3, "muddy": [0.02] * 3})
    table = precision(X, stderr, 0.5)
    assert list(table["noisy"]) == [False, True]
    assert table.loc["muddy", "stderr_share"] == pytest.approx(0.02 / 0.01)


def test_each_pair_of_counterparts_is_named_once():
    facts = pd.DataFrame({"counterpart": ["b", "a", "", "a"]}, index=["a", "b", "c", "d"])
    assert counterparts(facts) == [("a", "b"), ("a", "d")]
