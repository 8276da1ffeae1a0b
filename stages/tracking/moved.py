"""A repository that was moved or copied: its runs are pointed to where their artifacts are now."""

from collections.abc import Iterator, Mapping

import sqlalchemy
from mlflow.entities import Run
from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlRun
from mlflow.tracking import MlflowClient
from sqlalchemy.orm import Session

from stages.tracking.place import Store
from stages.tracking.record import EVALUATION_TAG, EXPERIMENT_TAG, STATE_TAG


def follow(client: MlflowClient, store: Store) -> None:
    """Point experiments and runs of ours to their artifacts, which moved along with the repository.

    A run is one of ours that moved when it has our tags and its artifacts lie here under its own id. Experiments of
    other projects in the same database, runs in the trash, and runs whose artifacts are elsewhere stay as they are.
    """
    if store.is_shared:
        return
    experiments: dict[str, str] = {}
    runs: dict[str, str] = {}
    for experiment in client.search_experiments():
        if store.contains(experiment.artifact_location):
            continue
        home = store.artifacts / experiment.name
        known = list(_logged(client, experiment.experiment_id))
        moved = {
            run.info.run_id: (home / run.info.run_id / "artifacts").as_uri()
            for run in known
            if (home / run.info.run_id / "artifacts").is_dir()
        }
        if moved or (EXPERIMENT_TAG in experiment.tags and not known):
            experiments[experiment.experiment_id] = home.as_uri()
            runs |= moved
    if experiments:
        _write(store, experiments, runs)


def _logged(client: MlflowClient, experiment: str) -> Iterator[Run]:
    """Yield the runs of an experiment that have our tags."""
    for tag in (STATE_TAG, EVALUATION_TAG):
        token = None
        while True:
            page = client.search_runs([experiment], f"tags.`{tag}` != ''", page_token=token)
            yield from page
            token = page.token
            if not token:
                break


def _write(store: Store, experiments: Mapping[str, str], runs: Mapping[str, str]) -> None:
    # MLflow's client has no call for it: its own models of its tables, in one transaction
    with Session(sqlalchemy.create_engine(store.uri)) as session, session.begin():
        for identifier, location in experiments.items():
            session.get_one(SqlExperiment, int(identifier)).artifact_location = location
        for identifier, uri in runs.items():
            session.get_one(SqlRun, identifier).artifact_uri = uri
