"""The figures that a study's results allow, with what is said about them. Nothing is drawn before it is asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pandas as pd

from stages.analysis.scaling.laws import Law
from stages.analysis.scaling.stand_ins import STAND_INS
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of, texts
from stages.figures.bars import draw_loadings, draw_scores
from stages.figures.benchmarks import draw_benchmarks
from stages.figures.components import draw_models
from stages.figures.description import Description
from stages.figures.heatmap import draw_correlation
from stages.figures.loo import draw_loo
from stages.figures.parts import percent, two_decimals
from stages.figures.picture import Picture
from stages.figures.readings import correlations, draw_readings, r_words, raw_scores
from stages.figures.scaling import budget_name, draw_scaling
from stages.figures.words import POINTS, counted, ends, ends_of_all, on, pair_counts, span

OVERVIEW = "Overview"
SCORES = "Scores"
CORRELATIONS = "Correlations"
COMPONENTS = "Principal components"
SCALING = "Scaling laws"
FACTORS = "Factors"
STANDING_IN = (
    " Few token counts are known: the panels of parameters and of the year of release hold no budgets and stand "
    "beside them for want of tokens."
)


@dataclass(frozen=True)
class Drawing:
    """A figure in words and how to draw it."""

    description: Description
    draw: Callable[[], Picture]


def catalogue(results: Results) -> Iterator[Drawing]:
    """Yield one figure after the other, without what could not be computed."""
    if len(results.pc_scores.columns) > 1:
        yield _overview(results)
    yield from _scores(results)
    if len(results.loadings.columns):
        yield from _components(results)
    if len(results.factor_loadings.columns):
        yield from _factors(results)
    yield from _scaling(results, results.pc_scores, "PC scores")
    yield from _scaling(results, results.factor_scores, "factor scores")


def _overview(results: Results) -> Drawing:
    first, second = results.pc_scores.columns[:2]
    share = results.explained_variance_ratio
    n = counted(len(results.pc_scores), "model")
    words = Description(
        name="models",
        title=f"Models on {first} and {second}",
        section=OVERVIEW,
        caption=f"Scores of {n} on the first two principal components of "
        f"{counted(len(results.loadings), 'benchmark')}: {first} holds {percent(share[first])} of the variance, "
        f"{second} {percent(share[second])}.",
        reading=f"Models that stand close together score alike on all benchmarks. {POINTS}",
        n=f"{n} on {counted(len(results.loadings), 'benchmark')}",
        alternative=f"Scatter plot. {ends_of_all(results.pc_scores[[first, second]], results.models['name'])}",
    )
    return Drawing(words, partial(draw_models, results))


def _scores(results: Results) -> Iterator[Drawing]:
    known = int(results.X.notna().to_numpy().sum())
    gaps = results.X.size - known
    labels = results.benchmarks["label"]
    words = Description(
        name="benchmarks",
        title="Scores by benchmark and model group",
        section=SCORES,
        caption=f"Scores of {on(results)}{f', {gaps} missing' if gaps else ''}. The area of a bubble is proportional "
        "to the model's active parameters.",
        reading="One column per benchmark; within it the groups stand side by side, in the order of the legend.",
        n=on(results),
        alternative=f"Bubble chart of {known} scores. Mean score per benchmark: {ends(results.X.mean(), labels)}.",
    )
    yield Drawing(words, partial(draw_benchmarks, results))
    for name, label, correlation in (
        ("pearson", "Pearson's r", results.pearson),
        ("spearman", "Spearman's rank correlation", results.spearman),
    ):
        if len(correlation.columns) > 1:
            n = span(pair_counts(results.X), "model")
            found = _extreme(results, correlation)
            words = Description(
                name=f"correlation_{name}",
                title=f"{label} between benchmarks",
                section=CORRELATIONS,
                caption=f"{label} between {counted(len(correlation), 'benchmark')} over {n}. {found}",
                reading="Red: models that are good at one benchmark are good at the other; blue: the reverse.",
                n=n,
                alternative=f"Heat map of {len(correlation)} by {len(correlation)} correlations. {found}",
            )
            yield Drawing(words, partial(draw_correlation, results, correlation, label))


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
    n = counted(len(results.pc_scores), "model")
    spans = counted(len(titles), "principal component")
    models, benchmarks = results.models["name"], results.benchmarks["label"]
    words = Description(
        name="pc_scores",
        title="PC scores per model",
        section=COMPONENTS,
        caption=f"Scores of {n} on {spans}, sorted by model group.",
        reading="One bar per model: above zero better than the average model in what the component measures.",
        n=n,
        alternative=f"Bar chart, one panel per component. {ends_of_all(results.pc_scores, models)}",
    )
    yield Drawing(words, partial(draw_scores, results, results.pc_scores, titles))
    words = Description(
        name="pca_loadings",
        title="Loadings of the principal components",
        section=COMPONENTS,
        caption=f"Unit-norm loadings of {counted(len(results.loadings), 'benchmark')} on {spans} that together "
        f"explain {percent(float(ratio.sum()))} of the variance over {n}.",
        reading="One bar per benchmark: the longer, the more the component says about it.",
        n=n,
        alternative=f"Bar chart, one panel per component. {ends_of_all(results.loadings, benchmarks)}",
    )
    yield Drawing(words, partial(draw_loadings, results, results.loadings, titles))
    if len(results.loo):
        widest = float(results.loo["std"].max())
        words = Description(
            name="pca_loo",
            title="Loadings with each model left out",
            section=COMPONENTS,
            caption=f"Mean and standard deviation of the loadings over {len(results.pc_scores)} analyses that leave "
            f"out one of {n} each, beside the loadings of all. Largest standard deviation: {widest:.3f}.",
            reading="Short bars around the open marker: no single model decides the loading.",
            n=n,
            alternative=f"Points with error bars, one panel per component. Largest standard deviation: {widest:.3f}.",
        )
        yield Drawing(words, partial(draw_loo, results))
    for component in texts(results.loadings):
        yield _readings(results, component)


def _readings(results: Results, component: str) -> Drawing:
    found = ", ".join(f"{label} {r_words(r)}" for label, r in correlations(results, component).items())
    n = span(raw_scores(results, component).notna().sum(), "model")
    words = Description(
        name=f"{component.lower()}_raw",
        title=f"{component} against raw scores",
        section=COMPONENTS,
        caption=f"Scores of {n} on {component} against raw scores with Pearson's r: {found}.",
        reading=f"The closer to the line, the more {component} is what these benchmarks measure. {POINTS}",
        n=n,
        alternative=f"Scatter plots with a fitted line each. {found}.",
    )
    return Drawing(words, partial(draw_readings, results, component))


def _scaling(results: Results, scores: pd.DataFrame, kind: str) -> Iterator[Drawing]:
    for response in texts(scores):
        laws = [] if results.laws.empty else list(rows_of(results.laws[results.laws["response"] == response], Law))
        if not laws:
            continue
        found = ", ".join(f"{budget_name(results.info, law.language)} ρ = {law.rho:.3f} (n = {law.n})" for law in laws)
        slopes = ", ".join(f"{budget_name(results.info, law.language)} {two_decimals(law.slope)}" for law in laws)
        words = Description(
            name=f"scaling_{response.lower()}",
            title=f"Scaling of {response}",
            section=SCALING,
            caption=f"{response} ({kind}) against log₁₀ of the training budget ND, parameters × tokens, by language "
            f"of the tokens: {found}. ρ is Pearson's correlation over the n models whose budget is known."
            + (STANDING_IN if any(law.language in STAND_INS for law in laws) else ""),
            reading="A steep line with close points: more training on that language goes with more "
            f"{response}. {POINTS}",
            n=span(pd.Series([law.n for law in laws]), "model"),
            alternative=f"Scatter plots with a fitted line each: {found}. Slope per factor of ten: {slopes}.",
        )
        yield Drawing(words, partial(draw_scaling, results, response))


def improper_words(results: Results) -> str:
    """Return a sentence on the uniquenesses at their bound, with a space before it; nothing where there are none."""
    found = results.uniqueness
    names = list(found.index[found["at_bound"] == 1]) if len(found) else []
    if not names:
        return ""
    labels = ", ".join(str(results.benchmarks["label"][name]) for name in names)
    return f" Improper solution: {len(names)} of {len(found)} uniquenesses stand at their lower bound ({labels})."


def _factors(results: Results) -> Iterator[Drawing]:
    summary = results.factor_summary
    titles = {
        name: f"{name} (SS loadings {summary['ss_loadings'][name]:.2f}, {percent(summary['share'][name])})"
        for name in texts(results.factor_loadings)
    }
    n, factors = counted(len(results.factor_scores), "model"), counted(len(titles), "promax factor")
    words = Description(
        name="factor_scores",
        title="Factor scores per model",
        section=FACTORS,
        caption=f"Regression scores of {n} on {factors}, in standard deviations, sorted by model group.",
        reading="One bar per model: above zero better than the average model in what the factor measures.",
        n=n,
        alternative="Bar chart, one panel per factor. " + ends_of_all(results.factor_scores, results.models["name"]),
    )
    yield Drawing(words, partial(draw_scores, results, results.factor_scores, titles))
    words = Description(
        name="factor_loadings",
        title="Loadings of the factors",
        section=FACTORS,
        caption=f"Promax-rotated maximum-likelihood loadings of {counted(len(results.factor_loadings), 'benchmark')} "
        f"on {factors} over {n}, with their sum of squared loadings and its share of the variance of all benchmarks."
        + improper_words(results),
        reading="One bar per benchmark: after rotation each benchmark should have one long bar.",
        n=n,
        alternative="Bar chart, one panel per factor. "
        + ends_of_all(results.factor_loadings, results.benchmarks["label"]),
    )
    yield Drawing(words, partial(draw_loadings, results, results.factor_loadings, titles))
