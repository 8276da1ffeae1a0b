"""Stage `assemble`: published, corrected and evaluated scores of the subset, as cells and as a matrix.

Reads   data/study/, data/models.parquet, data/evaluations/
Writes  data/score_cells.parquet, data/score_matrix.parquet, reports/tables/left_out.csv
"""

import pandas as pd

from stages.analysis.scores import cells
from stages.analysis.scores.incomplete import leave_out, left_out, left_out_line
from stages.contracts.params import Params
from stages.contracts.study.facts import Facts
from stages.workspace import paths
from stages.workspace.evaluations import read_evaluations
from stages.workspace.facts import load_params, read_facts_back
from stages.workspace.files import write_parquet
from stages.workspace.outputs import write_table
from stages.workspace.running import run_stage, say


def run(facts: Facts, evaluated: pd.DataFrame, params: Params) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the cells and the matrix of the subset, and what is left out with reasons (see `incomplete.left_out`).

    Args:
        facts: Tables of the study.
        evaluated: Cells from our own evaluations; they replace published ones.
        params: study, subset and the section `assemble`.
    """
    table = cells.published_cells(facts.scores, facts.benchmarks, facts.info.citation)
    if params.assemble.corrections:
        table = cells.correct(table, facts.corrections, facts.benchmarks)
    table = cells.replace_cells(table, evaluated)
    models = list(cells.take_subset(facts.models, params.subset).index)
    benchmarks = list(facts.benchmarks.index)
    table = cells.finish(cells.mark_waived(table, facts.waivers), models, benchmarks)
    scores, policy = cells.to_matrix(table, "score", models, benchmarks), params.assemble.missing
    matrix = leave_out(scores, policy)
    kept = table["model_id"].isin(matrix.index) & table["benchmark"].isin(matrix.columns)
    lost = left_out(list(facts.models.index), scores, params.subset, policy)
    return table[kept].reset_index(drop=True), matrix, lost


def main() -> None:
    """Read, assemble, write."""
    params = load_params()
    facts = read_facts_back(params)
    table, matrix, lost = run(facts, read_evaluations(params, facts.benchmarks), params)
    write_parquet(paths.CELLS, table)
    write_parquet(paths.MATRIX, matrix)
    write_table("left_out", lost)
    origins = ", ".join(f"{n} {origin}" for origin, n in table["origin"].value_counts().items())
    say(f"subset {params.subset}: {matrix.shape[0]} models x {matrix.shape[1]} benchmarks ({origins})")
    if line := left_out_line(lost):
        say(line)


if __name__ == "__main__":
    run_stage(main)
