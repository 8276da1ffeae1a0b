"""Stage `robustness`: which conclusions of the study hold under which variations of its analysis.

Reads   metadata/<study>/conclusions.yaml, data/score_matrix.parquet (behind the gate), data/score_cells.parquet,
        data/study/, data/models.parquet, reports/tables/pca_loadings.csv
Writes  reports/tables/robustness{,_counts,_criteria,_overview}.csv, reports/tables/skipped_robustness.csv,
        reports/metrics/robustness.json
"""

import pandas as pd

from stages.analysis.conclusions.evidence import weigh
from stages.analysis.conclusions.variations import Alternatives, Base, vary
from stages.analysis.conclusions.verdicts import COLUMNS, CRITERIA, counts, headline, overview, robustness
from stages.contracts.params import StabilityParams
from stages.contracts.study.conclusions import FILE, Conclusions
from stages.workspace.base import read_alternatives, read_base
from stages.workspace.conclusions import read_conclusions
from stages.workspace.facts import load_info
from stages.workspace.outputs import write_metrics, write_skipped, write_table
from stages.workspace.parameters import load_params
from stages.workspace.progress import each, working
from stages.workspace.running import run_stage


def run(
    base: Base, ways: Alternatives, found: Conclusions, params: StabilityParams
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Judge the conclusions in every variation.

    Returns:
        See `verdicts.robustness`, then one line for each variation that could not be analysed.
    """
    parts = {ways.subset: base.X.index, **ways.subsets}
    evidence = weigh(base, pd.Series(ways.codes, base.X.index), parts, found, params)
    variations = list(each(vary(base, ways), "variations analysed", lambda variation: variation.name))
    skipped = [f"{v.name}: {v.solution}" for v in variations if isinstance(v.solution, str)]
    return *robustness(found.conclusions, variations, evidence), skipped


def main() -> None:
    """Read, vary, judge, write."""
    params = load_params()
    languages = list(load_info(params.study).languages)
    found = read_conclusions(params, languages)
    listed = found.conclusions if found else []
    table, criteria = pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=CRITERIA)
    skipped = [f"robustness: study {params.study} has no {FILE}"]
    if found:
        with working("missing scores predicted"):
            base = read_base(params, languages)
        table, criteria, skipped = run(base, read_alternatives(base.X, found.subsets, params), found, params.stability)
    tables = {"": table, "_criteria": criteria, "_overview": overview(table, listed), "_counts": counts(table, listed)}
    for suffix, content in tables.items():
        write_table(f"robustness{suffix}", content)
    write_metrics("robustness", headline(table, listed))
    write_skipped("robustness", skipped)


if __name__ == "__main__":
    run_stage(main)
