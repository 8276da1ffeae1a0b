"""Correlations between benchmarks, and how precise the scores are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

FEWEST = 3
"""Fewest models for which a correlation says anything."""

MOST_PAIRS = 8
"""Pairs of counterparts among the headline numbers; all others are in the table of correlations."""


def pearson(X: pd.DataFrame) -> pd.DataFrame:
    """Return Pearson's r between the columns of X (n_models, n_benchmarks).

    Where cells are missing, each pair is correlated over the models that have both; NaN for
    fewer than `FEWEST`.
    """
    if X.isna().to_numpy().any():
        return X.corr(min_periods=FEWEST)
    return pd.DataFrame(np.corrcoef(X.to_numpy(dtype=float), rowvar=False), X.columns, X.columns)


def spearman(X: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman's rank correlation between the columns of X, ties and gaps as usual."""
    if X.isna().to_numpy().any():
        return X.corr(method="spearman", min_periods=FEWEST)
    return pearson(X.rank())


def precision(X: pd.DataFrame, stderr: pd.DataFrame, se_share: float) -> pd.DataFrame:
    """Compare the standard error of the scores with the spread between models.

    Args:
        X: Score matrix (n_models, n_benchmarks).
        stderr: Standard errors, same shape; NaN where unknown.
        se_share: Share of the spread above which a benchmark is called noisy.

    Returns:
        One row per benchmark: mean, std (ddof 1) over the models, mean_stderr, stderr_share (mean_stderr / std),
        noisy.
    """
    table = pd.DataFrame({"mean": X.mean(), "std": X.std(ddof=1), "mean_stderr": stderr.mean()}, index=X.columns)
    table["stderr_share"] = table["mean_stderr"] / table["std"]
    table["noisy"] = table["stderr_share"] > se_share
    return table


def counterparts(benchmarks: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the pairs of benchmarks that test one ability in two languages, each pair once, names sorted.

    Args:
        benchmarks: benchmarks.csv, indexed by benchmark.
    """
    named = benchmarks["counterpart"]
    return sorted({tuple(sorted((str(a), str(b)))) for a, b in named[named != ""].items()})  # type: ignore[misc]


def headline(pearson: pd.DataFrame, precision: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Return the numbers for correlate.json: the first `MOST_PAIRS` pairs of counterparts, and the noisy benchmarks.

    Args:
        pearson: Correlations (n_benchmarks, n_benchmarks).
        precision: See `precision`.
        pairs: See `counterparts`; pairs that the matrix lacks are left out.
    """
    present = [(a, b) for a, b in pairs if {a, b} <= {*pearson.columns}]
    return {
        "pearson": {f"{a}.{b}": pearson.loc[a, b] for a, b in present[:MOST_PAIRS]},
        "noisy_benchmarks": int(precision["noisy"].sum()),
    }
