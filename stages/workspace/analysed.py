"""What the stages beyond the paper read: the study as analysed, and what it can be varied by."""

import numpy as np
import pandas as pd

from stages.analysis.components.ppca import Ppca, fit_ppca
from stages.analysis.conclusions.variations import Alternatives, Base
from stages.analysis.scaling.laws import TOTAL, log_budgets
from stages.analysis.scores import cells
from stages.analysis.scores.incomplete import waived
from stages.analysis.uncertainty.resampling import family_codes, family_names
from stages.contracts.errors import raise_all
from stages.contracts.params import Params
from stages.contracts.study.conclusions import FILE, Conclusions, parse_conclusions
from stages.contracts.study.facts import subset_values
from stages.workspace import files as workspace

NEEDED = (workspace.MATRIX, workspace.CELLS, workspace.MODELS, workspace.TABLES / "pca_loadings.csv")
"""Without these there is no state to place or plan in."""


def require_state() -> None:
    """Check that the pipeline has run.

    Raises:
        InputError: Something is missing; every missing file is named.
    """
    raise_all([f"{path} is missing: run `dvc repro` first" for path in NEEDED if not path.is_file()])


def read_models(X: pd.DataFrame) -> pd.DataFrame:
    """Read the models of a matrix, with their budgets."""
    return workspace.read_parquet(workspace.MODELS).loc[X.index]


def read_base(params: Params, languages: list[str]) -> Base:
    """Read the study as analysed."""
    X = workspace.read_parquet(workspace.MATRIX)
    logs = log_budgets(read_models(X), languages, params.scale.min_models)
    return Base(
        X=X,
        loadings=workspace.read_table("pca_loadings", "benchmark"),
        logs=logs.set_axis([*languages, TOTAL], axis=1),
        unit_variance=params.decompose.standardize,
        n_factors=params.factorize.n_factors,
        power=params.factorize.power,
    )


def read_alternatives(X: pd.DataFrame, subsets: list[str], params: Params) -> Alternatives:
    """Read what the study can be varied by."""
    table, models = workspace.read_parquet(workspace.CELLS), read_models(X)
    corrected = cells.correct(table, workspace.read_fact("corrections"), workspace.read_fact("benchmarks"))
    matrix = cells.to_matrix(corrected, "score", list(X.index), list(X.columns))
    codes = family_codes(models)
    parts = {name: cells.take_subset(models, name).index for name in subsets}
    return Alternatives(
        subset=params.subset,
        subsets={name: members for name, members in parts.items() if 0 < len(members) < len(X)},
        corrected=None if matrix.equals(X) else matrix,
        suspected=waived(table, X),
        codes=codes,
        families=family_names(models, codes),
    )


def read_conclusions(params: Params, languages: list[str]) -> Conclusions | None:
    """Read the study's conclusions; None where it has no such file.

    Raises:
        InputError: The file is wrong; every problem is named.
    """
    path = workspace.study_folder(params.study) / FILE
    if not path.is_file():
        return None
    benchmarks = [str(name) for name in workspace.read_fact("benchmarks").index]
    subsets = subset_values(workspace.read_fact("models"))
    return parse_conclusions(workspace.read_text(path), str(path), benchmarks, [*languages, TOTAL], subsets)


def completed(X: pd.DataFrame, k: int) -> tuple[pd.DataFrame, Ppca | None]:
    """Return a matrix without missing cells, and the model that filled them where there were any.

    Raises:
        NotImputableError: See `ppca.fit_ppca`.
    """
    if not np.isnan(X.to_numpy()).any():
        return X, None
    fitted = fit_ppca(X, k)
    return fitted.completed, fitted
