"""What a component means: its scores against raw scores of benchmarks."""

import math

import pandas as pd

from stages.analysis.scaling.laws import fit_line
from stages.analysis.scores.results import Results
from stages.contracts.rows import texts
from stages.figures.picture import Picture
from stages.figures.scatter import Panel, draw_panels
from stages.figures.style import look

DIGITS = 12
"""Decimals of a line that are drawn."""

LARGEST = 3
"""Benchmarks against which a component is shown when the study names no reading of it."""


def readings_of(results: Results, component: str) -> dict[str, list[str]]:
    """Return label to the benchmarks averaged, for the raw scores that a component is shown against.

    They are the readings of study.yaml whose benchmarks were all analysed; without any, the benchmarks with the
    largest absolute loadings.
    """
    named = results.info.readings.get(component, {})
    usable = {label: names for label, names in named.items() if set(names) <= set(results.X.columns)}
    if usable:
        return usable
    size = results.loadings[component].abs().sort_values(ascending=False, kind="stable")
    labels = results.benchmarks["label"]
    return {str(labels[name]): [str(name)] for name in size.index[:LARGEST]}


def raw_scores(results: Results, component: str) -> pd.DataFrame:
    """Return the mean raw score per reading (n_models, n_readings)."""
    readings = readings_of(results, component)
    return pd.DataFrame({label: results.X[names].mean(axis=1) for label, names in readings.items()})


def correlations(results: Results, component: str) -> pd.Series:
    """Return Pearson's r between the component and each of its readings."""
    scores = results.pc_scores[component]
    return pd.Series({label: fit_line(scores, raw).rho for label, raw in raw_scores(results, component).items()})


def r_words(r: float) -> str:
    """Return a correlation in words."""
    return "r not computed" if math.isnan(r) else f"r = {r:.3f}"


@look()
def draw_readings(results: Results, component: str) -> Picture:
    """Draw the scores of a component against raw scores, one panel per reading, with r and a least-squares line."""
    y = results.pc_scores[component]
    raw = raw_scores(results, component)
    panels = []
    for label in texts(raw):
        x = raw[label].dropna()
        line = fit_line(y, x)
        panels.append(
            Panel(
                x=x,
                y=y[x.index],
                title=f"{label}: {r_words(line.rho)}",
                x_label=f"{label}, raw score",
                y_label=f"{component} score",
                x_short=label,
                y_short=component,
                # processors differ in the last digits, which the placing of names would magnify
                line=None if math.isnan(line.rho) else (round(line.slope, DIGITS), round(line.intercept, DIGITS)),
            )
        )
    return draw_panels(results, panels)
