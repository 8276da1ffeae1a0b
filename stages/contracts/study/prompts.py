"""prompts.yaml: the wording of instructions where a study brings its own. A study may do without the file.

The project words the instructions of seven benchmarks itself. A study that may use the original text puts it here:

    niilc:
      preamble: ...
      instruction: ...
    mmlu:
      header: ... {subject} ...
"""

from collections.abc import Iterator, Mapping

from stages.contracts.errors import InputError
from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import Names
from stages.contracts.yaml_models import parse_yaml

FILE = "prompts.yaml"

Wording = Mapping[str, str]
"""Name of a part of a prompt to its text."""

_INSTRUCTED = ("preamble", "instruction")
PARTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("jcommonsenseqa", "jemhopqa", "niilc", "jsquad", "jmmlu"), _INSTRUCTED),
    "xlsum_ja": ("instruction",),
    "mmlu": ("header",),
}
"""Benchmark to the parts of its prompts that can be reworded."""
SUBJECT = "{subject}"
"""What stands for the subject in a header of MMLU."""


def parse_prompts(text: str, where: str) -> dict[str, dict[str, str]]:
    """Parse prompts.yaml.

    Args:
        text: Contents of the file.
        where: Path to show in messages.

    Returns:
        Benchmark to part to text, without whitespace around it.

    Raises:
        InputError: A benchmark or part is unknown or missing, or a part is not text; all are named.
    """
    raw = parse_yaml(text, where)
    problems = [
        OfKind(f"{where}: {name}: {phrase}", phrase, str(name))
        for name, parts in raw.items()
        for phrase in _problems(name, parts)
    ]
    if problems:
        raise InputError(one_line_each(problems))
    return {str(name): {str(part): str(value).strip() for part, value in parts.items()} for name, parts in raw.items()}


def _problems(name: object, parts: object) -> Iterator[str]:
    if name not in PARTS:
        hint = Names(PARTS).hint(str(name))
        yield f"its prompts have no wording to replace{hint}; known: {', '.join(PARTS)}"
        return
    wanted = PARTS[str(name)]
    if not isinstance(parts, dict) or set(parts) != set(wanted):
        yield f"expected {' and '.join(wanted)}, each with its text"
        return
    for part, value in parts.items():
        if not isinstance(value, str) or not value.strip():
            yield f"{part} is not text"
        elif part == "header" and SUBJECT not in value:
            yield f"{part} lacks {SUBJECT}, which stands for the name of the subject"
