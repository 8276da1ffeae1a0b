"""A digest of the code that decides what a benchmark's score is: its task, and how it is run."""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from stages.tasks.registry import BENCHMARKS, TASKS_DIR


@cache
def task_digest(benchmark: str) -> str:
    """Return the SHA-256 of what a task consists of: its YAML files, and the code of all tasks and of this harness.

    Comments, docstrings and the layout of code do not count.

    Args:
        benchmark: A name of the registry.
    """
    yaml = TASKS_DIR / f"{benchmark}.yaml"
    texts = {path.name: path.read_text(encoding="utf-8") for path in (yaml, *_templates(yaml))}
    here = Path(__file__).parent
    code = [*TASKS_DIR.glob("*.py"), Path(__file__), here / "unit.py", *(here / "harness").glob("*.py")]
    if BENCHMARKS[benchmark].runs_code:
        code += (here.parent / "sandbox").glob("*.py")
    content = [texts, {_place(path): _meaning(path) for path in sorted(code)}]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def task_digests() -> dict[str, str]:
    """Return benchmark to digest, for all of the registry."""
    return {name: task_digest(name) for name in BENCHMARKS}


def _templates(yaml: Path) -> Iterator[Path]:
    """Yield the files that a task's YAML includes."""
    for line in yaml.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "include":
            yield yaml.parent / value.strip()


def _place(path: Path) -> str:
    """Return folder and name of a file: two folders have a file of one name."""
    return f"{path.parent.name}/{path.name}"


@cache
def _meaning(path: Path) -> str:
    """Return code without what does not change what it does."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
