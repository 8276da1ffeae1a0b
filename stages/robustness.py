"""Stage `robustness`: which conclusions of the study hold under which variations of its analysis.

Reads   metadata/<study>/conclusions.yaml, data/score_matrix.parquet (behind the gate), data/score_cells.parquet,
        data/study/, data/models.parquet, reports/tables/pca_loadings.csv
Writes  reports/tables/{robustness,robustness_counts,robustness_overview,skipped_robustness}.csv,
        reports/metrics/robustness.json
"""

from collections.abc import Sequence

import pandas as pd

from stages.analysis.conclusions.variations import Alternatives, Base, vary
from stages.analysis.conclusions.verdicts import counts, headline, overview, robustness
from stages.contracts.study.conclusions import FILE, Conclusion
from stages.workspace.base import read_alternatives, read_base
from stages.workspace.conclusions import read_conclusions
from stages.workspace.facts import load_info, load_params
from stages.workspace.outputs import write_metrics, write_skipped, write_table
from stages.workspace.progress import each, working
from stages.workspace.running import run_stage


def run(base: Base, ways: Alternatives, conclusions: Sequence[Conclusion]) -> tuple[pd.DataFrame, list[str]]:
    """Judge the conclusions in every variation.

    Args:
        base: The study as analysed.
        ways: What it can be varied by.
        conclusions: What it concludes.

    Returns:
        One row per conclusion and variation, and one line for each variation that could not be analysed.
    """
    variations = list(each(vary(base, ways), "variations analysed", lambda variation: variation.name))
    skipped = [f"{v.name}: {v.solution}" for v in variations if isinstance(v.solution, str)]
    return robustness(conclusions, variations), skipped


def main() -> None:
    """Read, vary, judge, write."""
    params = load_params()
    languages = list(load_info(params.study).languages)
    found = read_conclusions(params, languages)
    listed = found.conclusions if found else []
    table, skipped = robustness([], []), [f"robustness: study {params.study} has no {FILE}"]
    if found:
        with working("missing scores predicted"):
            base = read_base(params, languages)
        table, skipped = run(base, read_alternatives(base.X, found.subsets, params), listed)
    write_table("robustness", table)
    write_table("robustness_overview", overview(table, listed))
    counted = counts(table, listed)
    write_table("robustness_counts", counted)
    write_metrics("robustness", headline(counted))
    write_skipped("robustness", skipped)


if __name__ == "__main__":
    run_stage(main)
