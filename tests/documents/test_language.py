"""The words that a user or a developer reads: phrases that no native engineer would write stay out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stages.cli import COMMANDS, main
from stages.contracts.params import section_rows
from tests.documents.pages import pages
from tests.repository import ROOT

WORST = {
    r"paper against here": "published vs. reproduced",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"number format of the weights": "data type of the weights",
    r"prompts at a time": "batch size",
    r"is no UTF-8": "is not UTF-8",
    r"slip of (a )?unit": "likely unit error",
    r"unless told": "default",
    r"\btell whether\b": "return whether",
    r"the doctor for": "diagnosis of",
    r"is too much\b": "is unwanted",
    r"token for the beginning": "BOS token",
    r"\b(it|they|which|text|file|line|cell) (is|are) no (?!longer\b|more\b|better\b)\w": "is not",
    r"\b(it|they|cell|name|text) (is|are) none\b": "is not",
    r"\bno plain \w": "not a plain",
    r"\bat hand\b": "available",
    r"\bsaid of it\b": "said about it",
    r"\bas \w+ has it\b": "as in",
    r"\bwhat \w+( \w+)? came (of|to)\b": "result, outcome",
    r"\bfor who\b": "for readers who",
    r"\bso many\b": "this many",
    r"\bpassed over\b": "ignored, skipped",
    r"\b(one (row|column|object|sample|score|file) a \w|(tokens|requests) a (second|minute))": "per",
    r", a (line|paragraph) each\b": "one line each",
    r"\bbeside (budgets|the nineteen|its own)\b": "besides",
    r"\bhow far it is\b": "progress",
    r"\bof its liking\b": "that it supports",
    r"\bas far as\b": "where",
    r"\bbe had\b": "be available, be fetched",
    r"\bworth the name\b": "meaningful",
    r"\bnumber formats?\b": "data type",
}
"""Phrase to what is meant."""
OTHERS = (
    "Makefile",
    "CHANGELOG.md",
    "metadata/japanese-2024/README.md",
    "metadata/japanese-2026/README.md",
    "stages/tasks/README.md",
    "params.yaml",
)


def helps() -> dict[str, str]:
    """Return the help of every command, and the meanings of the parameters."""
    parent = click.Context(main, info_name="observatory")
    found = {"observatory": main.get_help(parent), "parameters": "\n".join(text for _, text in section_rows())}
    for name in COMMANDS:
        command = main.get_command(parent, name)
        assert command is not None
        found[name] = command.get_help(click.Context(command, info_name=name, parent=parent))
    return found


def texts() -> dict[str, str]:
    files: list[Path] = [*pages(), *(ROOT / name for name in OTHERS)]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files} | helps()


def found_in(text: str) -> list[str]:
    plain = " ".join(text.split())
    return [f"{m[0]!r}: write {meant!r}" for phrase, meant in WORST.items() for m in re.finditer(phrase, plain, re.I)]


def docstrings(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of each docstring of a module, those of attributes included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


@pytest.mark.parametrize("place", [".", *sorted(file.parent.name for file in (ROOT / "stages").glob("*/__init__.py"))])
def test_the_worst_phrases_stay_out_of_docstrings(place: str):
    files = sorted((ROOT / "stages").glob("*.py" if place == "." else f"{place}/**/*.py"))
    assert files
    found = {
        f"{file.relative_to(ROOT).as_posix()}:{line}": phrases
        for file in files
        for line, text in docstrings(file)
        if (phrases := found_in(text))
    }
    assert found == {}


@pytest.mark.parametrize(("name", "text"), texts().items(), ids=list(texts()))
def test_the_worst_phrases_stay_out(name: str, text: str):
    assert found_in(text) == []


def test_a_phrase_is_found_across_lines_and_whatever_its_case():
    assert found_in("This Mends\nit; 8 unless\n  told.") == ["'Mends': write 'fix'", "'unless told': write 'default'"]


def test_docstrings_of_modules_functions_and_attributes_are_read(tmp_path: Path):
    file = tmp_path / "module.py"
    file.write_text('"""One."""\n\nX = 1\n"""Two."""\n\n\ndef f():\n    """Three."""\n    return "no docstring"\n')
    assert sorted(docstrings(file)) == [(1, "One."), (4, "Two."), (8, "Three.")]


def test_the_glossary_has_the_terms_in_order():
    terms = re.findall(r"^\*\*(.+)\*\*$", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert terms == sorted(terms)
    assert {"state", "cell", "finding", "waiver", "unit", "protocol", "family", "budget"} <= set(terms)
