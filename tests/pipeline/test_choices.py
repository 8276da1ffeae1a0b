"""Every pair of choices gives what an independent computation gives, or a refusal: a choice is never ignored."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml

from stages import assemble, budget, decompose, factorize, ingest, scale, validate
from stages.analysis.scores.incomplete import leave_out
from stages.workspace import paths
from stages.workspace.files import read_parquet
from stages.workspace.outputs import read_metrics, read_table
from stages.workspace.parameters import load_params
from tests.planted import write_study
from tests.repository import ROOT

SPREADS = np.array([2.2, 0.4, 1.0, 0.6, 1.4, 0.3])
"""What each benchmark's planted spread is multiplied by: standardising changes the components."""


CORRECTED, TASK = 4, "task_4"
"""Model and benchmark of the one score that corrections.csv corrects, by `ERROR`."""
ERROR = 6.0
WITHOUT = range(2, 60, 6)
"""Models whose French budget is not known, where budgets are."""


class Choice(NamedTuple):
    """A value of every choice."""

    study: str
    missing: str
    standardize: bool
    subset: str
    corrections: bool
    components: int
    factor_models: str


STUDIES = {
    # gaps in three benchmarks, in all, in none; one without budgets and with one language; negative scores in the last
    # benchmark of each
    "some": {"gaps": 3, "known_budgets": True, "languages": 2},
    "everywhere": {"gaps": 6, "known_budgets": False, "languages": 1},
    "complete": {"gaps": 0, "known_budgets": True, "languages": 2},
}
VALUES = (
    list(STUDIES),
    ["refuse", "drop_models", "drop_benchmarks", "model", "ppca"],
    [True, False],
    ["all", "even"],
    [True, False],
    [2, 1],
    ["common", "available"],
)


def pairwise() -> list[Choice]:
    """Return choices in which every pair of values of two of them occurs, greedily few."""
    pairs = list(itertools.combinations(range(len(VALUES)), 2))
    left = {(a, b, x, y) for a, b in pairs for x in VALUES[a] for y in VALUES[b]}
    found = []
    while left:
        best = max(itertools.product(*VALUES), key=lambda row: sum((a, b, row[a], row[b]) in left for a, b in pairs))
        left -= {(a, b, best[a], best[b]) for a, b in pairs}
        found.append(Choice(*best))
    return found


class Planted(NamedTuple):
    """A study that was taken in: its folder, its complete scores and those that are there."""

    folder: Path
    truth: pd.DataFrame
    seen: pd.DataFrame


def plant(folder: Path, name: str) -> Planted:
    """Write a study and take it in."""
    kind = STUDIES[name]
    study = folder / "metadata" / name
    write_study(study, n_models=60, seed=5, noise=0.4, known_budgets=bool(kind["known_budgets"]))
    scores = pd.read_csv(study / "scores.csv", index_col="model_id")
    middle = np.where(np.arange(6) < 5, 50.0, 0.0)
    truth = middle + (scores - middle) * SPREADS
    hidden = np.random.default_rng(1).random(truth.shape) < 0.2
    hidden[:, int(kind["gaps"]) :] = False
    hidden[CORRECTED] = False
    seen = truth.mask(hidden)
    seen.to_csv(study / "scores.csv")
    correct(study, float(seen[TASK].iloc[CORRECTED]))
    if kind["known_budgets"]:
        models = pd.read_csv(study / "models.csv")
        models.loc[WITHOUT, "tokens_fr_b"] = np.nan
        models.to_csv(study / "models.csv", index=False)
    if kind["languages"] == 1:
        speak_german(study)
    choose(folder, Choice(name, "model", True, "all", True, 2, "common"))
    ingest.main()
    budget.main()
    return Planted(folder, truth / 100, seen / 100)


def correct(study: Path, published: float) -> None:
    header, row = "model_id,benchmark,published,corrected,reason,source", f"org/model-{CORRECTED:02d},{TASK}"
    text = f"{header}\n{row},{published!r},{published + ERROR!r},misprint,a later table\n"
    (study / "corrections.csv").write_text(text, encoding="utf-8")


def speak_german(study: Path) -> None:
    info = yaml.safe_load((study / "study.yaml").read_text(encoding="utf-8"))
    (study / "study.yaml").write_text(yaml.safe_dump(info | {"languages": {"de": "German"}}), encoding="utf-8")
    pd.read_csv(study / "models.csv").drop(columns="tokens_fr_b").to_csv(study / "models.csv", index=False)
    pd.read_csv(study / "benchmarks.csv").assign(language="de").to_csv(study / "benchmarks.csv", index=False)


def choose(folder: Path, choice: Choice) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params |= {"study": choice.study, "subset": choice.subset}
    params["assemble"] |= {"missing": choice.missing, "corrections": choice.corrections}
    params["decompose"] |= {"standardize": choice.standardize, "n_components": choice.components}
    params["factorize"] |= {"n_factors": 2, "shown": 2}
    params["scale"]["factor_models"] = choice.factor_models
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Planted]]:
    with pytest.MonkeyPatch.context() as patch:
        found = {}
        for name in STUDIES:
            folder = tmp_path_factory.mktemp(name)
            patch.chdir(folder)
            found[name] = plant(folder, name)
        yield found


