"""How often intervals hold the truth of a planted population."""

import numpy as np

from stages.analysis.components.alignment import align
from stages.analysis.components.gaps import decompose_filled, fill
from stages.analysis.uncertainty.resampling import Data
from stages.analysis.uncertainty.tables import Study, resample
from tests.analysis.population import LANGUAGES, Drawn, Population

K = 3
LEVEL = 0.95


def study_of(drawn: Drawn, gaps: np.ndarray | None = None) -> Study:
    """Return the study; cells in `gaps` count as failed and are modelled."""
    filled = fill(drawn.X if gaps is None else drawn.X.mask(gaps), {})
    logs = np.column_stack([drawn.logs, drawn.logs.sum(axis=1)])
    X = filled.X
    full = decompose_filled(filled, K, {})
    data = Data(X.to_numpy(), logs, np.zeros(X.shape), logs, logs, dict(filled.roots))
    names = list(full.loadings.columns)
    reference = full.loadings.to_numpy()
    return Study(data, drawn.codes, reference, list(X.index), list(X.columns), names, [*LANGUAGES, "total"], True)


def truth(population: Population, study: Study) -> dict[str, np.ndarray]:
    """Return the population's values, its axes named and signed as those of the study."""
    found = align(study.reference, population.loadings[None, :, : 2 * K])
    order, signs = found.order[0], np.where(found.flipped[0], -1.0, 1.0)
    return {
        "ratio": population.ratio[order],
        "loadings": found.loadings[0],
        "slope": population.slopes[order] * signs[:, None],
        "rho": population.rho[order] * signs[:, None],
    }


def hits(population: Population, study: Study, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return for the statistics of one study whether the interval over families (else models) holds the truth."""
    found, _ = resample(study, draws, rng)
    by_name = {resampling.name: resampling for resampling in found}
    resampling = by_name.get("families", by_name["models"])
    result = {}
    for name, value in truth(population, study).items():
        low, high = resampling.ends(name, LEVEL)
        if name in {"slope", "rho"}:
            low, high = low[:, :2], high[:, :2]
        result[name] = (low <= value) & (value <= high)
    return result


def coverage(
    population: Population, sizes: tuple[int, ...], alike: float, gaps: float, simulations: int, draws: int
) -> dict[str, np.ndarray]:
    """Return the share of simulated studies whose interval holds the truth, per statistic and element."""
    rng = np.random.default_rng(7)
    counts: dict[str, np.ndarray] = {}
    for _ in range(simulations):
        drawn = population.draw(rng, sizes, alike)
        failed = rng.random(drawn.X.shape) < gaps if gaps else None
        for name, hit in hits(population, study_of(drawn, failed), draws, rng).items():
            counts[name] = counts.get(name, 0) + hit
    return {name: count / simulations for name, count in counts.items()}
