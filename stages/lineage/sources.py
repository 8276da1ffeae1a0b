"""Which files each figure and each claim is read from."""

from collections.abc import Mapping

TABLES = "reports/tables"
MATRIX = "data/score_matrix.parquet"
MODELS = "data/models.parquet"
CLAIMS = f"{TABLES}/claims.csv"
BENCHMARKS = "data/study/benchmarks.parquet"

_EXACT: Mapping[str, tuple[str, ...]] = {
    "models": (f"{TABLES}/pca_scores.csv", f"{TABLES}/explained_variance.csv", MODELS),
    "benchmarks": (MATRIX, MODELS),
    "correlation_pearson": (f"{TABLES}/correlation_pearson.csv",),
    "correlation_spearman": (f"{TABLES}/correlation_spearman.csv",),
    "pc_scores": (f"{TABLES}/pca_scores.csv", f"{TABLES}/explained_variance.csv", MODELS),
    "pca_loadings": (f"{TABLES}/pca_loadings.csv", f"{TABLES}/explained_variance.csv"),
    "pca_loo": (f"{TABLES}/pca_loo.csv", f"{TABLES}/pca_loadings.csv"),
    "factor_scores": (f"{TABLES}/fa_scores.csv", f"{TABLES}/fa_summary.csv", MODELS),
    "stability_components": (
        f"{TABLES}/stability_explained_variance.csv",
        f"{TABLES}/stability_spectrum.csv",
        f"{TABLES}/stability_components.csv",
    ),
    "stability_loadings": (f"{TABLES}/stability_loadings.csv", f"{TABLES}/stability_axes.csv"),
    "stability_scaling": (f"{TABLES}/stability_scaling.csv",),
    "stability_ranks": (f"{TABLES}/stability_ranks.csv", f"{TABLES}/stability_rank_pairs.csv"),
    "stability_ranks_benchmarks": (f"{TABLES}/stability_ranks.csv",),
    "robustness": (f"{TABLES}/robustness.csv",),
    "retest": (f"{TABLES}/retest.csv", f"{TABLES}/retest_criteria.csv"),
    "retest_places": (f"{TABLES}/retest_places.csv",),
    "factor_loadings": (f"{TABLES}/fa_loadings.csv", f"{TABLES}/fa_summary.csv", f"{TABLES}/fa_uniqueness.csv"),
}


def figure_sources(stem: str) -> tuple[str, ...]:
    """Return the files that a figure shows, () when the figure is not known.

    Args:
        stem: File name without extension.
    """
    if stem.startswith("scaling_"):
        scores = "pca_scores" if stem.startswith("scaling_pc") else "fa_scores"
        return (f"{TABLES}/scaling.csv", f"{TABLES}/{scores}.csv", MODELS)
    if stem.startswith("pc") and stem.endswith("_raw"):
        return (f"{TABLES}/pca_scores.csv", MATRIX, MODELS)
    return _EXACT.get(stem, ())


def claim_sources(claim_id: str) -> tuple[str, ...]:
    """Return the files that our value of a claim is read from, () for a claim_id of no known form."""
    kind, *rest = claim_id.split(".")
    if kind == "corr" and rest:
        return (f"{TABLES}/correlation_{rest[0]}.csv",)
    if kind == "pca":
        return (f"{TABLES}/explained_variance.csv",) if "evr" in rest else (f"{TABLES}/pca_loadings.csv",)
    if kind == "fa":
        return (f"{TABLES}/fa_summary.csv",) if "contribution" in rest else (f"{TABLES}/fa_loadings.csv",)
    return {
        "models": (MATRIX, MODELS),
        "benchmarks": (MATRIX,),
        "std": (f"{TABLES}/precision.csv",),
        "se": (BENCHMARKS,),
        "scaling": (f"{TABLES}/scaling.csv",),
        "range": (MATRIX, f"{TABLES}/pca_scores.csv"),
    }.get(kind, ())
