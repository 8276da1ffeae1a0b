"""The study as analysed, and what it can be varied by."""

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
