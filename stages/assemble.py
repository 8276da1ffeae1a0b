"""Stage `assemble`: published, corrected, imported and evaluated scores of the subset, as cells and as a matrix.

Reads   data/study/, data/models.parquet, data/evaluations/
Writes  data/score_cells.parquet, data/score_matrix.parquet, reports/tables/left_out.csv
"""

from stages.analysis.scores.assembly import assemble
from stages.analysis.scores.incomplete import left_out_line
from stages.workspace import paths
from stages.workspace.evaluations import read_evaluations
from stages.workspace.facts import read_facts_back
from stages.workspace.files import write_parquet
from stages.workspace.outputs import write_table
from stages.workspace.parameters import load_params
from stages.workspace.running import run_stage, say


def main() -> None:
    """Read, assemble, write."""
    params = load_params()
    facts = read_facts_back(params)
    table, matrix, lost = assemble(facts, read_evaluations(params, facts.benchmarks), params)
    write_parquet(paths.CELLS, table)
    write_parquet(paths.MATRIX, matrix)
    write_table("left_out", lost)
    origins = ", ".join(f"{n} {origin}" for origin, n in table["origin"].value_counts().items())
    say(f"subset {params.subset}: {matrix.shape[0]} models x {matrix.shape[1]} benchmarks ({origins})")
    if line := left_out_line(lost):
        say(line)


if __name__ == "__main__":
    run_stage(main)
