"""Factor analysis: the identities that factor_analyzer leaves to its user."""

import numpy as np
import pandas as pd
import pytest

from stages.analysis.components.factors import NotFactorisableError, factorise, most_factors, uniqueness_table
from stages.analysis.components.pca import standardise
from stages.analysis.components.soundness import condition_number, dependence, plain_promax
from tests.analysis.matrices import planted
from tests.repository import ROOT

STUDY = ROOT / "metadata/japanese-2024"


@pytest.fixture(scope="module")
def shipped_scores() -> pd.DataFrame:
    return pd.read_csv(STUDY / "scores.csv", index_col="model_id")


def test_structure_is_pattern_times_correlations(shipped_scores: pd.DataFrame):
    result = factorise(shipped_scores, 10, 4)
    L, phi = result.loadings.to_numpy(), result.correlations.to_numpy()
    np.testing.assert_allclose(L @ phi, result.structure, atol=1e-10)
    np.testing.assert_allclose(np.diag(phi), 1, atol=1e-6)
    np.testing.assert_allclose(phi, phi.T, atol=1e-6)
    assert np.linalg.eigvalsh((phi + phi.T) / 2).min() > 0


def test_communalities_use_the_correlations_and_reproduce_the_correlation_matrix(shipped_scores: pd.DataFrame):
    result = factorise(shipped_scores, 10, 4)
    assert result.communality.between(0, 1).all()
    L, phi = result.loadings.to_numpy(), result.correlations.to_numpy()
    implied = L @ phi @ L.T
    observed = np.corrcoef(shipped_scores.to_numpy(), rowvar=False)
    off = ~np.eye(19, dtype=bool)
    assert np.abs(implied - observed)[off].max() < 0.06


def test_order_and_signs_follow_the_rule(shipped_scores: pd.DataFrame):
    result = factorise(shipped_scores, 10, 4)
    squares = (result.loadings**2).sum()
    assert (np.diff(squares) <= 0).all()
    np.testing.assert_allclose(squares, result.summary["ss_loadings"])
    assert (result.loadings.mean() >= 0).all()


def test_figure_10_needs_ten_factors(shipped_scores: pd.DataFrame):
    claims = pd.read_csv(STUDY / "claims.csv").set_index("claim_id")["published"]
    figure = np.array([[claims[f"fa.all.loading.factor{k}.{b}"] for k in (1, 2, 3, 4)] for b in shipped_scores])
    ten = factorise(shipped_scores, 10, 4).loadings.to_numpy()[:, :4]
    four = factorise(shipped_scores, 4, 4).loadings.to_numpy()
    assert np.abs(ten - figure).max() < 0.005
    assert np.abs(four - figure).max() > 0.3


def test_scores_are_regression_scores():
    X = planted(40, 8, 2)
    result = factorise(X, 3, 4)
    Z, _, _ = standardise(X)
    weights = np.linalg.solve(np.corrcoef(X.to_numpy(), rowvar=False), result.structure)
    np.testing.assert_allclose(result.scores, Z @ weights, atol=1e-8)


def test_planted_clusters_come_back():
    rng = np.random.default_rng(7)
    f = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], size=2000)
    pattern = np.array([[0.9, 0], [0.8, 0], [0.7, 0], [0, 0.9], [0, 0.8], [0, 0.6]])
    X = pd.DataFrame(f @ pattern.T + rng.normal(size=(2000, 6)) * np.sqrt(1 - (pattern**2).sum(axis=1)))
    result = factorise(X, 2, 4)
    np.testing.assert_allclose(result.loadings, pattern, atol=0.07)
    assert result.correlations.iloc[0, 1] == pytest.approx(0.4, abs=0.1)


def test_one_factor_needs_no_rotation():
    result = factorise(planted(30, 5, 4, k=1), 1, 4)
    assert result.loadings.shape == (5, 1)
    np.testing.assert_allclose(result.correlations, [[1.0]])


@pytest.mark.parametrize(("p", "k"), [(3, 1), (5, 2), (6, 3), (19, 13)])
def test_ledermann_bound(p: int, k: int):
    assert most_factors(p) == k
    # the bound: at k the degrees of freedom ((p - k)^2 - (p + k)) / 2 are not negative, at k + 1 they are
    assert (p - k) ** 2 - (p + k) >= 0 > (p - k - 1) ** 2 - (p + k + 1)


def test_too_few_models_are_refused_with_the_reason():
    with pytest.raises(NotFactorisableError, match="5 models for 6 benchmarks"):
        factorise(planted(5, 6, 0), 2, 4)
    with pytest.raises(NotFactorisableError, match="at most 2 factors, 3 asked"):
        factorise(planted(20, 5, 0), 3, 4)


def test_heywood_cases_are_named(shipped_scores: pd.DataFrame):
    found = factorise(shipped_scores, 10, 4)
    table = uniqueness_table(found).set_index("benchmark")
    # the solution behind Figure 10 of Saito et al. 2024
    assert found.fit.at_bound == table["at_bound"].sum() == 9
    assert set(table.index[table["at_bound"] == 1]) >= {"jcommonsenseqa", "niilc", "openbookqa", "triviaqa"}
    assert table["uniqueness"].min() == pytest.approx(0.005)
    few = factorise(shipped_scores, 3, 4)
    assert few.fit.at_bound < 3
    assert found.fit.gradient < 1e-6
    assert found.fit.df == ((19 - 10) ** 2 - 19 - 10) / 2
    assert uniqueness_table(None).empty


def test_promax_without_normalisation_is_that_of_r(shipped_scores: pd.DataFrame):
    """What the two conventions give for Figure 10, computed independently, lies up to .043 apart."""
    assert factorise(shipped_scores, 10, 4).fit.plain_difference == pytest.approx(0.043, abs=5e-4)


def test_plain_promax_of_a_simple_structure_changes_nothing():
    rotated = np.kron(np.eye(2), np.full((3, 1), 0.8))
    np.testing.assert_allclose(plain_promax(rotated, 4), rotated, atol=1e-12)


def test_columns_that_depend_on_each_other_are_named(shipped_scores: pd.DataFrame):
    assert dependence(shipped_scores) == ""
    mixed = shipped_scores.assign(mean_of_two=(shipped_scores["gsm8k"] + shipped_scores["mmlu"]).round(4) / 2)
    line = dependence(mixed)
    assert all(name in line for name in ("gsm8k", "mmlu", "mean_of_two"))
    assert "niilc" not in line
    assert "niilc" in dependence(shipped_scores.assign(average=shipped_scores.mean(axis=1)))
    # with as many benchmarks as models everything depends on everything, which says nothing
    assert dependence(shipped_scores.iloc[:19]) == ""
    assert dependence(shipped_scores.iloc[:21]) == ""


def test_the_condition_number_is_that_of_the_correlations(shipped_scores: pd.DataFrame):
    R = np.corrcoef(shipped_scores.to_numpy(), rowvar=False)
    assert factorise(shipped_scores, 3, 4).fit.condition_number == pytest.approx(np.linalg.cond(R), rel=1e-3)
    assert condition_number(np.ones((2, 2))) == np.inf
