"""Stage `scale`: log-linear laws of components and factors against training budgets.

Reads   reports/tables/{pca_scores,fa_scores}.csv, data/models.parquet
Writes  reports/tables/{scaling,skipped_scale}.csv, reports/metrics/scale.json
"""

import pandas as pd

from stages.analysis.scaling.laws import fit_all_laws, law_metrics
from stages.workspace import paths
from stages.workspace.facts import load_info, load_params
from stages.workspace.files import read_parquet
from stages.workspace.outputs import read_table, write_metrics, write_skipped, write_table
from stages.workspace.running import run_stage


def main() -> None:
    """Read, fit, write."""
    params = load_params()
    pc_scores = read_table("pca_scores", index="model_id")
    factor_scores = read_table("fa_scores", index="model_id")
    models = read_parquet(paths.MODELS)
    languages = list(load_info(params.study).languages)
    laws, skipped = fit_all_laws(pc_scores, factor_scores, models, languages, params.scale)
    columns = ["response", "language", "n", "rho", "slope", "intercept"]
    write_table("scaling", pd.DataFrame([vars(law) for law in laws], columns=columns))
    write_metrics("scale", law_metrics(laws))
    write_skipped("scale", skipped)


if __name__ == "__main__":
    run_stage(main)
