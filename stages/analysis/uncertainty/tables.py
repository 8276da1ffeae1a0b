"""How far the results of a study would move with other models, families, test items or token counts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.analysis.scores.families import Codes, without_each
from stages.analysis.uncertainty.bootstrap import statistics, summarise
from stages.analysis.uncertainty.intervals import Kind, Resampling
from stages.analysis.uncertainty.resampling import Data, Samples, Weights, family_weights, model_weights, samples

Array = NDArray[np.float64]

FEWEST_FAMILIES = 4
"""Fewer families than this give no meaningful interval."""
WORK, FEWEST_DRAWS = 2**34, 500
"""Samples times models times squared benchmarks that a bootstrap of a large study may take, and its fewest samples."""


@dataclass(frozen=True)
class Study:
    """The study that is resampled.

    Attributes:
        data: Scores, budgets and their errors.
        codes: Family of each model (n_models,).
        reference: Loadings of the full solution (n_benchmarks, k).
        models: Names of the models.
        benchmarks: Names of the benchmarks.
        components: PC1, PC2, ...
        budgets: Languages, then `total`.
        unit_variance: Whether benchmarks are scaled to unit variance.
    """

    data: Data
    codes: Codes
    reference: Array
    models: Sequence[str]
    benchmarks: Sequence[str]
    components: Sequence[str]
    budgets: Sequence[str]
    unit_variance: bool

    @cached_property
    def estimate(self) -> dict[str, Array]:
        """Return the statistics of the full data (see `bootstrap.statistics`, without the leading axis)."""
        data = self.data
        full = Samples(np.ones((1, len(data.X))), data.X, data.logs)
        found = statistics(full, self.reference, unit_variance=self.unit_variance)
        return {name: values[0] for name, values in found.items()}

    def units(self, codes: Codes) -> tuple[int, ...]:
        """Return the number of different codes with a known budget, per budget; then with all budgets known."""
        known = np.isfinite(self.data.logs)
        columns = [*known.T, known[:, :-1].all(axis=1)]
        return tuple(len(np.unique(codes[column])) for column in columns)


def resample(
    study: Study, draws: int, rng: np.random.Generator, watched: "Watch" = iter
) -> tuple[list[Resampling], list[str]]:
    """Resample a study in every way that it allows.

    Args:
        study: The study.
        draws: Samples of each bootstrap.
        rng: Source of the samples.
        watched: Passes the ways through one by one; may show the current one to a user.

    Returns:
        The resamplings, and one line for each way that the study does not allow.
    """
    data, codes = study.data, study.codes
    each = np.arange(len(codes))
    wanted, draws = draws, affordable(draws, data.X.shape)
    n, n_families = len(codes), int(codes.max()) + 1
    ways = [
        Way("models", "bootstrap", each, Weights(draws, lambda _, count: model_weights(n, count, rng))),
        Way("without_each_model", "left_out", each, Weights(n, partial(without_each, each))),
    ]
    skipped = [few_line(draws, wanted, data.X.shape)] if draws < wanted else []
    if n_families == n:
        skipped.append("families: every model is a family of its own, so that intervals over models hold for them too")
    elif n_families < FEWEST_FAMILIES:
        skipped.append(f"intervals over families: {n_families} families, {FEWEST_FAMILIES} needed")
    else:
        drawn = Weights(draws, lambda _, count: family_weights(codes, count, rng))
        ways.append(Way("families", "bootstrap", codes, drawn))
        ways.append(Way("without_each_family", "left_out", codes, Weights(n_families, partial(without_each, codes))))
    once = Weights(draws, lambda _, count: np.ones((count, n)))
    if (data.stderr > 0).any():
        certain = [name for name, column in zip(study.benchmarks, data.stderr.T, strict=True) if not column.any()]
        if certain:
            skipped.append(f"sampling error of {', '.join(certain)}: its number of items is not known")
        ways.append(Way("items", "error", each, once))
    else:
        skipped.append("sampling error of the scores: no benchmark's number of items is known")
    if (data.log_high > data.log_low).any():
        ways.append(Way("tokens", "error", each, once))
    return [_run(study, way, rng) for way in watched(ways)], skipped


def affordable(draws: int, shape: tuple[int, ...]) -> int:
    """Return how many samples a bootstrap takes of a study of this many models and benchmarks."""
    n, p = shape
    return min(draws, max(WORK // (n * p**2), FEWEST_DRAWS))


def few_line(draws: int, wanted: int, shape: tuple[int, ...]) -> str:
    """Return what fewer samples mean: the standard deviation of m of them is known to 1 / sqrt(2 m) of itself."""
    n, p = shape
    known = f"{draws:,} know the length of an interval to {100 / np.sqrt(2 * draws):.1f} %"
    return f"{wanted - draws:,} of {wanted:,} samples per bootstrap: many for {n:,} models x {p} benchmarks; {known}"


class Way(NamedTuple):
    """A way of resampling: its name and kind, the unit that each model belongs to, and the weights of the samples."""

    name: str
    kind: Kind
    codes: Codes
    weights: Weights


Watch = Callable[[Sequence[Way]], Iterable[Way]]
"""Hands ways through."""


def _run(study: Study, way: Way, rng: np.random.Generator) -> Resampling:
    data = study.data
    if way.kind == "error":
        # one source of error at a time
        data = replace(data, fill_roots={})
    if way.name == "items":
        data = replace(data, log_low=data.logs, log_high=data.logs)
    parts = samples(data, way.weights, None if way.kind == "left_out" else rng, items=way.name == "items")
    found = summarise(parts, study.reference, study.estimate, unit_variance=study.unit_variance)
    return Resampling(way.name, way.kind, len(np.unique(way.codes)), study.units(way.codes), found)


def explained_variance_table(study: Study, found: Sequence[Resampling], level: float) -> pd.DataFrame:
    """Return one row per component: component, estimate, low, high, and low_<r>, high_<r> per further resampling.

    The first pair of ends is that of the bootstrap over models.
    """
    table = pd.DataFrame({"component": list(study.components), "estimate": study.estimate["ratio"]})
    for i, resampling in enumerate(found):
        suffix = f"_{resampling.name}" if i else ""
        table[f"low{suffix}"], table[f"high{suffix}"] = resampling.ends("ratio", level)
    return table


def loadings_table(study: Study, found: Sequence[Resampling], level: float) -> pd.DataFrame:
    """Return benchmark, component, resampling, estimate, low, high, rotated_low, rotated_high.

    low and high hold the loading of the component itself, whose samples are aligned by permutation and sign. The
    rotated ends come from samples that a Procrustes rotation within the k components brought onto the full solution:
    they show how well the space of the components is known, not its axes, and are too narrow for a single loading.
    """
    keys = {"benchmark": study.benchmarks, "component": study.components}
    return _long(study, found, keys, {"": "loadings", "rotated_": "rotated"}, level).drop(columns="rotated_estimate")


def scores_table(study: Study, found: Sequence[Resampling], level: float) -> pd.DataFrame:
    """Return model_id, component, resampling, estimate, low, high."""
    return _long(study, found, {"model_id": study.models, "component": study.components}, {"": "scores"}, level)


def scaling_table(study: Study, found: Sequence[Resampling], level: float) -> pd.DataFrame:
    """Return response, language, resampling, units, rho, low, high, then slope and partial with their ends.

    units is the number of models or families that have the budget. partial is the correlation given the budgets in
    all other languages, over the models that have them all; empty for the total.
    """
    keys = {"response": study.components, "language": study.budgets}
    table = _long(study, found, keys, {"": "rho", "slope_": "slope", "partial_": "partial"}, level)
    units = {(r.name, budget): m for r in found for budget, m in zip(study.budgets, r.law_units[:-1], strict=True)}
    table.insert(3, "units", [units[pair] for pair in zip(table["resampling"], table["language"], strict=True)])
    names = {"estimate": "rho", "slope_estimate": "slope", "partial_estimate": "partial"}
    return table.rename(columns=names).dropna(subset="rho", ignore_index=True)


def correlations_table(study: Study, found: Sequence[Resampling], reliability: Array, level: float) -> pd.DataFrame:
    """Return benchmark, other, resampling, estimate, low, high, and the same corrected for attenuation.

    Source: Spearman (1904): r / sqrt(reliability of one x reliability of the other), held within -1 and 1; the
    reliabilities are taken as known.

    Args:
        study: The study.
        found: Its resamplings.
        reliability: Reliability of each benchmark (n_benchmarks,), NaN where unknown.
        level: Coverage.
    """
    keys = {"benchmark": study.benchmarks, "other": study.benchmarks}
    table = _long(study, found, keys, {"": "correlation"}, level)
    rank = {name: i for i, name in enumerate(study.benchmarks)}
    first, second = table["benchmark"].map(rank), table["other"].map(rank)
    once = (first < second).to_numpy()
    table = table[once]
    by = np.sqrt(reliability[first[once].to_numpy()] * reliability[second[once].to_numpy()])
    for name in ("estimate", "low", "high"):
        corrected = "corrected" if name == "estimate" else f"corrected_{name}"
        table[corrected] = np.clip(table[name] / by, -1, 1)
    return table.reset_index(drop=True)


def _long(
    study: Study,
    found: Sequence[Resampling],
    keys: Mapping[str, Sequence[str]],
    statistics_by_prefix: Mapping[str, str],
    level: float,
) -> pd.DataFrame:
    """Return the rows of two-dimensional statistics: the two keys, resampling, then estimate, low, high of each."""
    estimate = study.estimate
    names = [str(key) for key in keys]
    index = pd.MultiIndex.from_product(list(keys.values()), names=names)
    frames = []
    for resampling in found:
        frame = pd.DataFrame({"resampling": resampling.name}, index=index)
        for prefix, statistic in statistics_by_prefix.items():
            low, high = resampling.ends(statistic, level)
            frame[f"{prefix}estimate"] = estimate[statistic].ravel()
            frame[f"{prefix}low"], frame[f"{prefix}high"] = low.ravel(), high.ravel()
        frames.append(frame.reset_index())
    return pd.concat(frames, ignore_index=True)


def axes_table(study: Study, found: Sequence[Resampling]) -> pd.DataFrame:
    """Return component, resampling, stability, least, space, swapped.

    stability is the mean cosine of a component in the samples with that of the full data, least its smallest value;
    space is the mean after a rotation within the components. swapped is the share of samples in which the component
    came out at another rank: what would spoil a summary without alignment.
    """
    frames = []
    for resampling in found:
        parts = resampling.summaries
        frames.append(
            pd.DataFrame(
                {
                    "component": list(study.components),
                    "resampling": resampling.name,
                    "stability": parts["cosine"].mean(),
                    "least": parts["cosine"].least,
                    "space": parts["turned"].mean(),
                    "swapped": parts["swapped"].mean(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
