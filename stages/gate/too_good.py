"""Scores far above what the rest of the matrix predicts: contamination, another unit or a slip is suspected.

The mirror of `stages.gate.shortfall`, and simpler: nothing bends scores upwards, so models at the end of their ability
need no comparison. It never refuses: a model may have been trained for one thing.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from stages.contracts.params import SuspicionParams
from stages.contracts.rows import texts
from stages.gate.findings import Finding
from stages.gate.prediction import Bools, Floats, predict
from stages.gate.shortfall import normal_bound, predictor, stretched
from stages.gate.sources import Sources

ROUNDS = 4
"""Bound on rounds of predicting; each leaves out what the one before found."""
MIN_EXCESS = 0.15
"""Smallest gap between prediction and score, on the scale 0 to 1."""
APART, MIN_GAP = 2.0, 0.2
"""A highest score is alone when the gap to the next is this many times the range of all others, and at least this."""


def too_good_findings(
    X: pd.DataFrame, n_items: pd.Series, turned: set[str], t: SuspicionParams, sources: Sources
) -> Iterator[Finding]:
    """Name the scores far above all others of a benchmark, and those far above what the model's others predict.

    Args:
        X: Scores on the scale 0 to 1, higher is better (n_models, n_benchmarks); NaN = missing or known to be wrong.
        n_items: Benchmark to its number of items, missing where not known.
        turned: Benchmarks whose scores were turned round, 1 - score, because lower is better.
        t: What counts as suspicious.
        sources: Where the scores were read.
    """
    counts = X.notna().sum()
    table = X[texts(counts.index[(counts >= t.min_models) & (X.nunique() > 1)])].dropna(how="all")
    alone = _alone(table)
    known = pd.DataFrame(False, table.index, table.columns)
    for name, (model_id, best, second) in alone.items():
        known.loc[model_id, name] = True
        text = f"{name} of {model_id} is {best:.4g}, no other model has more than {second:.4g}"
        yield _finding(sources, model_id, name, text, turned, "alone")
    if len(table) < t.min_models or table.shape[1] <= t.min_scores:
        return
    hit, expected, z = _above(table, n_items, known.to_numpy(dtype=np.bool_), t)
    for i, j in np.argwhere(hit):
        model_id, name = str(table.index[i]), str(table.columns[j])
        score = float(table.iloc[i, j])
        seen = f"{name} of {model_id} is {score:.4g}, its other scores predict {expected[i, j]:.2f}"
        yield _finding(
            sources, model_id, name, f"{seen}, {z[i, j]:.1f} robust standard deviations less", turned, "above"
        )


def _finding(sources: Sources, model_id: str, name: str, seen: str, turned: set[str], kind: str) -> Finding:
    unit = " (as 1 - score, since lower is better)" if name in turned else ""
    text = (
        f"{sources.of(model_id, name)}: {seen}{unit}: trained on the test, or a slip? correct it, or waive `too_good`"
    )
    return Finding("too_good", "warning", model_id, name, text, kind=kind)


def _alone(X: pd.DataFrame) -> dict[str, tuple[str, float, float]]:
    """Return the benchmarks whose best score is far from all others: model, score and the next one."""
    found = {}
    for name in texts(X.columns):
        column = X[name].dropna().sort_values(ascending=False)
        best, second, last = float(column.iloc[0]), float(column.iloc[1]), float(column.iloc[-1])
        if best - second >= max(MIN_GAP, APART * (second - last)):
            found[name] = (str(column.index[0]), best, second)
    return found


def _above(X: pd.DataFrame, n_items: pd.Series, known: Bools, t: SuspicionParams) -> tuple[Bools, Floats, Floats]:
    """Return which cells lie far above their prediction, the prediction, and robust standard deviations from there."""
    table = X.to_numpy(dtype=np.float64)
    items = n_items.reindex(X.columns).to_numpy(dtype=np.float64, na_value=np.inf)
    z_far = max(t.far_z, normal_bound(t.zero_level, int(np.isfinite(table).sum())))
    doubted = known
    for _ in range(ROUNDS):
        prediction = predict(table, doubted, doubted, predictor(items, t))
        z = (table - prediction.expected) / prediction.spread
        hit = (z >= stretched(z_far, prediction.freedom)) & (table - prediction.expected >= MIN_EXCESS) & ~known
        if not (hit & ~doubted).any():
            break
        doubted = doubted | hit
    return hit, prediction.expected, z
