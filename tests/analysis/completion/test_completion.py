from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stages.analysis.completion import model
from stages.analysis.completion.intervals import half_width
from stages.analysis.completion.link import fit_link
from stages.analysis.completion.model import Completion, fit_completion, sketch_completion
from stages.analysis.completion.placing import expect, next_benchmarks, place
from stages.analysis.completion.side import encode_side
from tests.repository import ROOT

NAN = float("nan")


@dataclass(frozen=True)
class Planted:
    """Scores in percent, their gaps, and the abilities that they were made from."""

    truth: pd.DataFrame
    gaps: np.ndarray
    abilities: np.ndarray

    @property
    def X(self) -> pd.DataFrame:
        return self.truth.mask(self.gaps)


def plant(
    n: int, p: int, seed: int, *, noise: float | np.ndarray = 0.2, missing: float = 0.4, tails: float = 0
) -> Planted:
    """Two abilities, loadings of the first all positive, in logits; no model or benchmark without scores."""
    rng = np.random.default_rng(seed)
    abilities = rng.normal(size=(n, 2))
    loadings = np.array([rng.uniform(0.5, 1.5, p), rng.normal(0, 0.6, p)])
    errors = rng.standard_t(tails, size=(n, p)) if tails else rng.normal(size=(n, p))
    logits = rng.normal(0, 1, p) + abilities @ loadings + noise * errors
    gaps = rng.random((n, p)) < missing
    gaps[np.arange(n), np.arange(n) % p] = False
    return Planted(
        pd.DataFrame(100 / (1 + np.exp(-logits)), [f"model{i}" for i in range(n)], [f"task{j}" for j in range(p)]),
        gaps,
        abilities,
    )


def percent(X: pd.DataFrame, **options: object) -> Completion:
    p = X.shape[1]
    return fit_completion(X, np.zeros(p), np.full(p, 100.0), **options)


def inside(truth: pd.DataFrame, low: pd.DataFrame, high: pd.DataFrame) -> np.ndarray:
    return ((truth >= low) & (truth <= high)).to_numpy()


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant(60, 20, seed=1)


@pytest.fixture(scope="module")
def fitted(planted: Planted) -> Completion:
    return percent(planted.X)


def logit(X: pd.DataFrame) -> np.ndarray:
    return np.log((X + 0.01) / (100.01 - X)).to_numpy()


def test_hidden_scores_come_back_up_to_their_noise(planted: Planted, fitted: Completion):
    error = (logit(fitted.mean) - logit(planted.truth))[planted.gaps]
    assert np.median(np.abs(error)) < 1.45 * stats.norm.ppf(0.75) * 0.2
    additive = planted.X.mean(axis=1).to_numpy()[:, None] + (planted.X.mean() - planted.X.mean().mean()).to_numpy()
    ours, plain = (np.abs(found - planted.truth).to_numpy()[planted.gaps] for found in (fitted.mean, additive))
    assert np.median(ours) < 0.5 * np.median(plain)


@pytest.mark.parametrize("tails", [0, 3])
def test_intervals_cover_hidden_scores(tails: int):
    noise = np.geomspace(0.1, 0.6, 15)
    shares = []
    for seed in range(3):
        given_ = plant(40, 15, seed, noise=noise, tails=tails)
        found = percent(given_.X)
        shares.append(inside(given_.truth, found.lower, found.upper)[given_.gaps].mean())
    assert 0.86 < np.mean(shares) < 0.94


def test_level_is_the_share_covered():
    given_ = plant(40, 15, seed=3)
    found = percent(given_.X, level=0.5)
    assert found.level == 0.5
    assert 0.4 < inside(given_.truth, found.lower, found.upper)[given_.gaps].mean() < 0.6


def test_intervals_are_stretched_by_what_they_missed_among_hidden_scores(
    monkeypatch: pytest.MonkeyPatch, planted: Planted, fitted: Completion
):
    def widths(factor: float) -> np.ndarray:
        monkeypatch.setattr(model, "check_stretch", lambda *_: factor)
        found = percent(planted.X)
        return (found.link.forward(found.upper.to_numpy()) - found.link.forward(found.lower.to_numpy()))[planted.gaps]

    assert fitted.stretch != 1
    narrow, wide = widths(1.0), widths(1.5)
    inner = narrow > 0  # others lie at the bounds of the scores
    assert inner.mean() > 0.9
    assert np.median(wide[inner] / narrow[inner]) == pytest.approx(1.5)


