"""Partial correlations, tests of dependent correlations, and errors that allow for families of models."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stages.analysis.scores.families import Codes

Array = NDArray[np.float64]

SINGULAR = 1e-9
"""Determinant of a correlation matrix from which on its variables count as dependent."""


def partial_correlations(correlation: Array, k: int) -> Array:
    """Return the correlation of each response with each predictor given all other predictors.

    With P the inverse of the correlation matrix of one response and all predictors: -P_0l / sqrt(P_00 P_ll).

    Args:
        correlation: (b, k + q, k + q), responses first.
        k: Number of responses.

    Returns:
        (b, k, q), NaN where the variables are linearly dependent.
    """
    b, size, _ = correlation.shape
    q = size - k
    result = np.full((b, k, q), np.nan)
    for j in range(k):
        chosen = [j, *range(k, size)]
        matrix = correlation[:, chosen][:, :, chosen]
        finite = np.asarray(np.isfinite(matrix).all(axis=(1, 2)))
        volume = np.asarray(np.linalg.det(np.where(finite[:, None, None], matrix, 0.0)))
        sound = finite & (volume > SINGULAR)
        inverse = np.linalg.inv(matrix[sound])
        diagonal = np.einsum("bii->bi", inverse)
        result[sound, j] = -inverse[:, 0, 1:] / np.sqrt(diagonal[:, :1] * diagonal[:, 1:])
    return result


@dataclass(frozen=True)
class Contrast:
    """Two correlations that share a variable, compared.

    Attributes:
        n: Models.
        difference: First correlation minus second.
        low: Lower end of its interval (Zou 2007).
        high: Upper end.
        t: Williams' statistic.
        df: Its degrees of freedom, n - 3.
        p: Two-sided probability of a t this large if the correlations were equal.
    """

    n: int
    difference: float
    low: float
    high: float
    t: float
    df: int
    p: float


def compare_dependent(r_a: float, r_b: float, r_ab: float, n: int, level: float) -> Contrast:
    """Compare the correlations of one variable with two others, measured on the same models.

    Source: Williams (1959) as recommended by Steiger (1980), equation 7; interval of Zou (2007), equation 15.

    Args:
        r_a: Correlation of the shared variable with a.
        r_b: Correlation of the shared variable with b.
        r_ab: Correlation of a with b.
        n: Models, at least 4.
        level: Coverage of the interval.

    Raises:
        ValueError: Fewer than four models, or the variables are linearly dependent.
    """
    determinant = 1 - r_a**2 - r_b**2 - r_ab**2 + 2 * r_a * r_b * r_ab
    if n < 4 or determinant < SINGULAR:
        raise ValueError("comparing dependent correlations needs four models and independent variables")
    mean = (r_a + r_b) / 2
    scale = 2 * determinant * (n - 1) / (n - 3) + mean**2 * (1 - r_ab) ** 3
    t = (r_a - r_b) * np.sqrt((n - 1) * (1 + r_ab) / scale)
    shared = ((r_ab - r_a * r_b / 2) * (1 - r_a**2 - r_b**2 - r_ab**2) + r_ab**3) / ((1 - r_a**2) * (1 - r_b**2))
    half = special.ndtri((1 + level) / 2) / np.sqrt(n - 3)
    low_a, high_a = np.tanh(np.arctanh(r_a) - half), np.tanh(np.arctanh(r_a) + half)
    low_b, high_b = np.tanh(np.arctanh(r_b) - half), np.tanh(np.arctanh(r_b) + half)
    down = (r_a - low_a) ** 2 + (high_b - r_b) ** 2 - 2 * shared * (r_a - low_a) * (high_b - r_b)
    up = (high_a - r_a) ** 2 + (r_b - low_b) ** 2 - 2 * shared * (high_a - r_a) * (r_b - low_b)
    difference = r_a - r_b
    return Contrast(
        n=n,
        difference=float(difference),
        low=float(difference - np.sqrt(max(down, 0.0))),
        high=float(difference + np.sqrt(max(up, 0.0))),
        t=float(t),
        df=n - 3,
        p=float(2 * special.stdtr(n - 3, -abs(t))),
    )


@dataclass(frozen=True)
class Robust:
    """Least-squares coefficients with errors that allow for models of one family going together.

    Attributes:
        coefficients: (q,).
        covariance: CR2 covariance (q, q).
        df: Degrees of freedom of each coefficient's t (q,).
    """

    coefficients: Array
    covariance: Array
    df: Array

    def interval(self, j: int, level: float) -> tuple[float, float]:
        """Return the interval of one coefficient."""
        half = special.stdtrit(self.df[j], (1 + level) / 2) * np.sqrt(self.covariance[j, j])
        return float(self.coefficients[j] - half), float(self.coefficients[j] + half)


def fit_robust(y: Array, design: Array, codes: Codes) -> Robust:
    """Fit least squares; errors by bias-reduced linearisation over families, t by Satterthwaite.

    Source: Bell and McCaffrey (2002): residuals of family g are multiplied by (I - H_gg)^(-1/2), which makes the
    covariance exact when all errors are independent and equal; degrees of freedom match its first two moments then.

    Args:
        y: Response (n,).
        design: (n, q) with a column of ones, full column rank.
        codes: Family of each model (n,), at least two families.

    Raises:
        ValueError: A family alone determines a coefficient, or there is only one family.
    """
    bread = np.linalg.inv(design.T @ design)
    # the hat matrix is `design @ across`: of a large study it would not fit into memory
    across = bread @ design.T
    families = np.unique(codes)
    if len(families) < 2:
        raise ValueError("errors over families need two of them")
    n, q = design.shape
    rows = np.empty((len(families), q, n))
    for i, g in enumerate(families):
        own = np.flatnonzero(codes == g)
        values, vectors = np.linalg.eigh(np.eye(len(own)) - design[own] @ across[:, own])
        roots = np.where(values > SINGULAR, values, np.inf) ** -0.5
        adjusted = across[:, own] @ (vectors * roots) @ vectors.T
        rows[i] = -(adjusted @ design[own]) @ across
        rows[i][:, own] += adjusted
    parts = rows @ y
    covariance = parts.T @ parts
    df = np.empty(q)
    for j in range(q):
        products = rows[:, j] @ rows[:, j].T
        df[j] = np.trace(products) ** 2 / (products**2).sum()
    return Robust(bread @ design.T @ y, covariance, df)
