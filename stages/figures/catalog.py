"""The figures that a study's results allow, with what their captions say."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from stages.analysis.scaling.laws import Law
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of, texts
from stages.figures.bars import draw_loadings, draw_scores
from stages.figures.benchmarks import draw_benchmarks
from stages.figures.heatmap import draw_correlation
from stages.figures.loo import draw_loo
from stages.figures.parts import percent
from stages.figures.readings import correlations, draw_readings, r_words
from stages.figures.scaling import budget_name, draw_scaling

SCORES = "Scores"
CORRELATIONS = "Correlations"
COMPONENTS = "Principal components"
SCALING = "Scaling laws"
FACTORS = "Factors"


@dataclass(frozen=True)
class Drawing:
    """A figure and what a page says about it.

    Attributes:
        name: File stem.
        title: A few words.
        caption: One or two sentences with numbers and units.
        section: Heading under which it belongs.
        figure: Not yet saved.
    """

    name: str
    title: str
    caption: str
    section: str
    figure: Figure


def draw_all(results: Results) -> Iterator[Drawing]:
    """Draw one figure after the other; what could not be computed is not drawn."""
    yield from _scores(results)
    if len(results.loadings.columns):
        yield from _components(results)
    if len(results.factor_loadings.columns):
        yield from _factors(results)
    yield from _scaling(results, results.pc_scores, "PC scores")
    yield from _scaling(results, results.factor_scores, "factor scores")


def _scores(results: Results) -> Iterator[Drawing]:
    n_models, n_benchmarks = results.X.shape
    counted = f"{n_models} models on {n_benchmarks} benchmarks"
    yield Drawing(
        "benchmarks",
        "Scores by benchmark and model group",
        f"Scores of {counted}. The area of a bubble is proportional to the model's active parameters.",
        SCORES,
        draw_benchmarks(results),
    )
    for name, label, correlation in (
        ("pearson", "Pearson's r", results.pearson),
        ("spearman", "Spearman's rank correlation", results.spearman),
    ):
        if len(correlation.columns) > 1:
            yield Drawing(
                f"correlation_{name}",
                f"{label} between benchmarks",
                f"{label} between {n_benchmarks} benchmarks over {n_models} models. {_extreme(results, correlation)}",
                CORRELATIONS,
                draw_correlation(results, correlation, label),
            )


def _extreme(results: Results, correlation: pd.DataFrame) -> str:
    """Return a sentence on the closest pair of benchmarks."""
    labels = results.benchmarks["label"]
    names = list(correlation.columns)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    first, second = max(pairs, key=lambda pair: float(correlation[pair[1]][pair[0]]))
    return f"Closest: {labels[first]} and {labels[second]}, {correlation[second][first]:.2f}."


def _components(results: Results) -> Iterator[Drawing]:
    ratio = results.explained_variance_ratio
    titles = {name: f"{name} ({percent(ratio[name])} of the variance)" for name in texts(results.loadings)}
    n_models = len(results.X)
    spans = f"{len(titles)} principal component{'s' if len(titles) > 1 else ''}"
    yield Drawing(
        "pc_scores",
        "PC scores per model",
        f"Scores of {n_models} models on {spans}, in standard deviations of the benchmarks, sorted by model group.",
        COMPONENTS,
        draw_scores(results, results.pc_scores, titles),
    )
    yield Drawing(
        "pca_loadings",
        "Loadings of the principal components",
        f"Unit-norm loadings of {spans} that together explain {percent(float(ratio.sum()))} of the variance.",
        COMPONENTS,
        draw_loadings(results, results.loadings, titles),
    )
    if len(results.loo):
        widest = float(results.loo["std"].max())
        yield Drawing(
            "pca_loo",
            "Loadings with each model left out",
            f"Mean and standard deviation of the loadings over {n_models} analyses that leave out one model each, "
            f"beside the loadings of all models. Largest standard deviation: {widest:.3f}.",
            COMPONENTS,
            draw_loo(results),
        )
    for component in texts(results.loadings):
        found = ", ".join(f"{label} {r_words(r)}" for label, r in correlations(results, component).items())
        yield Drawing(
            f"{component.lower()}_raw",
            f"{component} against raw scores",
            f"Scores of {n_models} models on {component} against raw scores with Pearson's r: {found}.",
            COMPONENTS,
            draw_readings(results, component),
        )


def _scaling(results: Results, scores: pd.DataFrame, kind: str) -> Iterator[Drawing]:
    for response in texts(scores):
        laws = [] if results.laws.empty else list(rows_of(results.laws[results.laws["response"] == response], Law))
        if not laws:
            continue
        found = ", ".join(f"{budget_name(results.info, law.language)} ρ = {law.rho:.3f} (n = {law.n})" for law in laws)
        yield Drawing(
            f"scaling_{response.lower()}",
            f"Scaling of {response}",
            f"{response} ({kind}) against log₁₀ of the training budget ND, parameters × tokens, by language of the "
            f"tokens: {found}. ρ is Pearson's correlation over the n models whose budget is known.",
            SCALING,
            draw_scaling(results, response),
        )


def _factors(results: Results) -> Iterator[Drawing]:
    summary = results.factor_summary
    titles = {
        name: f"{name} (SS loadings {summary['ss_loadings'][name]:.2f}, {percent(summary['share'][name])})"
        for name in texts(results.factor_loadings)
    }
    yield Drawing(
        "factor_scores",
        "Factor scores per model",
        f"Regression scores of {len(results.X)} models on {len(titles)} promax factors, in standard deviations, "
        "sorted by model group.",
        FACTORS,
        draw_scores(results, results.factor_scores, titles),
    )
    yield Drawing(
        "factor_loadings",
        "Loadings of the factors",
        f"Promax-rotated maximum-likelihood loadings of {len(titles)} factors, with their sum of squared loadings and "
        "its share of the variance of all benchmarks.",
        FACTORS,
        draw_loadings(results, results.factor_loadings, titles),
    )
