"""Stage `factorize`: maximum-likelihood factors with promax rotation.

Reads   data/score_matrix.parquet (behind the gate)
Writes  reports/tables/fa_{loadings,scores,summary,correlations,uniqueness,fit}.csv,
        reports/tables/skipped_factorize.csv
"""

import pandas as pd

from stages.analysis.components import factors as fa
from stages.analysis.components.soundness import Fit, dependence
from stages.contracts.params import FactorizeParams
from stages.workspace import paths
from stages.workspace.files import read_parquet
from stages.workspace.outputs import write_skipped, write_table
from stages.workspace.parameters import load_params
from stages.workspace.running import run_stage


def run(X: pd.DataFrame, params: FactorizeParams) -> tuple[fa.Factors | None, list[str]]:
    """Fit the factors, fewer where the benchmarks identify fewer.

    Returns:
        The factors, or None, and one line for each thing that was skipped.
    """
    k = min(params.n_factors, fa.most_factors(X.shape[1]))
    skipped = []
    if k < params.n_factors:
        skipped.append(f"{params.n_factors - k} of {params.n_factors} factors: {X.shape[1]} benchmarks identify {k}")
    if X.isna().to_numpy().any():
        return None, ["factor analysis: the matrix has missing cells"]
    skipped += [f"factor analysis: {line}"] if (line := dependence(X)) else []
    try:
        return fa.factorise(X, k, params.power), skipped
    except fa.NotFactorisableError as error:
        return None, [f"factor analysis: {error}", *skipped]


def main() -> None:
    """Read, fit, write."""
    params = load_params().factorize
    X = read_parquet(paths.MATRIX)
    factors, skipped = run(X, params)
    loadings, scores = (factors.loadings, factors.scores) if factors else (X.T.iloc[:, :0], X.iloc[:, :0])
    summary = factors.summary if factors else pd.DataFrame(columns=["ss_loadings", "share"], dtype=float)
    correlations = factors.correlations if factors else pd.DataFrame()
    shown = summary.index[: params.shown]
    write_table("fa_loadings", loadings[shown].rename_axis("benchmark").reset_index())
    write_table("fa_scores", scores[shown].rename_axis("model_id").reset_index())
    write_table("fa_summary", summary.rename_axis("factor").reset_index())
    write_table("fa_correlations", correlations.rename_axis("factor").reset_index())
    write_table("fa_uniqueness", fa.uniqueness_table(factors))
    write_table("fa_fit", pd.DataFrame([factors.fit] if factors else [], columns=Fit._fields))
    write_skipped("factorize", skipped)


if __name__ == "__main__":
    run_stage(main)
