"""One study analysed in many ways: other models, other benchmarks, other data, other methods.

Every variation ends in the same form, with its axes matched to the components of the study as analysed: PC2 is what
resembles PC2 most, whatever its rank there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from stages.analysis.components.alignment import best_pairs
from stages.analysis.components.factors import NotFactorisableError, factorise, most_factors
from stages.analysis.components.gaps import Filled, NotImputableError, Ranges, decompose_filled, fill
from stages.analysis.components.pca import decompose
from stages.analysis.scores.correlation import pearson
from stages.analysis.scores.families import Codes

FEWEST_MODELS = 4
"""Fewer models than this are not analysed."""

NOT_COMPUTABLE = (ValueError, NotFactorisableError, NotImputableError, np.linalg.LinAlgError)


@dataclass(frozen=True)
class Base:
    """The study as analysed.

    Attributes:
        X: Score matrix (n_models, n_benchmarks), NaN where a cell is missing.
        filled: The same without missing cells.
        ranges: Smallest and largest possible score of each benchmark.
        loadings: U (n_benchmarks, k).
        logs: log10 budgets (n_models, n_budgets), columns languages and `total`, NaN where unknown.
        unit_variance: Whether benchmarks were standardised.
        n_factors: Factors of the factor analysis.
        power: Exponent of its promax target.
    """

    X: pd.DataFrame
    filled: Filled
    ranges: Ranges
    loadings: pd.DataFrame
    logs: pd.DataFrame
    unit_variance: bool
    n_factors: int
    power: int


@dataclass(frozen=True)
class Solution:
    """One variation, analysed.

    Attributes:
        loadings: (n_benchmarks, k'), columns the components of the base that have a counterpart here.
        ratio: Share of the variance, by component.
        scores: (n_models, k').
        correlation: (n_benchmarks, n_benchmarks).
        logs: log10 budgets of the models (n_models, n_budgets).
        method: Correlation of scores with budgets, `pearson` or `spearman`.
    """

    loadings: pd.DataFrame
    ratio: pd.Series
    scores: pd.DataFrame
    correlation: pd.DataFrame
    logs: pd.DataFrame
    method: Literal["pearson", "spearman"] = "pearson"


@dataclass(frozen=True)
class Variation:
    """A way to analyse the study.

    Attributes:
        name: Short words.
        kind: subset, data, method, family or benchmark.
        solution: The analysis, or why there is none.
    """

    name: str
    kind: str
    solution: Solution | str


@dataclass(frozen=True)
class Alternatives:
    """What the study can be varied by.

    Attributes:
        subset: Name of the subset as analysed.
        subsets: Name to its models, for smaller subsets.
        corrected: The score matrix with corrected cells, None where nothing would change.
        suspected: Cells that a waiver calls a failed evaluation (n_models, n_benchmarks), bool.
        codes: Family of each model.
        families: Name of each family.
    """

    subset: str
    subsets: Mapping[str, pd.Index]
    corrected: pd.DataFrame | None
    suspected: pd.DataFrame
    codes: Codes
    families: list[str]


def vary(base: Base, ways: Alternatives) -> Iterator[Variation]:
    """Analyse the study in every way; what is not possible yields the reason."""
    X = base.X
    yield _try(ways.subset, "subset", partial(part, base, X.index, X.columns))
    for name, members in ways.subsets.items():
        yield _try(name, "subset", partial(part, base, members, X.columns))
    corrected = ways.corrected
    if corrected is not None:
        yield _try("corrected zeros", "data", partial(components, base, corrected))
    if ways.suspected.to_numpy().any():
        yield _try("failed cells dropped", "data", partial(components, base, X.mask(ways.suspected)))
    yield _try("rank correlation", "method", partial(ranks, base, X))
    yield _try("factor analysis", "method", partial(factors, base, X))
    other = "not standardised" if base.unit_variance else "standardised"
    yield _try(other, "method", partial(part, base, X.index, X.columns, unit_variance=not base.unit_variance))
    if len(ways.families) > 1:
        for code, family in enumerate(ways.families):
            kept = X.index[ways.codes != code]
            yield _try(f"without {family}", "family", partial(part, base, kept, X.columns))
    if X.shape[1] > 2:
        for benchmark in X.columns:
            rest = X.columns.drop(benchmark)
            yield _try(f"without {benchmark}", "benchmark", partial(part, base, X.index, rest))


def _try(name: str, kind: str, analyse: Callable[[], Solution]) -> Variation:
    try:
        return Variation(name, kind, analyse())
    except NOT_COMPUTABLE as error:
        return Variation(name, kind, str(error))


def part(base: Base, models: pd.Index, benchmarks: pd.Index, *, unit_variance: bool | None = None) -> Solution:
    """Analyse some models and benchmarks by principal components; missing scores are as predicted from all.

    Raises:
        ValueError: Too few models, or a constant benchmark.
    """
    same = base.unit_variance if unit_variance is None else unit_variance
    return _principal(base, base.filled.take(models, benchmarks), base.X.loc[models, benchmarks], unit_variance=same)


def components(base: Base, X: pd.DataFrame) -> Solution:
    """Analyse a matrix with other cells by principal components; missing scores are predicted anew.

    Raises:
        ValueError: Too few models, or a constant benchmark.
        NotImputableError: See `gaps.fill`.
    """
    return _principal(base, fill(X, base.ranges), X, unit_variance=base.unit_variance)


def _principal(base: Base, filled: Filled, X: pd.DataFrame, *, unit_variance: bool) -> Solution:
    """Return components of the filled matrix, and correlations over the models that have both scores."""
    if len(X) < FEWEST_MODELS:
        raise ValueError(f"{len(X)} models")
    found = decompose_filled(filled, 2 * base.loadings.shape[1], {}, unit_variance=unit_variance)
    return _solution(base, found.loadings, found.explained_variance_ratio, found.pc_scores, pearson(X))


def ranks(base: Base, X: pd.DataFrame) -> Solution:
    """Analyse ranks: components of Spearman correlations, rank correlations with the budgets.

    Raises:
        ValueError: A cell is missing.
    """
    ranked = X.rank()
    found = decompose(ranked, 2 * base.loadings.shape[1], {})
    solution = _solution(base, found.loadings, found.explained_variance_ratio, found.pc_scores, pearson(ranked))
    return replace(solution, method="spearman")


def factors(base: Base, X: pd.DataFrame) -> Solution:
    """Analyse a matrix by maximum-likelihood factors with promax rotation.

    Raises:
        NotFactorisableError: See `factors.factorise`.
        ValueError: A cell is missing.
    """
    found = factorise(X, min(base.n_factors, most_factors(X.shape[1])), base.power)
    return _solution(base, found.loadings, found.summary["share"], found.scores, pearson(X))


def _solution(
    base: Base, loadings: pd.DataFrame, ratio: pd.Series, scores: pd.DataFrame, correlation: pd.DataFrame
) -> Solution:
    """Return a solution whose axes carry the names and signs of the base's components."""
    U = base.loadings.loc[loadings.index]
    paired, value = best_pairs(U.to_numpy(), loadings.to_numpy())
    names = [name for name, i in zip(U.columns, paired, strict=True) if i >= 0]
    columns = [loadings.columns[i] for i in paired if i >= 0]
    signs = np.where(value[paired >= 0] < 0, -1.0, 1.0)
    return Solution(
        loadings=(loadings[columns] * signs).set_axis(names, axis=1),
        ratio=ratio[columns].set_axis(names),
        scores=(scores[columns] * signs).set_axis(names, axis=1),
        correlation=correlation,
        logs=base.logs.loc[scores.index],
    )
