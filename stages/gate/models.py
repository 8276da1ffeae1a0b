"""Checks of the model table: names, sizes, units, token sums, base models, token rules."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from stages.analysis.scaling.budgets import (
    Disagreement,
    derive_tokens,
    disagreements,
    token_column,
    token_range_problems,
)
from stages.contracts.names import listed
from stages.contracts.params import BudgetParams
from stages.contracts.rows import texts
from stages.contracts.study.info import StudyInfo
from stages.contracts.study.sizes import Sizes, sizes_from_name
from stages.contracts.study.tables import models_table
from stages.gate.expectations import Suite, models_expectations
from stages.gate.findings import MODEL_CHECKS, Finding, Judgement, Severity
from stages.gate.waivers import unmatched, waive

NAME_FACTOR = 10.0
"""A parameter count this many times off the size in the model's name is not due to rounding."""
SPARSEST = 100.0
"""No mixture has this many times more parameters in all than it has active."""
FEW = 3
"""Fewer models than this say nothing about the unit of a whole column."""
ACTIVE, TOTAL, TOKENS = "active_params_b", "total_params_b", "tokens_total_b"


def judge_models(
    models: pd.DataFrame, waivers: pd.DataFrame, info: StudyInfo, params: BudgetParams, folder: str
) -> Judgement:
    """Judge the model table of a study: the gate in front of the budgets.

    Args:
        models: models.csv, indexed by model_id, with types as read.
        waivers: waivers.csv.
        info: study.yaml: languages, groups and token rules.
        params: Section `budget`.
        folder: Folder of the study, to show in messages.
    """
    languages = list(info.languages)
    derived, words = derive_tokens(models, languages, info.token_rules, info.continual_language)
    differences = disagreements(models, derived, words, params.tolerance)
    frame, table = models.reset_index(), models_table(languages, list(info.groups))
    found = check_models(models, languages, differences, params.typical_factor, f"{folder}/models.csv")
    present = {(name, benchmark) for name in texts(models.index) for benchmark in waivers["benchmark"]}
    stale = unmatched(found, present, waivers, f"{folder}/waivers.csv", list(MODEL_CHECKS))
    return Judgement(
        table="models",
        findings=(*waive(found, waivers), *stale),
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
    findings = [*name_findings(models, where), *unit_findings(models, typical_factor, where)]
    findings += size_findings(models, where)
    findings += token_findings(models, languages, where)
    findings += [
        Finding("tokens", "error", model_id, "", f"{where}: {text}", kind="range")
        for model_id, text in token_range_problems(models, languages)
    ]
    findings += base_findings(models, languages, where)
    return [*findings, *(rule_finding(item, where) for item in found)]


def rule_finding(item: Disagreement, where: str) -> Finding:
    """Report a printed token count that disagrees with the rules; by a large factor, it is in another unit."""
    off = max(item.printed, item.derived) / max(min(item.printed, item.derived), 1e-9)
    unit = off >= NAME_FACTOR
    fix = ": looks like a likely unit error, write billions of tokens" if unit else "; the printed value is used"
    severity: Severity = "error" if unit else "warning"
    return Finding("token_rules", severity, item.model_id, "", f"{where}: {item.line()}{fix}", kind=fix)


def name_findings(models: pd.DataFrame, where: str) -> Iterator[Finding]:
    """Name the models that share the name by which figures identify them."""
    for name, twins in models.groupby("name", sort=False).groups.items():
        first, *others = texts(twins)
        if others:
            text = (
                f"{where}: {listed([first, *others])} share the name {name!r}: figures cannot tell them apart, give "
            )
            yield Finding("names", "warning", others[0], "", f"{text}each its own")


class _Size(NamedTuple):
    """What is known of the parameters of one model, in billions; NaN where nothing is."""

    model_id: str
    active: float
    total: float
    named: Sizes


def _sizes(models: pd.DataFrame) -> list[_Size]:
    total = models.get(TOTAL, pd.Series(math.nan, models.index))
    sizes = []
    for name, shown, active, all_of_it in zip(texts(models.index), models["name"], models[ACTIVE], total, strict=True):
        named = sizes_from_name(name)
        sizes.append(_Size(name, active, all_of_it, named if named != Sizes() else sizes_from_name(str(shown))))
    return sizes


def unit_findings(models: pd.DataFrame, typical_factor: float, where: str) -> list[Finding]:
    """Name the parameters and total tokens that are in another unit, by names, medians and tokens per parameter."""
    slips, ratios = slip_findings(models, typical_factor, where), ratio_findings(models, where)
    # where most tokens are in another unit, the median says nothing of the few others
    whole = any(finding.severity == "error" for finding in ratios)
    slips = [finding for finding in slips if not (whole and finding.kind == TOKENS)]
    told = {finding.model_id for finding in slips}
    return [*slips, *(finding for finding in ratios if finding.model_id not in told)]


def slip_findings(models: pd.DataFrame, typical_factor: float, where: str) -> list[Finding]:
    """Compare parameters and total tokens with the model's name and with the median of the study."""
    sizes = _sizes(models)
    doubts = [(size.model_id, TOTAL, size.total, _wrong_total(size)) for size in sizes]
    doubts += [(size.model_id, ACTIVE, size.active, _wrong_active(size)) for size in sizes]
    doubts += [(name, TOKENS, value, "") for name, value in zip(texts(models.index), models[TOKENS], strict=True)]
    typical = {name: float(models[name].median()) for name in (ACTIVE, TOTAL, TOKENS) if name in models}
    findings = []
    for model_id, column, value, why in doubts:
        if why is None or math.isnan(value):
            continue
        middle = typical[column]
        if not why and middle / typical_factor < value < middle * typical_factor:
            continue
        because, unit = why or f"the median of the study is {middle:g}", "tokens" if column == TOKENS else "parameters"
        text = f"{column} of {model_id} is {value:g}, but {because}: looks like another unit, write billions of {unit}"
        findings.append(Finding("units", "error", model_id, "", f"{where}: {text}", kind=column))
    return findings


def _wrong_total(size: _Size) -> str | None:
    """Return what all parameters of a model contradict, None where they agree, nothing where there is no measure."""
    return _off(size.total, size.named.total, NAME_FACTOR, "the name says")


def _wrong_active(size: _Size) -> str | None:
    """Return the same of its active parameters: of a mixture they may be a small part of all."""
    a, named, given = size.active, size.named, not math.isnan(size.total)
    if named.active is not None and (named.active != named.total or not given):
        why = _off(a, named.active, NAME_FACTOR, "the name says")
        part = named.active == named.total and why and named.active / SPARSEST < a < named.active
        return f"{why} (of a mixture give total_params_b, too)" if part else why
    whole = size.total if given and not _wrong_total(size) else named.total
    return _off(a, whole, SPARSEST if whole and a < whole else NAME_FACTOR, "there are in all")


def _off(value: float, measure: float | None, factor: float, words: str) -> str | None:
    if measure is None or math.isnan(measure):
        return ""
    return None if math.isnan(value) or measure / factor < value < measure * factor else f"{words} {measure:g}"


def ratio_findings(models: pd.DataFrame, where: str) -> list[Finding]:
    """Name the models with fewer tokens than parameters; where most have, the whole column is in another unit."""
    parameters = models.get(TOTAL, pd.Series(math.nan, models.index)).fillna(models[ACTIVE])
    known = models[parameters.notna() & models[TOKENS].notna()]
    counts = zip(texts(known.index), known[TOKENS], parameters[known.index], strict=True)
    few = [(name, f"{t:g} billion tokens for {n:g} billion parameters") for name, t, n in counts if t < n]
    if len(few) >= max(FEW, len(known) / 2):
        text = (
            f"{where}: {TOKENS} is less than one token per parameter for {len(few)} of {len(known)} models, such as "
            f"{few[0][0]} ({few[0][1]}): looks like another unit, write billions of tokens"
        )
        return [Finding("units", "error", "", "", text, kind="tokens per parameter")]
    return [
        Finding(
            "units", "warning", name, "", f"{where}: {name} has {said}, less than one each: check both", kind="few"
        )
        for name, said in few
    ]


def size_findings(models: pd.DataFrame, where: str) -> Iterator[Finding]:
    """Name the models of which no size is known, and those with more parameters active than there are."""
    for name, active, total, _ in _sizes(models):
        if math.isnan(active):
            text = f"{where}: {ACTIVE} of {name} is not known: analyses of budgets leave the model out"
            yield Finding("sizes", "warning", name, "", text, kind="unknown")
        elif total * (1 + 1e-9) < active < total * NAME_FACTOR:
            text = f"{where}: {ACTIVE} of {name} is {active:g}, more than {TOTAL} {total:g}: one of them is wrong"
            yield Finding("sizes", "error", name, "", text, kind="active")


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
    meant = {name.strip().casefold(): name for name in texts(models.index)}
    return [
        Finding("base_models", severity, str(model_id), "", f"{where}: {text}", kind=kind)
        for model_id, model in models.iterrows()
        for severity, kind, text in base_problems(str(model_id), model, models, languages, meant)
    ]


def base_problems(
    name: str, model: pd.Series, models: pd.DataFrame, languages: Sequence[str], meant: Mapping[str, str]
) -> list[tuple[Severity, str, str]]:
    """Return severity, kind and text of what is wrong with the base model of one model.

    Args:
        name: model_id.
        model: Its row.
        models: models.csv, indexed by model_id.
        languages: Language codes.
        meant: model_id without case to model_id.
    """
    base_id = str(model["base_model_id"])
    if model["construction"] == "scratch":
        text = (
            f"{name} is built from scratch but names the base model {base_id}: empty base_model_id, or write continual"
        )
        return [("error", "scratch", text)] if base_id else []
    if not base_id:
        return [
            ("error", "none", f"{name} is continual but names no base model: fill base_model_id, or write scratch")
        ]
    if base_id == name:
        return [("error", "itself", f"{name} names itself as base model")]
    if base_id in models.index:
        base = models.loc[base_id]
        return [
            (
                "error",
                column,
                f"{column} of {name} is {model[column]:g}, less than {base[column]:g} of its base model {base_id}: "
                "add the base model's tokens",
            )
            for column in (TOKENS, *map(token_column, languages))
            if model[column] < base[column]
        ]
    if known := meant.get(base_id.strip().casefold()):
        return [("error", "spelling", f"base_model_id of {name} is {base_id!r}: write {known}")]
    text = f"base model {base_id} of {name} is not in the table: its tokens are not checked"
    return [("warning", "elsewhere", text)]
