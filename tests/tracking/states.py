"""States to log, and what the store says of them."""

from dataclasses import replace
from typing import Any

from mlflow.entities import Run, ViewType
from mlflow.tracking import MlflowClient

from stages.tracking.record import Input, State


def state(digest: str = "abc", **changes: Any) -> State:
    plain = State(
        digest=digest,
        experiment="observatory",
        name=f"study/all {digest}",
        status="FINISHED",
        params={"subset": "all"},
        metrics={"scale.PC1.en.rho": 0.916},
        tags={"observatory.subset": "all"},
        inputs=[Input("metadata/s/scores.csv", "d41d8cd98f00b204e9800998ecf8427e", "fact")],
    )
    return replace(plain, **changes)


def every_run(client: MlflowClient) -> list[Run]:
    """Return all runs of all experiments, also those in the trash."""
    experiments = client.search_experiments(view_type=ViewType.ALL)
    return list(client.search_runs([e.experiment_id for e in experiments], run_view_type=ViewType.ALL))


def told(client: MlflowClient) -> dict[str, Any]:
    """Return everything that a store says of its experiments and runs."""
    experiments = client.search_experiments(view_type=ViewType.ALL)
    return {e.experiment_id: dict(e) for e in experiments} | {
        run.info.run_id: run.to_dictionary() for run in every_run(client)
    }
