"""Stage `compare`: every published number against ours.

Reads   data/study/claims.parquet and the tables of the analysis
Writes  reports/tables/claims.csv, reports/metrics/compare.json
"""

from stages.analysis.claims import compare, counts
from stages.workspace import results
from stages.workspace.facts import read_fact
from stages.workspace.outputs import write_metrics, write_table
from stages.workspace.parameters import load_params
from stages.workspace.paths import study_folder
from stages.workspace.running import run_stage, say


def main() -> None:
    """Read, compare, write."""
    params = load_params()
    where = str(study_folder(params.study) / "claims.csv")
    table = compare(read_fact("claims"), results.load_results(params), params.compare.tolerance_factor, where)
    write_table("claims", table)
    write_metrics("compare", counts(table))
    if table.empty:
        say("skipped: this study has no claims to compare with")
    else:
        total = counts(table)
        say(", ".join(f"claims {name.replace('_', ' ')}: {n}" for name, n in total.items() if n))


if __name__ == "__main__":
    run_stage(main)
