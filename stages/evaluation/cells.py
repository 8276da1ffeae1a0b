"""Finished units of a model, a folder each, and what went wrong with the others: all that a worker knows of a store.

The folder may be on a disk that many machines share. What is published there appears as a whole, by one renaming.
"""

import json
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.evaluation.unit import Unit
from stages.workspace.files import write_text

if TYPE_CHECKING:
    import pandas as pd

    from stages.evaluation.harness.run import UnitResult

LOG = ".log"
"""Name of the file that has what workers of a model printed."""


@dataclass(frozen=True)
class Cells:
    """Finished units of a model.

    Attributes:
        folder: Folder of the model.
    """

    folder: Path

    def path(self, unit: Unit) -> Path:
        """Return where a unit is kept."""
        return self.folder / unit.benchmark / unit.key[:16]

    def has(self, unit: Unit) -> bool:
        """Return whether a unit is finished."""
        return self.path(unit).is_dir()

    def put(self, unit: Unit, result: "UnitResult") -> None:
        """Keep a result, as a whole or not at all; the first one where two have the same key."""
        if not self.has(unit):
            self._put(self.path(unit), result.score, result.answers, result.provenance)
        self._failed(unit).unlink(missing_ok=True)

    @staticmethod
    def _put(path: Path, score: Mapping[str, Any], answers: "pd.DataFrame", provenance: Mapping[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
            new = Path(beside, "new")
            new.mkdir()
            answers.to_parquet(new / "answers.parquet", index=False)
            write_json(new / "score.json", score)
            write_json(new / "provenance.json", provenance)
            try:
                new.replace(path)
            except OSError:
                # another process may have kept it in between: what others read now stays where it is
                if not path.is_dir():
                    raise

    def score(self, unit: Unit) -> dict[str, Any]:
        """Return the score of a finished unit."""
        return read_json(self.path(unit) / "score.json")

    def provenance(self, unit: Unit) -> dict[str, Any]:
        """Return where the result of a finished unit comes from."""
        return read_json(self.path(unit) / "provenance.json")

    def lease(self, unit: Unit) -> Path:
        """Return the file that says who works on a unit."""
        return lease_of(self.path(unit))

    @property
    def whole(self) -> Path:
        """The file that says who puts all units together."""
        return self.folder / ".lease"

    @property
    def leases(self) -> list[Path]:
        """All such files that there are."""
        return self._matching(".lease", "*/.*.lease")

    def fail(self, unit: Unit, lines: Sequence[str]) -> None:
        """Keep why a unit did not finish, for whoever asks."""
        content = {"lines": list(lines), "host": socket.gethostname()}
        write_text(self._failed(unit), json.dumps(content, ensure_ascii=False))

    def failures(self) -> list[str]:
        """Return why units did not finish the last time, one line each, with benchmark and machine."""
        return [
            f"{path.parent.name}: {line} (on {content['host']})"
            for path in self._matching("*/.*.failed")
            if (content := read_if_there(path))
            for line in content["lines"]
        ]

    def finished(self) -> dict[str, Path]:
        """Return benchmark to the provenance of a unit of it that is finished, whatever its key."""
        found = [path for path in self._matching("*/*/provenance.json") if not path.parent.name.startswith(".")]
        return {path.parent.parent.name: path for path in found}

    def forgive(self, unit: Unit) -> None:
        """Forget why a unit did not finish: it is tried again."""
        self._failed(unit).unlink(missing_ok=True)

    def _matching(self, *patterns: str) -> list[Path]:
        """Return the files that match a pattern; none where the folder is removed in this moment."""
        try:
            return sorted(path for pattern in patterns for path in self.folder.glob(pattern))
        except FileNotFoundError:
            return []

    def _failed(self, unit: Unit) -> Path:
        path = self.path(unit)
        return path.with_name(f".{path.name}.failed")


def lease_of(place: Path) -> Path:
    """Return the file that says who works on the unit that is kept at a place."""
    return place.with_name(f".{place.name}.lease")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON in the layout of an evaluation's files."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def read_if_there(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote; nothing where it is not there, or no longer."""
    try:
        return read_json(path)
    except FileNotFoundError:
        return {}
