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
from numpy.typing import NDArray

from stages.analysis.prediction import Bools, Floats, Prediction, Predictor, column_quantile, predict

Ints = NDArray[np.int64]
Kind = Literal["near zero everywhere", "free-form near zero", "below chance", "near zero", "far below prediction"]

ROUNDS = 6
"""Bound on rounds of predicting and judging; each hides the suspects of the one before, three mostly settle it."""
P70_TO_SD = 1 / 1.0364
"""Standard deviation of a normal sample over the 70 % quantile of its absolute deviations."""
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
        neighbours: Models predicted nearest to a cell, but no better, with which it is compared.
        min_better: So many of them must score above the middle between its score and its prediction ...
        better_share: ... and this share of them.
        ordered: Where being near zero has little to do with ability, models near zero are no comparison: of all
            pairs of one model near zero and one not, the one near zero is predicted lower in less than this share
            (no relation 0.5, perfect 1).
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
    neighbours: int = 8
    min_better: int = 3
    better_share: float = 0.5
    ordered: float = 0.7
    free_form_count: int = 3
    free_form_share: float = 0.75
    chance_share: float = 0.5
    components: int = 4
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
    """Masks of the cells: flagged as near zero, flagged as far below, not trusted; the prediction they rest on, its
    z and the number of models predicted no better that did better.
    """

    zero: Bools
    far: Bools
    doubted: Bools
    expected: Floats
    z: Floats
    better: Ints


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
    """Predict and judge until the suspects stay the same, each time without the suspects of the time before."""
    X, seen = matrix.X, np.isfinite(matrix.X)
    near_zero = seen & (t.zero_share * column_quantile(X, seen, 0.75) >= X)
    hidden, doubted, flagged = near_zero, near_zero, np.zeros_like(seen)
    for _ in range(ROUNDS):
        prediction = predict(X, hidden, doubted, matrix.predictor(t))
        expected, spread, better, inexplicable = _compare(matrix, prediction, near_zero, flagged, t)
        z = (X - expected) / spread
        low = seen & inexplicable & (expected - X >= t.min_drop)
        empty = low & (t.zero_share * expected >= X)
        zero = _zeros(empty, z, near_zero & ~flagged, prediction.freedom, t)
        below = low & (X - matrix.chance <= t.far_share * (expected - matrix.chance))
        excess = _largest_excess(((X - prediction.expected) / prediction.spread)[seen & ~doubted])
        far = below & (z <= -np.maximum(_stretched(t.far_z, prediction.freedom), excess)) & ~zero
        verdict = _Verdict(zero, far, doubted, expected, z, better)
        before = (hidden, doubted, flagged)
        flagged = zero | far
        doubted = flagged | (near_zero & inexplicable)
        hidden = hidden | flagged | (below & (z <= -t.far_z / 2))
        if all((old == new).all() for old, new in zip(before, (hidden, doubted, flagged), strict=True)):
            break
    return verdict


def _stretched(z: float, freedom: Floats) -> Floats:
    """Quantile of Student's t where z is the normal one, to first order: z + (z^3 + z) / (4 freedom).

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 26.7.5.
    """
    return z + (z**3 + z) / (4 * freedom)


