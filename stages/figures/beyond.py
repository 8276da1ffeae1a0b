"""The figures on uncertainty and robustness, with what their captions say."""

from collections.abc import Iterator, Mapping

import pandas as pd

from stages.analysis.scores.results import Results
from stages.figures.catalog import Drawing
from stages.figures.robustness import draw_robustness
from stages.figures.stability import draw_explained_variance, draw_loading_intervals, draw_scaling_intervals

UNCERTAINTY = "Uncertainty"
ROBUSTNESS = "Robustness"


def draw_beyond(
    results: Results, tables: Mapping[str, pd.DataFrame], statements: Mapping[str, str], level: float
) -> Iterator[Drawing]:
    """Draw one figure after the other; what could not be computed is not drawn.

    Args:
        results: The study.
        tables: Names and tables of the stages stability and robustness, `stability_loadings`, `robustness`, ...; those
            without rows may be left out.
        statements: Conclusion to its words.
        level: Coverage of the intervals.
    """
    if "stability_explained_variance" in tables:
        yield from _uncertainty(results, tables, level)
    robustness = tables.get("robustness")
    if robustness is not None and len(robustness):
        held = int((robustness["verdict"] == "holds").sum())
        yield Drawing(
            "robustness",
            "Which conclusions hold under which variations",
            f"{held} of {len(robustness)} cells hold. Each number is the criterion that decides, see "
            "tables/robustness.csv for its name and bounds.",
            ROBUSTNESS,
            draw_robustness(robustness, statements),
        )


def _uncertainty(results: Results, tables: Mapping[str, pd.DataFrame], level: float) -> Iterator[Drawing]:
    """Draw what stage `stability` found."""
    percent = f"{100 * level:g} % intervals"
    variance, spectrum = tables["stability_explained_variance"], tables["stability_spectrum"]
    above = tables["stability_components"].set_index("criterion")["components"]
    counted = ", ".join(f"{name} {count}" for name, count in above.items())
    yield Drawing(
        "stability_components",
        "How much the components explain, and how many there are",
        f"Left: explained variance with {percent} for other models, other families and other test items. Right: "
        f"eigenvalues of the correlation matrix beside those of unrelated benchmarks. Components kept: {counted}.",
        UNCERTAINTY,
        draw_explained_variance(variance, spectrum),
    )
    axes = tables["stability_axes"]
    own = axes[axes["resampling"] == "models"].set_index("component")["stability"]
    yield Drawing(
        "stability_loadings",
        "Loadings with intervals",
        f"Loadings with {percent}. Mean cosine of each component with itself over bootstrap samples of models: "
        + ", ".join(f"{name} {value:.2f}" for name, value in own.items())
        + ".",
        UNCERTAINTY,
        draw_loading_intervals(results, tables["stability_loadings"]),
    )
    scaling = tables.get("stability_scaling")
    if scaling is not None and len(scaling):
        yield Drawing(
            "stability_scaling",
            "Scaling laws with intervals",
            f"Correlations of the components with log₁₀ of the training budgets, {percent} for other models, "
            "other families and other test items.",
            UNCERTAINTY,
            draw_scaling_intervals(results, scaling),
        )
