"""Everything that the analysis of one state yields, as claims, figures and the report read it."""

from dataclasses import dataclass, field

import pandas as pd

from stages.contracts.study.info import StudyInfo


@dataclass(frozen=True)
class Results:
    """Results of one study and subset. Frames without columns stand for what could not be computed.

    Attributes:
        info: study.yaml.
        study: Folder name under metadata/.
        subset: `all`, or the value of construction or group that was analysed.
        models: Models of the subset, indexed by model_id, in models.csv order; columns of models.csv plus, per
            language and for `total`, nd_<l> (parameters x tokens, plain units, NaN where unknown).
        benchmarks: benchmarks.csv, indexed by benchmark.
        cells: Long table of scores: model_id, benchmark, score, stderr, n_items, origin, protocol, source,
            empty_rate, failed_rate, capped_rate, refused_rate, truncated_rate, waived, reason.
        X: Score matrix (n_models, n_benchmarks).
        pearson: Correlation of benchmarks (n_benchmarks, n_benchmarks).
        spearman: Rank correlation, same shape.
        precision: Per benchmark: mean, std (ddof 1), mean_stderr, stderr_share, noisy.
        explained_variance_ratio: Fraction per component, indexed PC1...
        loadings: U (n_benchmarks, k), columns PC1...
        pc_scores: S (n_models, k).
        loo: Leave-one-out loadings: benchmark, component, mean, std.
        factor_loadings: (n_benchmarks, shown), columns Factor1...
        factor_scores: (n_models, shown).
        factor_summary: Per shown factor: ss_loadings, share; indexed Factor1...
        laws: Scaling laws: response, language, n, rho, slope, intercept.
        skipped: One line for each thing that could not be computed, and why.
        standardized: Whether each benchmark was scaled to unit variance before the components were computed.
        factor_fit: One row on how sound the factor model is, see `factors.Fit`; none without factors.
        uniqueness: Per benchmark: communality, uniqueness, at_bound; likewise.
    """

    info: StudyInfo
    study: str
    subset: str
    models: pd.DataFrame
    benchmarks: pd.DataFrame
    cells: pd.DataFrame
    X: pd.DataFrame
    pearson: pd.DataFrame
    spearman: pd.DataFrame
    precision: pd.DataFrame
    explained_variance_ratio: pd.Series
    loadings: pd.DataFrame
    pc_scores: pd.DataFrame
    loo: pd.DataFrame
    factor_loadings: pd.DataFrame
    factor_scores: pd.DataFrame
    factor_summary: pd.DataFrame
    laws: pd.DataFrame
    skipped: tuple[str, ...]
    standardized: bool = True
    factor_fit: pd.DataFrame = field(default_factory=pd.DataFrame)
    uniqueness: pd.DataFrame = field(default_factory=pd.DataFrame)
