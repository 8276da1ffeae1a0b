"""YAML files as frozen models: unknown names and silent conversions refused, every problem a line."""

from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.contracts.errors import InputError

Text = Annotated[str, Field(min_length=1)]


class Frozen(BaseModel):
    """Frozen model that refuses unknown fields and silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


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