def test_noisy_benchmarks_have_wide_intervals():
    noise = np.where(np.arange(12) < 6, 0.05, 0.8)
    given_ = plant(60, 12, seed=4, noise=noise)
    found = percent(given_.X)
    width = pd.DataFrame(logit(found.upper) - logit(found.lower)).median()
    assert width[6:].median() > 3 * width[:6].median()


def test_shipped_scores_are_predicted_much_better_than_by_models_and_benchmarks_alone():
    X = pd.read_csv(ROOT / "metadata" / "japanese-2024" / "scores.csv", index_col="model_id")
    gaps = np.random.default_rng(0).random(X.shape) < 0.3
    ours = fit_completion(X.mask(gaps), np.zeros(19), np.ones(19))
    seen = X.mask(gaps)
    additive = seen.mean().to_numpy() + (seen - seen.mean()).mean(axis=1).to_numpy()[:, None]
    theirs = np.median(np.abs(additive - X).to_numpy()[gaps])
    assert np.median(np.abs(ours.mean - X).to_numpy()[gaps]) < 0.5 * theirs


def test_one_wild_score_does_not_bend_the_others(planted: Planted, fitted: Completion):
    wild = planted.X.copy()
    i, j = np.argwhere(~planted.gaps)[0]
    wild.iloc[i, j] = 99.9 if wild.iloc[i, j] < 50 else 0.1
    moved = np.abs(percent(wild).mean - fitted.mean).drop(columns=wild.columns[j])
    assert moved.iloc[i].max() < 4.0
    assert moved.to_numpy().mean() < 0.7


@given(st.permutations(range(12)), st.permutations(range(6)))
@settings(max_examples=5, deadline=None)
def test_order_of_models_and_benchmarks_does_not_matter(rows: list[int], columns: list[int]):
    X = plant(12, 6, seed=5).X
    upper = np.array([100.0, 100.0, 100.0, 100.0, NAN, NAN])
    lower = np.where(np.isnan(upper), NAN, 0.0)
    side = pd.DataFrame({"size": np.linspace(-1, 1, 12)}, X.index)
    straight = fit_completion(X, lower, upper, side=side)
    mixed = fit_completion(X.iloc[rows, columns], lower[columns], upper[columns], side=side.iloc[rows])
    for name in ("mean", "lower", "upper", "spread"):
        pd.testing.assert_frame_equal(getattr(mixed, name), getattr(straight, name).iloc[rows, columns], rtol=1e-9)
    pd.testing.assert_frame_equal(mixed.axes, straight.axes.iloc[columns], rtol=1e-7, atol=1e-9)
    new = X.iloc[[0], columns].mask(X.iloc[[0], columns].isna(), 50.0)
    pd.testing.assert_frame_equal(place(mixed, new).mean, place(straight, new[X.columns]).mean[new.columns], rtol=1e-9)


def test_unit_of_scores_does_not_matter():
    X = plant(15, 6, seed=6).X
    lower, upper = np.array([0, 0, 0, 0, NAN, NAN]), np.array([100, 100, 100, 100, NAN, NAN])
    scale, shift = np.array([0.01, 1, 3, 0.01, 25, 0.1]), np.array([0, 0, -5, 0, 1000, 0])
    one = fit_completion(X, lower, upper)
    other = fit_completion(X * scale + shift, lower * scale + shift, upper * scale + shift)
    # the order of models and benchmarks inside the model follows the scores, hence the draws differ a little
    difference = np.abs((other.mean - shift) / scale - one.mean)
    assert (difference < 6 * one.spread + 1.0).to_numpy().all()


def test_same_scores_same_answer_and_rounding_stays_rounding(planted: Planted, fitted: Completion):
    again = percent(planted.X)
    pd.testing.assert_frame_equal(again.mean, fitted.mean, rtol=0, atol=0)
    nudged = percent(planted.X * (1 + 1e-13 * np.random.default_rng(0).normal(size=planted.X.shape)))
    for name in ("mean", "lower", "upper", "axes"):
        pd.testing.assert_frame_equal(getattr(nudged, name), getattr(fitted, name), rtol=1e-9, atol=1e-9)
    other = percent(planted.X, seed=1)
    assert 0 < np.abs(other.mean - fitted.mean).to_numpy().max()
    assert np.median(np.abs(other.mean - fitted.mean)) < 3 * np.median(fitted.spread)


