"""What figures rest on, models, benchmarks and analysis, and how they are read."""

import re

import pandas as pd

from stages.analysis.scores.correlation import FEWEST
from stages.analysis.scores.results import Results
from stages.page.tables import Tables, budget_names, sizes

READINGS = {
    r"benchmarks": "A bubble is a model; the higher, the better. Compare groups within a benchmark, not benchmarks.",
    r"correlation_\w+": "The darker, the closer: models good at one are good (red) or bad (blue) at the other.",
    r"pc_scores": "A bar is a model; 0 is the average model.",
    r"pca_loadings": "A long bar counts much in the component; bars that point apart are abilities that trade off.",
    r"pca_loo": "Two markers that coincide: no single model makes the loading.",
    r"pc\d+_raw": "Points near the line: the component says what the raw scores say.",
    r"scaling_\w+": "Points near a rising line: the ability grows with the budget of that language.",
    r"factor_scores": "A bar is a model; 0 is the average model.",
    r"factor_loadings": "A long bar is a benchmark that the factor explains; factors may be correlated.",
    r"stability_components": "Components above what chance gives are worth a name.",
    r"stability_loadings": "An interval that crosses 0 leaves open whether the benchmark belongs to the component.",
    r"stability_scaling": "An interval that crosses 0 leaves open whether the ability scales with that budget.",
    r"robustness": "A row without marks is a conclusion that no variation of the analysis shakes.",
}
"""Name of a figure, as a pattern, to one line on how to read it."""


def reading(name: str) -> str:
    """Return one line on how to read a figure; empty where none is known."""
    return next((line for pattern, line in READINGS.items() if re.fullmatch(pattern, name)), "")


def basis(name: str, results: Results, beyond: Tables) -> str:
    """Return what a figure rests on: its n, and the analysis that it shows.

    Args:
        name: Of the figure.
        results: Of the state shown.
        beyond: Tables of the stages stability and robustness.
    """
    counted = sizes(results)
    if name.startswith("correlation_"):
        return f"{_pair_counts(results)}, {results.X.shape[1]} benchmarks"
    if name.startswith("scaling_"):
        return f"{_law_counts(name.removeprefix('scaling_'), results)}; {_analysis(name, results)}"
    if name == "robustness" and "robustness" in beyond:
        return _varied_counts(beyond["robustness"])
    if name == "benchmarks":
        return counted
    return f"{counted}; {_analysis(name, results)}"


def _analysis(name: str, results: Results) -> str:
    if "factor" in name:
        return "factors of standardised benchmarks"
    return standardised(results)


def standardised(results: Results) -> str:
    """Return in words what the components were computed of."""
    return "components of standardised benchmarks" if results.standardized else "components of raw scores"


def _pair_counts(results: Results) -> str:
    there = results.X.notna().astype(int)
    both = there.T @ there
    low, high = int(both.to_numpy().min()), int(both.to_numpy().max())
    return f"{high} models" if low == high else f"{low} to {high} models a pair"


def _law_counts(response: str, results: Results) -> str:
    laws = results.laws[results.laws["response"].str.lower() == response] if len(results.laws) else results.laws
    names = budget_names(results)
    return ", ".join(f"{names[law.language]} n = {law.n}" for law in laws.itertuples())


def _varied_counts(table: pd.DataFrame) -> str:
    models, benchmarks = table["n_models"].dropna(), table["n_benchmarks"].dropna()
    if models.empty:
        return "no variation could be analysed"
    return (
        f"{table['variation'].nunique()} variations of {models.min():.0f} to {models.max():.0f} models and "
        f"{benchmarks.min():.0f} to {benchmarks.max():.0f} benchmarks"
    )


def analysis_lines(results: Results) -> list[str]:
    """Return how the study was analysed, a sentence each."""
    info, X = results.info, results.X
    scaled = "each scaled to unit variance" if results.standardized else "not scaled"
    n_models, n_benchmarks = X.shape
    lines = [
        f"Principal components of {n_models} models on {n_benchmarks} benchmarks, {scaled}; subset {results.subset}.",
        f"Languages: {', '.join(info.languages.values())}. Groups of models: {', '.join(info.groups.values())}.",
    ]
    gaps = X.isna().to_numpy()
    if gaps.any():
        there = X.notna().astype(int)
        fewest = int((there.T @ there).to_numpy().min())
        lines.append(
            f"{gaps.sum()} of {gaps.size} scores are missing: the components rest on predictions in their place, each "
            f"correlation on the models that have both scores, {fewest} at least."
        )
        if fewest < FEWEST:
            lines.append(f"Correlations of fewer than {FEWEST} models are left open.")
    else:
        lines.append(f"No score of these is missing: each correlation of benchmarks is over all {n_models} models.")
    known = {name: int((results.models[f"nd_{code}"] > 0).sum()) for code, name in budget_names(results).items()}
    counted = ", ".join(f"{name} {n}" for name, n in known.items())
    lines.append(f"Models whose training budget is known and not zero: {counted}.")
    return lines
