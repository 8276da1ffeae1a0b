"""The engine that params.yaml names."""

from collections.abc import Callable

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import EvaluateParams
from stages.evaluation.engines.engine import Engine


def engine_of(params: EvaluateParams, place: str, tell: Callable[[str], None]) -> Engine:
    """Return the engine that params.yaml names, ready to take jobs.

    Args:
        params: Section `evaluate`.
        place: Absolute folder of the store.
        tell: Called with where jobs go.

    Raises:
        InputError: It is not installed, cannot be reached, or lacks what models need.
    """
    if params.device.startswith("cuda:") or (params.device == "all" and params.engine != "local"):
        raise InputError(
            [f"evaluate.device is {params.device}: an engine chooses the GPUs of a model: write auto, or cpu for none"]
        )
    # an engine's own packages are imported by whoever chose it
    if params.engine == "slurm":
        from stages.evaluation.engines.slurm import Slurm

        return Slurm(params, place, tell)
    if params.engine == "ray":
        from stages.evaluation.engines.ray_tasks import RayTasks

        return RayTasks(params, tell)
    from stages.evaluation.engines.local import Local

    return Local(params)
