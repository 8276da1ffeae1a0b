"""Another folder under metadata/ runs the same pipeline; a planted plan comes back."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import shared
from tests.planted import Plan, orthonormal, write_study
from tests.repository import Repository, new_repository

pytestmark = pytest.mark.states


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, Plan]:
    def make(path: Path) -> None:
        repository = new_repository(path)
        write_study(path / "metadata/planted")
        repository.commit("Another study")
        repository.dvc("exp", "run", "-S", "study=planted", "-S", "factorize.n_factors=3", "-S", "factorize.shown=3")

    path = shared(tmp_path_factory, "planted", make)
    logs_slopes = (2.0 / 0.4, 1.0 / 0.4)
    return Repository(path), Plan(orthonormal(6), logs_slopes, (1.0, 1.0))


def metrics(repository: Repository, name: str) -> dict:
    return json.loads((repository.path / f"reports/metrics/{name}.json").read_text(encoding="utf-8"))


def test_planted_loadings_come_back(planted: tuple[Repository, Plan]):
    repository, plan = planted
    loadings = pd.read_csv(repository.path / "reports/tables/pca_loadings.csv", index_col="benchmark")
    np.testing.assert_allclose(loadings[["PC1", "PC2"]], plan.loadings, atol=0.01)
    # variances 2^2 and 1^2 of two axes, nothing else
    ratio = metrics(repository, "decompose")["explained_variance_ratio"]
    assert ratio["PC1"] == pytest.approx(0.8, abs=0.01)
    assert ratio["PC2"] == pytest.approx(0.2, abs=0.01)


def test_planted_laws_come_back(planted: tuple[Repository, Plan]):
    repository, plan = planted
    laws = pd.read_csv(repository.path / "reports/tables/scaling.csv").set_index(["response", "language"])
    assert laws.loc[("PC1", "de"), "rho"] == pytest.approx(1, abs=1e-3)
    assert laws.loc[("PC2", "fr"), "rho"] == pytest.approx(1, abs=1e-3)
    assert laws.loc[("PC1", "fr"), "rho"] == pytest.approx(0, abs=1e-2)
    # scores are standardised per benchmark, whose planted variance is (2^2 + 1^2) / 6
    scale = np.sqrt(6 / 5)
    assert laws.loc[("PC1", "de"), "slope"] == pytest.approx(plan.slopes[0] * scale, rel=0.01)
    assert laws.loc[("PC2", "fr"), "slope"] == pytest.approx(plan.slopes[1] * scale, rel=0.01)


def test_scores_are_scaled_and_the_negative_metric_keeps_its_range(planted: tuple[Repository, Plan]):
    repository, _ = planted
    X = pd.read_parquet(repository.path / "data/score_matrix.parquet")
    raw = pd.read_csv(repository.path / "metadata/planted/scores.csv", index_col="model_id")
    np.testing.assert_allclose(X, raw / 100)
    assert X.iloc[:, -1].min() < 0


def test_a_study_that_names_no_law_has_those_of_its_first_component_among_its_numbers(
    planted: tuple[Repository, Plan],
):
    repository, _ = planted
    assert {name: [*found] for name, found in metrics(repository, "scale").items()} == {"PC1": ["total", "de", "fr"]}
    assert [*metrics(repository, "stability")["PC1"]] == ["total", "de", "fr"]


def test_a_study_without_claims_says_so(planted: tuple[Repository, Plan]):
    repository, _ = planted
    assert metrics(repository, "compare") == {"reproduced": 0, "not_reproduced": 0, "not_computed": 0}
    assert "no published numbers to compare with" in repository.observatory("summary").stdout
    assert (repository.path / "reports/index.html").is_file()


def test_few_models_without_budgets_get_what_can_be_computed(planted: tuple[Repository, Plan], tmp_path: Path):
    repository = planted[0].copy_to(tmp_path / "few")
    write_study(repository.path / "metadata/few", n_models=4, n_benchmarks=6, known_budgets=False)
    said = repository.dvc("exp", "run", "-S", "study=few")
    assert "4 models for 6 benchmarks" in said
    assert "skipped: 1 of 4 components: 4 models x 6 benchmarks have 3" in said
    assert "skipped: factor analysis: 4 models for 6 benchmarks make a singular correlation matrix" in said
    assert "skipped: no scaling law for the de budget: known for 0 models, 5 needed" in said
    assert metrics(repository, "scale") == {}
    page = (repository.path / "reports/index.html").read_text(encoding="utf-8")
    assert "no scaling law for the fr budget" in page
