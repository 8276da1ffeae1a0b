"""Components of score matrices with missing cells: leave models or benchmarks out, or model the missing scores.

The model (`analysis.completion`) predicts every missing score from the others, and says how much it could differ.
Components are those of the expected second moments of the complete matrix: cross-products of the completed scores plus
the covariance of the missing ones, as in the EM algorithm (Little and Rubin, Statistical Analysis with Missing Data,
2nd edition, 2002, section 11.2), so that what was predicted does not pass for what varies less.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.analysis.completion.model import SAME_AXIS, Completion, fit_completion, sketch_completion
from stages.analysis.components.alignment import align
from stages.analysis.components.pca import (
    Decomposition,
    component_names,
    decompose,
    leave_one_out,
    orientation,
    summarise_loo,
    usable_components,
)
from stages.analysis.components.spectra import with_variance
from stages.analysis.scores.incomplete import leave_out
from stages.contracts.missing import Policy

Array = NDArray[np.float64]
Ranges = Mapping[str, tuple[float, float]]
"""Benchmark to its smallest and largest possible score; one that is not named is unbounded."""

FEWEST_SCORES = 2
"""A benchmark with fewer scores has no spread to be modelled by."""
DIGITS = 5
"""Digits of the longest interval of a benchmark's scores that modelled values keep."""
FILLINGS = 8
"""Ways to fill the gaps that are tried from each start of the model."""
FEWEST_MODELS, FEWEST_BENCHMARKS = 3, 2
"""Fewer are not decomposed, once those with gaps are left out."""


class NotImputableError(Exception):
    """The cells that are there do not determine the missing ones; the message says why."""


@dataclass(frozen=True)
class Filled:
    """A matrix without missing cells, and how much those that were missing could differ.

    Attributes:
        X: Scores, expected ones where they were missing (n_models, n_benchmarks).
        roots: Position of each model that lacks scores to a root L (n_benchmarks, n_missing) of their covariance
            L L', rows of zeros where it has scores; raw units. Empty for a complete matrix.
        starts: The same matrix by each random start of the model (n_starts, n_models, n_benchmarks).
    """

    X: pd.DataFrame
    roots: Mapping[int, Array]
    starts: Array

    def take(self, models: pd.Index, benchmarks: pd.Index) -> "Filled":
        """Return some models and benchmarks, without fitting the model again."""
        rows, columns = self.X.index.get_indexer(models), self.X.columns.get_indexer(benchmarks)
        roots = {i: self.roots[row][columns] for i, row in enumerate(rows.tolist()) if row in self.roots}
        return Filled(
            X=self.X.iloc[rows, columns],
            roots={i: root for i, root in roots.items() if root.any()},
            starts=self.starts[:, rows][:, :, columns],
        )


def fill(X: pd.DataFrame, ranges: Ranges) -> Filled:
    """Fill missing cells with expected scores; a complete matrix stays as it is.

    Args:
        X: Score matrix (n_models, n_benchmarks), NaN where missing.
        ranges: Smallest and largest possible score of each benchmark, in the unit of X.

    Raises:
        NotImputableError: A model has no score, a benchmark fewer than two, a benchmark is constant, or a score lies
            outside its range.
    """
    if not X.isna().to_numpy().any():
        return _complete(X)
    few = [*X.index[X.notna().sum(axis=1) == 0], *X.columns[X.notna().sum() < FEWEST_SCORES]]
    if few:
        raise NotImputableError(f"too few scores to model {', '.join(map(str, few))}")
    constant = X.columns[X.max() == X.min()]
    if len(constant):
        raise NotImputableError(f"constant benchmarks: {', '.join(map(str, constant))}")
    return filled_by(complete(X, ranges))


def filled_by(fitted: Completion) -> Filled:
    """Return the scores of a completion without missing cells.

    What is modelled is rounded far below its uncertainty: processors differ in the last digits of a long computation,
    which components that hardly differ in variance would magnify.
    """
    longest = np.maximum((fitted.upper - fitted.lower).to_numpy().max(axis=0), np.finfo(float).tiny)
    digits = DIGITS - np.floor(np.log10(longest)).astype(int)

    def rounded(values: Array) -> Array:
        return np.stack([np.round(column, d) for column, d in zip(values.T, digits.tolist(), strict=True)], axis=-1)

    missing, scores = fitted.scores.isna(), fitted.scores
    return Filled(
        X=scores.where(~missing, pd.DataFrame(rounded(fitted.mean.to_numpy()), scores.index, scores.columns)),
        roots={i: rounded(root.T).T for i, root in fitted.roots().items()},
        starts=np.where(missing, [rounded(start) for start in fitted.starts], scores),
    )


def complete(X: pd.DataFrame, ranges: Ranges, *, briefly: bool = False) -> Completion:
    """Fit the model of missing scores, to a complete matrix too.

    Args:
        X: Score matrix (n_models, n_benchmarks), NaN where missing.
        ranges: See `fill`.
        briefly: See `sketch_completion`.

    Raises:
        NotImputableError: See `fit_completion`.
    """
    bounds = np.array([ranges.get(str(name), (np.nan, np.nan)) for name in X.columns], dtype=float)
    try:
        return (sketch_completion if briefly else fit_completion)(X, bounds[:, 0], bounds[:, 1])
    except ValueError as error:
        raise NotImputableError(str(error)) from None


