"""What is known of an imported score: the record in the raw file, and the answers behind it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from stages.commands.trace.records import Row, short
from stages.intake.archives import read_log, sample_rows
from stages.intake.jsons import read_lines
from stages.workspace.imports import SEPARATOR, dvc_file

LINE = re.compile(r"line (\d+)")


@dataclass(frozen=True)
class ImportEvidence:
    """A score of another tool.

    Attributes:
        row: Its row of imports.csv.
        record: What stands in the raw file at its place; None when the file is not here.
        samples: Some of the answers, as the raw files have them.
        absent: What is missing here and how to get it, one line each.
    """

    row: Row
    record: Any
    samples: Sequence[Mapping[str, Any]] = ()
    absent: Sequence[str] = ()

    def text(self) -> Iterator[str]:
        """Yield the record, where it stands, and the answers."""
        cells = self.row.cells
        when = cells["evaluated_at"] or "at an unknown time"
        yield f"imported: {self.row.place}: evaluated {when} by {cells['tool']}"
        yield f"record: {cells['file']}  sha256 {cells['sha256']}"
        found = "" if self.record is None else f": {short(json.dumps(self.record, ensure_ascii=False))}"
        yield f"  at {cells['place']}{found}"
        yield from (f"answers: {name}" for name in cells["samples"].split(SEPARATOR) if name)
        yield from self.absent
        for sample in self.samples:
            for i, (name, value) in enumerate(sample.items()):
                yield f"{'  ' if i else '- '}{name}: {short(value)}"

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        known = {"imported": self.row.content(), "record": self.record}
        return known | ({"samples": self.samples} if self.samples else {})


def import_evidence(row: Row, study: str, samples: int) -> ImportEvidence:
    """Return what is known of an imported score.

    Args:
        row: Its row of imports.csv.
        study: Its study.
        samples: Answers to show.
    """
    file, answers = Path(row.cells["file"]), [Path(name) for name in row.cells["samples"].split(SEPARATOR) if name]
    missing = [path for path in (file, *answers) if not path.is_file()]
    absent = [f"{path} is not here: `dvc pull {dvc_file(study)}` gets it" for path in missing]
    record = None if file in missing else record_at(file, row.cells["place"])
    here = (sample for path in answers if path not in missing for sample in sample_rows(path))
    return ImportEvidence(row, record, list(islice(here, samples)), absent)


def record_at(file: Path, place: str) -> Any:  # noqa: ANN401 (JSON)
    """Return what stands at a place of a raw file, None where there is no such place.

    Names may contain the sign that separates them: the longest that fits is taken.

    Args:
        file: JSON, or one object per line.
        place: JSON keys that lead to it, after `line N` where the file has one object per line.
    """
    keys = place.split("/")
    line = LINE.fullmatch(keys[0])
    if line:
        content: Any = next(islice(read_lines(file), int(line[1]) - 1, None), None)
        keys = keys[1:]
    else:
        content = read_log(file)
    while keys:
        for end in range(len(keys), 0, -1):
            found = _entry(content, "/".join(keys[:end]))
            if found is not None:
                content, keys = found, keys[end:]
                break
        else:
            return None
    return content


def _entry(content: Any, key: str) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(content, list):
        return content[int(key)] if key.isdigit() and int(key) < len(content) else None
    return content.get(key) if isinstance(content, dict) else None
