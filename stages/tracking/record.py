"""What is logged to MLflow for one state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

STATE_TAG = "observatory.state"
EVALUATION_TAG = "observatory.evaluation"
"""Of the runs that watched a model being evaluated."""
REPOSITORY_TAG = "observatory.repository"
"""Of runs: which folder of which machine logs into them, so that a run in progress elsewhere is not taken for dead."""
EXPERIMENT_TAG = "observatory.experiment"
"""Of the experiments that we made: what their runs are."""
KIND_TAG = "mlflow.experimentKind"
KIND = "custom_model_development"
"""Of our experiments: they hold runs, not traces of applications; MLflow 3.17 does not ask, see `note`."""
RECORD_TAG = "observatory.record"
RECORD = "record.json"
"""Artifact that says what was logged; its md5 is in the tag. `observatory verify` holds the run against it."""


@dataclass(frozen=True)
class Input:
    """A file the run depends on.

    Attributes:
        name: Path relative to the repository root.
        digest: Its md5, as DVC computes it.
        context: `fact` or `data`.
    """

    name: str
    digest: str
    context: str


@dataclass(frozen=True)
class State:
    """What a run says of one state of the study.

    Attributes:
        digest: Names the state; a state has one run.
        experiment: MLflow experiment.
        name: Run name.
        status: FINISHED, or FAILED for a state that the gate refused.
        params: Flat parameter names to values.
        metrics: Flat metric names to finite numbers.
        tags: Tag names to values.
        inputs: Files the state depends on.
        artifacts: Files and folders to keep, with the artifact folder each goes to ("" is the top).
        evaluations: Runs that watched the evaluations whose scores the state uses.
    """

    digest: str
    experiment: str
    name: str
    status: Literal["FINISHED", "FAILED"]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    inputs: Sequence[Input] = ()
    artifacts: Sequence[tuple[Path, str]] = ()
    evaluations: Sequence[str] = ()
