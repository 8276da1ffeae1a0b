"""Stage `compare`: every published number against ours.

Reads   data/study/claims.parquet and the tables of the analysis
Writes  reports/tables/claims.csv, reports/metrics/compare.json
"""

from stages.analysis.claims import compare, counts
from stages.workspace import files as workspace
from stages.workspace import results


def main() -> None:
    """Read, compare, write."""
    params = workspace.load_params()
    where = str(workspace.study_folder(params.study) / "claims.csv")
    table = compare(
        workspace.read_fact("claims"), results.load_results(params), params.compare.tolerance_factor, where
    )
    workspace.write_table("claims", table)
    workspace.write_metrics("compare", counts(table))
    if table.empty:
        workspace.say("skipped: this study has no claims to compare with")
    else:
        total = counts(table)
        workspace.say(f"claims: {total['reproduced']} reproduced, {total['not_reproduced']} not reproduced")


if __name__ == "__main__":
    workspace.run_stage(main)
