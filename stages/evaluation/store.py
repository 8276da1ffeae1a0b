"""Finished units of a model, kept as they finish and found again by their key."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from stages.evaluation.harness import run as harness
from stages.evaluation.unit import Unit
from stages.lineage import cache as dvcstate
from stages.lineage import state
from stages.lineage.pipeline import load_yaml, locked_stages
from stages.workspace import paths
from stages.workspace.files import read_text, replacing_folder


@dataclass(frozen=True)
class Store:
    """Finished units of a model, a folder each.

    Attributes:
        folder: Of the model.
    """

    folder: Path

    def path(self, unit: Unit) -> Path:
        """Return where a unit is kept."""
        return self.folder / unit.benchmark / unit.key[:16]

    def has(self, unit: Unit) -> bool:
        """Return whether a unit is finished."""
        return self.path(unit).is_dir()

    def put(self, unit: Unit, result: harness.UnitResult) -> None:
        """Keep a result, as a whole or not at all."""
        with replacing_folder(self.path(unit)) as beside:
            result.answers.to_parquet(beside / "answers.parquet", index=False)
            write_json(beside / "score.json", result.score)
            write_json(beside / "provenance.json", result.provenance)

    def score(self, unit: Unit) -> dict[str, Any]:
        """Return the score of a finished unit."""
        return read_json(self.path(unit) / "score.json")

    def provenance(self, unit: Unit) -> dict[str, Any]:
        """Return where the result of a finished unit comes from."""
        return read_json(self.path(unit) / "provenance.json")

    def sweep(self) -> None:
        """Remove what a killed process left unfinished."""
        for rest in (*self.folder.glob("*/.*"), *self.folder.glob(".*/")):
            shutil.rmtree(rest)

    def recover(self, units: Sequence[Unit], model_id: str) -> None:
        """Take the units that the last evaluation known to dvc.lock has under the same key, from DVC's cache."""
        lock = locked_stages(load_yaml(read_text(paths.LOCK)), {}) if paths.LOCK.is_file() else {}
        stage = lock.get(f"evaluate@{model_id}")
        if stage is None:
            return
        cache = dvcstate.Cache(dvcstate.cache_folder(state.root()))
        files, missing = cache.contents(stage.outs[0])
        if missing:
            return
        here = {path.removeprefix(f"{stage.outs[0].path}/"): cache.path(md5) for path, md5 in files.items()}
        scores, provenance = read_json(here["scores.json"]), read_json(here["provenance.json"])
        for unit in units:
            known = provenance["benchmarks"].get(unit.benchmark, {})
            if known.get("key") == unit.key:
                answers = pd.read_parquet(here[f"samples/{unit.benchmark}.parquet"])
                self.put(unit, harness.UnitResult(scores[unit.benchmark], answers, known))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON as the files of an evaluation have it."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
