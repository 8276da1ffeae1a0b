"""Scores far below what the rest of the score matrix predicts: the third kind of evidence of a failed evaluation.

A benchmark whose output could not be read, a prompt that lacked a special token, a chat template where none was
due: each leaves a score near zero, or at chance, that the model's other scores contradict. Four kinds are told
apart (`Kind`). None is proof; the gate warns unless it is told to refuse.

The prediction is a factor model Z = S U' + e with few factors, fitted without the model at hand and conditioned on
that model's other scores (never on the cell itself, nor on its other suspects):

    E[z_j | z_o] = l_j' A^-1 L_o' Psi_o^-1 z_o,    Var = l_j' A^-1 l_j + psi_j,    A = I + L_o' Psi_o^-1 L_o

(Bishop, Pattern Recognition and Machine Learning, 2006, section 12.2.4). A row whose informative scores are
missing or suspect thus gets a wide prediction rather than a wrong one.

Weak models are not failed models. Where ability ends a linear prediction is wrong by nature, so no cell is
suspected on it alone: models *predicted no better* must have done clearly better (`Thresholds.min_peers`), and a
near-zero score is taken as honest where many models predicted no better are near zero too.
"""

from collections.abc import Collection
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

Kind = Literal["near zero everywhere", "free-form near zero", "below chance", "near floor", "far below prediction"]

MAD_TO_SD = 1.4826
"""Standard deviation of a normal sample over its median absolute deviation."""


@dataclass(frozen=True)
class SuspicionThresholds:
    """What counts as suspicious.

    The defaults were tuned on the shipped study and on planted failures; `python -m tests.analysis.suspicion_rates`
    measures what they miss and what they alarm for.

    Attributes:
        far_z: A score is far below its prediction from this many robust standard deviations on. With few models
            the number grows as Student's t does, and where honest scores lie further *above* their prediction, to
            that distance.
        far_share: ... and when it keeps at most this share of the predicted distance from chance.
        floor_level: Expected number of honest near-zero scores of a matrix that fall this far below prediction.
        floor_share: Near zero means at most this share of the prediction (and of the benchmark's upper quartile).
        linked_z: Robust standard deviations for a near-zero score of a model that has another one flagged.
        min_drop: Smallest gap between prediction and score, on the scale 0 to 1.
        min_peers: Models predicted no better that must score above the middle between score and prediction.
        peers_per_floor: A near-zero score is honest unless at least this many of those peers come on each model
            predicted no better and near zero as well.
        ordered: ... unless near-zero scores are unrelated to ability: in less than this share of pairs is the
            near-zero model predicted below the other (0.5 is no relation, 1 a perfect one).
        free_form_count: Free-form benchmarks near zero from which on a whole model is suspected.
        free_form_share: ... and the share of the model's free-form benchmarks that must be near zero.
        chance_share: Below chance means below this share of it.
        components: Factors of the prediction; fewer where models or benchmarks do not allow as many.
        min_models: Fewest models with a score on a benchmark, and fewest models, for a prediction.
        min_scores: Fewest other scores of a model for a prediction.
        min_spread: Smallest standard deviation of a prediction, on the scale 0 to 1.
    """

    far_z: float = 4.0
    far_share: float = 0.5
    floor_level: float = 0.1
    floor_share: float = 0.1
    linked_z: float = 1.5
    min_drop: float = 0.05
    min_peers: int = 3
    peers_per_floor: float = 3.0
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
    """One suspicious cell or model.

    Attributes:
        model_id: The model.
        benchmark: The benchmark, or "" where the whole model is suspected.
        kind: What the suspicion rests on.
        score: Score on the scale 0 to 1; for a whole model the mean over the suspected benchmarks.
        expected: Score predicted from the rest of the matrix (chance for `below chance`); same scale and mean.
        detail: The evidence in one line.
    """

    model_id: str
    benchmark: str
    kind: Kind
    score: float
    expected: float
    detail: str


@dataclass(frozen=True)
class Findings:
    """Everything found, and what could not be looked at.

    Attributes:
        suspicions: Sorted by model, then benchmark; a suspected whole model comes without its cells.
        notes: One line for each thing that could not be computed.
    """

    suspicions: tuple[Suspicion, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Matrix:
    """The scores and what is known of the benchmarks, sorted by name so that input order cannot matter.

    `x` (n_models, n_benchmarks) in [0, 1], NaN = missing or already known to be wrong; `chance`, `n_items`,
    `free_form` (n_benchmarks,).
    """

    models: list[str]
    benchmarks: list[str]
    x: Floats
    chance: Floats
    n_items: Floats
    free_form: Bools

    @property
    def seen(self) -> Bools:
        return np.isfinite(self.x)

    @property
    def near_zero(self) -> Bools:
        return self.seen & (self.x <= 0)


def find_suspicions(
    scores: pd.DataFrame,
    facts: pd.DataFrame,
    thresholds: SuspicionThresholds | None = None,
    known: Collection[tuple[str, str]] = (),
) -> Findings:
    """Find cells and models whose scores the rest of the matrix contradicts."""
    raise NotImplementedError
