"""How sound a factor model is: what stands at a bound, what depends on what, which convention rotated it."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.analysis.components.pca import standardise

Array = NDArray[np.float64]

UNIQUENESS = (0.005, 1.0)
"""Bounds of the variance that a benchmark shares with no factor; those of factor_analyzer and of R's factanal."""

DEPENDENT = 1e-4
"""Share of its variance that a benchmark has of its own, below which it counts as a weighted sum of others."""

TAKES_PART = 0.05
"""Smallest absolute weight, of a vector of length 1, with which a benchmark takes part in a dependence."""


class Fit(NamedTuple):
    """How sound the optimum and its rotation are; a row of fa_fit.csv.

    Attributes:
        n_factors: Factors fitted.
        df: Degrees of freedom, ((p - k)^2 - p - k) / 2.
        discrepancy: Discrepancy of the correlations from those that the model implies, at the optimum (Joreskog 1967).
        gradient: Largest slope of the discrepancy in a uniqueness that is not at a bound.
        at_bound: Uniquenesses at their lower bound, Heywood cases.
        condition_number: Condition number of the correlation matrix.
        power: Exponent of the promax target.
        plain_difference: Largest difference of a loading from promax without Kaiser's normalisation.
    """

    n_factors: int
    df: int
    discrepancy: float
    gradient: float
    at_bound: int
    condition_number: float
    power: int
    plain_difference: float


def condition_number(R: Array) -> float:
    """Return the largest over the smallest eigenvalue of a correlation matrix, four digits; infinity if singular."""
    values = np.linalg.eigvalsh(R)
    return float(f"{values[-1] / values[0]:.4g}") if values[0] > len(R) * np.finfo(float).eps else np.inf


def dependence(X: pd.DataFrame) -> str:
    """Return in words which benchmarks depend on each other, or nothing.

    The eigenvector of the smallest eigenvalue of the correlation matrix holds the weights (Belsley, Kuh and Welsch,
    Regression Diagnostics, 1980, chapter 3). That of a benchmark's own variance is what a regression on the others
    leaves, corrected for the number of models: with few models more than they could determine would seem dependent.

    Args:
        X: Score matrix (n_models, n_benchmarks) without missing cells, no benchmark constant.
    """
    n, p = X.shape
    if n <= p or p < 2:
        return ""
    Z, _, _ = standardise(X)
    weights = np.linalg.eigh(Z.T @ Z / n)[1][:, 0]
    first = int(np.argmax(np.abs(weights)))
    others = np.delete(Z, first, axis=1)
    left = Z[:, first] - others @ np.linalg.lstsq(others, Z[:, first], rcond=None)[0]
    own = float((left**2).sum() / (n - p))
    if own >= DEPENDENT:
        return ""
    rest = [str(name) for name, w in zip(X.columns, weights, strict=True) if abs(w) >= TAKES_PART]
    rest.remove(str(X.columns[first]))
    return (
        f"near-singular: {X.columns[first]} is a weighted sum of {', '.join(rest)}, but for less than "
        f"{100 * DEPENDENT:g} % of its variance: leave one of them out"
    )


def plain_promax(rotated: Array, power: int) -> Array:
    """Return the promax pattern without Kaiser's normalisation of the rows (n_benchmarks, k).

    Source: Hendrickson and White (1964), as `promax` of R's package stats does it.

    Args:
        rotated: Loadings after varimax (n_benchmarks, k).
        power: Exponent of the target.
    """
    target = rotated * np.abs(rotated) ** (power - 1)
    turn = np.linalg.solve(rotated.T @ rotated, rotated.T @ target)
    pattern: Array = rotated @ (turn * np.sqrt(np.diag(np.linalg.inv(turn.T @ turn))))
    return pattern
