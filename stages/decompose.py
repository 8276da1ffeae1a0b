"""Stage `decompose`: score matrix X to loadings U, PC scores S = Z @ U and explained variance.

Reads   data/score_matrix.parquet (behind the gate), data/study/benchmarks.parquet
Writes  reports/tables/{pca_loadings,pca_scores,pca_loo,explained_variance,skipped_decompose}.csv,
        reports/metrics/decompose.json
"""

import pandas as pd

from stages.analysis.components.gaps import NotImputableError, analyse
from stages.analysis.components.pca import headline
from stages.analysis.scores.cells import scaled_ranges
from stages.contracts.errors import InputError
from stages.workspace import paths
from stages.workspace.facts import load_info, read_fact
from stages.workspace.files import read_parquet
from stages.workspace.outputs import write_metrics, write_skipped, write_table
from stages.workspace.parameters import load_params
from stages.workspace.progress import working
from stages.workspace.running import run_stage, say


def main() -> None:
    """Read, decompose, write."""
    params = load_params()
    X = read_parquet(paths.MATRIX)
    anchors = load_info(params.study).anchors
    k, unit_variance = params.decompose.n_components, params.decompose.standardize
    try:
        with working("missing scores predicted, components of all models and without each"):
            found = analyse(X, scaled_ranges(read_fact("benchmarks")), k, anchors, unit_variance=unit_variance)
    except NotImputableError as error:
        raise InputError([f"{paths.MATRIX}: {error}; choose another assemble.missing"]) from None
    full = found.full
    write_table("pca_loadings", full.loadings.rename_axis("benchmark").reset_index())
    write_table("pca_scores", full.pc_scores.rename_axis("model_id").reset_index())
    write_table("pca_loo", found.loo)
    ratio = full.explained_variance_ratio
    shares = pd.DataFrame({"share": ratio, "agreement": found.agreement})
    write_table("explained_variance", shares.rename_axis("component").reset_index())
    n_models, n_benchmarks = X.shape
    skipped = [f"{k - len(ratio)} of {k} components: {n_models} models x {n_benchmarks} benchmarks have {len(ratio)}"]
    write_metrics("decompose", headline(X.shape, ratio))
    parts = ", ".join(f"{name} {100 * share:.2f} %" for name, share in ratio.items())
    say(f"explained variance: {parts}")
    for line in found.undetermined:
        say(line)
    write_skipped("decompose", skipped if len(ratio) < k else [])


if __name__ == "__main__":
    run_stage(main)
