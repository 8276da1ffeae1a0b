"""What MLflow is told of one state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


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
