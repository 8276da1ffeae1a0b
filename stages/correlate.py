"""Stage `correlate`: how benchmarks go together, and how precise their scores are.

Reads   data/score_matrix.parquet (behind the gate), data/score_cells.parquet, data/study/benchmarks.parquet
Writes  reports/tables/{correlation_pearson,correlation_spearman,precision}.csv, reports/metrics/correlate.json
"""

import pandas as pd

from stages.analysis.scores import correlation
from stages.analysis.scores.cells import to_matrix
from stages.workspace import files as workspace


def main() -> None:
    """Read, correlate, write."""
    params = workspace.load_params()
    X = workspace.read_parquet(workspace.MATRIX)
    cells = workspace.read_parquet(workspace.CELLS)
    stderr = to_matrix(cells, "stderr", list(X.index), list(X.columns))
    pearson, spearman = correlation.pearson(X), correlation.spearman(X)
    precision = correlation.precision(X, stderr, params.correlate.se_share)
    pairs = [pair for pair in correlation.counterparts(workspace.read_fact("benchmarks")) if {*pair} <= {*X.columns}]
    workspace.write_table("correlation_pearson", named(pearson))
    workspace.write_table("correlation_spearman", named(spearman))
    workspace.write_table("precision", named(precision))
    noisy = list(precision.index[precision["noisy"]])
    workspace.write_metrics(
        "correlate",
        {
            "pearson": {f"{a}.{b}": pearson.loc[a, b] for a, b in pairs},
            "spearman": {f"{a}.{b}": spearman.loc[a, b] for a, b in pairs},
            "noisy_benchmarks": len(noisy),
        },
    )
    if noisy:
        workspace.say(f"standard error above {params.correlate.se_share:g} of the spread: {', '.join(noisy)}")


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its index as the column `benchmark`."""
    return table.rename_axis("benchmark").reset_index()


if __name__ == "__main__":
    workspace.run_stage(main)
