"""The numbers that conclusions are about, of one analysis or of many samples of it at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.analysis.conclusions.variations import Solution
from stages.analysis.scaling.laws import FEWEST, correlate
from stages.contracts.rows import texts
from stages.contracts.study.conclusions import Criterion

Array = NDArray[np.float64]


class NotThereError(Exception):
    """The analysis has no such number; the message says why."""


@dataclass(frozen=True)
class Numbers:
    """What the statistics of conclusions.yaml are computed from, in b samples.

    Attributes:
        benchmarks: Their names.
        components: Likewise.
        ratio: Share of the variance (b, k).
        loadings: (b, n_benchmarks, k).
        correlation: (b, n_benchmarks, n_benchmarks).
        rho: Component and budget to their correlation (b,).
    """

    benchmarks: list[str]
    components: list[str]
    ratio: Array
    loadings: Array
    correlation: Array
    rho: Callable[[str, str], Array]

    def axis(self, name: str) -> int:
        """Return the position of a component.

        Raises:
            NotThereError: There is no component of that name.
        """
        if name not in self.components:
            raise NotThereError(f"no {name}")
        return self.components.index(name)

    def present(self, names: Sequence[str]) -> list[int]:
        """Return the positions of those benchmarks that are there.

        Raises:
            NotThereError: None is.
        """
        found = [self.benchmarks.index(name) for name in names if name in self.benchmarks]
        if not found:
            raise NotThereError("none of its benchmarks")
        return found

    def squares(self, component: str) -> Array:
        """Return the squared loadings of a component (b, n_benchmarks)."""
        squares: Array = self.loadings[:, :, self.axis(component)] ** 2
        return squares


def numbers_of(solution: Solution) -> Numbers:
    """Return the numbers of one analysis, b = 1."""

    def rho(component: str, budget: str) -> Array:
        logs = solution.logs[budget]
        known = int(logs.notna().sum())
        if known < FEWEST or logs.nunique() < 2:
            raise NotThereError(f"{budget} budget known for {known} models")
        scores = solution.scores[component]
        if solution.method == "spearman":
            scores, logs = scores[logs.notna()].rank(), logs.rank()
        return np.array([correlate(scores, logs)])

    return Numbers(
        benchmarks=texts(solution.loadings.index),
        components=texts(solution.loadings),
        ratio=solution.ratio[solution.loadings.columns].to_numpy()[None],
        loadings=solution.loadings.to_numpy()[None],
        correlation=solution.correlation.loc[solution.loadings.index, solution.loadings.index].to_numpy()[None],
        rho=rho,
    )


def measure(criterion: Criterion, numbers: Numbers) -> Array:
    """Return the number that a criterion is about (b,), NaN in a sample without it; see conclusions.yaml.

    Raises:
        NotThereError: The analysis lacks a component, a benchmark or a budget.
    """
    kind, *rest = criterion.parts
    return STATISTICS[kind](numbers, rest, criterion.benchmarks)


def _evr(numbers: Numbers, rest: list[str], benchmarks: Sequence[str]) -> Array:
    share: Array = numbers.ratio[:, numbers.axis(rest[0])]
    return share


def _evenness(numbers: Numbers, rest: list[str], benchmarks: Sequence[str]) -> Array:
    squares = numbers.squares(rest[0])
    evenness: Array = squares.sum(axis=1) ** 2 / (squares.shape[1] * (squares**2).sum(axis=1))
    return evenness


def _share(numbers: Numbers, rest: list[str], benchmarks: Sequence[str]) -> Array:
    squares = numbers.squares(rest[0])
    share: Array = squares[:, numbers.present(benchmarks)].sum(axis=1) / squares.sum(axis=1)
    return share


def _least(numbers: Numbers, rest: list[str], benchmarks: Sequence[str]) -> Array:
    axis = numbers.loadings[:, :, numbers.axis(rest[0])]
    least: Array = axis[:, numbers.present(benchmarks)].min(axis=1) / np.linalg.norm(axis, axis=1)
    return least


def _rho(numbers: Numbers, rest: list[str], benchmarks: Sequence[str]) -> Array:
    component, budget = rest
    numbers.axis(component)
    return numbers.rho(component, budget)


def _r(numbers: Numbers, rest: list[str], benchmarks: Sequence[str]) -> Array:
    missing = [name for name in rest if name not in numbers.benchmarks]
    if missing:
        raise NotThereError(f"no {missing[0]}")
    first, second = (numbers.benchmarks.index(name) for name in rest)
    r: Array = numbers.correlation[:, first, second]
    return r


def _outside_r(numbers: Numbers, rest: list[str], benchmarks: Sequence[str]) -> Array:
    inside = numbers.present(benchmarks)
    outside = [i for i, name in enumerate(numbers.benchmarks) if name not in benchmarks]
    mean: Array = np.abs(numbers.correlation[:, inside][:, :, outside]).mean(axis=(1, 2))
    return mean


STATISTICS: Mapping[str, Callable[[Numbers, list[str], Sequence[str]], Array]] = {
    "evr": _evr,
    "evenness": _evenness,
    "share": _share,
    "least": _least,
    "rho": _rho,
    "r": _r,
    "outside_r": _outside_r,
}
