"""Scores far below what the rest of the matrix predicts: the third kind of evidence of a failed evaluation.

An answer that could not be read, a prompt without its special token, a chat template where none was due: each
leaves scores near zero, or at chance, that the model's other scores contradict. None of it is proof, so the gate
warns unless it is told to refuse.

Its rates of false alarms and misses: `python -m tests.gate.suspicion_rates`.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from stages.contracts.params import SuspicionParams
from stages.gate.prediction import Bools, Floats, column_quantile, predict
from stages.gate.shortfall import Shortfalls, compare, find_shortfalls, predictor, stretched

Kind = Literal[
    "near zero everywhere", "silent", "free-form near zero", "below chance", "near zero", "far below prediction"
]

DEFAULTS = SuspicionParams()

REMEDY = "look at its answers, then correct, waive or evaluate again"


@dataclass(frozen=True)
class Suspicion:
    """A suspicious cell or model.

    Attributes:
        model_id: The model.
        benchmark: The benchmark, or "" where the whole model is suspected.
        kind: What the suspicion rests on.
        score: Score on the scale 0 to 1; for a whole model the mean over the benchmarks suspected.
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


_Found = dict[tuple[str, str], Suspicion]


def find_suspicions(
    scores: pd.DataFrame,
    facts: pd.DataFrame,
    t: SuspicionParams = DEFAULTS,
    known: Collection[tuple[str, str]] = (),
) -> SuspicionReport:
    """Find cells and models whose scores the rest of the matrix contradicts.

    Args:
        scores: Score matrix (n_models, n_benchmarks) on the scale 0 to 1, index model_id. A missing score, and one
            outside the scale, which another check refuses, takes no part.
        facts: Indexed by benchmark: `chance` (blank reads as 0), `n_items` (may be blank) and `answer`,
            "generation" or "loglikelihood".
        t: What counts as suspicious; by default as tuned on the shipped study.
        known: (model_id, benchmark) of cells waived or otherwise explained: treated as missing, never reported.

    Raises:
        ValueError: A model or benchmark repeats, or a benchmark has no facts.
    """
    matrix = _matrix(scores, facts, known)
    usable, notes = _usable(matrix, t)
    found = _below_chance(matrix, t)
    if usable.any():
        part = matrix.take(usable)
        shortfalls = find_shortfalls(part.X, part.chance, part.n_items, t)
        found |= _cells(part, shortfalls)
        if part.free_form.all():
            notes.append("no multiple-choice benchmark: a model that failed everywhere cannot be told from a weak one")
        else:
            found |= _free_form_near_zero(part, shortfalls.doubted, t)
    found |= _silent(matrix, t)
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
    rows, columns = ({name: i for i, name in enumerate(axis)} for axis in (frame.index, frame.columns))
    for model, benchmark in known:
        if model in rows and benchmark in columns:
            X[rows[model], columns[benchmark]] = np.nan
    X[~((X >= 0) & (X <= 1))] = np.nan
    told = facts.loc[frame.columns]
    return _Matrix(
        models=[str(name) for name in frame.index],
        benchmarks=[str(name) for name in frame.columns],
        X=X,
        chance=told["chance"].to_numpy(dtype=np.float64, na_value=0.0),
        n_items=told["n_items"].to_numpy(dtype=np.float64, na_value=np.inf),
        free_form=(told["answer"] == "generation").to_numpy(dtype=np.bool_),
    )


def _usable(matrix: _Matrix, t: SuspicionParams) -> tuple[Bools, list[str]]:
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


def _cells(matrix: _Matrix, shortfalls: Shortfalls) -> _Found:
    """Word the cells that fall short."""
    found: _Found = {}
    for i, j in np.argwhere(shortfalls.zero | shortfalls.far):
        model, benchmark = matrix.models[i], matrix.benchmarks[j]
        score, expected = float(matrix.X[i, j]), float(shortfalls.expected[i, j])
        better = shortfalls.better[i, j]
        kind: Kind = "near zero" if shortfalls.zero[i, j] else "far below prediction"
        detail = (
            f"{benchmark} of {model} is {score:.4g}, {kind}: its other scores predict {expected:.2f}, "
            f"{-shortfalls.z[i, j]:.1f} robust standard deviations more, and {better} models that are no "
            f"better elsewhere score above {(2 * score + expected) / 3:.2g}: {REMEDY}"
        )
        found[model, benchmark] = Suspicion(model, benchmark, kind, score, expected, detail)
    return found


def _below_chance(matrix: _Matrix, t: SuspicionParams) -> _Found:
    """Find scores that guessing would beat by several standard errors: answers were lost, not wrong."""
    error = np.sqrt(matrix.chance * (1 - matrix.chance) / matrix.n_items)
    bound = np.minimum(t.chance_share * matrix.chance, matrix.chance - t.chance_errors * error)
    found: _Found = {}
    for i, j in np.argwhere(matrix.X < bound):
        model, benchmark = matrix.models[i], matrix.benchmarks[j]
        score, chance = float(matrix.X[i, j]), float(matrix.chance[j])
        detail = f"{benchmark} of {model} is {score:.4g}, below the {chance:.2f} that guessing gives: {REMEDY}"
        found[model, benchmark] = Suspicion(model, benchmark, "below chance", score, chance, detail)
    return found


