"""A study that has been analysed: its models and its conclusions."""

import pandas as pd

from stages.analysis.scaling.laws import TOTAL
from stages.contracts.errors import raise_all
from stages.contracts.params import Params
from stages.contracts.study.conclusions import FILE, Conclusions, parse_conclusions
from stages.contracts.study.facts import subset_values
from stages.workspace import paths
from stages.workspace.facts import read_fact
from stages.workspace.files import read_parquet, read_text

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


def read_conclusions(params: Params, languages: list[str]) -> Conclusions | None:
    """Read the study's conclusions; None where it has no such file.

    Raises:
        InputError: The file is wrong; every problem is named.
    """
    path = paths.study_folder(params.study) / FILE
    if not path.is_file():
        return None
    benchmarks = [str(name) for name in read_fact("benchmarks").index]
    subsets = subset_values(read_fact("models"))
    return parse_conclusions(read_text(path), str(path), benchmarks, [*languages, TOTAL], subsets)
