"""A population of models with known loadings, variances and scaling laws, from which studies are drawn.

Standardised scores are Z = A L' + e with abilities A; the first two abilities follow the log budgets of two languages.
What PCA estimates follows from the population's correlation matrix R: its eigenvectors are the loadings, its
eigenvalues the variances; the slope of a component's score on a log budget of unit variance is the covariance u' R_zx.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

LANGUAGES = ("ja", "en")


@dataclass(frozen=True)
class Population:
    """What a study is drawn from.

    Attributes:
        L: Loadings of standardised benchmarks on abilities (p, 3).
        noise: Variance of each benchmark's own part (p,).
        follows: Correlation of abilities with log budgets: first with the second language, second with the first.
    """

    L: np.ndarray
    noise: np.ndarray
    follows: tuple[float, float] = (0.9, 0.8)

    @cached_property
    def spread(self) -> np.ndarray:
        return np.sqrt((self.L**2).sum(axis=1) + self.noise)

    @cached_property
    def eigen(self) -> tuple[np.ndarray, np.ndarray]:
        correlation = (self.L @ self.L.T + np.diag(self.noise)) / np.outer(self.spread, self.spread)
        values, vectors = np.linalg.eigh(correlation)
        return values[::-1], vectors[:, ::-1]

    @property
    def ratio(self) -> np.ndarray:
        return self.eigen[0] / self.eigen[0].sum()

    @property
    def loadings(self) -> np.ndarray:
        return self.eigen[1]

    @property
    def slopes(self) -> np.ndarray:
        """Slope of each component on the log budgets of LANGUAGES (p, 2)."""
        covariance = (self.L / self.spread[:, None])[:, [1, 0]] * np.array(self.follows)[[1, 0]]
        return self.loadings.T @ covariance

    @property
    def rho(self) -> np.ndarray:
        return self.slopes / np.sqrt(self.eigen[0])[:, None]

    def draw(self, rng: np.random.Generator, sizes: tuple[int, ...], alike: float) -> "Drawn":
        """Draw families of these sizes; `alike` is the share of every ability's and budget's variance they share."""
        codes = np.repeat(np.arange(len(sizes)), sizes)
        n = len(codes)

        def parts(k: int) -> np.ndarray:
            family = rng.normal(size=(len(sizes), k))[codes]
            return np.sqrt(alike) * family + np.sqrt(1 - alike) * rng.normal(size=(n, k))

        logs, own = parts(2), parts(3)
        first, second = self.follows
        abilities = np.column_stack(
            [
                first * logs[:, 1] + np.sqrt(1 - first**2) * own[:, 0],
                second * logs[:, 0] + np.sqrt(1 - second**2) * own[:, 1],
                own[:, 2],
            ]
        )
        Z = abilities @ self.L.T + rng.normal(size=(n, len(self.L))) * np.sqrt(self.noise)
        names = [f"model-{i}" for i in range(n)]
        return Drawn(pd.DataFrame(Z, names, [f"task_{j}" for j in range(len(self.L))]), logs, codes)


@dataclass(frozen=True)
class Drawn:
    """A study: scores (n, p), log budgets (n, 2), family of each model (n,)."""

    X: pd.DataFrame
    logs: np.ndarray
    codes: np.ndarray


def population(p: int = 19, seed: int = 42) -> Population:
    """Three abilities of clearly different strength: general, four benchmarks of knowledge, four of code."""
    rng = np.random.default_rng(seed)
    L = np.zeros((p, 3))
    L[:, 0] = rng.uniform(0.6, 0.95, p)
    L[:4, 0] = rng.uniform(0, 0.3, 4)
    L[:4, 1] = rng.uniform(0.7, 0.95, 4)
    L[4:, 1] = rng.uniform(-0.2, 0.2, p - 4)
    L[-4:, 2] = rng.uniform(0.4, 0.6, 4)
    L[4:-4, 2] = rng.uniform(-0.25, 0, p - 8)
    return Population(L, rng.uniform(0.08, 0.2, p))


SINGLE = (1,) * 35
FAMILIES = (10, 7, 5, 3, 2, 2, 1, 1, 1, 1, 1, 1)
