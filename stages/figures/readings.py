"""What a component means: its scores against raw scores of benchmarks."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.analysis.scores.results import Results
from stages.contracts.rows import texts
from stages.figures.scatter import Panel, draw_panels
from stages.figures.style import look

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
    return raw_scores(results, component).corrwith(results.pc_scores[component])


@look()
def draw_readings(results: Results, component: str) -> Figure:
    """Draw the scores of a component against raw scores, one panel per reading, with r and a least-squares line."""
    y = results.pc_scores[component]
    raw, r = raw_scores(results, component), correlations(results, component)
    panels = []
    for label in texts(raw):
        x = raw[label].dropna()
        slope, intercept = np.polyfit(x, y[x.index], 1)
        panels.append(
            Panel(
                x=x,
                y=y[x.index],
                title=f"{label}: r = {r[label]:.3f}",
                x_label=f"{label}, raw score",
                y_label=f"{component} score",
                line=(float(slope), float(intercept)),
            )
        )
    return draw_panels(results, panels)
