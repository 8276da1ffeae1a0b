"""Stage `validate`: the gate. Nothing is computed from a matrix that does not pass it.

Reads   data/score_cells.parquet, data/score_matrix.parquet, data/study/{benchmarks,waivers}.parquet
Writes  reports/metrics/validate.json, reports/tables/findings_matrix.csv, reports/data_docs/validate/
"""

import pandas as pd

from stages.analysis.scores.cells import scaled_ranges
from stages.contracts.params import Params
from stages.gate import matrix
from stages.gate import verdict as gating
from stages.gate.data_docs import Suite
from stages.gate.expectations import matrix_expectations
from stages.gate.findings import MATRIX_CHECKS, Finding
from stages.workspace import files as workspace


def run(
    cells: pd.DataFrame, X: pd.DataFrame, benchmarks: pd.DataFrame, waivers: pd.DataFrame, params: Params
) -> list[Finding]:
    """Return everything that the checks found, waivers applied.

    Args:
        cells: Long table of cells of the subset.
        X: The matrix made from it (n_models, n_benchmarks).
        benchmarks: benchmarks.csv, indexed by benchmark.
        waivers: waivers.csv.
        params: study, and the sections `assemble` and `validate`.
    """
    folder = workspace.study_folder(params.study)
    where = str(folder / "scores.csv")
    found = matrix.check_matrix(cells, X, benchmarks, params, where)
    found += matrix.suspicion_findings(X, benchmarks, found, params.gate, where)
    return matrix.judge(found, cells, waivers, where, str(folder / "waivers.csv"))


def suite(X: pd.DataFrame, benchmarks: pd.DataFrame, params: Params) -> Suite:
    """Return the expectations on the matrix: its rows, columns, completeness and ranges."""
    ranges = {name: limits for name, limits in scaled_ranges(benchmarks).items() if name in X}
    allow_missing = params.assemble.missing == "model"
    expectations = matrix_expectations(ranges, list(X.index), allow_missing=allow_missing)
    return Suite("score_matrix", X.reset_index(), expectations)


def main() -> None:
    """Read, check, write the verdict."""
    params = workspace.load_params()
    benchmarks, waivers = workspace.read_fact("benchmarks"), workspace.read_fact("waivers")
    cells, X = workspace.read_parquet(workspace.CELLS), workspace.read_parquet(workspace.MATRIX)
    findings = run(cells, X, benchmarks, waivers, params)
    verdict = gating.decide("validate", [suite(X, benchmarks, params)], findings, MATRIX_CHECKS, params)
    workspace.write_metrics("validate", verdict)


if __name__ == "__main__":
    workspace.run_stage(main)
