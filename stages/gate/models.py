"""Checks of the model table: units, token sums, base models, token rules."""

import re
from collections.abc import Sequence

import pandas as pd

from stages.analysis.scaling.budgets import (
    Disagreement,
    derive_tokens,
    disagreements,
    token_column,
    token_range_problems,
)
from stages.contracts.params import BudgetParams
from stages.contracts.study.info import StudyInfo
from stages.contracts.study.tables import models_table
from stages.gate.expectations import Suite, models_expectations
from stages.gate.findings import MODEL_CHECKS, Finding, Judgement, Severity

NAME_FACTOR = 10.0
"""A parameter count this many times off the size in the model's name is no rounding."""
SIZE = re.compile(r"(?<![\d.])(?:(\d+)x)?(\d+(?:\.\d+)?)(b|m)(?![a-z])", re.IGNORECASE)


def size_from_name(name: str) -> float | None:
    """Return the parameter count that a model name states, in billions, or None.

    A mixture such as 8x7B counts as 7: active parameters lie between one and all experts.
    """
    match = SIZE.search(name)
    if match is None:
        return None
    return float(match[2]) * (1e-3 if match[3].lower() == "m" else 1.0)


def judge_models(models: pd.DataFrame, info: StudyInfo, params: BudgetParams, folder: str) -> Judgement:
    """Judge the model table of a study: the gate in front of the budgets.

    Args:
        models: models.csv, indexed by model_id, with types as read.
        info: study.yaml: languages, groups and token rules.
        params: Section `budget`.
        folder: Of the study, to show in messages.
    """
    languages = list(info.languages)
    derived, words = derive_tokens(models, languages, info.token_rules, info.continual_language)
    found = disagreements(models, derived, words, params.tolerance)
    frame, table = models.reset_index(), models_table(languages, list(info.groups))
    return Judgement(
        table="models",
        findings=tuple(check_models(models, languages, found, params.typical_factor, f"{folder}/models.csv")),
        checks=MODEL_CHECKS,
        suite=Suite("models", frame, models_expectations(table, list(frame.columns))),
    )


def check_models(
    models: pd.DataFrame,
    languages: Sequence[str],
    found: Sequence[Disagreement],
    typical_factor: float,
    where: str,
) -> list[Finding]:
    """Check the model table of a study.

    Args:
        models: models.csv, indexed by model_id, with types as read.
        languages: Language codes; their token columns are checked.
        found: Printed token counts that disagree with the rules.
        typical_factor: Factor from the median of the study above or below which a count is a likely unit error.
        where: Path to show in messages.
    """
    findings = unit_findings(models, typical_factor, where)
    findings += token_findings(models, languages, where)
    findings += [
        Finding("tokens", "error", model_id, "", f"{where}: {text}")
        for model_id, text in token_range_problems(models, languages)
    ]
    findings += base_findings(models, languages, where)
    for item in found:
        off = max(item.printed, item.derived) / max(min(item.printed, item.derived), 1e-9)
        unit = off >= NAME_FACTOR
        fix = ": looks like a likely unit error, write billions of tokens" if unit else "; the printed value is used"
        message = f"{where}: {item.line()}{fix}"
        severity: Severity = "error" if unit else "warning"
        findings.append(Finding("token_rules", severity, item.model_id, "", message))
    return findings


def unit_findings(models: pd.DataFrame, typical_factor: float, where: str) -> list[Finding]:
    """Compare parameters and total tokens with the model's name and with the median of the study."""
    findings = []
    for column, unit in (("active_params_b", "billions of parameters"), ("tokens_total_b", "billions of tokens")):
        typical = models[column].median()
        for model_id, value in models[column].dropna().items():
            named = size_from_name(str(model_id)) if column == "active_params_b" else None
            if named and not named / NAME_FACTOR < value < named * NAME_FACTOR:
                why = f"the name says {named:g}"
            elif not typical / typical_factor < value < typical * typical_factor:
                why = f"the median of the study is {typical:g}"
            else:
                continue
            message = f"{where}: {column} of {model_id} is {value:g}, but {why}: looks like another unit, write {unit}"
            findings.append(Finding("units", "error", str(model_id), "", message))
    return findings


def token_findings(models: pd.DataFrame, languages: Sequence[str], where: str) -> list[Finding]:
    """Check that the languages' tokens add up to at most the total."""
    columns = [token_column(language) for language in languages]
    total = models["tokens_total_b"]
    known = models[columns].fillna(0.0).sum(axis=1)
    return [
        Finding(
            "tokens",
            "error",
            str(model_id),
            "",
            f"{where}: {' + '.join(columns)} of {model_id} is {known[model_id]:g}, more than tokens_total_b "
            f"{total[model_id]:g}: one of them is wrong",
        )
        for model_id in models.index[known > total * (1 + 1e-9)]
    ]


def base_findings(models: pd.DataFrame, languages: Sequence[str], where: str) -> list[Finding]:
    """Check base models: named where needed, known, and with no more tokens than what was trained from them."""
    findings = []
    for model_id, model in models.iterrows():
        for severity, text in base_problems(str(model_id), model, models, languages):
            findings.append(Finding("base_models", severity, str(model_id), "", f"{where}: {text}"))
    return findings


def base_problems(
    name: str, model: pd.Series, models: pd.DataFrame, languages: Sequence[str]
) -> list[tuple[Severity, str]]:
    """Return severity and text of what is wrong with the base model of one model."""
    base_id = str(model["base_model_id"])
    if model["construction"] == "scratch":
        text = f"{name} is built from scratch but names the base model {base_id}: empty the cell"
        return [("error", text)] if base_id else []
    if not base_id:
        return [("error", f"{name} is continual but names no base model: fill base_model_id")]
    if base_id == name:
        return [("error", f"{name} names itself as base model")]
    if base_id in models.index:
        base = models.loc[base_id]
        return [
            (
                "error",
                f"{column} of {name} is {model[column]:g}, less than {base[column]:g} of its base model {base_id}: "
                "add the base model's tokens",
            )
            for column in ("tokens_total_b", *map(token_column, languages))
            if model[column] < base[column]
        ]
    meant = {str(known).strip().casefold(): str(known) for known in models.index}.get(base_id.strip().casefold())
    if meant:
        return [("error", f"base_model_id of {name} is {base_id!r}: write {meant}")]
    return [("warning", f"base model {base_id} of {name} is not in the table: its tokens are not checked")]
