"""Stage `correlate`: how benchmarks go together, and how precise their scores are.

Reads   data/score_matrix.parquet (behind the gate), data/score_cells.parquet, data/study/benchmarks.parquet
Writes  reports/tables/{correlation_pearson,correlation_spearman,precision}.csv, reports/metrics/correlate.json
"""

import pandas as pd

from stages.analysis.scores import correlation
from stages.analysis.scores.cells import to_matrix
from stages.workspace import paths
from stages.workspace.facts import read_fact
from stages.workspace.files import read_parquet
from stages.workspace.outputs import write_metrics, write_table
from stages.workspace.parameters import load_params
from stages.workspace.running import run_stage, say


def main() -> None:
    """Read, correlate, write."""
    params = load_params()
    X = read_parquet(paths.MATRIX)
    cells = read_parquet(paths.CELLS)
    stderr = to_matrix(cells, "stderr", list(X.index), list(X.columns))
    pearson, spearman = correlation.pearson(X), correlation.spearman(X)
    precision = correlation.precision(X, stderr, params.correlate.se_share)
    listed = [pair for pair in correlation.counterparts(read_fact("benchmarks")) if {*pair} <= {*X.columns}]
    pairs = [(a, b) for a, b in listed if pd.notna(pearson[b][a])]
    write_table("correlation_pearson", named(pearson))
    write_table("correlation_spearman", named(spearman))
    write_table("precision", named(precision))
    noisy = list(precision.index[precision["noisy"]])
    write_metrics("correlate", correlation.headline(pearson, precision, pairs))
    for a, b in sorted({*listed} - {*pairs}):
        say(f"not computed: the correlation of {a} and {b}: fewer than {correlation.FEWEST} models have both")
    if noisy:
        say(f"standard error above {params.correlate.se_share:g} of the spread: {', '.join(noisy)}")


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its index as the column `benchmark`."""
    return table.rename_axis("benchmark").reset_index()


if __name__ == "__main__":
    run_stage(main)
