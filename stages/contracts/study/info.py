"""study.yaml: what a study is about and the choices that belong to its subject, not to the analysis."""

from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.contracts.errors import InputError

Text = Annotated[str, Field(min_length=1)]


class Frozen(BaseModel):
    """Frozen model that refuses unknown fields and silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class TokenRule(Frozen):
    """Share of a language in the training tokens of some models.

    The rule holds for models built from scratch that match every field given.
    """

    language: Text
    share: Annotated[float, Field(ge=0, le=1)]
    family: Text | None = None
    group: Text | None = None
    source: Text


class StudyInfo(Frozen):
    """Contents of study.yaml.

    Attributes:
        languages: Language code to name, in the order figures and tables use.
        continual_language: Language code of all tokens that a continual model adds to its base, if the study
            has such a rule.
        groups: Value of the column `group` to its label.
        anchors: Component name (`PC2`) to the benchmark on which it is oriented positive.
        readings: Component name to the raw scores it is shown against: label to benchmarks averaged.
        token_rules: Shares from which token counts are derived.
    """

    title: Text
    citation: Text
    licence: Text
    languages: Annotated[dict[str, str], Field(min_length=1)]
    groups: Annotated[dict[str, str], Field(min_length=1)]
    continual_language: Text | None = None
    anchors: dict[str, str] = {}
    readings: dict[str, dict[str, list[str]]] = {}
    token_rules: list[TokenRule] = []


def validation_lines(error: ValidationError, where: str, known: dict[str, Any] | None = None) -> list[str]:
    """Turn a pydantic error into one line per problem, naming the field as in the YAML file."""
    lines = []
    for item in error.errors():
        field = ".".join(str(part) for part in item["loc"]) or "(top level)"
        value = "" if item["type"] in {"missing", "extra_forbidden"} else f", got {item['input']!r}"
        lines.append(f"{where}: {field}: {message(item, known or {})}{value}")
    return lines


def message(item: Any, known: dict[str, Any]) -> str:  # noqa: ANN401 (pydantic's ErrorDetails)
    """Return what is wrong in one field, with the known names where a name is wrong."""
    if item["type"] == "extra_forbidden":
        parent = ".".join(str(part) for part in item["loc"][:-1])
        names = known.get(parent)
        return "unknown name" + (f"; known here: {', '.join(names)}" if names else "")
    if item["type"] == "missing":
        return "missing"
    text: str = item["msg"]
    return text[0].lower() + text[1:]


def load_study(text: str, where: str) -> StudyInfo:
    """Parse study.yaml.

    Args:
        text: Contents of the file.
        where: Path to show in messages.

    Raises:
        InputError: The file is no YAML mapping or a field is missing, unknown or of the wrong type.
    """
    raw = parse_yaml(text, where)
    try:
        return StudyInfo.model_validate(raw)
    except ValidationError as error:
        known = {"": list(StudyInfo.model_fields)}
        raise InputError(validation_lines(error, where, known)) from None


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """Parse a YAML mapping.

    Raises:
        InputError: The text is no YAML, or its top level is no mapping.
    """
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise InputError([f"{where}:{place} is not valid YAML: {problem}"]) from None
    if not isinstance(raw, dict):
        raise InputError([f"{where}: expected a mapping of names to values at the top level"])
    return raw
