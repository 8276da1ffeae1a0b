"""Results to draw in tests: the shipped study, and planted studies of any size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stages.analysis.components.factors import factorise
from stages.analysis.components.pca import decompose, leave_one_out, summarise_loo
from stages.analysis.scaling.budgets import budgets, derive_tokens
from stages.analysis.scaling.laws import TOTAL, fit_laws
from stages.analysis.scores.cells import binomial_stderr
from stages.analysis.scores.correlation import pearson, precision, spearman
from stages.analysis.scores.results import Results
from stages.contracts.study.info import StudyInfo, load_study
from stages.figures.description import Description


def words(name: str, png: bool = True) -> Description:
    """Return a figure in words that nothing is read from but its name."""
    return Description(name, "A title", "", "", "", "", "An alternative", png)


SHIPPED = Path(__file__).parents[2] / "metadata" / "japanese-2024"
SHOWN_FACTORS = 4
LAW_COLUMNS = ["response", "language", "n", "rho", "slope", "intercept"]


def shipped(subset: str = "all", factors: int = 10) -> Results:
    """Return the shipped study; `subset` is `all` or `scratch`, `factors` 0 leaves the factor model out."""
    info = load_study((SHIPPED / "study.yaml").read_text(encoding="utf-8"), "study.yaml")
    models = pd.read_csv(SHIPPED / "models.csv", index_col="model_id").fillna({"base_model_id": "", "corpus": ""})
    benchmarks = pd.read_csv(SHIPPED / "benchmarks.csv", index_col="benchmark")
    X = pd.read_csv(SHIPPED / "scores.csv", index_col="model_id").loc[models.index, benchmarks.index]
    derived, _ = derive_tokens(models, list(info.languages), info.token_rules, info.continual_language)
    table = budgets(models, derived, list(info.languages))
    if subset != "all":
        table = table[table["construction"] == subset]
    return _results(info, table, benchmarks, X.loc[table.index], subset=subset, factors=factors)


def planted(
    n_models: int = 8,
    n_benchmarks: int = 5,
    languages: Sequence[str] = ("fi", "sv", "en"),
    n_groups: int = 3,
    factors: int = 0,
    seed: int = 1,
) -> Results:
    """Return a study drawn from two abilities: one follows the total budget, one that of the first language."""
    rng = np.random.default_rng(seed)
    names = {"fi": "Finnish", "sv": "Swedish", "en": "English"}
    groups = {f"group_{i}": f"Group {i + 1}" for i in range(n_groups)}
    info = StudyInfo(
        title="A planted study",
        citation="Nobody (2024). Planted abilities.",
        licence="CC0",
        languages={code: names.get(code, f"Language {code}") for code in languages},
        groups=groups,
    )
    ids = [f"lab/model-{i}" for i in range(n_models)]
    models = pd.DataFrame(
        {
            "name": [f"Model {i}" for i in range(n_models)],
            "active_params_b": rng.choice([1.0, 3.0, 8.0, 30.0], n_models),
            "construction": "scratch",
            "base_model_id": "",
            "corpus": "",
            "tokens_total_b": 0.0,
            "group": [list(groups)[i % n_groups] for i in range(n_models)],
            "family": "planted",
            "reference": "",
        },
        index=pd.Index(ids, name="model_id"),
    )
    for code in languages:
        models[f"tokens_{code}_b"] = 10 ** rng.uniform(1, 3.5, n_models)
        models["tokens_total_b"] += models[f"tokens_{code}_b"]
    no_rules = pd.DataFrame(np.nan, models.index, [f"tokens_{code}_b" for code in languages])
    models = budgets(models, no_rules, languages)
    benchmarks = pd.DataFrame(
        {
            "label": [f"Bench-{i}" for i in range(n_benchmarks)],
            "language": [languages[i % len(languages)] for i in range(n_benchmarks)],
            "ability": "planted",
            "counterpart": "",
            "n_items": 500,
        },
        index=pd.Index([f"bench_{i}" for i in range(n_benchmarks)], name="benchmark"),
    )
    ability = np.log10(models[["nd_total", f"nd_{languages[0]}"]].to_numpy())
    ability = (ability - ability.mean(axis=0)) / ability.std(axis=0)
    weights = rng.uniform(0.2, 1.0, (2, n_benchmarks))
    noise = rng.normal(0, 0.2, (n_models, n_benchmarks))
    X = pd.DataFrame(1 / (1 + np.exp(-(ability @ weights + noise))), models.index, benchmarks.index)
    return _results(info, models, benchmarks, X, subset="all", factors=factors)


def _results(
    info: StudyInfo, models: pd.DataFrame, benchmarks: pd.DataFrame, X: pd.DataFrame, *, subset: str, factors: int
) -> Results:
    solution = decompose(X, 4, info.anchors)
    loo_table = summarise_loo(leave_one_out(X, solution), solution)
    loadings, scores, summary = _factors(X, factors)
    laws, skipped = fit_laws(solution.pc_scores.join(scores), models, [*info.languages, TOTAL], 5)
    cells = X.rename_axis(columns="benchmark").stack().rename("score").reset_index()
    cells["n_items"] = cells["benchmark"].map(benchmarks["n_items"])
    cells["stderr"] = binomial_stderr(cells["score"], cells["n_items"])
    cells["origin"] = "published"
    stderr = cells.pivot_table(index="model_id", columns="benchmark", values="stderr").loc[X.index, X.columns]
    return Results(
        info=info,
        study="japanese-2024" if "ja" in info.languages else "planted",
        subset=subset,
        models=models,
        benchmarks=benchmarks,
        cells=cells,
        X=X,
        pearson=pearson(X),
        spearman=spearman(X),
        precision=precision(X, stderr, 0.5),
        explained_variance_ratio=solution.explained_variance_ratio,
        loadings=solution.loadings,
        pc_scores=solution.pc_scores,
        loo=loo_table,
        factor_loadings=loadings,
        factor_scores=scores,
        factor_summary=summary,
        laws=pd.DataFrame(laws, columns=LAW_COLUMNS),
        skipped=tuple(skipped),
    )


def _factors(X: pd.DataFrame, n_factors: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return loadings, scores and summary of the shown factors; without factors, frames without columns."""
    if n_factors == 0:
        return pd.DataFrame(index=X.columns), pd.DataFrame(index=X.index), pd.DataFrame()
    found = factorise(X, n_factors, 4)
    shown = list(found.loadings.columns[:SHOWN_FACTORS])
    return found.loadings[shown], found.scores[shown], found.summary.loc[shown]
