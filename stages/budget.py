"""Stage `budget`: parameters and token counts, checked, to training budgets ND per language.

Reads   data/study/{models,waivers}.parquet, metadata/<study>/study.yaml
Writes  data/models.parquet, reports/tables/findings_models.csv, reports/data_docs/budget/
"""

import pandas as pd

from stages.analysis.scaling import budgets
from stages.contracts.params import Params
from stages.gate import refusal, verdict
from stages.gate.findings import Judgement
from stages.gate.models import judge_models
from stages.workspace import paths
from stages.workspace.facts import load_info, read_fact
from stages.workspace.files import write_parquet
from stages.workspace.parameters import load_params
from stages.workspace.running import run_stage


def judged(params: Params) -> Judgement:
    """Judge the models of the current state."""
    info, folder = load_info(params.study), str(paths.study_folder(params.study))
    return judge_models(read_fact("models"), read_fact("waivers"), info, params.budget, folder)


def run(params: Params) -> pd.DataFrame:
    """Return the models of the current state with their budgets."""
    info, models = load_info(params.study), read_fact("models")
    languages = list(info.languages)
    derived, _ = budgets.derive_tokens(models, languages, info.token_rules, info.continual_language)
    return budgets.budgets(models, derived, languages)


def main() -> None:
    """Read, check, derive, write."""
    params = load_params()
    with refusal.logged(params):
        verdict.decide("budget", judged(params), params)
    write_parquet(paths.MODELS, run(params))


if __name__ == "__main__":
    run_stage(main)
