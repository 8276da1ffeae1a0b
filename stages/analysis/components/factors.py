"""Maximum-likelihood factor analysis with promax rotation.

factor_analyzer finds the neighbourhood of the maximum and rotates. What it leaves to its user is done here: its search
stops where the gradient is still far from 0, at a point that depends on the processor's arithmetic; its varimax stops
on a criterion that is flat at its maximum, likewise; its order and signs of the factors are accidents.
"""

import warnings
from dataclasses import dataclass
from math import floor, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.analysis.components.pca import standardise
from stages.analysis.components.soundness import UNIQUENESS, Fit, condition_number, plain_promax

Array = NDArray[np.float64]

GRADIENT = 1e-6
"""Largest slope of the discrepancy in a free uniqueness at which the maximum counts as found."""

STEPS = 100
"""Varimax steps between two checks of how far the loadings still move."""

LOOKS = 500
"""Checks after which varimax is given up."""

STILL = 1e-12
"""Largest change of a loading over `STEPS` steps at which the rotation has converged."""


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
        uniqueness: Variance that a benchmark shares with no factor (n_benchmarks,).
        summary: Per factor: ss_loadings, the sum of squared loadings, and share = ss_loadings / n_benchmarks.
        fit: How sound the solution is.
    """

    loadings: pd.DataFrame
    correlations: pd.DataFrame
    structure: pd.DataFrame
    scores: pd.DataFrame
    communality: pd.Series
    uniqueness: pd.Series
    summary: pd.DataFrame
    fit: Fit


def uniqueness_table(found: Factors | None) -> pd.DataFrame:
    """Return benchmark, communality, uniqueness, at_bound; no rows without factors.

    at_bound is 1 where a uniqueness stands at its lower bound, a Heywood case (Heywood 1931).
    """
    columns = ["benchmark", "communality", "uniqueness", "at_bound"]
    if found is None:
        return pd.DataFrame(columns=columns)
    bound = (found.uniqueness <= UNIQUENESS[0]).astype(int)
    values = (found.uniqueness.index, found.communality, found.uniqueness, bound)
    return pd.DataFrame(dict(zip(columns, values, strict=True))).reset_index(drop=True)


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
    R = Z.T @ Z / n
    psi, gradient = _uniqueness(Z, R, n_factors)
    pattern, phi, difference = _rotate(_loadings(psi, R, n_factors), power)
    squares = (pattern**2).sum(axis=0)
    order = np.argsort(-squares, kind="stable")
    signs = np.where(pattern[:, order].mean(axis=0) < 0, -1.0, 1.0)
    L, phi = pattern[:, order] * signs, phi[np.ix_(order, order)] * np.outer(signs, signs)
    structure = L @ phi
    names = [f"Factor{i + 1}" for i in range(n_factors)]
    weights = np.linalg.solve(R, structure)
    return Factors(
        loadings=pd.DataFrame(L, X.columns, names),
        correlations=pd.DataFrame(phi, names, names),
        structure=pd.DataFrame(structure, X.columns, names),
        scores=pd.DataFrame(Z @ weights, X.index, names),
        communality=pd.Series(np.einsum("ij,jk,ik->i", L, phi, L), X.columns),
        uniqueness=pd.Series(psi, X.columns),
        summary=pd.DataFrame({"ss_loadings": squares[order], "share": squares[order] / p}, names),
        fit=Fit(
            n_factors=n_factors,
            df=((p - n_factors) ** 2 - p - n_factors) // 2,
            discrepancy=_discrepancy(psi, R, n_factors),
            gradient=gradient,
            at_bound=int((psi <= UNIQUENESS[0]).sum()),
            condition_number=condition_number(R),
            power=power,
            plain_difference=difference,
        ),
    )


def _uniqueness(Z: Array, R: Array, n_factors: int) -> tuple[Array, float]:
    """Return the uniquenesses (n_benchmarks,) that maximise the likelihood, and the largest slope left in a free one.

    From where factor_analyzer stops, L-BFGS-B goes on with the exact gradient until the discrepancy falls no more, and
    Newton's steps on the gradient alone bring what is not at a bound to the last digits: a value of the discrepancy
    determines the uniquenesses to half of its digits only, its gradient to nearly all.

    Args:
        Z: Standardised scores (n_models, n_benchmarks).
        R: Their correlations (n_benchmarks, n_benchmarks).
        n_factors: Factors.

    Raises:
        NotFactorisableError: factor_analyzer warns or fails, or there is no maximum within the bounds.
    """
    from scipy.optimize import minimize, root

    start = np.clip(1 - (_search(Z, n_factors) ** 2).sum(axis=1), *UNIQUENESS)
    found = minimize(
        _discrepancy,
        start,
        args=(R, n_factors),
        jac=_gradient,
        method="L-BFGS-B",
        bounds=[UNIQUENESS] * len(R),
        options={"ftol": 1e-16, "gtol": 1e-12, "maxiter": 10_000},
    )
    psi = np.asarray(found.x, dtype=float)
    slope = _gradient(psi, R, n_factors)
    free = ~np.where(slope > 0, psi <= UNIQUENESS[0], psi >= UNIQUENESS[1])

    def with_free(values: Array) -> Array:
        whole = psi.copy()
        whole[free] = values
        return whole

    def free_slope(values: Array) -> Array:
        # a step may leave the bounds on its way, where the discrepancy is still defined
        return _gradient(with_free(np.abs(values)), R, n_factors)[free]

    if free.any():
        solved = root(free_slope, psi[free], options={"xtol": 1e-15})
        psi = np.clip(with_free(np.abs(solved.x)), *UNIQUENESS)
    left = float(np.abs(_gradient(psi, R, n_factors)[free]).max(initial=0.0))
    if left > GRADIENT:
        raise NotFactorisableError(
            f"the maximum-likelihood fit is not sound: the likelihood still rises (gradient {left:.1g}) where it stops"
        )
    return psi, left


def _search(Z: Array, n_factors: int) -> Array:
    """Return the unrotated loadings at which factor_analyzer stops (n_benchmarks, n_factors)."""
    # half a second that only a fit pays for, not who imports what a fit gives
    from factor_analyzer import FactorAnalyzer

    analyzer = FactorAnalyzer(n_factors, rotation=None, method="ml", bounds=UNIQUENESS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            analyzer.fit(Z)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise NotFactorisableError(f"the maximum-likelihood fit fails: {error}") from None
    told = [str(item.message) for item in caught if not issubclass(item.category, FutureWarning)]
    if told:
        raise NotFactorisableError(f"the maximum-likelihood fit is not sound: {told[0]}")
    return np.asarray(analyzer.loadings_, dtype=float)


def _scaled_spectrum(psi: Array, R: Array) -> tuple[Array, Array]:
    """Return eigenvalues, falling, and eigenvectors of psi^-1/2 R psi^-1/2."""
    scale = np.sqrt(psi)
    values, vectors = np.linalg.eigh(R / (scale[:, None] * scale))
    return values[::-1], vectors[:, ::-1]


def _discrepancy(psi: Array, R: Array, n_factors: int) -> float:
    """Return the discrepancy that the best loadings leave at these uniquenesses.

    Source: Joreskog (1967): sum over the smaller eigenvalues e of e - log e - 1.
    """
    rest = _scaled_spectrum(psi, R)[0][n_factors:]
    return float((rest - np.log(rest) - 1).sum())


def _loadings(psi: Array, R: Array, n_factors: int) -> Array:
    """Return the best loadings at these uniquenesses (n_benchmarks, n_factors), unrotated (Joreskog 1967)."""
    values, vectors = _scaled_spectrum(psi, R)
    strength = np.sqrt(np.maximum(values[:n_factors] - 1, 0.0))
    loadings: Array = np.sqrt(psi)[:, None] * vectors[:, :n_factors] * strength
    return loadings


def _gradient(psi: Array, R: Array, n_factors: int) -> Array:
    """Return the derivative of the discrepancy in each uniqueness: diag(L L' + psi - R) / psi^2 (Joreskog 1967)."""
    squares = (_loadings(psi, R, n_factors) ** 2).sum(axis=1)
    slope: Array = (squares + psi - np.diag(R)) / psi**2
    return slope


def _rotate(loadings: Array, power: int) -> tuple[Array, Array, float]:
    """Return the promax pattern (n_benchmarks, k), the correlations of the factors (k, k) and a difference.

    The difference is the largest of a loading from promax without what the next sentence says.

    The rows are scaled to unit length while they are rotated (Kaiser), as R's `psych::kaiser` does; promax without it
    gives other loadings. Varimax runs until the loadings stand still, then promax starts from it.

    Raises:
        NotFactorisableError: Varimax does not come to rest.
    """
    k = loadings.shape[1]
    if k == 1:
        return loadings, np.eye(1), 0.0
    from factor_analyzer.rotator import Rotator

    # a negative tolerance never ends the steps early
    varimax = Rotator(method="varimax", max_iter=STEPS, tol=-1.0)
    for _ in range(LOOKS):
        before, loadings = loadings, np.asarray(varimax.fit_transform(loadings), dtype=float)
        if np.abs(loadings - before).max() <= STILL:
            break
    else:
        raise NotFactorisableError(f"varimax does not come to rest in {STEPS * LOOKS} steps")
    promax = Rotator(method="promax", power=power)
    pattern = np.asarray(promax.fit_transform(loadings), dtype=float)
    difference = float(np.abs(pattern - plain_promax(loadings, power)).max())
    return pattern, np.asarray(promax.phi_, dtype=float), difference
