"""A digest of the code that decides what a benchmark's score is: its task, how it is run, and on which backend.

python -m stages.evaluation.code_digest [--backend hf|vllm]
"""

import argparse
import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stages.contracts.study.model_options import SERVERS
from stages.tasks.registry import TASKS

ROOT = Path(__file__).parents[2]
HARNESS = "stages.evaluation.harness"
BACKENDS = {"hf": f"{HARNESS}.hf", "vllm": f"{HARNESS}.vllm", **dict.fromkeys(SERVERS, f"{HARNESS}.server")}
CORE = ("stages.tasks.docs", "stages.tasks.outcomes", f"{HARNESS}.run", f"{HARNESS}.records")
"""Where every benchmark begins: its items, the run, the outcome of answers."""

OWN = ("stages.evaluation.lm_tasks", f"{HARNESS}.own_outcomes")
"""Where a task that is not of the registry is found and read beside these."""

_SANDBOX = "stages.sandbox"
_ROOMS = ("stages.tasks", HARNESS, _SANDBOX)
_FETCHING = tuple(f"stages.tasks.{name}" for name in ("checksums", "downloading", "fetching", "files", "sources"))
_APART = ("stages.tasks.registry", *_FETCHING, OWN[1], *BACKENDS.values())
"""What is not followed: the list of all benchmarks, the fetching of files, which have digests of their own, what
reads other tasks, and backends that are not used."""
_NAMED = re.compile(r"!function (stages[\w.]*)\.\w+")


def task_digest(benchmark: str, backend: str) -> str:
    """Return the SHA-256 of what decides a benchmark's score besides model, data and settings.

    That is its YAML, all that the module of its family and the harness import, and one backend. Comments,
    docstrings and the layout of code do not count.

    Args:
        benchmark: A name of the registry.
        backend: A key of `BACKENDS`.
    """
    return _installed().digest(benchmark, backend)


def harness_digest(backend: str) -> str:
    """Return the SHA-256 of the code that decides the score of a task that is not of the registry.

    Args:
        backend: A key of `BACKENDS`.
    """
    return _installed().own_digest(backend)


def task_digests(backend: str) -> dict[str, str]:
    """Return benchmark to digest, for all of the registry."""
    return {name: task_digest(name, backend) for name in TASKS}


@dataclass(frozen=True)
class Part:
    """A module: the names of those it imports, and a digest of its own code."""

    needs: frozenset[str]
    meaning: str


@cache
def _installed() -> "Code":
    return Code(ROOT)


class Code:
    """The code below a folder, each file read once.

    Args:
        root: Folder that has the package `stages`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._parts: dict[str, Part] = {}

    def digest(self, benchmark: str, backend: str) -> str:
        """Return the digest of a benchmark; see `task_digest`."""
        yaml = self.root / "stages/tasks" / f"{benchmark}.yaml"
        texts = {path.name: path.read_text(encoding="utf-8") for path in (yaml, *_templates(yaml))}
        named = _NAMED.findall("\n".join(texts.values()))
        modules = self.closure([*CORE, TASKS[benchmark].build.__module__, *named, BACKENDS[backend]])
        content = [texts, {name: self._part(name).meaning for name in modules}]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def own_digest(self, backend: str) -> str:
        """Return the digest of the code for other tasks; see `harness_digest`."""
        modules = self.closure([*CORE, *OWN, BACKENDS[backend]])
        content = {name: self._part(name).meaning for name in modules}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def closure(self, roots: Iterable[str]) -> list[str]:
        """Return the modules of tasks, harness and sandbox that some modules need, they included, in order."""
        found: set[str] = set()
        waiting = list(roots)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._part(name).needs
        return sorted(found)

    def _part(self, name: str) -> Part:
        if name not in self._parts:
            tree = ast.parse(self._path(name).read_text(encoding="utf-8"))
            needs = frozenset(self._needs(name, tree)) - set(_APART)
            self._parts[name] = Part(needs, hashlib.sha256(_meaning(tree).encode()).hexdigest())
        return self._parts[name]

    def _needs(self, name: str, tree: ast.Module) -> Iterator[str]:
        if name.startswith(_SANDBOX):
            # its parts run each other as programs
            yield from (f"{_SANDBOX}.{path.stem}" for path in (self.root / "stages/sandbox").glob("[!_]*.py"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                yield from (each for each in names if each.startswith(_ROOMS) and self._path(each).is_file())

    def _path(self, name: str) -> Path:
        return self.root / f"{name.replace('.', '/')}.py"


def _templates(yaml: Path) -> Iterator[Path]:
    """Yield the files that a task's YAML includes."""
    for line in yaml.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "include":
            yield yaml.parent / value.strip()


def _meaning(tree: ast.Module) -> str:
    """Return code without what does not change what it does."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def main() -> None:
    """Print benchmark and digest, one line each."""
    parser = argparse.ArgumentParser(prog="python -m stages.evaluation.code_digest")
    parser.add_argument("--backend", choices=list(BACKENDS), default="hf")
    digests = task_digests(parser.parse_args().backend)
    sys.stdout.writelines(f"{name} {digest}\n" for name, digest in digests.items())


if __name__ == "__main__":
    main()
