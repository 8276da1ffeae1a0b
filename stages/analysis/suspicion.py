"""Scores far below what the rest of the matrix predicts: the third kind of evidence of a failed evaluation.

An answer that could not be read, a prompt without its special token, a chat template where none was due: each
leaves a score near zero, or at chance, that the model's other scores contradict. None of it is proof, so the gate
warns unless it is told to refuse.

Weak models are not failed models. Where ability ends, scores bend and a linear prediction is too high by nature. So
no cell is suspected on its prediction alone: models *predicted no better* must have done clearly better, and a score
near zero counts as honest where many models predicted no better are near zero too.

How often this alarms without cause and what it misses: `python -m tests.analysis.suspicion_rates`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import pandas as pd

from stages.analysis.prediction import Bools, Floats, Prediction, Predictor, column_quantile, predict

Kind = Literal["near zero everywhere", "free-form near zero", "below chance", "near zero", "far below prediction"]

ROUNDS = 6
"""Bound on rounds of predicting and judging; each hides the suspects of the one before, three mostly settle it."""
REMEDY = "look at its answers, then correct, waive or evaluate again"


@dataclass(frozen=True)
class SuspicionThresholds:
    """What counts as suspicious; scores and gaps on the scale 0 to 1.

    Attributes:
        far_z: A score is far below prediction from this many robust standard deviations on. With few models the
            number grows as Student's t does; where honest scores lie further above prediction, to that distance.
        far_share: ... and when it keeps at most this share of the predicted distance from chance.
        zero_level: Honest scores near zero expected, in a whole matrix, to be mistaken for failures.
        zero_share: Near zero is at most this share of the prediction, and of the benchmark's upper quartile.
        linked_z: Robust standard deviations that suffice for a second score near zero of one model.
        min_drop: Smallest gap between prediction and score.
        min_peers: Models predicted no better that must score above the middle between score and prediction.
        peers_per_zero: So many of them must come on each model predicted no better that is near zero too ...
        ordered: ... unless near zero has little to do with ability: of all pairs with one model near zero and one
            not, the one near zero is predicted lower in less than this share (no relation 0.5, perfect 1).
        free_form_count: Free-form benchmarks near zero that put a whole model in doubt ...
        free_form_share: ... when they are this share of the model's free-form benchmarks.
        chance_share: A score below this share of chance is below chance.
        components: Factors of the prediction.
        min_models: Fewest models, and fewest scores on a benchmark, for a prediction.
        min_scores: Fewest other scores of a model for a prediction.
        min_spread: Smallest standard deviation of a prediction.
    """

    far_z: float = 4.0
    far_share: float = 0.5
    zero_level: float = 0.1
    zero_share: float = 0.1
    linked_z: float = 1.5
    min_drop: float = 0.05
    min_peers: int = 3
    peers_per_zero: float = 3.0
    ordered: float = 0.7
    free_form_count: int = 3
    free_form_share: float = 0.75
    chance_share: float = 0.5
    components: int = 3
    min_models: int = 8
    min_scores: int = 3
    min_spread: float = 0.01


@dataclass(frozen=True)
class Suspicion:
    """A suspicious cell or model.

    Attributes:
        model_id: The model.
        benchmark: The benchmark, or "" where the whole model is suspected.
        kind: What the suspicion rests on.
        score: Score; for a whole model the mean over the benchmarks suspected.
        expected: What the rest of the matrix predicts, averaged likewise; chance for `below chance`.
        detail: What, why and what to do, in one line.
    """

    model_id: str
    benchmark: str
    kind: Kind
    score: float
    expected: float
    detail: str


@dataclass(frozen=True)
class SuspicionReport:
    """What was found, and what could not be looked at.

    Attributes:
        suspicions: Sorted by model, then benchmark; a model suspected as a whole comes without its cells.
        notes: One line for each thing that could not be computed.
    """

    suspicions: tuple[Suspicion, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Matrix:
    """Scores and facts, sorted by name so that the order of the input cannot matter.

    `X` (n_models, n_benchmarks), NaN = missing or known to be wrong; the facts (n_benchmarks,).
    """

    models: list[str]
    benchmarks: list[str]
    X: Floats
    chance: Floats
    n_items: Floats
    free_form: Bools

    def take(self, columns: Bools) -> "_Matrix":
        """Return the same models on some benchmarks."""
        names = [name for name, kept in zip(self.benchmarks, columns, strict=True) if kept]
        facts = (self.chance[columns], self.n_items[columns], self.free_form[columns])
        return _Matrix(self.models, names, self.X[:, columns], *facts)

    def predictor(self, t: SuspicionThresholds) -> Predictor:
        """Return how these scores are predicted."""
        return Predictor(self.n_items, t.components, t.min_scores, t.min_spread)


@dataclass(frozen=True)
class _Verdict:
    """The cells flagged, those of them that are near zero, those not trusted, the prediction and the peers."""

    flagged: Bools
    zero: Bools
    doubted: Bools
    prediction: Prediction
    z: Floats
    peers: Floats


_Found = dict[tuple[str, str], Suspicion]


def find_suspicions(
    scores: pd.DataFrame,
    facts: pd.DataFrame,
    thresholds: SuspicionThresholds | None = None,
    known: Collection[tuple[str, str]] = (),
) -> SuspicionReport:
    """Find cells and models whose scores the rest of the matrix contradicts.

    Args:
        scores: Score matrix (n_models, n_benchmarks) on the scale 0 to 1, index model_id. A missing score, and one
            outside the scale, which another check refuses, takes no part.
        facts: Indexed by benchmark: `chance` (blank reads as 0), `n_items` (may be blank) and `answer`,
            "generation" or "loglikelihood".
        thresholds: What counts as suspicious; by default as tuned on the shipped study.
        known: (model_id, benchmark) of cells waived or otherwise explained: treated as missing, never reported.

    Raises:
        ValueError: A model or benchmark repeats, or a benchmark has no facts.
    """
    t = thresholds or SuspicionThresholds()
    matrix = _matrix(scores, facts, known)
    usable, notes = _usable(matrix, t)
    found = _below_chance(matrix, t)
    if usable.any():
        part = matrix.take(usable)
        verdict = _search(part, t)
        found |= _cells(part, verdict)
        if part.free_form.all():
            notes.append("no multiple-choice benchmark: a model that failed everywhere cannot be told from a weak one")
        else:
            found |= _free_form_near_zero(part, verdict, t)
    found |= _near_zero_everywhere(matrix, t)
    whole = {model for model, benchmark in found if not benchmark}
    kept = [key for key in sorted(found) if not key[1] or key[0] not in whole]
    return SuspicionReport(tuple(found[key] for key in kept), tuple(notes))


def _matrix(scores: pd.DataFrame, facts: pd.DataFrame, known: Collection[tuple[str, str]]) -> _Matrix:
    """Sort and check the input; blank what is known and what lies outside the scale."""
    if not (scores.index.is_unique and scores.columns.is_unique):
        raise ValueError("a model or benchmark appears twice")
    unknown = sorted(set(scores.columns) - set(facts.index))
    if unknown:
        raise ValueError(f"no facts of {', '.join(unknown)}")
    frame = scores.sort_index(axis=0).sort_index(axis=1)
    X = frame.to_numpy(dtype=np.float64, copy=True)
    explained = set(known)
    for i, model in enumerate(frame.index):
        for j, benchmark in enumerate(frame.columns):
            if (model, benchmark) in explained:
                X[i, j] = np.nan
    X[~((X >= 0) & (X <= 1))] = np.nan
    told = facts.loc[frame.columns]
    return _Matrix(
        models=[str(name) for name in frame.index],
        benchmarks=[str(name) for name in frame.columns],
        X=X,
        chance=told["chance"].astype(float).fillna(0.0).to_numpy(dtype=np.float64),
        n_items=told["n_items"].astype(float).fillna(np.inf).to_numpy(dtype=np.float64),
        free_form=(told["answer"] == "generation").to_numpy(dtype=np.bool_),
    )


def _usable(matrix: _Matrix, t: SuspicionThresholds) -> tuple[Bools, list[str]]:
    """Return which benchmarks can be predicted, none where the matrix is too small, and notes on the others."""
    seen = np.isfinite(matrix.X)
    counts = seen.sum(axis=0)
    distinct = np.array([len(np.unique(column[np.isfinite(column)])) for column in matrix.X.T])
    usable: Bools = (counts >= t.min_models) & (distinct > 1)
    n, p = len(matrix.models), int(usable.sum())
    if n < t.min_models or p <= t.min_scores:
        return np.zeros_like(usable), [
            f"{n} models, {p} benchmarks with at least {t.min_models} scores that differ: too few to predict a score "
            f"from the others ({t.min_models} models and {t.min_scores + 1} benchmarks are needed)"
        ]
    notes = []
    for name, count, values in zip(matrix.benchmarks, counts, distinct, strict=True):
        if count < t.min_models:
            notes.append(f"{name}: {count} scores, fewer than {t.min_models}: not predicted")
        elif values < 2:
            notes.append(f"{name}: the same score for all models: not predicted")
    sparse = (seen[:, usable].sum(axis=1) <= t.min_scores) & seen.any(axis=1)
    notes += [
        f"{name}: fewer than {t.min_scores + 1} usable scores: not predicted"
        for name, few in zip(matrix.models, sparse, strict=True)
        if few
    ]
    return usable, notes


def _search(matrix: _Matrix, t: SuspicionThresholds) -> _Verdict:
    """Predict and judge until the suspects stay the same, each time without the suspects found so far."""
    X, seen = matrix.X, np.isfinite(matrix.X)
    near_zero = seen & (t.zero_share * column_quantile(X, seen, 0.75) >= X)
    hidden, doubted, flagged = near_zero.copy(), near_zero.copy(), np.zeros_like(seen)
    for _ in range(ROUNDS):
        prediction = predict(X, hidden, doubted, matrix.predictor(t))
        gap = prediction.expected - X
        z = -gap / prediction.spread
        low = seen & (gap >= t.min_drop)
        reach = prediction.expected - matrix.chance
        far = low & (reach > 0) & (X - matrix.chance <= t.far_share * reach)
        peers, inexplicable = _compare(matrix, prediction, near_zero, flagged, low | near_zero, t)
        zero = low & (t.zero_share * prediction.expected >= X) & inexplicable
        n_zeros = int((near_zero & ~flagged).sum())
        zero &= _linked(z, zero & (z <= -_stretched(_normal(t.zero_level, n_zeros), prediction)), prediction, t)
        control = _largest_excess(z, seen & ~doubted)
        far_z = np.maximum(_stretched(t.far_z, prediction), control)
        hidden = hidden | zero | (far & (z <= -t.far_z / 2))
        last, flagged = flagged, zero | (far & (z <= -far_z) & (peers >= t.min_peers))
        doubted = flagged | (near_zero & inexplicable)
        if (flagged == last).all():
            break
    return _Verdict(flagged, zero, doubted, prediction, z, peers)
