"""The figures on uncertainty and robustness, with what is said about them."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

import pandas as pd

from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of, texts
from stages.figures.catalog import Drawing
from stages.figures.description import Description
from stages.figures.parts import percent
from stages.figures.ranks import PANELS, draw_rank_panels, draw_ranks
from stages.figures.retest import draw_places, draw_retest
from stages.figures.robustness import SHADES, draw_robustness
from stages.figures.stability import draw_explained_variance, draw_loading_intervals, draw_scaling_intervals
from stages.figures.words import counted, on, span

UNCERTAINTY = "Uncertainty"
ROBUSTNESS = "Robustness"
NO_PAIRS = pd.DataFrame(columns=["measure", "model_id", "other"])
OUT_OF_TIME = "Out of time"


class Share(NamedTuple):
    """A row of stability_explained_variance.csv."""

    component: str
    estimate: float
    low: float
    high: float


class Rho(NamedTuple):
    """A row of stability_scaling.csv."""

    response: str
    language: str
    rho: float
    low: float
    high: float


def catalogue_beyond(
    results: Results, tables: Mapping[str, pd.DataFrame], statements: Mapping[str, str], level: float
) -> Iterator[Drawing]:
    """Yield one figure after the other, without what could not be computed.

    Args:
        results: The study.
        tables: Names and tables of the stages stability, robustness and retest, `stability_loadings`, `robustness`,
            ...; those without rows may be left out.
        statements: Conclusion to its words.
        level: Coverage of the intervals.
    """
    if "stability_explained_variance" in tables:
        yield from _uncertainty(results, tables, f"{100 * level:g} % intervals")
    if "stability_ranks" in tables:
        yield from _ranks(results, tables["stability_ranks"], tables.get("stability_rank_pairs"), level)
    robustness = tables.get("robustness")
    if robustness is not None and len(robustness):
        held = int((robustness["verdict"] == "holds").sum())
        conclusions = counted(robustness["conclusion"].nunique(), "conclusion")
        variations = counted(robustness["variation"].nunique(), "variation")
        words = Description(
            name="robustness",
            title="Which conclusions hold under which variations",
            section=ROBUSTNESS,
            caption=f"{conclusions} under {variations} of the analysis of {on(results)}: {held} of "
            f"{len(robustness)} cells hold. Each number is the criterion that decides, see "
            "tables/robustness.csv for its name and bounds.",
            reading="A row without ✗ and ≈ holds however the analysis is varied.",
            n=on(results),
            alternative="Table of verdicts. " + "; ".join(_verdicts(robustness, statements)) + ".",
        )
        yield Drawing(words, partial(draw_robustness, robustness, statements))
    yield from _retest(results, tables, f"{100 * level:g} % intervals")


def _retest(results: Results, tables: Mapping[str, pd.DataFrame], intervals: str) -> Iterator[Drawing]:
    """Yield the conclusions of an earlier study on these models, and where these lie in its space."""
    verdicts, criteria, places = (tables.get(f"retest{end}") for end in ("", "_criteria", "_places"))
    if verdicts is not None and criteria is not None:
        earlier, later = dict.fromkeys(criteria["variation"])
        told = "; ".join(f"{row.statement}: {row.earlier}, now {row.later}" for row in rows_of(verdicts, Retested))
        words = Description(
            name="retest",
            title=f"Conclusions of {earlier} on the models of {later}",
            section=OUT_OF_TIME,
            caption=f"Each criterion with {intervals} over families, as the distance from the bound from which on it "
            "holds, in units of the distance between both bounds; intervals end at the edge where they reach beyond. "
            f"{_verdict_counts(verdicts)} on {on(results)}.",
            reading="Hollow: the interval covers both sides, or the number rests on too few models or families.",
            n=on(results),
            alternative=f"Points with intervals. {told}.",
        )
        yield Drawing(words, partial(draw_retest, criteria, verdicts))
    axes = [name for name in ("PC1", "PC2") if places is not None and name in places]
    if places is not None and len(axes) == 2:
        earlier, later = dict.fromkeys(places["study"])
        n = counted(int((places["study"] == later).sum()), "model")
        words = Description(
            name="retest_places",
            title=f"Models of {later} in the space of {earlier}",
            section=OUT_OF_TIME,
            caption=f"{n} of {later} on the first two components of {earlier}, with {intervals}, among its models. "
            "The studies follow other protocols, see the notes above.",
            reading="Compare the models of one study with each other; between studies a shift may be the protocol's.",
            n=n,
            alternative=f"Scatter plot of {counted(len(places), 'model')} of both studies.",
        )
        yield Drawing(words, partial(draw_places, places, results.models["name"], ("PC1", "PC2")))


def _verdict_counts(verdicts: pd.DataFrame) -> str:
    """Return how many conclusions of the earlier study have which verdict now."""
    found = verdicts["later"].value_counts()
    return ", ".join(f"{found[name]} of {len(verdicts)} {name}" for name in SHADES if name in found)


class Retested(NamedTuple):
    """A row of retest.csv."""

    statement: str
    earlier: str
    later: str


def _verdicts(robustness: pd.DataFrame, statements: Mapping[str, str]) -> Iterator[str]:
    """Yield in how many variations each conclusion holds."""
    for conclusion, rows in robustness.groupby("conclusion", sort=False):
        yield f"{statements[str(conclusion)]}: holds in {int((rows['verdict'] == 'holds').sum())} of {len(rows)}"


def _uncertainty(results: Results, tables: Mapping[str, pd.DataFrame], intervals: str) -> Iterator[Drawing]:
    """Yield what stage `stability` found."""
    variance, spectrum = tables["stability_explained_variance"], tables["stability_spectrum"]
    above = tables["stability_components"].set_index("criterion")["components"]
    kept = ", ".join(f"{name} {count}" for name, count in above.items())
    shares = ", ".join(
        f"{row.component} {100 * row.estimate:.1f} % ({100 * row.low:.1f} to {100 * row.high:.1f})"
        for row in rows_of(variance, Share)
    )
    words = Description(
        name="stability_components",
        title="How much the components explain, and how many there are",
        section=UNCERTAINTY,
        caption=f"{on(results)}. Left: explained variance with {intervals} for other models, other families and other "
        "test items. Right: eigenvalues of the correlation matrix beside those of unrelated benchmarks. Components "
        f"kept: {kept}.",
        reading="Right: components above the dashed lines explain more than chance would.",
        n=on(results),
        alternative=f"Left: points with {intervals}: {shares}. Right: falling curve of eigenvalues. Kept: {kept}.",
    )
    yield Drawing(words, partial(draw_explained_variance, variance, spectrum))
    axes = tables["stability_axes"]
    own = axes[axes["resampling"] == "models"].set_index("component")["stability"]
    cosines = ", ".join(f"{name} {value:.2f}" for name, value in own.items())
    words = Description(
        name="stability_loadings",
        title="Loadings with intervals",
        section=UNCERTAINTY,
        caption=f"Loadings of {on(results)} with {intervals}. Mean cosine of each component with itself over "
        f"bootstrap samples of models: {cosines}.",
        reading="An interval that crosses zero: the sign of this loading is not settled.",
        n=on(results),
        alternative=f"Points with {intervals}, one panel per component. Mean cosine with itself: {cosines}.",
    )
    yield Drawing(words, partial(draw_loading_intervals, results, tables["stability_loadings"]))
    scaling = tables.get("stability_scaling")
    if scaling is not None and len(scaling):
        yield _scaling(results, scaling, intervals)


def _scaling(results: Results, scaling: pd.DataFrame, intervals: str) -> Drawing:
    n = span(results.laws["n"], "model") if len(results.laws) else on(results)
    models = scaling[scaling["resampling"] == "models"]
    found = ", ".join(
        f"{row.response} and {row.language} {row.rho:.2f} ({row.low:.2f} to {row.high:.2f})"
        for row in rows_of(models, Rho)
    )
    words = Description(
        name="stability_scaling",
        title="Scaling laws with intervals",
        section=UNCERTAINTY,
        caption=f"Correlations of the components with log₁₀ of the training budgets over {n} whose budget is known, "
        f"{intervals} for other models, other families and other test items.",
        reading="An interval that crosses zero: no law can be claimed.",
        n=n,
        alternative=f"Points with {intervals} for other models: {found}.",
    )
    return Drawing(words, partial(draw_scaling_intervals, results, scaling))


def _ranks(results: Results, table: pd.DataFrame, pairs: pd.DataFrame | None, level: float) -> Iterator[Drawing]:
    """Yield the ranks on the first component, and on the benchmarks."""
    first, *benchmarks = texts(dict.fromkeys(table["measure"]))
    n = counted(int(table["models"].iloc[0]), "model")
    both = (
        f"Dark: where {100 * level:g} % of the ranks fall when all is measured again; light: ranks that cannot be "
        f"excluded, for all models at once with {100 * level:g} % confidence."
    )
    found = f"{percent(_told(table, first))} of all pairs of {n} are told apart on {first}"
    words = Description(
        name="stability_ranks",
        title=f"Ranks on {first} with intervals, and pairs that cannot be told apart",
        section=UNCERTAINTY,
        caption=f"{found}. {both} The axis is taken as it is; scores vary with test items and protocol.",
        reading="A square: these scores show no order of the two models.",
        n=n,
        alternative=f"Ranks with intervals, one line per model. {found}.",
    )
    yield Drawing(words, partial(draw_ranks, results, table, pairs if pairs is not None else NO_PAIRS))
    if benchmarks:
        yield _ranks_on(results, table, benchmarks, both)


def _ranks_on(results: Results, table: pd.DataFrame, benchmarks: list[str], both: str) -> Drawing:
    """Return the ranks on the benchmarks; `both` says what the intervals are."""
    labels, shown = results.benchmarks["label"], benchmarks[:PANELS]
    told = {name: _told(table, name) for name in benchmarks}
    most, least = (pick(benchmarks, key=lambda name: told[name]) for pick in (max, min))
    cut = f" The first {len(shown)} of {len(benchmarks)} benchmarks; the table has all." if benchmarks != shown else ""
    found = (
        f"Pairs told apart: most on {labels[most]} ({percent(told[most])}), least on "
        f"{labels[least]} ({percent(told[least])})"
    )
    words = Description(
        name="stability_ranks_benchmarks",
        title="Ranks on the benchmarks with intervals",
        section=UNCERTAINTY,
        caption=f"{found}. {both}{cut}",
        reading="Bands across the whole panel: the benchmark orders no models.",
        n=span(table.groupby("measure")["models"].first()[benchmarks], "model"),
        alternative=f"Ranks with intervals, one panel per benchmark, one line per model. {found}.",
    )
    return Drawing(words, partial(draw_rank_panels, results, table, shown))


def _told(table: pd.DataFrame, measure: str) -> float:
    """Return the share of the pairs of models that are told apart on a measure."""
    rows = table[table["measure"] == measure]
    return 1 - float(rows["alike"].sum()) / (len(rows) * (len(rows) - 1))
