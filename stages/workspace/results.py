"""What several stages read together: the results of an analysis, the evaluations of all models."""

import json

import pandas as pd

from stages.analysis.scores.cells import CELL_COLUMNS, evaluated_cells, missing_evaluations
from stages.analysis.scores.results import Results
from stages.contracts.errors import raise_all
from stages.contracts.params import Params
from stages.workspace import files as workspace

SKIPPING = ("decompose", "factorize", "scale")
"""Stages that do what they can and say what they skipped."""


def read_evaluations(params: Params, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of all models that params.yaml lists as evaluated.

    Raises:
        InputError: A model is not or only partly evaluated; what is missing is listed.
    """
    frames, problems = [], []
    for model_id in params.evaluate.models:
        path = workspace.EVALUATIONS / model_id / "scores.json"
        scores = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        missing = missing_evaluations(scores, benchmarks)
        if missing:
            problems.append(f"{path}: {model_id} is not evaluated on {', '.join(missing)}: run `dvc repro evaluate`")
        else:
            frames.append(evaluated_cells(model_id, scores, benchmarks))
    raise_all(problems)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=CELL_COLUMNS)


def load_results(params: Params) -> Results:
    """Collect what the analysis stages wrote about the current state."""
    X = workspace.read_parquet(workspace.MATRIX)
    ratio = pd.Series(workspace.read_metrics("decompose")["explained_variance_ratio"], dtype=float)
    skipped = [
        line for stage in SKIPPING for line in workspace.read_table(f"skipped_{stage}", text=("skipped",))["skipped"]
    ]
    return Results(
        info=workspace.load_info(params.study),
        study=params.study,
        subset=params.subset,
        models=workspace.read_parquet(workspace.MODELS).loc[X.index],
        benchmarks=workspace.read_fact("benchmarks"),
        cells=workspace.read_parquet(workspace.CELLS),
        X=X,
        pearson=workspace.read_table("correlation_pearson", "benchmark"),
        spearman=workspace.read_table("correlation_spearman", "benchmark"),
        precision=workspace.read_table("precision", "benchmark"),
        explained_variance_ratio=ratio,
        loadings=workspace.read_table("pca_loadings", "benchmark"),
        pc_scores=workspace.read_table("pca_scores", "model_id"),
        loo=workspace.read_table("pca_loo"),
        factor_loadings=workspace.read_table("fa_loadings", "benchmark"),
        factor_scores=workspace.read_table("fa_scores", "model_id"),
        factor_summary=workspace.read_table("fa_summary", "factor"),
        laws=workspace.read_table("scaling"),
        skipped=tuple(skipped),
    )


def tables_beyond() -> dict[str, pd.DataFrame]:
    """Return the tables of the stages stability and robustness that have rows, by name."""
    names = [name for name in workspace.table_names() if name.startswith(("stability_", "robustness"))]
    tables = {name: workspace.read_table(name) for name in names}
    return {name: table for name, table in tables.items() if len(table)}


def skipped_beyond() -> list[str]:
    """Return what the stages stability and robustness could not compute, one line each."""
    stages = ("stability", "robustness")
    tables = [workspace.read_table(f"skipped_{stage}", text=("skipped",)) for stage in stages]
    return [line for table in tables for line in table["skipped"]]
