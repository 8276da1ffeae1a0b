"""Stage `retest`: the conclusions of an earlier study on this one's models, out of time.

Reads   metadata/<retest.study>/, data/score_matrix.parquet (behind the gate), data/score_cells.parquet,
        data/models.parquet, data/study/benchmarks.parquet, reports/tables/pca_loadings.csv
Writes  reports/tables/retest{,_axes,_criteria,_places}.csv, reports/tables/skipped_retest.csv; without rows where
        there is no earlier study
"""

import pandas as pd

from stages.analysis.conclusions import retest as two
from stages.analysis.conclusions.verdicts import CRITERIA
from stages.analysis.decisions.placing import place
from stages.contracts.params import Params
from stages.contracts.study.conclusions import FILE
from stages.workspace.base import read_base, read_families, read_protocols, read_stderr
from stages.workspace.earlier import read_earlier
from stages.workspace.facts import load_info
from stages.workspace.outputs import write_skipped, write_table
from stages.workspace.parameters import load_params
from stages.workspace.running import run_stage

COLUMNS = {"": two.VERDICTS, "_axes": two.AXES, "_criteria": CRITERIA, "_places": ["study", "model_id"]}


def run(params: Params) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the tables by the ends of their names, and one line for each thing that is doubtful or not there."""
    earlier, base = read_earlier(params), read_base(params, list(load_info(params.study).languages))
    first = two.Side(params.retest.study, earlier.base, earlier.families)
    second = two.Side(params.study, base, read_families(base.X))
    common = two.shared(first, second)
    if len(common) < two.FEWEST_SHARED:
        return {}, [
            f"retest: {params.study} shares {len(common)} benchmarks with {first.name}, {two.FEWEST_SHARED} needed"
        ]
    wide = base.X.reindex(columns=list(earlier.base.X))
    placed = place(earlier.space, wide, read_stderr(wide, earlier.space.stderr), params.stability.level, 0)
    tables = {"_places": two.places_table(first, earlier.scores, second.name, placed)}
    lines = two.doubts(earlier.base.X[common], wide[common], first.name, (earlier.protocols, read_protocols()))
    if earlier.found is None:
        return tables, [*lines, f"retest: study {first.name} has no {FILE}"]
    tables[""], tables["_criteria"], tables["_axes"] = two.retest(first, second, earlier.found, params.stability)
    return tables, lines


def main() -> None:
    """Read both studies, judge, write."""
    params = load_params()
    tables, lines = run(params) if params.retest.study not in {"", params.study} else ({}, [])
    for end, columns in COLUMNS.items():
        write_table(f"retest{end}", tables.get(end, pd.DataFrame(columns=columns)))
    write_skipped("retest", lines)


if __name__ == "__main__":
    run_stage(main)
