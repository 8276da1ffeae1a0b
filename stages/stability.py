"""Stage `stability`: how far the results would move with other models, families, test items or token counts.

Reads   data/score_matrix.parquet (behind the gate), data/score_cells.parquet, data/models.parquet,
        data/study/benchmarks.parquet, reports/tables/{pca_loadings,fa_loadings}.csv
Writes  reports/tables/stability_*.csv, reports/tables/skipped_stability.csv, reports/metrics/stability.json
"""

from stages.analysis.scaling.budgets import derive_tokens
from stages.analysis.scaling.ranges import log_ranges, range_problems
from stages.analysis.scores.cells import scaled_ranges, to_matrix
from stages.analysis.scores.incomplete import waived
from stages.analysis.uncertainty.report import Inputs, assess
from stages.contracts.errors import raise_all
from stages.contracts.params import Params
from stages.workspace import files as workspace


def read_inputs(params: Params) -> Inputs:
    """Read what the stage needs.

    Raises:
        InputError: A token count lies outside its range.
    """
    info = workspace.load_info(params.study)
    X, cells = workspace.read_parquet(workspace.MATRIX), workspace.read_parquet(workspace.CELLS)
    table, languages = workspace.read_parquet(workspace.MODELS), list(info.languages)
    raise_all(range_problems(table, languages, str(workspace.study_folder(params.study) / "models.csv")))
    derived, _ = derive_tokens(table, languages, info.token_rules, info.continual_language)
    low, high = log_ranges(table, languages, derived, params.budget.tolerance, params.stability.token_error)
    shape = list(X.index), list(X.columns)
    return Inputs(
        X=X,
        stderr=to_matrix(cells, "stderr", *shape),
        ranges=scaled_ranges(workspace.read_fact("benchmarks")),
        suspected=waived(cells, X),
        loadings=workspace.read_table("pca_loadings", "benchmark"),
        factor_loadings=workspace.read_table("fa_loadings", "benchmark"),
        models=table.loc[X.index],
        log_low=low.loc[X.index],
        log_high=high.loc[X.index],
        languages=languages,
        anchors=info.anchors,
        unit_variance=params.decompose.standardize,
        min_models=params.scale.min_models,
    )


def main() -> None:
    """Read, resample, write."""
    params = workspace.load_params()
    found = assess(read_inputs(params), params.stability)
    for name, table in found.tables.items():
        workspace.write_table(f"stability_{name}", table)
    workspace.write_metrics("stability", found.metrics)
    workspace.write_skipped("stability", found.skipped)


if __name__ == "__main__":
    workspace.run_stage(main)
