"""A study that has been analysed: its models, its matrix without gaps."""

import numpy as np
import pandas as pd

from stages.analysis.components.ppca import Ppca, fit_ppca
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


def completed(X: pd.DataFrame, k: int) -> tuple[pd.DataFrame, Ppca | None]:
    """Return a matrix without missing cells, and the model that filled them where there were any.

    Raises:
        NotImputableError: See `ppca.fit_ppca`.
    """
    if not np.isnan(X.to_numpy()).any():
        return X, None
    fitted = fit_ppca(X, k)
    return fitted.completed, fitted