def test_predictions_stay_within_bounds_and_intervals():
    given_ = plant(30, 8, seed=7, noise=1.5)
    rounded = (given_.X / 20).round() * 20
    found = percent(rounded)
    assert (rounded == 0).to_numpy().any()
    assert (rounded == 100).to_numpy().any()
    ends = [found.lower, found.mean, found.upper]
    assert all(((end >= 0) & (end <= 100)).to_numpy().all() for end in ends)
    assert ((found.lower <= found.mean) & (found.mean <= found.upper)).to_numpy().all()
    pd.testing.assert_frame_equal(found.completed.mask(given_.gaps), rounded)
    assert found.completed.notna().to_numpy().all()


def test_small_and_degenerate_matrices():
    X = pd.DataFrame([[0.1, 0.2, NAN], [0.3, NAN, 0.5], [0.5, 0.6, 0.7], [NAN, 0.8, 0.9]])
    found = fit_completion(X, np.zeros(3), np.ones(3))
    assert found.mean.iloc[0, 2] < found.mean.iloc[1, 2] < found.mean.iloc[2, 2]
    assert found.mean.iloc[3, 0] > 0.45
    constant = X.assign(same=0.5, seen=[0.4, NAN, NAN, NAN], never=NAN, elo=[1200.0, 1200.0, NAN, 1200.0])
    bounds = np.array([1, 1, 1, 1, 1, 1, NAN])
    found = fit_completion(constant, bounds - 1, bounds)
    assert np.isfinite(found.mean).to_numpy().all()
    assert np.abs(found.mean["same"] - 0.5).max() < 0.05
    assert np.abs(found.mean["elo"] - 1200).max() < 40
    assert (found.upper - found.lower)["never"].min() > (found.upper - found.lower)["same"].max()
    high = X.assign(never=NAN) * 0.2 + 0.8
    assert fit_completion(high, np.zeros(4), np.ones(4)).mean["never"].min() > 0.75
    whole = fit_completion(X.fillna(0.4), np.zeros(3), np.ones(3))
    pd.testing.assert_frame_equal(whole.completed, X.fillna(0.4))
    assert whole.agreement.min() > 1 - 1e-9


def test_problems_are_told_in_one_line():
    X = pd.DataFrame([[0.1, 1.5, NAN], [NAN, NAN, NAN], [0.3, 0.2, NAN]], ["a", "b", "c"], ["x", "y", "elo"])
    with pytest.raises(ValueError, match="no score of b: nothing to predict it from; no score on elo, ") as error:
        fit_completion(X, np.array([0, 0, NAN]), np.array([1, 1, NAN]))
    assert str(error.value).endswith("; y of a is 1.5, expected 0 to 1")
    good = X.loc[["a", "c"], ["x", "y"]].clip(0, 1)
    with pytest.raises(ValueError, match="x: lower bound 1 is not below 0"):
        fit_completion(good, np.array([1, 0]), np.array([0, 1]))
    with pytest.raises(ValueError, match="side information is not of the same models"):
        fit_completion(good, np.zeros(2), np.ones(2), side=pd.DataFrame({"s": [1.0, 2.0]}, ["c", "a"]))
    with pytest.raises(ValueError, match="side information has gaps"):
        fit_completion(good, np.zeros(2), np.ones(2), side=pd.DataFrame({"s": [1.0, NAN]}, ["a", "c"]))
    with pytest.raises(ValueError, match="2 models, 2 benchmarks, 3 and 3 bounds"):
        fit_completion(good, np.zeros(3), np.ones(3))


def test_side_information_helps_where_it_tells_and_does_little_where_not():
    given_ = plant(60, 10, seed=8, missing=0.85)
    names = given_.truth.index
    noise = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 5)), names)
    known = encode_side(pd.DataFrame({"ability": given_.abilities[:, 0]}, names))

    def error(side: pd.DataFrame | None) -> float:
        return float(np.median(np.abs(percent(given_.X, side=side).mean - given_.truth).to_numpy()[given_.gaps]))

    nothing = error(None)
    assert error(known) < 0.8 * nothing
    assert error(noise) < 1.1 * nothing


def test_large_matrices_take_the_short_way(monkeypatch: pytest.MonkeyPatch, planted: Planted, fitted: Completion):
    monkeypatch.setattr(model, "LARGE", 100)
    short = percent(planted.X)
    assert len(short.draws) < len(fitted.draws)
    assert np.median(np.abs(short.mean - fitted.mean)) < 1.0


def test_axes_on_which_starts_disagree_are_named(planted: Planted, fitted: Completion):
    assert not {"axis1", "axis2"} & set(fitted.undetermined)
    truth = np.linalg.svd((Z := fitted.link.forward(planted.truth.to_numpy())) - Z.mean(axis=0))[2][:2]
    assert (np.abs((truth * fitted.axes.to_numpy().T[:2]).sum(axis=1)) > 0.95).all()
    assert np.allclose((fitted.axes**2).sum(), 1)
    assert (fitted.axes.max() == fitted.axes.abs().max()).all()
    noise = pd.DataFrame(np.random.default_rng(0).uniform(5, 95, size=(40, 12))).mask(
        plant(40, 12, 0, missing=0.7).gaps
    )
    assert "axis4" in percent(noise).undetermined


