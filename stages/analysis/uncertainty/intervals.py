"""Intervals from resampled statistics.

Every interval is the estimate plus and minus a multiple of the standard deviation over the samples, on the scale on
which the statistic is about normal (logit for shares of variance, Fisher's z for correlations). For samples of models
or families the multiple is Student's t for their number. Quantiles of the samples would be simpler and are worse
here: loadings and slopes of resampled matrices lie on one side of the full solution's, so that nominal 95 % intervals
of them hold the truth in 64 to 95 % of planted studies of 35 models, against 91 to 97 % this way.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stages.analysis.uncertainty.bootstrap import Summary, unscaled

Array = NDArray[np.float64]
Kind = Literal["bootstrap", "error", "left_out"]

BOUNDS = {"loadings": 1.0, "rotated": 1.0, "contrast": 2.0}
"""Largest absolute value that a statistic can have."""


def reach(units: Array, level: float) -> Array:
    """Return how many standard deviations over samples an interval reaches to either side; NaN for a single unit.

    The quantile of Student's t with m - 1 degrees of freedom, times sqrt(m / (m - 1)): a bootstrap of m units
    underestimates the variance by (m - 1) / m (Hesterberg 2015, "What Teachers Should Know About the Bootstrap").

    Args:
        units: How many units, such as families, were resampled.
        level: Coverage, such as 0.95.
    """
    enough = np.where(units > 1, units, np.nan)
    multiple: Array = special.stdtrit(enough - 1, (1 + level) / 2) * np.sqrt(enough / (enough - 1))
    return multiple


@dataclass(frozen=True)
class Resampling:
    """Statistics of one way of resampling.

    Attributes:
        name: models, families, items, tokens, without_each_model or without_each_family.
        kind: `bootstrap` over units, `error` of what was measured, or units `left_out` one at a time.
        units: Number of models or families drawn from.
        law_units: Those with a known budget, per budget; then those with all of them known.
        summaries: By statistic.
    """

    name: str
    kind: Kind
    units: int
    law_units: tuple[int, ...]
    summaries: dict[str, Summary]

    def ends(self, statistic: str, level: float) -> tuple[Array, Array]:
        """Return the lower and upper ends of a statistic, in its own unit and shape.

        For units left out one at a time these are the smallest and the largest value.

        Args:
            statistic: See `bootstrap.statistics`.
            level: Coverage, such as 0.95.
        """
        found = self.summaries[statistic]
        if self.kind == "left_out":
            low, high = (np.where(np.isfinite(end), end, np.nan) for end in (found.least, found.most))
        else:
            half = self.multiple(statistic, level) * found.deviation()
            low, high = found.estimate - half, found.estimate + half
        ends = unscaled(statistic, low), unscaled(statistic, high)
        bound = BOUNDS.get(statistic, np.inf)
        return np.clip(ends[0], -bound, bound), np.clip(ends[1], -bound, bound)

    def multiple(self, statistic: str, level: float) -> Array:
        """Return how many standard deviations an interval reaches to either side."""
        if self.kind == "error":
            return np.asarray(special.ndtri((1 + level) / 2))
        units: Array = np.array([self.units], dtype=float)
        if statistic in {"rho", "slope"}:
            units = np.array(self.law_units[:-1], dtype=float)
        elif statistic in {"partial", "contrast"}:
            units = np.array([self.law_units[-1]], dtype=float)
        return reach(units, level)