def left_out(X: pd.DataFrame, policy: Policy) -> Filled:
    """Leave out the models or the benchmarks that lack a score.

    Args:
        X: Score matrix (n_models, n_benchmarks), NaN where missing.
        policy: `drop_models` or `drop_benchmarks`.

    Raises:
        NotImputableError: Too little is left.
    """
    kept = leave_out(X, policy)
    if len(kept) < FEWEST_MODELS or kept.shape[1] < FEWEST_BENCHMARKS:
        raise NotImputableError(f"{policy} leaves {kept.shape[0]} models and {kept.shape[1]} benchmarks")
    return _complete(kept)


def _complete(X: pd.DataFrame) -> Filled:
    return Filled(X, {}, np.zeros((0, *X.shape)))


def decompose_filled(
    filled: Filled, k: int, anchors: Mapping[str, str], *, unit_variance: bool = True
) -> Decomposition:
    """Return the principal components of the expected second moments, and each model's expected scores on them.

    Args:
        filled: Scores of at least two models.
        k: Components wanted; fewer are returned when fewer exist.
        anchors: See `pca.orientation`.
        unit_variance: Whether benchmarks are scaled to unit variance, that of missing scores included (ddof 0).

    Raises:
        ValueError: A benchmark is constant.
    """
    X = filled.X
    if not filled.roots:
        return decompose(X, k, anchors, unit_variance=unit_variance)
    constant = X.columns[X.max() == X.min()]
    if len(constant):
        raise ValueError(f"constant benchmarks: {', '.join(map(str, constant))}")
    n, p = X.shape
    centre = X.to_numpy().mean(axis=0)
    deviations = X.to_numpy() - centre
    moments = deviations.T @ deviations + sum(root @ root.T for root in filled.roots.values())
    spread = np.sqrt(np.diag(moments) / n) if unit_variance else np.ones(p)
    values, vectors = np.linalg.eigh(moments / np.outer(spread, spread))
    vectors = with_variance(values[None], vectors[None])[0]
    k = usable_components(n, p, k)
    names = component_names(k)
    U = pd.DataFrame(vectors[:, : -k - 1 : -1], X.columns, names)
    U = U * orientation(U, anchors)
    return Decomposition(
        loadings=U,
        pc_scores=pd.DataFrame(deviations / spread @ U.to_numpy(), X.index, names),
        explained_variance_ratio=pd.Series(values[: -k - 1 : -1] / values.sum(), names),
        centre=pd.Series(centre, X.columns),
        spread=pd.Series(spread, X.columns),
    )


class Analysis(NamedTuple):
    """Components of a matrix, and how firm they are.

    Attributes:
        full: The components.
        loo: Mean and standard deviation of every loading over the left-out models, see `pca.summarise_loo`.
        agreement: Median cosine of each component with that of the matrix filled in another way: from another random
            start of the model, with scores as far from the expected ones as they could be (k,). NaN where nothing was
            missing.
    """

    full: Decomposition
    loo: pd.DataFrame
    agreement: pd.Series

    @property
    def undetermined(self) -> list[str]:
        """One line for each component on which ways to fill the gaps disagree: the scores do not determine it."""
        return [
            f"{name} is not determined by the scores that are there: with the missing ones filled in another way its "
            f"axis is another, median cosine {value:.2f} (the same from {SAME_AXIS})"
            for name, value in self.agreement.items()
            if value < SAME_AXIS
        ]


def analyse(X: pd.DataFrame, ranges: Ranges, k: int, anchors: Mapping[str, str], *, unit_variance: bool) -> Analysis:
    """Decompose a matrix, and again without each model in turn.

    Missing cells are filled once: a model that is left out is taken out of the second moments, the scores predicted
    with its help stay.

    Args:
        X: Score matrix (n_models, n_benchmarks) that passed the gate, NaN where a cell is missing.
        ranges: See `fill`.
        k: Components, fewer when the matrix has no more.
        anchors: Component to the benchmark on which it is positive.
        unit_variance: Whether each benchmark is scaled to unit variance (ddof 0).

    Raises:
        NotImputableError: See `fill`.
        ValueError: A benchmark is constant.
    """
    filled = fill(X, ranges)
    full = decompose_filled(filled, k, anchors, unit_variance=unit_variance)
    left_out = leave_one_out(filled.X, full, unit_variance=unit_variance, roots=filled.roots)
    return Analysis(full, summarise_loo(left_out, full), _agreement(filled, full, unit_variance=unit_variance))


def _agreement(filled: Filled, full: Decomposition, *, unit_variance: bool) -> pd.Series:
    """Return the median cosine of each component between ways to fill the gaps and what is expected of them."""
    names = full.loadings.columns
    if not filled.roots:
        return pd.Series(np.nan, names)
    reference, rng = full.loadings.to_numpy(), np.random.default_rng(0)
    cosines = []
    for start in np.repeat(filled.starts, FILLINGS, axis=0):
        for i, root in filled.roots.items():
            start[i] += root @ rng.standard_normal(root.shape[1])
        X = pd.DataFrame(start, filled.X.index, filled.X.columns)
        U = decompose(X, 2 * len(names), {}, unit_variance=unit_variance).loadings.to_numpy()
        cosines.append((align(reference, U[None]).loadings[0] * reference).sum(axis=0))
    return pd.Series(np.median(cosines, axis=0), names)
