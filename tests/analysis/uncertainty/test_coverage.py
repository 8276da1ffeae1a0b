"""Intervals hold the planted truth as often as they say."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stages.analysis.components.pca import decompose
from stages.analysis.decisions.placing import build_space, place
from stages.analysis.decisions.planning import Plan, fit_surface, predict
from stages.analysis.scaling.forecasting import left_out_errors
from tests.analysis.population import FAMILIES, SINGLE, Population, population
from tests.analysis.uncertainty.coverage import coverage

SCENARIOS = {"single models": (SINGLE, 0.0, 0.0), "families": (FAMILIES, 0.5, 0.0), "failures": (FAMILIES, 0.5, 0.03)}


def around(simulations: int) -> tuple[float, float]:
    """Between these lies the share of hits, if the chance of one is 92 to 98 % (99.9 % of the time)."""
    return (
        float(stats.binom.ppf(0.0005, simulations, 0.92)) / simulations,
        float(stats.binom.ppf(0.9995, simulations, 0.98)) / simulations,
    )


def test_intervals_of_components_and_laws_in_brief():
    low, _ = around(60)
    for name, share in coverage(population(), FAMILIES, 0.5, 0.0, simulations=60, draws=200).items():
        assert low < share.mean() <= 1, name


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_intervals_of_components_and_laws_hold_the_truth_in_92_to_98_percent_of_500_studies(name: str):
    for statistic, share in coverage(population(), *SCENARIOS[name], simulations=500, draws=400).items():
        assert 0.92 <= share.mean() <= 0.98, (statistic, share)
        assert share.min() > 0.85, (statistic, share)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["single models", "families"])
def test_another_population_is_covered_too(name: str):
    for statistic, share in coverage(population(p=10, seed=3), *SCENARIOS[name], simulations=500, draws=400).items():
        assert 0.92 <= share.mean() <= 0.98, (statistic, share)


def placing_hits(truth: Population, simulations: int, share: float) -> float:
    """Share of new models whose interval, from some benchmarks, holds their coordinates from all benchmarks."""
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(simulations):
        drawn = truth.draw(rng, FAMILIES, 0.5)
        new = truth.draw(rng, (1,), 0.0).X.iloc[0].rename("new")
        full = decompose(drawn.X, 3, {})
        space = build_space(drawn.X, {}, full.loadings, np.zeros(len(truth.L)), drawn.codes, unit_variance=True)
        given = rng.permutation(len(new)) < round(share * len(new))
        row = new.where(given).to_frame().T
        (placed,) = place(space, row, row * 0, 0.95)
        exact = ((new - full.centre) / full.spread) @ full.loadings
        hits.append((placed.low <= exact) & (exact <= placed.high))
    return float(np.mean(hits))


def test_coordinates_of_new_models_in_brief():
    assert placing_hits(population(), 40, 0.5) > 0.88


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_coordinates_of_new_models_are_covered(share: float):
    assert 0.92 <= placing_hits(population(), 500, share) <= 0.98


def planning_hits(truth: Population, simulations: int) -> float:
    """Share of models of a new family whose benchmark scores lie in the intervals predicted from their budgets."""
    rng = np.random.default_rng(12)
    hits = []
    for _ in range(simulations):
        # the last family is the new model
        drawn = truth.draw(rng, (*FAMILIES, 1), 0.5)
        logs = np.column_stack([drawn.logs, drawn.logs.sum(axis=1)])
        known, codes = drawn.X.iloc[:-1], drawn.codes[:-1]
        reference = decompose(known, 3, {}).loadings.to_numpy()
        errors = left_out_errors(known, reference, logs[:-1], codes)
        models = pd.DataFrame({"active_params_b": 1.0, "tokens_ja_b": 1.0, "tokens_en_b": 1.0}, known.index)
        surface = fit_surface(known, models, pd.DataFrame(logs[:-1], known.index), errors, ["ja", "en"])
        # a budget of one parameter and 10^log tokens, both in billions
        amounts = dict(zip(["ja", "en"], 10.0 ** (drawn.logs[-1] - 9), strict=True))
        found = predict(surface, Plan(1e-9, amounts), 0.95)
        new = drawn.X.iloc[-1]
        hits.append((found["low"] <= new) & (new <= found["high"]))
    return float(np.mean(hits))


def test_predictions_from_budgets_in_brief():
    assert planning_hits(population(), 40) > 0.88


@pytest.mark.slow
def test_predictions_from_budgets_are_covered():
    assert 0.92 <= planning_hits(population(), 500) <= 0.98