def test_new_models_are_placed_without_fitting_again():
    given_ = plant(110, 15, seed=9)
    old, new = given_.truth.index[:60], given_.truth.index[60:]
    found = percent(given_.X.loc[old])
    placed = place(found, given_.X.loc[new])
    error = (logit(placed.mean) - logit(given_.truth.loc[new]))[given_.gaps[60:]]
    assert np.median(np.abs(error)) < 1.45 * stats.norm.ppf(0.75) * 0.2
    covered = inside(given_.truth.loc[new], placed.lower, placed.upper)[given_.gaps[60:]]
    assert 0.84 < covered.mean() < 0.95
    # a model that the fit has seen comes out where the fit has it
    same = place(found, given_.X.loc[old])
    assert np.median(np.abs(same.mean - found.mean.loc[old])) < 0.5
    alone = place(found, given_.X.loc[[new[3]]])
    pd.testing.assert_frame_equal(alone.mean, placed.mean.loc[[new[3]]], rtol=1e-9)


def test_what_missing_scores_could_differ_by_holds_one_by_one_and_together():
    alone, together = [], []
    for seed in range(4):
        given_ = plant(40, 12, seed, missing=0.3)
        found = percent(given_.X)
        roots = found.roots()
        assert list(roots) == np.flatnonzero(given_.gaps.any(axis=1)).tolist()
        for i, root in roots.items():
            own = given_.gaps[i]
            assert not root[~own].any()
            error = (given_.truth - found.mean).to_numpy()[i, own]
            alone += list(error / np.sqrt((root[own] ** 2).sum(axis=1)))
            together += list(np.linalg.solve(root[own], error))
    # errors of one model share its ability: whitened by the root they are as if independent
    assert 0.86 < np.mean(np.abs(alone) < stats.norm.ppf(0.95)) < 0.94
    assert 0.85 < np.std(together) < 1.2


def test_a_new_model_is_expected_where_the_fit_has_it(planted: Planted, fitted: Completion):
    whole = fitted.roots()
    ratios = []
    for i in (3, 20, 41):
        own = planted.gaps[i]
        found = expect(fitted, planted.X.to_numpy()[i])
        np.testing.assert_array_equal(found.scores[~own], planted.X.to_numpy()[i, ~own])
        assert np.abs(found.scores - fitted.mean.to_numpy()[i])[own].max() < 4.0
        assert not found.root[~own].any()
        ratios += list((found.root[own] ** 2).sum(axis=1) / (whole[i][own] ** 2).sum(axis=1))
    assert 0.7 < np.median(ratios) < 1.4


def test_gain_is_the_change_with_each_given_score(planted: Planted, fitted: Completion):
    row = planted.X.to_numpy()[20]
    given_ = np.flatnonzero(np.isfinite(row))
    found = expect(fitted, row)
    assert found.gain.shape == (20, len(given_))
    np.testing.assert_array_equal(found.gain[given_], np.eye(len(given_)))
    for number, j in enumerate(given_[:4]):
        nudged = row.copy()
        nudged[j] += 1e-3
        moved = (expect(fitted, nudged).scores - found.scores) / 1e-3
        # the gain leaves out that a score which moves away from the others loses weight
        own = planted.gaps[20]
        assert np.corrcoef(found.gain[own, number], moved[own])[0, 1] > 0.97
        assert 0.6 < np.linalg.norm(found.gain[own, number]) / np.linalg.norm(moved[own]) < 2.5


def test_a_sketch_is_near_the_fit(planted: Planted, fitted: Completion):
    found = sketch_completion(planted.X, np.zeros(20), np.full(20, 100.0))
    assert np.median(np.abs(found.mean - fitted.mean)) < 1.0
    assert len(found.draws) < len(fitted.draws) / 4
    assert found.stretch == 1.0


def test_a_wild_score_of_a_new_model_counts_little(planted: Planted, fitted: Completion):
    row = planted.truth.iloc[[20]]
    usual = place(fitted, row).mean.iloc[0]
    for name in row.columns[:5]:
        wild = row.copy()
        wild[name] = 99.9 if row[name].iloc[0] < 50 else 0.1
        assert np.abs(place(fitted, wild).mean.iloc[0] - usual).drop(name).max() < 2.0


