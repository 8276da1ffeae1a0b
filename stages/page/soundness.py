"""How sound the factor model is, in words."""

from collections.abc import Iterator

from stages.analysis.components.soundness import UNIQUENESS, Fit
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of, texts
from stages.page.tables import Table, Tables, number, table


def factor_notes(results: Results, beyond: Tables) -> Iterator[str]:
    """Yield what is to be known of the factors before they are read; nothing without factors.

    Args:
        results: Results of the state shown.
        beyond: Tables of the stages stability and robustness.
    """
    if not len(results.factor_fit):
        return
    (fit,) = rows_of(results.factor_fit, Fit)
    kept = beyond.get("stability_components")
    beside = ""
    if kept is not None:
        counts = dict(zip(texts(kept["criterion"]), kept["components"], strict=True))
        named = [f"{name} keeps {counts[name]}" for name in ("parallel analysis", "minimum average partial")]
        beside = f"; of this matrix, {' and '.join(named)}"
    shown = results.factor_loadings.shape[1]
    yield f"{fit.n_factors} factors were fitted, {shown} are shown{beside}."
    yield from _improper(results, fit)
    yield (
        "The search has converged: the largest slope of the discrepancy in a free uniqueness is "
        f"{_least(fit.gradient)}. Discrepancy {fit.discrepancy:.3f} with {fit.df} degrees of freedom; condition "
        f"number of the correlation matrix {fit.condition_number:,.0f}."
    )
    yield (
        f"Promax with exponent {fit.power} after Kaiser's normalisation of the rows (as kaiser() of R's package "
        "psych). Without it, as promax() of R's package stats, a loading differs by up to "
        f"{fit.plain_difference:.3f}."
    )


def _least(gradient: float) -> str:
    """Return a slope in words: the file has six decimal places."""
    return f"{gradient:.1g}" if gradient else "below 0.000001"


def _improper(results: Results, fit: Fit) -> Iterator[str]:
    """Yield which benchmarks are Heywood cases and what that means."""
    found = results.uniqueness
    if not fit.at_bound:
        yield f"Proper solution: no uniqueness stands at its lower bound, {UNIQUENESS[0]:g}."
        return
    names = ", ".join(str(results.benchmarks["label"][name]) for name in texts(found.index[found["at_bound"] == 1]))
    yield (
        f"Improper solution (Heywood cases): the uniquenesses of {names}, {fit.at_bound} of {len(found)}, stand at "
        f"their lower bound, {UNIQUENESS[0]:g}. The likelihood still rises where the bound stops it, towards factors "
        "that explain these benchmarks without any remainder, which no benchmark with a sampling error can be. More "
        f"factors are fitted than {len(results.X)} models support: the loadings depend on the bound and have no "
        "standard errors; they describe these models and estimate nothing (Heywood 1931; Jöreskog 1967)."
    )


def uniqueness_table(results: Results) -> Table:
    """Return communality and uniqueness of each benchmark."""
    found = results.uniqueness
    rows = [
        (
            str(results.benchmarks["label"][name]),
            number(communality, ".3f"),
            number(unique, ".3f"),
            "at the bound" * flag,
        )
        for name, communality, unique, flag in found[["communality", "uniqueness", "at_bound"]].itertuples()
    ]
    columns = ["Benchmark", "Communality", "Uniqueness", ""]
    note = "Variance that the factors explain, and variance that a benchmark shares with no factor."
    return table("Uniquenesses", columns, columns[1:3], rows, note)
