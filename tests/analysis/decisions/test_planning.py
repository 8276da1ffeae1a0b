from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.analysis.components.pca import decompose
from stages.analysis.decisions.coverage import coverage
from stages.analysis.decisions.planning import (
    Plan,
    Surface,
    families_needed,
    fit_surface,
    outside,
    predict,
    reach,
    trades,
)
from stages.analysis.scaling.forecasting import left_out_errors, with_line
from stages.analysis.scaling.stand_ins import year_of
from tests.analysis.population import population

LANGUAGES = ["ja", "en"]


def surface(noise: float = 0.02, seed: int = 0, *, together: bool = False) -> Surface:
    """score = 0.1 log10 ND_ja + 0.2 log10 ND_en - 6; `flat` follows neither. Budgets may rise and fall together."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(8), 3)
    n = len(codes)
    params, tokens = rng.uniform(1, 70, n), rng.uniform(10, 5000, (n, 2))
    if together:
        tokens[:, 1] = 3 * tokens[:, 0] * rng.uniform(0.9, 1.1, n)
    logs = np.log10(params[:, None] * tokens * 1e18)
    score = 0.1 * logs[:, 0] + 0.2 * logs[:, 1] - 6 + noise * rng.normal(size=n)
    X = pd.DataFrame({"score": score, "flat": 0.5 + 1e-3 * rng.normal(size=n)}, [f"m{i}" for i in range(n)])
    models = pd.DataFrame(
        {"active_params_b": params, "tokens_ja_b": tokens[:, 0], "tokens_en_b": tokens[:, 1]}, X.index
    )
    table = pd.DataFrame(np.column_stack([logs, np.log10(params * tokens.sum(axis=1) * 1e18)]), X.index)
    errors = left_out_errors(X, decompose(X, 1, {}).loadings.to_numpy(), table.to_numpy(), codes)
    return fit_surface(X, models, table, errors, LANGUAGES)


def test_prediction_is_that_of_the_plane_and_slopes_come_back():
    found = surface(noise=1e-6)
    plan = Plan(10, {"ja": 100, "en": 1000})
    # 10 x 100 x 1e18 = 1e21 and 1e22: 2.1 + 4.4 - 6 = 0.5
    assert predict(found, plan, 0.95).loc["score", "estimate"] == pytest.approx(0.5, abs=1e-4)
    np.testing.assert_allclose(found.coefficients["score"], [-6, 0.1, 0.2], atol=1e-3)


def test_intervals_widen_away_from_the_data():
    found = surface()
    near, far = Plan(20, {"ja": 1000, "en": 1000}), Plan(20, {"ja": 1e-3, "en": 1e6})
    widths = [(p["high"] - p["low"])["score"] for p in (predict(found, plan, 0.95) for plan in (near, far))]
    assert widths[1] > 1.5 * widths[0]


def test_families_needed_are_those_from_which_on_an_interval_is_shorter_than_the_span_of_the_models():
    plan = Plan(10, {"ja": 100, "en": 1000})
    assert families_needed(surface(), plan, 0.95)["score"] == 0
    # far away the interval is long as long as the leverage counts
    far = Plan(1e-3, {"ja": 1e-2, "en": 1e-2})
    noisy = surface(noise=0.1)
    needed = families_needed(noisy, far, 0.95)["score"]
    assert noisy.families < needed < np.inf
    share = noisy.families / needed
    more = replace(noisy, bread=share * noisy.bread, leverages=share * noisy.leverages, families=int(needed))
    less = replace(more, bread=noisy.bread * noisy.families / (needed - 1), families=int(needed) - 1)
    lengths = [(p["high"] - p["low"])["score"] for p in (predict(found, far, 0.95) for found in (more, less))]
    assert lengths[0] < noisy.span["score"] <= lengths[1] * 1.05


def test_no_number_of_families_answers_where_the_mean_does_as_well():
    assert families_needed(surface(), Plan(10, {"ja": 100, "en": 1000}), 0.95)["flat"] == np.inf


@pytest.mark.parametrize("wish", [0.45, 0.52, 0.6])
def test_what_is_said_to_reach_a_score_reaches_it(wish: float):
    found = surface()
    plan = Plan(10, {"ja": 100, "en": 1000})
    for way in reach(found, plan, "score", wish, 0.95):
        if way.what == "parameters":
            changed = Plan(way.amount, plan.tokens_b)
        else:
            changed = Plan(plan.params_b, {**plan.tokens_b, way.what: way.amount})
        assert predict(found, changed, 0.95).loc["score", "estimate"] == pytest.approx(wish, abs=1e-9)
        assert way.low < way.amount < way.high


def test_both_directions_of_trade_keep_the_prediction():
    found = surface()
    plan = Plan(10, {"ja": 100, "en": 1000})
    before = predict(found, plan, 0.95).loc["score", "estimate"]
    for language, factor in trades(found, "score"):
        traded = Plan(20, {**plan.tokens_b, language: plan.tokens_b[language] * factor})
        assert predict(found, traded, 0.95).loc["score", "estimate"] == pytest.approx(before, abs=1e-9)


def test_a_score_that_no_budget_moves_is_out_of_reach():
    ways = reach(surface(), Plan(10, {"ja": 100, "en": 1000}), "flat", 0.9, 0.95)
    assert all(np.isnan(way.amount) for way in ways)
    assert all("no number of" in way.line or "do not lead" in way.line for way in ways)


def test_questions_outside_the_data_are_named():
    found = surface()
    assert outside(found, Plan(20, {"ja": 1000, "en": 1000})) == []
    assert "700 B parameters" in outside(found, Plan(700, {"ja": 1000, "en": 1000}))[0]
    lines = outside(found, Plan(20, {"ja": 1, "en": 1e6}))
    assert len(lines) == 2
    assert "ja tokens" in lines[0]
    assert "en tokens" in lines[1]


def test_a_combination_that_no_model_has_is_outside_too():
    found = surface(together=True)
    tokens = found.tokens_b
    lines = outside(found, Plan(20, {"ja": tokens["ja"].min() * 1.01, "en": tokens["en"].max() * 0.99}))
    assert len(lines) == 1
    assert "no model here combines them" in lines[0]


def test_parameters_and_the_year_predict_where_budgets_are_not_known():
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(8), 3)
    params, year = 10 ** rng.uniform(0, 2, len(codes)), rng.uniform(2024, 2026, len(codes))
    days = [f"{int(y)}-{1 + int(12 * (y % 1)):02d}-01" for y in year]
    models = pd.DataFrame({"active_params_b": params, "released": days}, [f"m{i}" for i in range(len(codes))])
    stand = pd.DataFrame({"params": np.log10(params * 1e9), "released": [year_of(day) for day in days]}, models.index)
    X = pd.DataFrame({"score": 0.2 * stand["params"] + 0.1 * (stand["released"] - 2024) - 1.5}, models.index)
    X = (X + 0.01 * rng.normal(size=X.shape)).assign(flat=rng.normal(size=len(X)))
    logs, names = with_line(stand)
    errors = left_out_errors(X, decompose(X, 1, {}).loadings.to_numpy(), logs, codes)
    found = fit_surface(X, models, pd.DataFrame(logs, X.index), errors, names[:-1])
    assert found.languages == []
    plan = Plan(10, {}, year_of("2025-01-01"))
    # 10 log10 units of parameters: 2 + 0.1 - 1.5
    assert predict(found, plan, 0.95).loc["score", "estimate"] == pytest.approx(0.6, abs=0.02)
    (way,) = reach(found, plan, "score", 0.7, 0.95)
    assert way.what == "parameters"
    assert way.amount == pytest.approx(10 * 10**0.5, rel=0.2)
    assert trades(found, "score") == []
    assert outside(found, plan) == []
    (line,) = outside(found, replace(plan, released=2031.0))
    assert line.startswith("outside the data: released 2031.0, the models here 2024")


def test_the_intervals_of_a_plan_hold_what_they_promise_for_families_never_seen():
    held, count = 0.0, 6
    for seed in range(count):
        drawn = population(p=10, seed=3).draw(np.random.default_rng(seed), (4,) * 12, 0.5)
        logs = np.column_stack([drawn.logs, drawn.logs.sum(axis=1)])
        reference = decompose(drawn.X, 2, {}).loadings.to_numpy()
        share = coverage(drawn.X, reference, logs, drawn.codes, 0.9)
        assert share.between(0, 1).all()
        held += float(share.mean()) / count
    # 6 studies of 12 families on 12 responses that go together
    assert 0.82 < held < 0.98