def test_placing_refuses_what_it_cannot_place(fitted: Completion):
    row = pd.DataFrame(NAN, ["new"], fitted.scores.columns)
    with pytest.raises(ValueError, match="no score of new: nothing to predict it from"):
        place(fitted, row)
    with pytest.raises(ValueError, match="the benchmarks are not those of the completion"):
        place(fitted, row.iloc[:, ::-1])
    with pytest.raises(ValueError, match="side information is 1 x 1, expected 1 x 0"):
        place(fitted, row.fillna(50.0), pd.DataFrame({"s": [1.0]}, ["new"]))


def test_side_information_of_a_new_model_counts():
    given_ = plant(60, 10, seed=10)
    known = encode_side(pd.DataFrame({"ability": given_.abilities[:, 0]}, given_.truth.index))
    found = percent(given_.X, side=known)
    row = pd.DataFrame(NAN, ["new"], given_.truth.columns)
    row["task0"] = float(given_.truth["task0"].median())
    able, unable = (place(found, row, pd.DataFrame({"ability": [value]}, ["new"])).mean for value in (2.0, -2.0))
    assert (able.iloc[0] - unable.iloc[0]).mean() > 20


def test_next_benchmarks_are_those_that_tell_most():
    rng = np.random.default_rng(11)
    abilities = rng.normal(size=(80, 2))
    kinds = np.repeat([0, 1], 5)
    noise = np.where(np.arange(10) % 5 == 2, 0.1, 0.7)
    logits = 1.5 * abilities[:, kinds] + noise * rng.normal(size=(80, 10))
    X = pd.DataFrame(100 / (1 + np.exp(-logits)), columns=[f"task{j}" for j in range(10)])
    found = percent(X)
    nothing = pd.Series(NAN, X.columns, name="new")
    first = next_benchmarks(found, nothing, 4)
    assert set(first.index[:2]) == {"task2", "task7"}
    assert (first.diff().dropna() < 0).all()
    assert first.iloc[0] < 0.7
    assert first.iloc[1] < 0.15
    knows = nothing.copy()
    knows["task2"] = 50.0
    assert next_benchmarks(found, knows, 1).index[0] == "task7"
    assert next_benchmarks(found, nothing, 1, targets=["task5", "task6"]).index[0] == "task7"
    assert list(next_benchmarks(found, nothing, 5, candidates=["task0", "task9"]).sort_index().index) == [
        "task0",
        "task9",
    ]
    assert len(next_benchmarks(found, pd.Series(50.0, X.columns, name="all"), 3)) == 0


@given(st.floats(0, 100), st.floats(0.5, 5))
def test_link_comes_back(score: float, spread: float):
    scores = np.array([[score, -3.0], [50.0, 7.0], [10.0 * spread, 4.0]])
    link = fit_link(scores, np.array([0.0, NAN]), np.array([100.0, NAN]))
    assert np.allclose(link.inverse(link.forward(scores)), scores, atol=1e-9)
    assert np.allclose(link.forward(scores).mean(axis=0), 0, atol=1e-9)


def test_half_width_is_a_quantile_of_the_sum():
    rng = np.random.default_rng(0)
    for variance, noise in ((0.0, 1.0), (4.0, 0.5), (0.3, 0.2), (1.0, 1e-6)):
        draws = np.sqrt(variance) * rng.normal(size=400_000) + np.sqrt(noise) * rng.standard_t(4, size=400_000)
        width = half_width(np.array(variance), np.array(noise), 0.9)
        assert np.isclose(width, np.quantile(np.abs(draws), 0.9), rtol=0.01)


def test_side_information_is_encoded():
    table = pd.DataFrame(
        {
            "size": [1.0, 3.0, NAN, 2.0, 2.0],
            "reasons": [True, False, True, False, False],
            "released": ["2025", "2024-07-02", "2025-01-01", "2024-07", "2024-01-01"],
            "maker": ["a", "a", "a", "b", NAN],
            "same": 1,
        }
    )
    side = encode_side(table)
    assert list(side.columns) == ["size", "reasons", "released", "maker=a"]
    assert np.allclose(side.mean(), 0)
    assert side["size"].tolist()[2] == 0.0
    assert side["released"][0] == side["released"][2] > side["released"][1] > side["released"][3] > side["released"][4]
    assert side["maker=a"][0] > 0 > side["maker=a"][3]
    assert side["maker=a"][4] == 0
    new = encode_side(table.iloc[[1]], like=table)
    pd.testing.assert_frame_equal(new, side.iloc[[1]])
