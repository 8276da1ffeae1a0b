"""Maximum-likelihood factor analysis with promax rotation.

A thin wrapper of factor_analyzer, which leaves three things to its user: after promax it sorts the loadings but not
the factor correlations, its communalities ignore the correlations, and its order and signs are accidents.
"""

import warnings
from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
import pandas as pd
from factor_analyzer import FactorAnalyzer

from stages.analysis.pca import standardise


class NotFactorisableError(Exception):
    """The matrix admits no maximum-likelihood factor model; the message says why."""


@dataclass(frozen=True)
class Factors:
    """Result of `factorise`, factors in order of their sums of squared loadings.

    Attributes:
        loadings: Pattern matrix L (n_benchmarks, k), columns Factor1...; values beyond 1 are legal after promax.
        correlations: Factor correlations phi (k, k).
        structure: Correlations of benchmarks and factors, L @ phi (n_benchmarks, k).
        scores: Regression factor scores (n_models, k).
        communality: diag(L phi L') (n_benchmarks,).
        summary: Per factor: ss_loadings, the sum of squared loadings, and share = ss_loadings / n_benchmarks.
    """

    loadings: pd.DataFrame
    correlations: pd.DataFrame
    structure: pd.DataFrame
    scores: pd.DataFrame
    communality: pd.Series
    summary: pd.DataFrame


def most_factors(n_benchmarks: int) -> int:
    """Return the Ledermann bound: more factors would have more parameters than there are correlations.

    Source: Ledermann (1937): k <= p + 1/2 - sqrt(2 p + 1/4).
    """
    return max(floor(n_benchmarks + 0.5 - sqrt(2 * n_benchmarks + 0.25) + 1e-9), 0)


def factorise(X: pd.DataFrame, n_factors: int, power: int) -> Factors:
    """Fit a factor model to the standardised score matrix.

    Factors are ordered by their sum of squared pattern loadings and signed so that the mean of their loadings is
    positive. Scores follow Thurstone's regression method, Z R^-1 L phi.

    Args:
        X: Score matrix (n_models, n_benchmarks) without missing cells.
        n_factors: Factors to fit, at most `most_factors`.
        power: Exponent of the promax target.

    Raises:
        NotFactorisableError: Too few models or benchmarks, or the fit fails or does not converge.
    """
    n, p = X.shape
    if n <= p:
        raise NotFactorisableError(f"{n} models for {p} benchmarks make a singular correlation matrix")
    if not 1 <= n_factors <= most_factors(p):
        raise NotFactorisableError(f"{p} benchmarks identify at most {most_factors(p)} factors, {n_factors} asked")
    Z, _, _ = standardise(X)
    fitted = _fit(Z, n_factors, power)
    loadings = np.asarray(fitted.loadings_, dtype=float)
    squares = (loadings**2).sum(axis=0)
    order = np.argsort(-squares, kind="stable")
    signs = np.where(loadings[:, order].mean(axis=0) < 0, -1.0, 1.0)
    L = loadings[:, order] * signs
    # factor_analyzer sorts its structure matrix together with the loadings; phi follows from the two
    structure = L.copy() if n_factors == 1 else np.asarray(fitted.structure_, dtype=float)[:, order] * signs
    phi = np.linalg.lstsq(L, structure, rcond=None)[0]
    names = [f"Factor{i + 1}" for i in range(n_factors)]
    weights = np.linalg.solve(Z.T @ Z / n, structure)
    return Factors(
        loadings=pd.DataFrame(L, X.columns, names),
        correlations=pd.DataFrame(phi, names, names),
        structure=pd.DataFrame(structure, X.columns, names),
        scores=pd.DataFrame(Z @ weights, X.index, names),
        communality=pd.Series(np.einsum("ij,jk,ik->i", L, phi, L), X.columns),
        summary=pd.DataFrame({"ss_loadings": squares[order], "share": squares[order] / p}, names),
    )


def _fit(Z: np.ndarray[tuple[int, ...], np.dtype[np.float64]], n_factors: int, power: int) -> FactorAnalyzer:
    rotation = "promax" if n_factors > 1 else None
    analyzer = FactorAnalyzer(n_factors, rotation=rotation, method="ml", rotation_kwargs={"power": power})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            analyzer.fit(Z)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise NotFactorisableError(f"the maximum-likelihood fit fails: {error}") from None
    told = [str(item.message) for item in caught if not issubclass(item.category, FutureWarning)]
    if told:
        raise NotFactorisableError(f"the maximum-likelihood fit is not sound: {told[0]}")
    return analyzer
