"""How far the number behind a conclusion would move had the study other families of models.

Families are drawn with replacement, as many as there are, and the statistic of each criterion is computed in every
sample (cluster bootstrap, Davison and Hinkley 1997, section 3.8). Its interval is that of `uncertainty.intervals`: the
estimate plus and minus Student's t for the number of families times the standard deviation over the samples, on the
scale on which the statistic is about normal. So a number from 6 families has the interval of 6 cases, however many
models these are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from stages.analysis.conclusions.measures import NotThereError, Numbers, measure
from stages.analysis.conclusions.variations import Base, Solution
from stages.analysis.uncertainty.bootstrap import Statistics, Summary, all_statistics, fisher, logit
from stages.analysis.uncertainty.intervals import reach
from stages.analysis.uncertainty.resampling import Data, Weights, family_weights, samples
from stages.contracts.params import StabilityParams
from stages.contracts.study.conclusions import Conclusions, Criterion

Array = NDArray[np.float64]

DRAWS = 2000
"""Samples at most: the standard deviation over them is known to 1.6 %."""

SCALES: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    **dict.fromkeys(("evr", "evenness", "share", "outside_r"), (logit, special.expit)),
    **dict.fromkeys(("least", "rho", "r"), (fisher, np.tanh)),
}
"""Statistic to the scale on which it is about normal and the way back: logit of shares, Fisher's z of the others."""

Key = tuple[str, tuple[str, ...]]


class Support(NamedTuple):
    """What a number rests on.

    Attributes:
        low: Lower end of its interval, NaN where there is none.
        high: Upper end.
        models: Models that it was computed from.
        families: Their families.
    """

    low: float
    high: float
    models: int
    families: int


@dataclass(frozen=True)
class Evidence:
    """What the intervals of criteria are made of.

    Attributes:
        families: Number of the family of each model.
        deviations: Variation to criterion to the standard deviation over samples of its families, on the scale of
            `SCALES`. A variation that is not named has that of the first one, the study as analysed.
        level: Coverage of the intervals.
        min_models: Fewer models allow no verdict.
        min_families: Fewer families likewise.
    """

    families: pd.Series
    deviations: Mapping[str, Mapping[Key, float]]
    level: float
    min_models: int
    min_families: int

    def support(self, criterion: Criterion, value: float, variation: str, solution: Solution) -> Support:
        """Return what the number of a criterion in a variation rests on, and how far it could be off."""
        members = _members(criterion, solution)
        m = int(self.families[members].nunique())
        spread = self.deviations.get(variation, next(iter(self.deviations.values()), {}))
        deviation = spread.get(_key(criterion), np.nan)
        if m < 2 or not np.isfinite(deviation):
            return Support(np.nan, np.nan, len(members), m)
        to, back = SCALES[criterion.parts[0]]
        half = reach(np.array(m), self.level) * deviation
        low, high = (float(back(to(np.array(value)) + step)) for step in (-half, half))
        return Support(low, high, len(members), m)


def _key(criterion: Criterion) -> Key:
    return criterion.statistic, tuple(criterion.benchmarks)


def _members(criterion: Criterion, solution: Solution) -> pd.Index:
    """Return the models that a criterion's number is computed from."""
    kind, *rest = criterion.parts
    models = solution.scores.index
    return models[solution.logs[rest[1]].notna()] if kind == "rho" else models


def weigh(
    base: Base,
    families: pd.Series,
    parts: Mapping[str, pd.Index],
    found: Conclusions,
    params: StabilityParams,
) -> Evidence:
    """Resample the families of the study as analysed, and of smaller subsets.

    Args:
        base: The study as analysed.
        families: Number of the family of each model.
        parts: Name of a variation to its models, the study as analysed first.
        found: The conclusions.
        params: Section `stability`; `DRAWS` samples at most are drawn.
    """
    criteria = {_key(one): one for conclusion in found.conclusions for one in conclusion.criteria}
    deviations = {
        name: spread(
            base, families, members, list(criteria.values()), params.draws, np.random.default_rng(params.seed)
        )
        for name, members in parts.items()
    }
    return Evidence(families, deviations, params.level, found.min_models, found.min_families)


def spread(
    base: Base,
    families: pd.Series,
    members: pd.Index,
    criteria: Sequence[Criterion],
    draws: int,
    rng: np.random.Generator,
) -> dict[Key, float]:
    """Return the standard deviation of each criterion over samples of the families of some models.

    What a study does not have, and what varies in fewer than two samples, is left out.
    """
    sums = {_key(criterion): Summary(np.zeros(())) for criterion in criteria}
    for found in resampled(base, families, members, draws, rng):
        numbers = _sampled(base, found)
        for criterion in criteria:
            try:
                values = measure(criterion, numbers)
            except NotThereError:
                continue
            sums[_key(criterion)].add(SCALES[criterion.parts[0]][0](values))
    deviations = {key: float(summary.deviation()) for key, summary in sums.items()}
    return {key: value for key, value in deviations.items() if np.isfinite(value)}


def resampled(
    base: Base, families: pd.Series, members: pd.Index, draws: int, rng: np.random.Generator
) -> Iterator[Statistics]:
    """Yield the statistics of samples of the families of some models, many samples at a time.

    Args:
        base: The study as analysed.
        families: Number of the family of each model.
        members: The models.
        draws: Samples wished for; `DRAWS` at most are drawn.
        rng: Source of the samples.
    """
    filled = base.filled.take(members, base.X.columns)
    X, logs = filled.X.to_numpy(dtype=float), base.logs.loc[members].to_numpy(dtype=float)
    codes = pd.factorize(families[members])[0]
    data = Data(X, logs, np.zeros_like(X), logs, logs, dict(filled.roots))
    weights = Weights(min(draws, DRAWS), lambda _, count: family_weights(codes, count, rng))
    yield from all_statistics(samples(data, weights, rng), base.loadings.to_numpy(), unit_variance=base.unit_variance)


def _sampled(base: Base, found: Statistics) -> Numbers:
    components, budgets = [str(name) for name in base.loadings], [str(name) for name in base.logs]

    def rho(component: str, budget: str) -> Array:
        values: Array = found["rho"][:, components.index(component), budgets.index(budget)]
        return values

    return Numbers(
        benchmarks=[str(name) for name in base.loadings.index],
        components=components,
        ratio=found["ratio"],
        loadings=found["loadings"],
        correlation=found["correlation"],
        rho=rho,
    )