def _free_form_near_zero(matrix: _Matrix, doubted: Bools, t: SuspicionParams) -> _Found:
    """Find models near zero on most free-form benchmarks although their multiple-choice scores predict more.

    Multiple choice at chance predicts little on hard benchmarks, so a weak model stays unsuspected.
    """
    X, seen = matrix.X, np.isfinite(matrix.X)
    typical = column_quantile(X, seen & ~doubted, 0.5)
    asked = seen & matrix.free_form & (typical >= t.min_drop)
    empty = asked & (t.zero_share * typical >= X)
    chosen = seen & ~matrix.free_form
    most = empty.sum(axis=1) >= np.maximum(t.free_form_count, t.free_form_share * asked.sum(axis=1))
    suspects = most[:, None] & matrix.free_form
    if not suspects.any():
        return {}
    hidden = np.broadcast_to(matrix.free_form, X.shape)
    how = replace(predictor(matrix.n_items, t), min_scores=1)
    prediction = predict(X, hidden, doubted | suspects, how)
    c = compare(X, matrix.chance, prediction, empty, suspects, t)
    bound = stretched(t.far_z / 2, prediction.freedom) * c.spread
    missed = c.expected - X >= np.maximum(bound, t.min_drop)
    missed &= empty & suspects
    found: _Found = {}
    for i in np.flatnonzero(missed.sum(axis=1) >= t.free_form_count):
        model, columns = matrix.models[i], np.flatnonzero(missed[i])
        score, expected = float(X[i, columns].mean()), float(c.expected[i, columns].mean())
        names = ", ".join(matrix.benchmarks[j] for j in columns)
        detail = (
            f"{model} is near zero on {empty[i].sum()} of {asked[i].sum()} free-form benchmarks; its mean of "
            f"{X[i, chosen[i]].mean():.2f} in multiple choice predicts {expected:.2f}, not {score:.2g}, on average "
            f"over {names}: {REMEDY}"
        )
        found[model, ""] = Suspicion(model, "", "free-form near zero", score, expected, detail)
    return found


def _silent(matrix: _Matrix, t: SuspicionParams) -> _Found:
    """Find models that guess in multiple choice and are near zero on every free-form benchmark.

    Its scores predict such a model well, each from the others. But one that is merely weak keeps a part of what others
    have where answers are long or partly right; only one that says nothing keeps none of it.
    """
    X, seen = matrix.X, np.isfinite(matrix.X)
    typical = column_quantile(X, seen, 0.5)
    error = np.sqrt(matrix.chance * (1 - matrix.chance) / matrix.n_items)
    at_chance = np.maximum(1.1 * matrix.chance, matrix.chance + t.chance_errors * error) >= X
    asked = seen & matrix.free_form & (matrix.chance == 0) & (typical >= t.min_drop)
    guessed = seen & (matrix.chance > 0)
    silent = (~asked | (t.silent_share * typical >= X)).all(axis=1) & (asked.sum(axis=1) >= t.free_form_count)
    found: _Found = {}
    for i in np.flatnonzero(silent & (~guessed | at_chance).all(axis=1) & guessed.any(axis=1)):
        model, columns = matrix.models[i], np.flatnonzero(asked[i])
        score, expected = float(X[i, columns].mean()), float(typical[columns].mean())
        detail = (
            f"{model} is at chance on all {guessed[i].sum()} benchmarks that can be guessed and near zero on all "
            f"{len(columns)} others: their mean is {score:.2g} where the median model has {expected:.2f}: {REMEDY}"
        )
        found[model, ""] = Suspicion(model, "", "silent", score, expected, detail)
    return found


def _near_zero_everywhere(matrix: _Matrix, t: SuspicionParams) -> _Found:
    """Find models near zero on every benchmark, those included on which guessing gives more.

    Where guessing never gives more, a weak model may come near zero everywhere: then all must be exactly zero.
    """
    X, seen = matrix.X, np.isfinite(matrix.X)
    typical = np.maximum(column_quantile(X, seen, 0.5), matrix.chance)
    bound = np.where(matrix.chance > 0, t.chance_share * matrix.chance, t.zero_share * typical)
    empty = (~seen | (bound > X) | (X == 0)).all(axis=1) & (seen.sum(axis=1) >= t.min_scores)
    certain = (seen & (matrix.chance > 0)).any(axis=1) | (~seen | (X == 0)).all(axis=1)
    found: _Found = {}
    for i in np.flatnonzero(empty & certain):
        model, score, expected = matrix.models[i], float(X[i, seen[i]].mean()), float(typical[seen[i]].mean())
        detail = (
            f"{model} is near zero on all its {seen[i].sum()} benchmarks: their mean is {score:.2g} where the median "
            f"model has {expected:.2f}: {REMEDY}"
        )
        found[model, ""] = Suspicion(model, "", "near zero everywhere", score, expected, detail)
    return found
