"""A folder with an empty store: MLflow takes seconds to make its tables."""

import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from stages.tracking.place import store_uri
from tests.conftest import shared


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def _make(path: Path) -> None:
    path.mkdir()
    MlflowClient(store_uri(path)).search_experiments()


@pytest.fixture(scope="session")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory, "empty-store", _make)


@pytest.fixture
def root(tmp_path: Path, _empty: Path, _no_server: None) -> Path:
    """A folder with an empty store."""
    path = tmp_path / "root"
    path.mkdir()
    shutil.copy(_empty / "mlflow.db", path)
    return path
