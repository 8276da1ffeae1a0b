"""The results of an analysis, read together."""

import pandas as pd

from stages.analysis.scores.results import Results
from stages.contracts.params import Params
from stages.workspace import paths
from stages.workspace.facts import load_info, read_fact
from stages.workspace.files import read_parquet
from stages.workspace.outputs import read_table

BEYOND = ("stability_", "robustness", "retest", "skipped_retest")
"""Beginnings of the names of tables that say how far the results hold."""

SKIPPING = ("decompose", "factorize", "scale")
"""Stages that do what they can and say what they skipped."""


def load_results(params: Params) -> Results:
    """Collect what the analysis stages wrote about the current state."""
    X = read_parquet(paths.MATRIX)
    skipped = [line for stage in SKIPPING for line in read_table(f"skipped_{stage}", text=("skipped",))["skipped"]]
    return Results(
        info=load_info(params.study),
        study=params.study,
        subset=params.subset,
        models=read_parquet(paths.MODELS).loc[X.index],
        benchmarks=read_fact("benchmarks"),
        cells=read_parquet(paths.CELLS),
        X=X,
        pearson=read_table("correlation_pearson", "benchmark"),
        spearman=read_table("correlation_spearman", "benchmark"),
        precision=read_table("precision", "benchmark"),
        explained_variance_ratio=read_table("explained_variance", "component")["share"],
        loadings=read_table("pca_loadings", "benchmark"),
        pc_scores=read_table("pca_scores", "model_id"),
        loo=read_table("pca_loo"),
        factor_loadings=read_table("fa_loadings", "benchmark"),
        factor_scores=read_table("fa_scores", "model_id"),
        factor_summary=read_table("fa_summary", "factor"),
        laws=read_table("scaling"),
        skipped=tuple(skipped),
        standardized=params.decompose.standardize,
        factor_fit=read_table("fa_fit"),
        uniqueness=read_table("fa_uniqueness", "benchmark"),
    )


def tables_beyond() -> dict[str, pd.DataFrame]:
    """Return the tables of the stages stability, robustness and retest that have rows, by name."""
    names = [name for name in paths.table_names() if name.startswith(BEYOND)]
    tables = {name: read_table(name) for name in names}
    return {name: table for name, table in tables.items() if len(table)}


def skipped_beyond() -> list[str]:
    """Return what the stages stability, robustness and retest could not compute, one line each.

    The doubts of a retest that was possible are among `tables_beyond`.
    """
    stages = ("stability", "robustness") if len(read_table("retest")) else ("stability", "robustness", "retest")
    tables = [read_table(f"skipped_{stage}", text=("skipped",)) for stage in stages]
    return [line for table in tables for line in table["skipped"]]