def _largest_excess(z: Floats) -> float:
    """Distance above prediction that about one in a thousand trusted scores exceeds, the largest set aside.

    No failure lifts a score, so what lies above shows how far honest scores stray.
    """
    above = np.sort(z[np.isfinite(z)])[::-1]
    return float(above[min(1 + len(above) // 1000, len(above) - 1)]) if len(above) else 0.0


def _zeros(core: Bools, z: Floats, near_zero: Bools, freedom: Floats, t: SuspicionThresholds) -> Bools:
    """Judge scores near zero: the more there are, the lower one must lie; less so beside another of its model.

    Args:
        core: Cells that may be failures but for their distance from the prediction.
        z: That distance.
        near_zero: All cells near zero not yet flagged: as many chances of a false alarm.
        freedom: Degrees of freedom of each benchmark.
        t: What counts as suspicious.
    """
    bound = -NormalDist().inv_cdf(t.zero_level / max(int(near_zero.sum()), 1))
    alone = core & (z <= -_stretched(bound, freedom))
    return alone | (core & (z <= -_stretched(t.linked_z, freedom)) & alone.any(axis=1, keepdims=True))


def _compare(
    matrix: _Matrix, prediction: Prediction, near_zero: Bools, flagged: Bools, t: SuspicionThresholds
) -> tuple[Floats, Floats, Ints, Bools]:
    """Compare each cell that falls short with the models predicted nearest to it on the same benchmark.

    Returns:
        The lower of the prediction and the median score of the nearest models on either side; how many of the
        nearest that are predicted no better score above the middle between that and the cell, 0 for all other cells;
        whether they are enough that ability does not explain the cell.
    """
    X, expected, spread = matrix.X, prediction.expected.copy(), prediction.spread.copy()
    better, inexplicable = np.zeros(X.shape, dtype=np.int64), np.zeros(X.shape, dtype=np.bool_)
    for j in range(X.shape[1]):
        x, e = X[:, j], prediction.expected[:, j]
        judged = np.isfinite(x) & np.isfinite(e) & ~flagged[:, j]
        sound = judged & ~near_zero[:, j]
        related = _ordered_share(e[near_zero[:, j]], e[sound]) >= t.ordered
        pool = np.flatnonzero(judged if related else sound)
        pool = pool[np.argsort(e[pool], kind="stable")]
        slack = prediction.spread[:, j] / 2
        short = x - matrix.chance[j] <= t.far_share * (e - matrix.chance[j])
        for i in np.flatnonzero((x <= e - t.min_drop) & short):
            others = pool[pool != i]
            here, end = np.searchsorted(e[others], [e[i], e[i] + slack[i]], side="right")
            around = others[max(here - t.neighbours // 2, 0) : here + t.neighbours // 2]
            if len(around):
                expected[i, j] = min(e[i], np.median(x[around]))
                spread[i, j] = max(spread[i, j], P70_TO_SD * np.quantile(np.abs(x - e)[around], 0.7))
            near = others[max(end - t.neighbours, 0) : end]
            better[i, j] = (x[near] >= (x[i] + expected[i, j]) / 2).sum()
            inexplicable[i, j] = better[i, j] >= max(t.min_better, t.better_share * len(near))
    return expected, spread, better, inexplicable


def _ordered_share(low: Floats, high: Floats) -> float:
    """Share of pairs (a, b) with a < b; 1 for fewer than four of `low`, which say nothing."""
    low, high = low[np.isfinite(low)], np.sort(high[np.isfinite(high)])
    if len(low) < 4 or not len(high):
        return 1.0
    return float(1 - np.searchsorted(high, low, side="right").mean() / len(high))


def _cells(matrix: _Matrix, verdict: _Verdict) -> _Found:
    """Word the flagged cells."""
    found: _Found = {}
    for i, j in np.argwhere(verdict.zero | verdict.far):
        model, benchmark = matrix.models[i], matrix.benchmarks[j]
        score, expected = float(matrix.X[i, j]), float(verdict.expected[i, j])
        kind: Kind = "near zero" if verdict.zero[i, j] else "far below prediction"
        detail = (
            f"{benchmark} of {model} is {score:.4g}, {kind}: its other scores predict {expected:.2f}, "
            f"{-verdict.z[i, j]:.1f} robust standard deviations more, and {verdict.better[i, j]} models predicted no "
            f"better score above {(score + expected) / 2:.2f}: {REMEDY}"
        )
        found[model, benchmark] = Suspicion(model, benchmark, kind, score, expected, detail)
    return found


def _below_chance(matrix: _Matrix, t: SuspicionThresholds) -> _Found:
    """Find scores that guessing would beat by more than four standard errors: answers were lost, not wrong."""
    error = np.sqrt(matrix.chance * (1 - matrix.chance) / matrix.n_items)
    bound = np.minimum(t.chance_share * matrix.chance, matrix.chance - 4 * error)
    found: _Found = {}
    for i, j in np.argwhere(matrix.X < bound):
        model, benchmark = matrix.models[i], matrix.benchmarks[j]
        score, chance = float(matrix.X[i, j]), float(matrix.chance[j])
        detail = f"{benchmark} of {model} is {score:.4g}, below the {chance:.2f} that guessing gives: {REMEDY}"
        found[model, benchmark] = Suspicion(model, benchmark, "below chance", score, chance, detail)
    return found


def _free_form_near_zero(matrix: _Matrix, verdict: _Verdict, t: SuspicionThresholds) -> _Found:
    """Find models near zero on most free-form benchmarks where their multiple-choice scores predict more.

    Only benchmarks count on which the median model is clear of zero. A model at chance in multiple choice is
    predicted near zero on hard benchmarks but not on easy ones, so that a weak model stays unsuspected.
    """
    X, seen = matrix.X, np.isfinite(matrix.X)
    typical = column_quantile(X, seen & ~verdict.doubted, 0.5)
    asked = seen & matrix.free_form & (typical >= t.min_drop)
    empty = asked & (t.zero_share * typical >= X)
    most = empty.sum(axis=1) >= np.maximum(t.free_form_count, t.free_form_share * asked.sum(axis=1))
    if not most.any():
        return {}
    free = np.broadcast_to(matrix.free_form, X.shape)
    prediction = predict(X, free, verdict.doubted | (most[:, None] & free), matrix.predictor(t))
    expected, spread, _, inexplicable = _compare(matrix, prediction, empty, most[:, None] & empty, t)
    bound = _stretched(-NormalDist().inv_cdf(t.zero_level / 4), prediction.freedom) * spread
    gap = expected - X
    short = empty & (gap >= np.maximum(bound, t.min_drop)) & (inexplicable | (X <= t.min_spread))
    found: _Found = {}
    for i in np.flatnonzero(most & (short.sum(axis=1) >= t.free_form_count)):
        model, columns = matrix.models[i], np.flatnonzero(short[i])
        score, mean = float(X[i, columns].mean()), float(expected[i, columns].mean())
        choice = float(np.nanmean(np.where(matrix.free_form, np.nan, X[i])))
        names = ", ".join(matrix.benchmarks[j] for j in columns)
        detail = (
            f"{model} is near zero on {empty[i].sum()} of {asked[i].sum()} free-form benchmarks, where its mean of "
            f"{choice:.2f} in multiple choice predicts {mean:.2f} on average ({names}): {REMEDY}"
        )
        found[model, ""] = Suspicion(model, "", "free-form near zero", score, mean, detail)
    return found


def _near_zero_everywhere(matrix: _Matrix, t: SuspicionThresholds) -> _Found:
    """Find models near zero on every benchmark, those included on which guessing gives more."""
    X, seen = matrix.X, np.isfinite(matrix.X)
    typical = np.maximum(column_quantile(X, seen, 0.5), matrix.chance)
    share = np.where(matrix.chance > 0, t.chance_share * matrix.chance, t.zero_share * typical)
    empty = ~seen | (share > X) | (X == 0)
    guessed = (seen & (matrix.chance > 0)).any(axis=1) | (~seen | (X == 0)).all(axis=1)
    found: _Found = {}
    for i in np.flatnonzero(empty.all(axis=1) & guessed & (seen.sum(axis=1) >= t.min_scores)):
        model, score, expected = matrix.models[i], float(np.nanmean(X[i])), float(np.nanmean(typical[seen[i]]))
        detail = (
            f"{model} is near zero on all {seen[i].sum()} benchmarks, mean {score:.4g} where the median model has "
            f"{expected:.2f} and guessing gives more: {REMEDY}"
        )
        found[model, ""] = Suspicion(model, "", "near zero everywhere", score, expected, detail)
    return found
