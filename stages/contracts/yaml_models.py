"""YAML files as frozen models: unknown names and silent conversions refused, every problem a line."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from stages.contracts.errors import InputError
from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import Names, label, shown

KIND = re.compile(r"(constrained-)?(str|int|float|bool)|(literal|list|dict|nullable)\[.*\]|\[key\]")
"""Of a path in pydantic's words what names a kind of value and no field."""

EXPECTED = {
    "literal_error": "{expected}",
    "string_too_short": "a text that is not empty",
    "too_short": "at least {min_length} of them",
    "string": "a text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "number": "a number",
    "list": "a list",
    "dict": "a mapping of names to values",
    "model": "a mapping of names to values",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
}
"""Beginning of pydantic's name for what is wrong to what belongs there, the more special ones first."""

Text = Annotated[str, Field(min_length=1)]


class Frozen(BaseModel):
    """Frozen model that refuses unknown fields and silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


def validation_lines(error: ValidationError, where: str, known: Mapping[str, Sequence[str]]) -> list[str]:
    """Turn a pydantic error into one line per field: what was found there, and what belongs there.

    The same field of several entries, wrong in the same way, is one line.

    Args:
        error: Raised by a model.
        where: Path to show.
        known: Section to the names that it may have; "" is the top level.
    """
    fields: dict[tuple[str, ...], list[ErrorDetails]] = {}
    for item in error.errors():
        # each kind of value that a field may have fails on its own, with its kind at the end of the path
        path = [str(part) for part in item["loc"] if not KIND.fullmatch(str(part))]
        fields.setdefault(tuple(path), []).append(item)
    problems = []
    for parts, items in fields.items():
        name, line = ".".join(parts) or "top level", _line(parts, items, known)
        problems.append(OfKind(f"{where}: {name}{line}", (len(parts), parts[-1:], items[0]["type"]), name))
    return one_line_each(problems)


def _line(path: Sequence[str], items: Sequence[ErrorDetails], known: Mapping[str, Sequence[str]]) -> str:
    """Return what is wrong with one field, to follow its name."""
    kind, value = items[0]["type"], items[0]["input"]
    if kind == "extra_forbidden":
        names = Names(known.get(".".join(path[:-1]), ()))
        others = f": known here: {', '.join(names.known)}" if names.known else ": delete it"
        return f" is unknown{names.hint(path[-1]) or others}"
    if kind == "missing":
        return " is missing: add it"
    if kind == "value_error" and isinstance(value, dict):
        return f": {items[0]['ctx']['error']}"
    if value is None or value in ([], {}):
        found = "empty"
    elif isinstance(value, (list, dict)):
        found = "a list" if isinstance(value, list) else "a mapping of names to values"
    else:
        found = shown(value) if isinstance(value, str) else label(str(value))
    return f" is {found}, expected {' or '.join(dict.fromkeys(map(_expected, items)))}"


def _expected(item: ErrorDetails) -> str:
    """Return what belongs in a field."""
    context = item.get("ctx", {})
    if item["type"] == "value_error":
        return str(context["error"])
    for kind, words in EXPECTED.items():
        if item["type"].startswith(kind):
            return words.format_map({name: str(value).removesuffix(".0") for name, value in context.items()})
    return item["msg"][0].lower() + item["msg"][1:]


def parse_yaml(text: str, where: str) -> dict[str, Any]:
    """Parse a YAML mapping.

    Raises:
        InputError: The text is not YAML, or its top level is not a mapping.
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
