"""study.yaml: what a study is about and the choices that belong to its subject, not to the analysis."""

from typing import Annotated

from pydantic import Field, ValidationError

from stages.contracts.errors import InputError
from stages.contracts.yaml_models import Frozen, Text, parse_yaml, validation_lines


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
    anchors: dict[str, str] = Field(default_factory=dict)
    readings: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    token_rules: list[TokenRule] = Field(default_factory=list)


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
