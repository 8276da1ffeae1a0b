"""Stage `scale`: log-linear laws of components and factors against training budgets.

Reads   reports/tables/{pca_scores,fa_scores}.csv, data/models.parquet
Writes  reports/tables/{scaling,skipped_scale}.csv, reports/metrics/scale.json
"""

import pandas as pd

from stages.analysis.scaling.laws import fit_all_laws, law_metrics
from stages.workspace import files as workspace


def main() -> None:
    """Read, fit, write."""
    params = workspace.load_params()
    pc_scores = workspace.read_table("pca_scores", index="model_id")
    factor_scores = workspace.read_table("fa_scores", index="model_id")
    models = workspace.read_parquet(workspace.MODELS)
    languages = list(workspace.load_info(params.study).languages)
    laws, skipped = fit_all_laws(pc_scores, factor_scores, models, languages, params.scale)
    columns = ["response", "language", "n", "rho", "slope", "intercept"]
    workspace.write_table("scaling", pd.DataFrame([vars(law) for law in laws], columns=columns))
    workspace.write_metrics("scale", law_metrics(laws))
    workspace.write_skipped("scale", skipped)


if __name__ == "__main__":
    workspace.run_stage(main)
