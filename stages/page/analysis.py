"""How the study was analysed, in words."""

from stages.analysis.scores.correlation import FEWEST
from stages.analysis.scores.results import Results
from stages.page.tables import budget_names

OF_SCORES = ("benchmarks", "correlation", "robustness", "stability_ranks_")
"""Beginnings of the names of figures that show neither components nor factors."""


def analysis_of(name: str, results: Results) -> str:
    """Return what the components or factors that a figure shows were computed from; empty where it shows none.

    Args:
        name: Name of the figure.
        results: Results of the state shown.
    """
    if "factor" in name:
        return "factors of standardised benchmarks"
    return "" if name.startswith(OF_SCORES) else standardised(results)


def standardised(results: Results) -> str:
    """Return in words what the components were computed from."""
    return "components of standardised benchmarks" if results.standardized else "components of raw scores"


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
