"""study.yaml: what a study is about and the choices that belong to its subject, not to the analysis."""

from typing import Annotated, Any, get_args, get_origin

from pydantic import Field, ValidationError

from stages.contracts.errors import InputError
from stages.contracts.params import describe
from stages.contracts.yaml_models import Frozen, Text, parse_yaml, validation_lines


class TokenRule(Frozen):
    """Share of a language in the training tokens of the models from scratch that match every field given."""

    language: Text
    """Language code."""
    share: Annotated[float, Field(ge=0, le=1)]
    """Its share of all tokens, 0 to 1."""
    family: Text | None = None
    """Family of the models, as in models.csv."""
    group: Text | None = None
    """Group of the models, as in models.csv."""
    source: Text
    """Where the share is stated."""


class StudyInfo(Frozen):
    """Contents of study.yaml."""

    title: Text
    """Title of the study."""
    citation: Text
    """How the scores are to be cited."""
    licence: Text
    """Licence of the scores."""
    languages: Annotated[dict[str, str], Field(min_length=1)]
    """Language code to name, in the order figures and tables use."""
    groups: Annotated[dict[str, str], Field(min_length=1)]
    """Value of the column `group` of models.csv to its label."""
    continual_language: Text | None = None
    """Language code of all tokens that a continual model adds to its base, where the study has such a rule."""
    anchors: dict[str, str] = Field(default_factory=dict)
    """Component (`PC2`) to the benchmark on which it is oriented positive; others on their largest loading."""
    readings: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    """Component to the raw scores that it is shown against: label to the benchmarks averaged."""
    import_rule: Text | None = None
    """Which of several imported scores of one cell counts: `newest`, or a tool such as `lm-eval 0.4.13`."""
    token_rules: list[TokenRule] = Field(default_factory=list)
    """Shares from which blank token counts are derived and printed ones checked."""


def field_rows() -> list[tuple[str, str, str, str]]:
    """Return field, what it holds, whether it may be left out and its meaning, for the reference of study.yaml."""
    fields = {**StudyInfo.model_fields, **{f"token_rules[].{n}": f for n, f in TokenRule.model_fields.items()}}
    return [
        (name, words_for(field.annotation), "" if field.is_required() else "yes", describe(field))
        for name, field in fields.items()
    ]


def words_for(kind: Any, end: str = "") -> str:  # noqa: ANN401 (a type as Python writes it)
    """Return what a field of a type holds, in words, with the `end` of a plural where there are several."""
    parts = [part for part in get_args(kind) if part is not type(None)]
    if get_origin(kind) is dict:
        return f"mapping{end} of names to {words_for(parts[1], 's')}"
    if get_origin(kind) is list:
        return f"list{end} of {words_for(parts[0], 's')}"
    if parts:
        return words_for(parts[0], end)
    return {str: "text", float: "number", TokenRule: "rule"}[kind] + end


def load_study(text: str, where: str) -> StudyInfo:
    """Parse study.yaml.

    Args:
        text: Contents of the file.
        where: Path to show in messages.

    Raises:
        InputError: The file is not a YAML mapping, or a field is missing, unknown or of the wrong type.
    """
    raw = parse_yaml(text, where)
    try:
        return StudyInfo.model_validate(raw)
    except ValidationError as error:
        rules = len(raw.get("token_rules") or ()) if isinstance(raw.get("token_rules"), list) else 0
        known = {f"token_rules.{place}": list(TokenRule.model_fields) for place in range(rules)}
        known[""] = list(StudyInfo.model_fields)
        raise InputError(validation_lines(error, where, known)) from None