def principal(X: pd.DataFrame, count: int = 2, *, standardize: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of the variance and axes of the first components, by the textbook."""
    matrix = np.corrcoef(X.T) if standardize else np.cov(X.T)
    values, vectors = np.linalg.eig(matrix)
    order = np.argsort(values)[::-1][:count]
    return (values / values.sum())[order], vectors[:, order]


def without(loadings: pd.DataFrame, X: pd.DataFrame, *, standardize: bool) -> np.ndarray:
    """Return the mean loadings over all models left out in turn, each axis the one most like that of all models."""
    found = []
    for name in X.index:
        axes = principal(X.drop(index=name), 4, standardize=standardize)[1]
        cosines = loadings.to_numpy().T @ axes
        best = np.abs(cosines).argmax(axis=1)
        found.append(axes[:, best] * np.sign(cosines[np.arange(len(best)), best]))
    return np.mean(found, axis=0)


def test_pairs_are_few_and_all():
    choices = pairwise()
    assert len(choices) < 20
    for a, b in itertools.combinations(range(len(VALUES)), 2):
        assert {(choice[a], choice[b]) for choice in choices} == set(itertools.product(VALUES[a], VALUES[b]))


def laws_of(choice: Choice) -> None:
    """Hold the scaling laws against lines drawn by hand: each is of the models that the choice says."""
    factorize.main()
    scale.main()
    models, laws = read_parquet(paths.MODELS), read_table("scaling")
    scores = read_table("pca_scores", "model_id").join(read_table("fa_scores", "model_id"))
    assert set(laws["response"]) >= {"PC1"}
    for law in laws.to_dict("records"):
        budget = models.loc[scores.index, f"nd_{law['language']}"]
        used = budget.notna()
        if law["response"].startswith("Factor") and choice.factor_models == "common":
            used &= models.loc[scores.index, ["nd_de", "nd_fr", "nd_total"]].notna().all(axis=1)
        x, y = np.log10(budget[used]), scores.loc[used, law["response"]]
        assert law["n"] == used.sum()
        assert law["rho"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-5)
        assert law["slope"] == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-4)


@pytest.mark.parametrize("choice", pairwise(), ids=lambda choice: "-".join(map(str, choice)))
def test_a_pair_of_choices(studies: dict[str, Planted], choice: Choice, monkeypatch: pytest.MonkeyPatch):
    folder, truth, seen = studies[choice.study]
    monkeypatch.chdir(folder)
    choose(folder, choice)
    members = slice(None) if choice.subset == "all" else slice(0, None, 2)
    if choice.corrections:
        truth, seen = truth.copy(), seen.copy()
        for scores in (truth, seen):
            scores.loc[scores.index[CORRECTED], TASK] += ERROR / 100
    truth, seen = truth.iloc[members], seen.iloc[members]
    assemble.main()
    expected = leave_out(seen, choice.missing)
    pd.testing.assert_frame_equal(read_parquet(paths.MATRIX), expected, check_names=False)
    gaps = bool(seen.isna().to_numpy().any())
    if expected.shape[1] < 2 or (gaps and choice.missing == "refuse"):
        judged = validate.judged(load_params())
        assert any(finding.severity == "error" for finding in judged.findings)
        return
    decompose.main()
    loadings, loo = read_table("pca_loadings", "benchmark"), read_table("pca_loo")
    ratio = np.array(list(read_metrics("decompose")["explained_variance_ratio"].values()))
    agreement = read_table("explained_variance")["agreement"]
    modelled = gaps and choice.missing in {"model", "ppca"}
    reference = truth if modelled else expected
    shares, axes = principal(reference, choice.components, standardize=choice.standardize)
    # what is missing is predicted, not known: the truth comes back within its uncertainty, any other choice does not
    tolerance = 0.05 if modelled else 1e-8
    np.testing.assert_allclose(ratio, shares, atol=tolerance)
    np.testing.assert_allclose(np.abs((loadings.to_numpy() * axes).sum(axis=0)), 1, atol=4 * tolerance)
    means = loo.pivot(index="benchmark", columns="component", values="mean").loc[loadings.index]
    np.testing.assert_allclose(means, without(loadings, reference, standardize=choice.standardize), atol=8 * tolerance)
    assert agreement.notna().all() == modelled
    if STUDIES[choice.study]["known_budgets"]:
        laws_of(choice)


def test_the_choices_differ_by_more_than_the_uncertainty(studies: dict[str, Planted]):
    truth = studies["some"].truth
    (one, axes), (other, others) = (principal(truth, standardize=standardize) for standardize in (True, False))
    assert np.abs(one - other).max() > 0.08
    assert np.abs((axes * others).sum(axis=0)).min() < 0.85
