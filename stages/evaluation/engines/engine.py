"""What an engine is: something that runs jobs elsewhere, says when they end, and can end them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from stages.contracts.evaluate_params import EvaluateParams
from stages.contracts.study.model_options import SERVERS
from stages.evaluation.worker import Job

EXTRA = "evaluate.engine is {0}, which needs the extra `{0}`: pip install -c requirements.lock -e '.[{0}]'"


class Ended(NamedTuple):
    """A job that ended.

    Attributes:
        model_id: Its model.
        problems: What it says went wrong.
        died: How it ended where it could say nothing, else "".
    """

    model_id: str
    problems: Sequence[str]
    died: str


class Engine(Protocol):
    """Runs jobs."""

    gpus: int
    """GPUs that each model has; 0 where it needs none."""

    def room(self) -> int:
        """Return how many more jobs it takes now."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take jobs, each of another model.

        Raises:
            InputError: They were refused.
        """

    def ended(self) -> list[Ended]:
        """Return the jobs that ended since it was asked last."""

    def stop(self) -> None:
        """End what still runs of all that it started, and return when it has ended."""


def gpus_of(params: EvaluateParams) -> int:
    """Return the GPUs that one model is to have, 0 where it needs none."""
    return 0 if params.device == "cpu" or params.backend in SERVERS else params.gpus_per_model
