"""Stage `scale`: log-linear laws of components and factors against training budgets.

Reads   reports/tables/{pca_scores,fa_scores}.csv, data/models.parquet, and for the choice of headline numbers the
        study's claims and conclusions
Writes  reports/tables/{scaling,scaling_points,skipped_scale}.csv, reports/metrics/scale.json
"""

import pandas as pd

from stages.analysis.claims import claimed_laws
from stages.analysis.scaling.laws import Law, fit_all_laws, headline, law_points
from stages.workspace import paths
from stages.workspace.conclusions import read_conclusions
from stages.workspace.facts import load_info, read_fact
from stages.workspace.files import read_parquet
from stages.workspace.outputs import read_table, write_metrics, write_skipped, write_table
from stages.workspace.parameters import load_params
from stages.workspace.running import run_stage


def main() -> None:
    """Read, fit, write."""
    params = load_params()
    pc_scores = read_table("pca_scores", index="model_id")
    factor_scores = read_table("fa_scores", index="model_id")
    models = read_parquet(paths.MODELS)
    languages = list(load_info(params.study).languages)
    laws, skipped = fit_all_laws(pc_scores, factor_scores, models, languages, params.scale)
    write_table("scaling", pd.DataFrame(laws, columns=Law._fields))
    write_table("scaling_points", law_points(pc_scores, models, laws))
    found = read_conclusions(params, languages)
    named = [*(found.laws if found else []), *claimed_laws(list(read_fact("claims")["claim_id"]))]
    write_metrics("scale", headline(laws, named))
    write_skipped("scale", skipped)


if __name__ == "__main__":
    run_stage(main)
