import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from stages.analysis.components.alignment import align
from stages.analysis.components.pca import decompose
from stages.analysis.components.spectra import spectra
from stages.analysis.scaling.laws import fit_law
from stages.analysis.uncertainty import resampling
from stages.analysis.uncertainty.bootstrap import (
    Summary,
    all_statistics,
    fisher,
    logit,
    statistics,
    summarise,
    unscaled,
)
from stages.analysis.uncertainty.resampling import Data, Samples, Weights, model_weights, samples
from tests.analysis.population import SINGLE, population
from tests.repository import ROOT

K = 3


@pytest.fixture(scope="module")
def drawn() -> tuple[pd.DataFrame, np.ndarray]:
    study = population().draw(np.random.default_rng(0), SINGLE, 0.0)
    logs = np.column_stack([study.logs, study.logs.sum(axis=1)])
    logs[::7, 0] = np.nan
    return study.X, logs


def data_of(X: pd.DataFrame, logs: np.ndarray) -> Data:
    return Data(X.to_numpy(), logs, np.zeros(X.shape), logs, logs, {})


def sklearn_pca(rows: np.ndarray) -> PCA:
    return PCA(n_components=K, svd_solver="full").fit((rows - rows.mean(axis=0)) / rows.std(axis=0))


def test_weights_give_what_a_scikit_learn_loop_over_copied_rows_gives(drawn):
    X, _ = drawn
    rng = np.random.default_rng(1)
    drawn_rows = rng.integers(0, len(X), (60, len(X)))
    weights = np.stack([np.bincount(rows, minlength=len(X)) for rows in drawn_rows]).astype(float)
    found = spectra(X.to_numpy(), weights, K)
    for i, rows in enumerate(drawn_rows):
        loop = sklearn_pca(X.to_numpy()[rows])
        np.testing.assert_allclose(found.ratio[i], loop.explained_variance_ratio_, atol=1e-10)
        # before alignment: only the sign is free
        np.testing.assert_allclose(np.abs(found.vectors[i]), np.abs(loop.components_.T), atol=1e-10)


def test_naive_means_of_axes_with_accidental_signs_cancel_and_aligned_ones_do_not():
    X = pd.read_csv(ROOT / "metadata/japanese-2024/scores.csv", index_col="model_id").to_numpy()
    full = decompose(pd.DataFrame(X), 4, {}).loadings.to_numpy()
    rng = np.random.default_rng(2)
    naive = []
    for _ in range(400):
        rows = X[rng.integers(0, len(X), len(X))]
        axes = np.linalg.svd((rows - rows.mean(axis=0)) / rows.std(axis=0))[2][:8].T
        # the signs that LAPACK returns depend on the processor
        naive.append(axes * rng.choice([-1.0, 1.0], 8))
    found = align(full, np.stack(naive))
    assert found.swapped.mean() > 0.05
    # flips cancel in the mean of naive loadings: hardly anything of an axis is left, of an aligned one nearly all
    naive_length = np.linalg.norm(np.stack(naive)[:, :, :3].mean(axis=0), axis=0)
    aligned_length = np.linalg.norm(found.loadings[:, :, :3].mean(axis=0), axis=0)
    assert naive_length[1:].max() < 0.3
    assert aligned_length.min() > 0.85
    assert (np.einsum("pk,bpk->bk", full, found.loadings) >= 0).all()


def test_three_dimensional_scores_give_the_same_as_shared_ones(drawn):
    X, _ = drawn
    weights = model_weights(len(X), 5, np.random.default_rng(3))
    shared = spectra(X.to_numpy(), weights, K)
    apart = spectra(np.repeat(X.to_numpy()[None], 5, axis=0), weights, K)
    for name in ("ratio", "centre", "spread", "correlation"):
        np.testing.assert_allclose(getattr(shared, name), getattr(apart, name), atol=1e-12)


def test_full_weights_give_the_study_as_analysed(drawn):
    X, logs = drawn
    full = decompose(X, K, {})
    found = statistics(Samples(np.ones((1, 35)), X.to_numpy(), logs), full.loadings.to_numpy())
    np.testing.assert_allclose(found["loadings"][0], full.loadings, atol=1e-12)
    np.testing.assert_allclose(found["scores"][0], full.pc_scores, atol=1e-11)
    np.testing.assert_allclose(found["ratio"][0], full.explained_variance_ratio, atol=1e-12)
    np.testing.assert_allclose(found["correlation"][0], X.corr(), atol=1e-12)
    for j in range(3):
        for k in range(K):
            law = fit_law(full.pc_scores.iloc[:, k], pd.Series(logs[:, j], X.index).dropna(), "any")
            assert found["rho"][0, k, j] == pytest.approx(law.rho, abs=1e-12)
            assert found["slope"][0, k, j] == pytest.approx(law.slope, abs=1e-12)


