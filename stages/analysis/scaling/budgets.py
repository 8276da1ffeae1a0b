"""Training budgets ND per language, and token counts derived by rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stages.contracts.study.info import TokenRule

BILLION = 1e9


@dataclass(frozen=True)
class Disagreement:
    """A printed token count that disagrees with the rules.

    Attributes:
        model_id: Model.
        column: Token column, in billions.
        printed: Value of models.csv.
        derived: Value by the rules.
        rule: The rule in words.
    """

    model_id: str
    column: str
    printed: float
    derived: float
    rule: str

    def line(self) -> str:
        """Return the disagreement as one line."""
        counts = f"printed as {self.printed:g}, derived as {self.derived:g}"
        return f"{self.column} of {self.model_id} is {counts} ({self.rule})"


def token_column(language: str) -> str:
    """Return the column of models.csv that holds a language's tokens in billions."""
    return f"tokens_{language}_b"


def given_range(models: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series]:
    """Return the ends of a token count that models.csv gives as a range, NaN where it gives none."""
    missing = pd.Series(np.nan, models.index)
    return models.get(f"{column}_low", missing), models.get(f"{column}_high", missing)


def token_range_problems(models: pd.DataFrame, languages: Sequence[str]) -> list[tuple[str, str]]:
    """Return model_id and what is wrong of each range with one end, ends in the wrong order, or a count outside.

    Args:
        models: Indexed by model_id; `tokens_<l>_b_low` and `tokens_<l>_b_high` where the study gives ranges.
        languages: Language codes; `total` is one, too.
    """
    problems = []
    for column in map(token_column, (*languages, "total")):
        low, high = given_range(models, column)
        for model_id in models.index[low.notna() | high.notna()]:
            value, ends = models.loc[model_id, column], (low[model_id], high[model_id])
            if ends[0] <= ends[1] and (pd.isna(value) or ends[0] <= value <= ends[1]):
                continue
            what = "not known" if pd.isna(value) else f"{value:g}"
            text = f"{column} of {model_id} is {what} with the range {ends[0]:g} to {ends[1]:g}: give both ends, the "
            problems.append((str(model_id), text + "lower one first, and a value between them or none"))
    return problems


def derive_tokens(
    models: pd.DataFrame, languages: Sequence[str], rules: Sequence[TokenRule], continual_language: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Derive token counts by the study's rules.

    A model built from scratch has share x total tokens of a language. A continual model has the tokens of its
    base model; what its total adds to the base's counts as `continual_language` (Saito et al. 2024, A.3).

    Args:
        models: models.csv, indexed by model_id.
        languages: Language codes.
        rules: Shares; the first that fits a model and language holds.
        continual_language: Language of the continual part; None derives nothing for continual models.

    Returns:
        Derived counts in billions (NaN where no rule applies) and the rule in words, both (n_models, n_languages)
        with the token columns.
    """
    columns = [token_column(language) for language in languages]
    derived = pd.DataFrame(np.nan, models.index, columns)
    words = pd.DataFrame("", models.index, columns)
    for model_id, model in models[models["construction"] == "scratch"].iterrows():
        for language in languages:
            rule = _first_rule(rules, language, model)
            if rule is not None:
                derived.loc[model_id, token_column(language)] = rule.share * model["tokens_total_b"]
                words.loc[model_id, token_column(language)] = f"{100 * rule.share:g} % of the total, {rule.source}"
    if continual_language is None:
        return derived, words
    for model_id, model in models[models["construction"] == "continual"].iterrows():
        base_id = model["base_model_id"]
        if base_id not in models.index:
            continue
        base = models.loc[base_id]
        for language in languages:
            column = token_column(language)
            if language == continual_language:
                derived.loc[model_id, column] = base[column] + model["tokens_total_b"] - base["tokens_total_b"]
                words.loc[model_id, column] = f"tokens of {base_id} plus the continual part"
            else:
                derived.loc[model_id, column] = base[column]
                words.loc[model_id, column] = f"tokens of {base_id}"
    return derived, words


def _first_rule(rules: Sequence[TokenRule], language: str, model: pd.Series) -> TokenRule | None:
    for rule in rules:
        fits_family = rule.family is None or rule.family == model["family"]
        fits_group = rule.group is None or rule.group == model["group"]
        if rule.language == language and fits_family and fits_group:
            return rule
    return None


def disagreements(
    models: pd.DataFrame, derived: pd.DataFrame, words: pd.DataFrame, tolerance: float
) -> list[Disagreement]:
    """Return the printed counts that differ from the derived ones by more than a relative tolerance."""
    found = []
    for column in derived.columns:
        gap = (models[column] - derived[column]).abs()
        for model_id in models.index[gap > tolerance * derived[column].abs()]:
            printed, rule_value = float(models.loc[model_id, column]), float(derived.loc[model_id, column])
            found.append(Disagreement(str(model_id), column, printed, rule_value, str(words.loc[model_id, column])))
    return found


def budgets(models: pd.DataFrame, derived: pd.DataFrame, languages: Sequence[str]) -> pd.DataFrame:
    """Add budgets to the model table.

    A printed token count is used as it is. A blank one is the geometric mean of its range where models.csv gives one,
    the middle on the scale of the laws; else it is filled from the rules. Both are marked.

    Args:
        models: models.csv, indexed by model_id.
        derived: Counts by rule, from `derive_tokens`.
        languages: Language codes.

    Returns:
        The table with, per language, `tokens_<l>_origin` (published, range, derived, or empty where
        unknown) and
        `nd_<l>` = parameters x tokens in plain units, and `nd_total`.
    """
    table = models.copy()
    parameters = table["active_params_b"] * BILLION
    for language in languages:
        column = token_column(language)
        printed, middle = table[column].notna(), _middle(table, column)
        table[column] = table[column].fillna(middle).fillna(derived[column])
        known = np.where(middle.notna(), "range", np.where(table[column].notna(), "derived", ""))
        origin = np.where(printed, "published", known)
        table[f"tokens_{language}_origin"] = origin
        table[f"nd_{language}"] = parameters * table[column] * BILLION
    table["tokens_total_b"] = table["tokens_total_b"].fillna(_middle(table, "tokens_total_b"))
    table["nd_total"] = parameters * table["tokens_total_b"] * BILLION
    return table


def _middle(models: pd.DataFrame, column: str) -> pd.Series:
    low, high = given_range(models, column)
    return pd.Series(np.sqrt(low * high))
