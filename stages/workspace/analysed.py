"""What the stages beyond the paper read: the study as analysed, and what it can be varied by."""

import pandas as pd

from stages.analysis.components.gaps import NotImputableError, fill
from stages.analysis.conclusions.variations import Alternatives, Base
from stages.analysis.scaling.laws import TOTAL, log_budgets
from stages.analysis.scores import cells
from stages.analysis.scores.incomplete import waived
from stages.analysis.uncertainty.resampling import family_codes, family_names
from stages.contracts.errors import InputError, raise_all
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


def read_ranges() -> dict[str, tuple[float, float]]:
    """Read the smallest and largest possible score of each benchmark, in the unit of the matrix."""
    return cells.scaled_ranges(workspace.read_fact("benchmarks"))


def read_base(params: Params, languages: list[str]) -> Base:
    """Read the study as analysed.

    Raises:
        InputError: Its missing scores cannot be modelled.
    """
    X = workspace.read_parquet(workspace.MATRIX)
    logs = log_budgets(read_models(X), languages, params.scale.min_models)
    ranges = read_ranges()
    try:
        filled = fill(X, ranges)
    except NotImputableError as error:
        raise InputError([f"{workspace.MATRIX}: {error}"]) from None
    return Base(
        X=X,
        filled=filled,
        ranges=ranges,
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
