"""The answers of a model to the items of a benchmark, value by value, from its own evaluation."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from stages.analysis.scores.cells import falling
from stages.workspace import paths
from stages.workspace.facts import read_fact


@dataclass(frozen=True)
class Samples:
    """The outcomes of a model's answers to one benchmark.

    Attributes:
        table: item (its id), value (its share of the score, 0 to 1), item_hash (of the item and its reference answer)
            and prompt_hash (of the prompt as sent); NaN and "" where they are not known.
        score: Score of the benchmark, in [0, 1].
        protocol: Metric, shots and kind of answer, in a line.
        data: SHA-256 of the data that the items are of, "" where it is not known.
        file: Where the answers are.
        falls: Whether a lower value is better.
    """

    table: pd.DataFrame
    score: float
    protocol: str
    data: str
    file: str
    falls: bool = False


class OwnAnswers:
    """The answers of own evaluations, as the stage `evaluate` leaves them."""

    @cached_property
    def _falling(self) -> set[str]:
        """Benchmarks on which less is better, by the facts that were read last."""
        return falling(read_fact("benchmarks")) if (paths.FACTS / "benchmarks.parquet").is_file() else set()

    def models(self) -> list[str]:
        """Return the models that have been evaluated here, sorted."""
        found = paths.EVALUATIONS.glob("**/scores.json")
        return sorted(path.parent.relative_to(paths.EVALUATIONS).as_posix() for path in found)

    def benchmarks(self, model_id: str) -> list[str]:
        """Return the benchmarks that a model has been evaluated on here, sorted."""
        return sorted(path.stem for path in (paths.EVALUATIONS / model_id / "samples").glob("*.parquet"))

    def read(self, model_id: str, benchmark: str) -> Samples | None:
        """Return a model's answers to a benchmark, None when it has none."""
        folder = paths.EVALUATIONS / model_id
        file = folder / "samples" / f"{benchmark}.parquet"
        if not file.is_file():
            return None
        answers = pd.read_parquet(file, columns=["item", "prompt_hash", "target", "value"])
        hashes = [_hash(pair) for pair in zip(answers["item"], answers["target"], strict=True)]
        table = answers[["item", "prompt_hash", "value"]].assign(item_hash=hashes)
        score = _read(folder / "scores.json")[benchmark]
        data = _read(folder / "provenance.json").get("benchmarks", {}).get(benchmark, {}).get("data", {})
        known, falls = str(data.get("sha256", "")), benchmark in self._falling
        return Samples(table, float(score["score"]), str(score["protocol"]), known, str(file), falls)


def _hash(parts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return content
