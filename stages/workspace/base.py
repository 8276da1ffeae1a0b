"""The study as analysed, and what it can be varied by."""

import numpy as np
import pandas as pd

from stages.analysis.components.gaps import NotImputableError, fill
from stages.analysis.conclusions.variations import Alternatives, Base
from stages.analysis.scaling.laws import TOTAL, log_budgets
from stages.analysis.scores import cells
from stages.analysis.scores.cells import waived
from stages.analysis.scores.families import family_codes, family_names
from stages.contracts.errors import InputError
from stages.contracts.params import Params
from stages.workspace import paths
from stages.workspace.analysed import read_models
from stages.workspace.facts import read_fact
from stages.workspace.files import read_parquet
from stages.workspace.outputs import read_table


def read_base(params: Params, languages: list[str]) -> Base:
    """Read the study as analysed.

    Raises:
        InputError: Its missing scores cannot be modelled.
    """
    X = read_parquet(paths.MATRIX)
    logs = log_budgets(read_models(X), languages, params.scale.min_models)
    ranges = cells.scaled_ranges(read_fact("benchmarks"))
    try:
        filled = fill(X, ranges)
    except NotImputableError as error:
        raise InputError([f"{paths.MATRIX}: {error}"]) from None
    return Base(
        X=X,
        filled=filled,
        ranges=ranges,
        loadings=read_table("pca_loadings", "benchmark"),
        logs=logs.set_axis([*languages, TOTAL], axis=1),
        unit_variance=params.decompose.standardize,
        n_factors=params.factorize.n_factors,
        power=params.factorize.power,
    )


def read_alternatives(X: pd.DataFrame, subsets: list[str], params: Params) -> Alternatives:
    """Read what the study can be varied by."""
    table, models = read_parquet(paths.CELLS), read_models(X)
    corrected = cells.correct(table, read_fact("corrections"), read_fact("benchmarks"))
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


def read_families(X: pd.DataFrame) -> pd.Series:
    """Return the number of the family of each model of a matrix."""
    return pd.Series(family_codes(read_models(X)), X.index)


def read_protocols() -> pd.Series:
    """Return the protocol of each benchmark under which most of its cells were measured."""
    table = read_parquet(paths.CELLS)
    return table.groupby("benchmark")["protocol"].agg(lambda column: column.value_counts().index[0])


def read_stderr(wide: pd.DataFrame, usual: np.ndarray) -> pd.DataFrame:
    """Return the standard error of each score, the usual one of its benchmark where it is not known.

    Args:
        wide: Scores (n_models, n_benchmarks).
        usual: Per benchmark (n_benchmarks,).
    """
    known = cells.to_matrix(read_parquet(paths.CELLS), "stderr", list(wide.index), list(wide.columns))
    return known.where(known > 0).fillna(pd.Series(usual, wide.columns))
