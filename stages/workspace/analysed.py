"""A study that has been analysed: what it must have, its models."""

import pandas as pd

from stages.contracts.errors import raise_all
from stages.workspace import paths
from stages.workspace.files import read_parquet

NEEDED = (paths.MATRIX, paths.CELLS, paths.MODELS, paths.TABLES / "pca_loadings.csv")
"""Without these there is no state to place or plan in."""


def require_state() -> None:
    """Check that the pipeline has run.

    Raises:
        InputError: Something is missing; every missing file is named.
    """
    raise_all([f"{path} is missing: run `dvc repro` first" for path in NEEDED if not path.is_file()])


def read_models(X: pd.DataFrame) -> pd.DataFrame:
    """Read the models of a matrix, with their budgets."""
    return read_parquet(paths.MODELS).loc[X.index]
