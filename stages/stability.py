"""Stage `stability`: how far the results would move with other models, families, test items or token counts.

Reads   data/{score_{matrix,cells},models,study/benchmarks}.parquet, reports/{tables/{pca,fa}_loadings,metrics/scale}.*
Writes  reports/tables/stability_*.csv, reports/tables/skipped_stability.csv, reports/metrics/stability.json
"""

from functools import partial

from stages.analysis.scaling.budgets import derive_tokens
from stages.analysis.scaling.ranges import log_ranges
from stages.analysis.scores.cells import scaled_ranges, to_matrix, waived
from stages.analysis.uncertainty.report import Inputs, assess, headline
from stages.contracts.params import Params
from stages.workspace import paths
from stages.workspace.facts import load_info, read_fact
from stages.workspace.files import read_parquet
from stages.workspace.outputs import read_metrics, read_table, write_metrics, write_skipped, write_table
from stages.workspace.parameters import load_params
from stages.workspace.progress import each, working
from stages.workspace.running import run_stage


def read_inputs(params: Params) -> Inputs:
    """Read what the stage needs."""
    info = load_info(params.study)
    X, cells, table = map(read_parquet, (paths.MATRIX, paths.CELLS, paths.MODELS))
    languages = list(info.languages)
    derived, _ = derive_tokens(table, languages, info.token_rules, info.continual_language)
    low, high = log_ranges(table, languages, derived, params.budget.tolerance, params.stability.token_error)
    return Inputs(
        X=X,
        stderr=to_matrix(cells, "stderr", list(X.index), list(X.columns)),
        ranges=scaled_ranges(read_fact("benchmarks")),
        suspected=waived(cells, X),
        loadings=read_table("pca_loadings", "benchmark"),
        factor_loadings=read_table("fa_loadings", "benchmark"),
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
    params = load_params()
    watched = partial(each, what="resampling", named=lambda way: way.name)
    with working("missing scores predicted, uncertainty of the results"):
        found = assess(read_inputs(params), params.stability, watched)
    for name, table in found.tables.items():
        write_table(f"stability_{name}", table)
    write_metrics("stability", headline(found.tables["scaling"], read_metrics("scale")))
    write_skipped("stability", found.skipped)


if __name__ == "__main__":
    run_stage(main)
