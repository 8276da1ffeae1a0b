"""Stage `scale`: log-linear laws of components and factors against training budgets.

Reads   reports/tables/{pca_scores,fa_scores}.csv, data/models.parquet
Writes  reports/tables/{scaling,skipped_scale}.csv, reports/metrics/scale.json
"""

from collections.abc import Sequence

import pandas as pd

from stages import workspace
from stages.analysis.scaling import TOTAL, Law, fit_laws, with_all_budgets
from stages.contracts.params import ScaleParams


def run(
    pc_scores: pd.DataFrame,
    factor_scores: pd.DataFrame,
    models: pd.DataFrame,
    languages: Sequence[str],
    params: ScaleParams,
) -> tuple[list[Law], list[str]]:
    """Fit the laws of components, then of factors.

    Args:
        pc_scores: (n_models, k) component scores.
        factor_scores: (n_models, m) factor scores; m may be 0.
        models: Indexed by model_id, with budgets.
        languages: Language codes.
        params: Section `scale`.

    Returns:
        The laws, and one line for each budget that could not be used.
    """
    budgets = [*languages, TOTAL]
    laws, skipped = fit_laws(pc_scores, models, budgets, params.min_models)
    if params.factor_models == "common":
        models = with_all_budgets(models, languages)
    of_factors, more = fit_laws(factor_scores, models, budgets, params.min_models)
    new = [line for line in more if line not in skipped] if factor_scores.shape[1] else []
    return [*laws, *of_factors], [*skipped, *new]


def metrics(laws: list[Law]) -> dict[str, dict[str, dict[str, float]]]:
    """Return {response: {language: {rho, n}}}."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for law in laws:
        result.setdefault(law.response, {})[law.language] = {"rho": law.rho, "n": law.n}
    return result


def main() -> None:
    """Read, fit, write."""
    params = workspace.load_params()
    pc_scores = workspace.read_table("pca_scores", index="model_id")
    factor_scores = workspace.read_table("fa_scores", index="model_id")
    models = workspace.read_parquet(workspace.MODELS)
    languages = list(workspace.load_info(params.study).languages)
    laws, skipped = run(pc_scores, factor_scores, models, languages, params.scale)
    columns = ["response", "language", "n", "rho", "slope", "intercept"]
    workspace.write_table("scaling", pd.DataFrame([vars(law) for law in laws], columns=columns))
    workspace.write_metrics("scale", metrics(laws))
    workspace.write_skipped("scale", skipped)


if __name__ == "__main__":
    workspace.run_stage(main)
