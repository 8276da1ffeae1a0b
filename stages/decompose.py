"""Stage `decompose`: score matrix X to loadings U, PC scores S = Z @ U and explained variance.

Reads   data/score_matrix.parquet (behind the gate)
Writes  reports/tables/{pca_loadings,pca_scores,pca_loo,explained_variance,skipped_decompose}.csv,
        reports/metrics/decompose.json
"""

from collections.abc import Mapping

import pandas as pd

from stages import workspace
from stages.analysis.missing import NotImputableError, decompose_ppca, fit_ppca, leave_one_out_ppca
from stages.analysis.pca import Decomposition, decompose, leave_one_out, summarise_loo
from stages.contracts.errors import InputError
from stages.contracts.params import DecomposeParams


def run(X: pd.DataFrame, anchors: Mapping[str, str], params: DecomposeParams) -> tuple[Decomposition, pd.DataFrame]:
    """Decompose the matrix, and again without each model in turn.

    Args:
        X: Score matrix (n_models, n_benchmarks) that passed the gate.
        anchors: Component to the benchmark on which it is positive.
        params: Section `decompose`.

    Returns:
        The decomposition, and the mean and standard deviation of every loading over the left-out models.
    """
    if X.isna().to_numpy().any():
        return run_incomplete(X, anchors, params.n_components)
    full = decompose(X, params.n_components, anchors, unit_variance=params.standardize)
    return full, summarise_loo(leave_one_out(X, full, unit_variance=params.standardize), full)


def run_incomplete(X: pd.DataFrame, anchors: Mapping[str, str], k: int) -> tuple[Decomposition, pd.DataFrame]:
    """Decompose a matrix with missing cells by probabilistic PCA of the standardised benchmarks.

    Raises:
        InputError: The cells that are there do not determine the model.
    """
    try:
        full = decompose_ppca(fit_ppca(X, k), anchors)
    except NotImputableError as error:
        raise InputError([f"{workspace.MATRIX}: {error}; choose another assemble.missing"]) from None
    return full, summarise_loo(leave_one_out_ppca(X, full, k), full)


def main() -> None:
    """Read, decompose, write."""
    params = workspace.load_params()
    X = workspace.read_parquet(workspace.MATRIX)
    full, loo = run(X, workspace.load_info(params.study).anchors, params.decompose)
    workspace.write_table("pca_loadings", full.loadings.rename_axis("benchmark").reset_index())
    workspace.write_table("pca_scores", full.pc_scores.rename_axis("model_id").reset_index())
    workspace.write_table("pca_loo", loo)
    ratio = full.explained_variance_ratio
    workspace.write_table("explained_variance", ratio.rename("share").rename_axis("component").reset_index())
    skipped = []
    if len(ratio) < params.decompose.n_components:
        asked = params.decompose.n_components
        skipped = [f"{len(ratio)} of {asked} components: {X.shape[0]} models x {X.shape[1]} benchmarks have no more"]
    workspace.write_metrics(
        "decompose",
        {
            "n_models": X.shape[0],
            "n_benchmarks": X.shape[1],
            "explained_variance_ratio": ratio.to_dict(),
        },
    )
    shares = ", ".join(f"{name} {100 * share:.2f} %" for name, share in ratio.items())
    workspace.say(f"explained variance: {shares}")
    workspace.write_skipped("decompose", skipped)


if __name__ == "__main__":
    workspace.run_stage(main)