def test_partial_correlation_is_that_of_residuals(drawn):
    X, logs = drawn
    full = decompose(X, K, {})
    found = statistics(Samples(np.ones((1, 35)), X.to_numpy(), logs), full.loadings.to_numpy())
    both = np.isfinite(logs[:, :2]).all(axis=1)
    x, given, y = logs[both, 0], logs[both, 1], full.pc_scores["PC1"].to_numpy()[both]

    def residual(v: np.ndarray) -> np.ndarray:
        return v - np.polyval(np.polyfit(given, v, 1), given)

    assert found["partial"][0, 0, 0] == pytest.approx(np.corrcoef(residual(x), residual(y))[0, 1], abs=1e-12)
    r = np.corrcoef([y, x, given])[0]
    assert found["contrast"][0, 0, 0] == pytest.approx(r[1] - r[2], abs=1e-12)


def test_a_sample_in_which_a_benchmark_is_constant_is_left_out(drawn):
    X, logs = drawn
    weights = np.zeros((2, 35))
    weights[0, 4] = 35
    weights[1] = 1
    found = statistics(Samples(weights, X.to_numpy(), logs), decompose(X, K, {}).loadings.to_numpy())
    for name, values in found.items():
        assert np.isnan(values[0]).all(), name
        assert np.isfinite(values[1]).any(), name


def test_summaries_are_those_of_all_samples_whatever_the_chunks(drawn, monkeypatch):
    X, logs = drawn
    data, reference = data_of(X, logs), decompose(X, K, {}).loadings.to_numpy()
    weights = model_weights(35, 300, np.random.default_rng(4))
    at_once = statistics(Samples(weights, X.to_numpy(), logs), reference)
    estimate = {
        name: values[0] for name, values in statistics(Samples(np.ones((1, 35)), data.X, logs), reference).items()
    }
    monkeypatch.setattr(resampling, "MEMORY", 20_000)
    in_parts = Weights(300, lambda start, count: weights[start : start + count])
    assert len(list(samples(data, in_parts, None))) > 3
    found = summarise(samples(data, in_parts, None), reference, estimate)
    np.testing.assert_allclose(found["loadings"].mean(), at_once["loadings"].mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found["loadings"].deviation(), at_once["loadings"].std(axis=0, ddof=1), atol=1e-12)
    np.testing.assert_allclose(found["rho"].deviation(), fisher(at_once["rho"]).std(axis=0, ddof=1), atol=1e-10)
    np.testing.assert_allclose(found["ratio"].least, logit(at_once["ratio"]).min(axis=0))


@pytest.mark.parametrize("own", [True, False])
def test_the_pieces_of_a_chunk_are_its_samples_in_order(drawn, monkeypatch, own):
    X, logs = drawn
    rng = np.random.default_rng(5)
    weights = model_weights(35, 40, rng)
    scores = X.to_numpy() + rng.normal(0, 0.01, (40, *X.shape)) * own
    budgets = logs + rng.normal(0, 0.1, (40, *logs.shape)) * own
    whole = Samples(weights, scores if own else X.to_numpy(), budgets if own else logs)
    reference = decompose(X, K, {}).loadings.to_numpy()
    monkeypatch.setattr(resampling, "PIECE", 3 * max(X.size, X.shape[1] ** 2))
    pieces = list(whole.pieces())
    assert max(len(piece.weights) for piece in pieces) <= 7
    found = list(all_statistics([whole, whole], reference))
    assert len(found) == 2 * len(pieces)
    for name, values in statistics(whole, reference).items():
        np.testing.assert_allclose(
            np.concatenate([part[name] for part in found]),
            np.tile(values, (2,) + (1,) * (values.ndim - 1)),
            atol=1e-12,
        )


def test_scales_are_undone():
    fractions = np.array([0.01, 0.5, 0.9])
    np.testing.assert_allclose(unscaled("ratio", logit(fractions)), fractions)
    np.testing.assert_allclose(unscaled("rho", fisher(-fractions)), -fractions)
    np.testing.assert_allclose(unscaled("slope", fractions), fractions)


def test_summary_counts_only_what_could_be_computed():
    summary = Summary(np.array([1.0, 2.0]))
    summary.add(np.array([[1.0, np.nan], [3.0, np.nan], [2.0, 2.0]]))
    assert summary.count.tolist() == [3, 1]
    np.testing.assert_allclose(summary.deviation(), [1.0, np.nan])
