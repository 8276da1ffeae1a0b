"""What a large study costs: bounded, said, and the same as without short cuts."""

import numpy as np
import pytest

from stages.analysis.components.pca import decompose
from stages.analysis.scaling.forecasting import METHODS, designs, left_out_errors
from stages.analysis.uncertainty import tables
from stages.analysis.uncertainty.inference import fit_robust
from stages.analysis.uncertainty.tables import Study, affordable, resample
from tests.analysis.matrices import planted
from tests.analysis.uncertainty.test_ranks import scores, study


def test_a_bootstrap_takes_as_many_samples_as_the_size_allows():
    assert affordable(10_000, (35, 19)) == 10_000
    assert affordable(10_000, (400, 40)) == 10_000
    assert 1_000 <= affordable(10_000, (4_000, 60)) < 2_000
    assert affordable(10_000, (100_000, 100)) == tables.FEWEST_DRAWS
    assert affordable(100, (100_000, 100)) == 100


def test_fewer_samples_are_drawn_and_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "WORK", 0)
    monkeypatch.setattr(tables, "FEWEST_DRAWS", 50)
    one: Study = study(*scores())
    found, skipped = resample(one, 1_000, np.random.default_rng(0))
    drawn = {way.name: int(way.summaries["ratio"].count.max()) for way in found}
    assert drawn == {"models": 50, "without_each_model": 12, "items": 50}
    assert skipped[0] == (
        "950 of 1,000 samples per bootstrap: many for 12 models x 4 benchmarks; 50 know the length of an interval to "
        "10.0 %"
    )


def test_families_left_out_together_are_those_left_out_one_by_one():
    X = planted(24, 5, 0)
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(8), 3)
    logs = np.column_stack([X.to_numpy()[:, :2] + 0.1 * rng.normal(size=(24, 2)), rng.normal(size=24)])
    reference = decompose(X, 2, {}).loadings
    found = left_out_errors(X, reference.to_numpy(), logs, codes)
    for g in range(8):
        others, held = codes != g, codes == g
        alone = decompose(X[others], 2, {})
        U = alone.loadings * np.sign((alone.loadings * reference).sum())
        S = ((X - alone.centre) / alone.spread @ U).to_numpy()
        for method in METHODS:
            solution = np.linalg.lstsq(designs(logs[others])[method], S[others], rcond=None)[0]
            errors = getattr(found, method).loc[X.index[held], ["PC1", "PC2"]]
            np.testing.assert_allclose(errors, designs(logs[held])[method] @ solution - S[held], atol=1e-9)


def test_robust_errors_are_those_of_the_whole_hat_matrix():
    rng = np.random.default_rng(4)
    codes = np.repeat(np.arange(6), 4)
    design = np.column_stack([np.ones(24), rng.normal(size=24)])
    y = design @ [1.0, 2.0] + rng.normal(size=24)
    bread = np.linalg.inv(design.T @ design)
    rest = np.eye(24) - design @ bread @ design.T
    rows = []
    for g in range(6):
        own = codes == g
        values, vectors = np.linalg.eigh(rest[np.ix_(own, own)])
        rows.append(bread @ design[own].T @ (vectors / np.sqrt(values)) @ vectors.T @ rest[own])
    parts = np.array(rows) @ y
    found = fit_robust(y, design, codes)
    np.testing.assert_allclose(found.covariance, parts.T @ parts, rtol=1e-9)
    products = [np.array(rows)[:, j] @ np.array(rows)[:, j].T for j in range(2)]
    np.testing.assert_allclose(found.df, [np.trace(p) ** 2 / (p**2).sum() for p in products], rtol=1e-9)
