import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.analysis.components import gaps
from stages.analysis.components.gaps import Filled, NotImputableError, analyse, decompose_filled, fill, left_out
from stages.analysis.components.pca import decompose, leave_one_out
from stages.analysis.scores.incomplete import left_out as what_is_left_out
from stages.analysis.scores.incomplete import left_out_line
from tests.analysis.matrices import planted


def holed(X: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return X.mask(rng.random(X.shape) < share)


def ranges(X: pd.DataFrame) -> dict[str, tuple[float, float]]:
    return {str(name): (0.0, 1.0) for name in X}


@pytest.fixture(scope="module")
def seen() -> pd.DataFrame:
    return holed(planted(40, 8, seed=3), 0.2, seed=4)


@pytest.fixture(scope="module")
def filled(seen: pd.DataFrame) -> Filled:
    return fill(seen, ranges(seen))


@given(st.integers(0, 1000), st.integers(1, 3), st.booleans())
@settings(max_examples=25, deadline=None)
def test_components_of_second_moments_are_principal_components_where_nothing_is_unknown(
    seed: int, k: int, unit_variance: bool
):
    X = planted(15, 6, seed)
    anchors = {"PC2": "task_1"}
    full = decompose(X, k, anchors, unit_variance=unit_variance)
    nothing = Filled(X, {3: np.zeros((6, 2))}, np.zeros((0, 15, 6)))
    found = decompose_filled(nothing, k, anchors, unit_variance=unit_variance)
    pd.testing.assert_frame_equal(found.loadings, full.loadings, atol=1e-8)
    pd.testing.assert_frame_equal(found.pc_scores, full.pc_scores, atol=1e-7)
    pd.testing.assert_series_equal(found.explained_variance_ratio, full.explained_variance_ratio, atol=1e-8)
    pd.testing.assert_series_equal(found.spread, full.spread)


def test_a_complete_matrix_stays_as_it_is():
    X = planted(12, 5, seed=5)
    found = analyse(X, {}, 2, {}, unit_variance=True)
    full = decompose(X, 2, {})
    pd.testing.assert_frame_equal(fill(X, {}).X, X, rtol=0, atol=0)
    pd.testing.assert_frame_equal(found.full.loadings, full.loadings, rtol=0, atol=0)
    pd.testing.assert_frame_equal(found.full.pc_scores, full.pc_scores, rtol=0, atol=0)
    assert found.agreement.isna().all()
    assert found.undetermined == []


def test_missing_cells_come_back_where_abilities_explain_nearly_all():
    X = planted(60, 10, seed=1, k=2, noise=0.01)
    gaps_ = holed(X, 0.15, seed=2).isna()
    found = fill(X.mask(gaps_), {}).X
    error = ((found - X) / X.std()).to_numpy()[gaps_.to_numpy()]
    assert np.sqrt((error**2).mean()) < 0.1
    pd.testing.assert_frame_equal(found.where(~gaps_), X.where(~gaps_))


def test_an_imputed_score_is_neither_zero_nor_the_mean():
    X = planted(40, 8, seed=3)
    # the best model lacks a score: its others say that it is high
    best = X.mean(axis=1).idxmax()
    gap = X.copy()
    gap.loc[best, "task_0"] = np.nan
    value = fill(gap, ranges(X)).X.loc[best, "task_0"]
    assert value != 0
    assert abs(value - X.loc[best, "task_0"]) < abs(gap["task_0"].mean() - X.loc[best, "task_0"])


def test_variance_is_not_understated():
    """What is predicted varies less than what was measured, and more along the first component; results must not."""
    shares, spreads = [], []
    for seed in range(4):
        X = planted(60, 8, seed, noise=1.0)
        found = fill(holed(X, 0.35, seed + 50), ranges(X))
        ours, naive, true = decompose_filled(found, 1, {}), decompose(found.X, 1, {}), decompose(X, 1, {})
        shares.append(
            [one.explained_variance_ratio["PC1"] - true.explained_variance_ratio["PC1"] for one in (ours, naive)]
        )
        spreads.append([np.log(one.spread / true.spread).mean() for one in (ours, naive)])
    for own, plain in (np.mean(shares, axis=0), np.mean(spreads, axis=0)):
        assert abs(own) < 0.6 * abs(plain)
    assert np.mean(shares, axis=0)[1] > 0.03
    assert np.mean(spreads, axis=0)[1] < -0.04


@pytest.mark.parametrize("unit_variance", [True, False])
def test_both_kinds_of_analysis_find_the_planted_components(unit_variance: bool):
    X = planted(80, 8, seed=11, k=2, noise=0.1)
    # one benchmark varies ten times as much: only an analysis without standardising follows it
    X["task_0"] = X["task_0"] * 10
    full = decompose(X, 2, {}, unit_variance=unit_variance)
    seen = holed(X, 0.2, seed=12)
    found = analyse(seen, {}, 2, {}, unit_variance=unit_variance).full
    np.testing.assert_allclose(found.explained_variance_ratio, full.explained_variance_ratio, atol=0.03)
    assert (np.abs((found.loadings * full.loadings).sum()) > 0.98).all()
    assert (found.loadings["PC1"].abs().max() > 0.9) == (not unit_variance)


def test_leaving_one_out_takes_it_out_of_the_second_moments(seen: pd.DataFrame, filled: Filled):
    full = decompose_filled(filled, 2, {})
    found = leave_one_out(filled.X, full, roots=filled.roots)
    for i in (0, 7, 39):
        rest = filled.take(seen.index.delete(i), seen.columns)
        own = decompose_filled(rest, 2, {}).loadings.to_numpy()
        own = own * np.sign((own * full.loadings.to_numpy()).sum(axis=0))
        np.testing.assert_allclose(found[i], own, atol=1e-9)


def test_leaving_one_out_fits_the_model_once(seen: pd.DataFrame, monkeypatch: pytest.MonkeyPatch):
    fits = []
    real = gaps.fit_completion
    monkeypatch.setattr(gaps, "fit_completion", lambda *args: fits.append(1) or real(*args))
    found = analyse(seen, ranges(seen), 2, {}, unit_variance=True)
    assert len(fits) == 1
    assert found.loo["std"].gt(0).all()


def test_a_part_is_filled_as_the_whole(seen: pd.DataFrame, filled: Filled):
    models, benchmarks = seen.index[[5, 2, 30]], seen.columns[[6, 1]]
    part = filled.take(models, benchmarks)
    pd.testing.assert_frame_equal(part.X, filled.X.loc[models, benchmarks])
    for i, name in enumerate(models):
        row = seen.index.get_loc(name)
        whole = filled.roots.get(row, np.zeros((8, 1)))
        own = part.roots.get(i, np.zeros((2, 1)))
        np.testing.assert_allclose(own @ own.T, (whole @ whole.T)[np.ix_([6, 1], [6, 1])])
        assert (i in part.roots) == seen.loc[name, benchmarks].isna().any()


def test_a_component_that_the_scores_leave_open_is_named():
    X = planted(40, 8, seed=3, k=1, noise=0.8)
    found = analyse(holed(X, 0.4, seed=1), ranges(X), 3, {}, unit_variance=True)
    assert found.agreement["PC1"] > 0.99 > 0.95 > found.agreement["PC3"]
    assert found.undetermined[-1].startswith("PC3 is not determined by the scores that are there: ")
    assert not any(line.startswith("PC1") for line in found.undetermined)


def test_policies_leave_out():
    X = planted(12, 5, seed=5)
    X.iloc[2, 1] = np.nan
    assert left_out(X, "drop_models").X.shape == (11, 5)
    assert left_out(X, "drop_benchmarks").X.shape == (12, 4)


def test_what_is_left_out_is_named():
    X = planted(4, 3, seed=0)
    X.iloc[1, 2] = np.nan
    models = [*X.index, "of another subset"]

    def line(policy: str) -> str:
        return left_out_line(what_is_left_out(models, X, "all", policy))

    assert line("drop_models") == "left out for missing scores: models model-1"
    assert line("drop_benchmarks") == "left out for missing scores: benchmarks task_2"
    assert line("refuse") == ""


def test_leaving_out_nearly_everything_is_refused():
    X = planted(4, 3, seed=6)
    for i in range(3):
        X.iloc[i, i] = np.nan
    with pytest.raises(NotImputableError, match="leaves 1 models"):
        left_out(X, "drop_models")


def test_what_cannot_be_modelled_is_named():
    X = planted(8, 4, seed=7)
    empty = X.copy()
    empty.loc["model-3"] = np.nan
    empty.loc["model-0":"model-6", "task_2"] = np.nan
    with pytest.raises(NotImputableError, match="too few scores to model model-3, task_2"):
        fill(empty, {})
    X["task_1"] = 0.5
    X.iloc[0, 0] = np.nan
    with pytest.raises(NotImputableError, match="constant benchmarks: task_1"):
        fill(X, {})
    with pytest.raises(NotImputableError, match=r"task_3 of model-0 is .*, expected 2 to 3"):
        fill(X.drop(columns="task_1"), {"task_3": (2.0, 3.0)})
