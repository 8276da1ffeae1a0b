"""The conclusions of an earlier study on the models of a later one: planted studies of one population."""

import numpy as np
import pandas as pd
import pytest

from stages.analysis.components.gaps import fill
from stages.analysis.components.pca import decompose
from stages.analysis.conclusions.retest import Side, axes_table, doubts, on_axes, places_table, retest, shared
from stages.analysis.conclusions.variations import Base
from stages.analysis.decisions.placing import Placed
from stages.contracts.params import StabilityParams
from stages.contracts.study.conclusions import Conclusions
from tests.analysis.population import FAMILIES, population

SETTINGS = StabilityParams(
    draws=500, seed=1, level=0.95, parallel_draws=100, cumulative=0.9, token_error=0.1, protocol_error=0.01
)
GROUP = [f"task_{i}" for i in range(4)]
FOUND = Conclusions.model_validate(
    {
        "conclusions": [
            {"id": "pc1", "statement": "One", "criteria": [{"statistic": "evr.PC1", "holds": 0.3, "weakens": 0.2}]},
            {
                "id": "pc2",
                "statement": "Two",
                "source": "§2",
                "criteria": [
                    {"statistic": "share.PC2", "benchmarks": GROUP, "holds": 0.6, "weakens": 0.3},
                    {"statistic": "rho.PC2.ja", "holds": 0.3, "weakens": 0.0},
                ],
            },
        ]
    }
)


def side(name: str, seed: int, budgets: tuple[str, ...] = ("ja", "en", "total"), flip: float = 1.0) -> Side:
    drawn = population(p=12).draw(np.random.default_rng(seed), FAMILIES, 0.2)
    X = drawn.X.set_axis([f"{name}-{i}" for i in range(len(drawn.X))])
    logs = pd.DataFrame(np.column_stack([flip * drawn.logs, drawn.logs.sum(axis=1)]), X.index, ["ja", "en", "total"])
    loadings = decompose(X, 3, {}).loadings
    base = Base(X, fill(X, {}), {}, loadings, logs[list(budgets)], unit_variance=True, n_factors=3, power=4)
    return Side(name, base, pd.Series(drawn.codes, X.index))


@pytest.fixture(scope="module")
def earlier() -> Side:
    return side("earlier", 1)


def test_intervals_of_congruence_are_those_of_students_t_for_the_families(earlier: Side):
    later = side("later", 2)
    wide, narrow = (
        axes_table(earlier, later, SETTINGS.model_copy(update={"level": level, "draws": 100})) for level in (0.95, 0.5)
    )
    z = [np.arctanh(table[["low", "congruence", "high"]].to_numpy()) for table in (wide, narrow)]
    np.testing.assert_allclose(z[0][:, 2] - z[0][:, 1], z[0][:, 1] - z[0][:, 0], rtol=1e-6)
    # printed tables: 11 degrees of freedom for 12 families, .975 and .75
    np.testing.assert_allclose((z[0][:, 2] - z[0][:, 0]) / (z[1][:, 2] - z[1][:, 0]), 2.200985 / 0.697445, rtol=1e-5)


def test_studies_of_one_population_agree(earlier: Side):
    verdicts, criteria, axes = retest(earlier, side("later", 2), FOUND, SETTINGS)
    assert verdicts.loc[0, ["conclusion", "earlier", "later"]].tolist() == ["pc1", "holds", "holds"]
    assert criteria["variation"].tolist() == ["earlier", "later", "earlier", "earlier", "later", "later"]
    assert criteria["families"].eq(12).all()
    assert axes["congruence"].iloc[:2].gt(0.9).all()
    assert (axes["low"] < axes["congruence"]).all()
    assert (axes["congruence"] < axes["high"]).all()


def test_a_law_that_turned_round_no_longer_holds(earlier: Side):
    _, criteria, _ = retest(earlier, side("later", 2, flip=-1.0), FOUND, SETTINGS)
    rho = criteria[criteria["statistic"] == "rho.PC2.ja"].set_index("variation")["value"]
    assert rho["earlier"] > 0.3
    assert rho["later"] < -0.3


def test_an_axis_keeps_its_name_whatever_its_rank_and_sign_in_the_later_study(earlier: Side):
    later = side("later", 2)
    columns = {
        "PC1": -later.base.loadings["PC2"],
        "PC2": later.base.loadings["PC1"],
        "PC3": later.base.loadings["PC3"],
    }
    turned = Side(later.name, Base(**{**vars(later.base), "loadings": pd.DataFrame(columns)}), later.families)
    axes = axes_table(earlier, turned, SETTINGS).set_index("component")
    assert axes.loc[["PC1", "PC2"], "own"].tolist() == ["PC2", "PC1"]
    assert axes.loc["PC1", "congruence"] > 0.9


def test_a_budget_or_a_benchmark_that_is_not_there_cannot_be_told(earlier: Side):
    later = side("later", 2, budgets=("en", "total"))
    X = later.base.X[[*GROUP[1:], "task_6", "task_7", "task_8"]]
    few = Base(X, fill(X, {}), {}, decompose(X, 3, {}).loadings, later.base.logs, True, 3, 4)
    smaller = Side("later", few, later.families)
    assert shared(earlier, smaller) == list(X.columns)
    verdicts, criteria, _ = retest(earlier, smaller, FOUND, SETTINGS)
    assert verdicts.loc[1, "later"] == "cannot be told"
    rho = criteria[criteria["statistic"].eq("rho.PC2.ja") & criteria["variation"].eq("later")].iloc[0]
    assert rho["reason"] == "ja budget known for 0 models"
    same = on_axes(smaller, earlier.base.loadings.loc[list(X.columns)], ["ja", "en"])
    assert list(same.base.logs) == ["ja", "en"]
    np.testing.assert_allclose((same.base.loadings**2).sum(), 1)


def test_scores_under_another_protocol_and_out_of_range_are_doubtful():
    earlier = pd.DataFrame({"squad2": [0.2, 0.4], "mmlu": [0.3, 0.9]})
    later = pd.DataFrame({"squad2": [0.5, 0.7, 0.6], "mmlu": [0.4, 0.5, 0.95]})
    kinds = pd.Series({"squad2": "exact", "mmlu": "accuracy"})
    protocol, outside = doubts(earlier, later, "old", (kinds, kinds.replace("exact", "other")))
    assert protocol.startswith("1 of 2 shared benchmarks are measured under another protocol than in old")
    expected = "scores on squad2 of 3 of 3 models lie outside the range of old: 0.5 to 0.7, there 0.2 to 0.4"
    assert outside.startswith(expected)
    assert doubts(earlier, earlier, "old", (kinds, kinds)) == []


def test_places_hold_both_studies(earlier: Side):
    scores = pd.DataFrame({"PC1": [1.0], "PC2": [2.0]}, ["a"])
    half = np.array([0.1, 0.2])
    new = Placed("b", 12, half, half - 0.1, half + 0.1, half, [])
    table = places_table(earlier, scores, "later", [new])
    assert table[["study", "model_id"]].to_numpy().tolist() == [["earlier", "a"], ["later", "b"]]
    assert table.loc[1, ["PC2", "PC2_low", "PC2_high"]].tolist() == pytest.approx([0.2, 0.1, 0.3])
    assert np.isnan(table.loc[0, "PC1_low"])
