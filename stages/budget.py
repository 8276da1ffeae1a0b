"""Stage `budget`: parameters and token counts, checked, to training budgets ND per language.

Reads   data/study/models.parquet, metadata/<study>/study.yaml
Writes  data/models.parquet, reports/tables/findings_models.csv, reports/data_docs/budget/
"""

import pandas as pd

from stages.analysis.scaling import budgets
from stages.contracts.params import BudgetParams
from stages.contracts.study.info import StudyInfo
from stages.contracts.study.tables import models_table
from stages.gate import verdict
from stages.gate.data_docs import Suite
from stages.gate.expectations import models_expectations
from stages.gate.findings import MODEL_CHECKS, Finding
from stages.gate.models import check_models
from stages.workspace import paths
from stages.workspace.facts import load_info, load_params, read_fact
from stages.workspace.files import write_parquet
from stages.workspace.running import run_stage


def run(models: pd.DataFrame, info: StudyInfo, params: BudgetParams, where: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the models with budgets, and what the checks found.

    Args:
        models: models.csv, indexed by model_id.
        info: study.yaml: languages and token rules.
        params: Section `budget`.
        where: Path to show in messages.
    """
    languages = list(info.languages)
    derived, words = budgets.derive_tokens(models, languages, info.token_rules, info.continual_language)
    differences = budgets.differences(models, derived, words, params.tolerance)
    findings = check_models(models, languages, differences, params.typical_factor, where)
    return budgets.budgets(models, derived, languages), findings


def suite(models: pd.DataFrame, info: StudyInfo) -> Suite:
    """Return the expectations that the table declares, over the models as read."""
    frame = models.reset_index()
    table = models_table(list(info.languages), list(info.groups))
    return Suite("models", frame, models_expectations(table, list(frame.columns)))


def main() -> None:
    """Read, check, derive, write."""
    params = load_params()
    info = load_info(params.study)
    models = read_fact("models")
    table, findings = run(models, info, params.budget, str(paths.study_folder(params.study) / "models.csv"))
    verdict.decide("budget", [suite(models, info)], findings, MODEL_CHECKS, params)
    write_parquet(paths.MODELS, table)


if __name__ == "__main__":
    run_stage(main)
