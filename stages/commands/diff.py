"""`observatory diff`: what changed between two states, and which numbers moved because of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from stages.commands.snapshot import Snapshot, opened
from stages.commands.verify.report import TABLES
from stages.commands.verify.values import told
from stages.lineage.causes import causes
from stages.lineage.differences import Difference, record_differences, table_differences
from stages.lineage.git import Revision
from stages.lineage.graph import Graph
from stages.lineage.pipeline import flatten
from stages.workspace import paths
from stages.workspace.files import read_text
from stages.workspace.outputs import read_metrics

DATA = "data/"
SHOWN = 40
"""Lines of each part that are shown unless all are asked for."""


@dataclass(frozen=True)
class Numbers:
    """What one version holds, read while it was open.

    Attributes:
        revision: Which version.
        study_file: Path and text of study.yaml.
        graph: Its files and stages.
        code: Path to md5 of its code.
        params: Dotted name to value.
        facts: File of metadata/ to its rows, all as text.
        tables: Output file to its rows.
        metrics: Metrics file to its contents.
        missing: Outputs that cannot be read here.
    """

    revision: Revision
    study_file: tuple[str, str]
    graph: Graph
    code: Mapping[str, str]
    params: Mapping[str, object]
    facts: Mapping[str, pd.DataFrame]
    tables: Mapping[str, pd.DataFrame]
    metrics: Mapping[str, Mapping[str, object]]
    missing: Mapping[str, str]


@dataclass(frozen=True)
class Moved:
    """A number that differs.

    Attributes:
        file: Where it stands.
        difference: Place and both values.
        causes: What changed of what it depends on.
    """

    file: str
    difference: Difference
    causes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Result of `diff`.

    Attributes:
        params: Parameters that differ.
        facts: Cells of the study's tables that differ, by file.
        code: Files of code that differ, with both md5s.
        data: Outputs and evaluations that differ, with both md5s.
        moved: Numbers that differ, largest change first.
        other: Texts that differ, and rows, columns and values that only one version has.
        missing: What could not be compared, one line each.
        shown: Lines of each part to print, None for all.
        page: Where the page was written that shows both; empty where none was asked for.
    """

    params: Sequence[Difference]
    facts: Sequence[tuple[str, Difference]]
    code: Sequence[Difference]
    data: Sequence[Difference]
    moved: Sequence[Moved]
    other: Sequence[Moved]
    missing: Sequence[str] = ()
    shown: int | None = None
    page: str = ""
    ok: ClassVar[bool] = True

    def text(self) -> Iterator[str]:
        """Yield every part, at most `shown` lines of each."""
        facts = [f"{file}: {d.place}: {told(d.first)} -> {told(d.second)}" for file, d in self.facts]
        yield from _part(
            "parameters", [f"{d.place}: {told(d.first)} -> {told(d.second)}" for d in self.params], self.shown
        )
        yield from _part("facts", facts, self.shown)
        yield from _part(
            "code", [f"{d.place}: md5 {told(d.first)} -> {told(d.second)}" for d in self.code], self.shown
        )
        yield from _part(
            "data", [f"{d.place}: md5 {told(d.first)} -> {told(d.second)}" for d in self.data], self.shown
        )
        yield from _part("numbers, largest change first", [_told(item) for item in self.moved], self.shown)
        yield from _part("other results", [_told(item) for item in self.other], self.shown)
        yield from (f"not compared: {line}" for line in self.missing)
        yield from filter(None, (self.page and f"page: {self.page}",))

    def content(self) -> Mapping[str, Any]:
        """Return every part whole."""
        return {
            "params": [d._asdict() for d in self.params],
            "facts": [{"file": file, **difference._asdict()} for file, difference in self.facts],
            "code": [d._asdict() for d in self.code],
            "data": [d._asdict() for d in self.data],
            **{
                name: [{"file": m.file, **m.difference._asdict(), "causes": m.causes} for m in moved]
                for name, moved in (("numbers", self.moved), ("other", self.other))
            },
            "not_compared": self.missing,
            **({"page": self.page} if self.page else {}),
        }


def read(snapshot: Snapshot) -> Numbers:
    """Read everything that is compared."""
    graph = snapshot.graph
    outs = [path for path, (name, _) in graph.outs.items() if name not in {"report", "track"}]
    files = [
        file for path in outs for file in snapshot.tree.files(path) if not file.startswith(str(paths.EVALUATIONS))
    ]
    study_file = paths.study_folder(snapshot.params.study) / "study.yaml"
    return Numbers(
        revision=snapshot.revision,
        study_file=(str(study_file), read_text(study_file)),
        graph=graph,
        code={file: snapshot.tree.md5(file) for file in snapshot.tree.files("stages")},
        params=dict(flatten("", snapshot.raw_params)),
        facts={
            file: pd.read_csv(file, dtype=str, keep_default_na=False)
            for file in snapshot.tree.files(str(paths.METADATA / snapshot.params.study))
            if file.endswith(".csv")
        },
        tables={file: TABLES[Path(file).suffix](Path(file)) for file in files if Path(file).suffix in TABLES},
        metrics={file: read_metrics(Path(file).stem) for file in files if file.startswith(f"{paths.METRICS}/")},
        missing=snapshot.missing,
    )


def compare(first: Numbers, second: Numbers) -> Comparison:
    """Compare two versions."""
    params = list(record_differences(first.params, second.params))
    facts = [
        (file, difference)
        for file in sorted({*first.facts, *second.facts})
        for difference in table_differences(
            first.facts.get(file, pd.DataFrame()), second.facts.get(file, pd.DataFrame())
        )
    ]
    code = list(record_differences({"": first.code}, {"": second.code}))
    why = causes(first.graph, second.graph)
    found = [
        Moved(file, difference, why.get(file, ()))
        for file in sorted({*first.metrics, *second.metrics})
        for difference in record_differences(first.metrics.get(file, {}), second.metrics.get(file, {}))
    ]
    found += [
        Moved(file, difference, why.get(file, ()))
        for file in sorted(first.tables.keys() & second.tables.keys())
        for difference in table_differences(first.tables[file], second.tables[file])
    ]
    moved = sorted((item for item in found if isfinite(item.difference.size)), key=lambda m: -m.difference.size)
    other = [item for item in found if not isfinite(item.difference.size)]
    missing = [
        f"{path} (md5 {md5}) is not in the cache: `dvc fetch --all-commits`"
        for numbers in (first, second)
        for path, md5 in numbers.missing.items()
    ]
    return Comparison(params, facts, code, _data(first.graph, second.graph), moved, other, missing)


def _data(first: Graph, second: Graph) -> list[Difference]:
    """Return the data that differ: what evaluations and stages wrote before any analysis."""
    ours, theirs = (
        {path: entry.md5 for path, (_, entry) in graph.outs.items() if path.startswith(DATA)}
        for graph in (first, second)
    )
    return [
        Difference(path, ours.get(path), theirs.get(path))
        for path in sorted({*ours, *theirs})
        if ours.get(path) != theirs.get(path)
    ]


def read_both(rev1: str, rev2: str) -> tuple[Numbers, Numbers]:
    """Read two versions of the repository.

    Args:
        rev1: Version of the repository; `workspace` for the files as they are.
        rev2: Likewise.

    Raises:
        InputError: There is no such version.
    """
    with opened(rev1) as snapshot:
        first = read(snapshot)
    with opened(rev2) as snapshot:
        return first, read(snapshot)


def diff(rev1: str, rev2: str, shown: int | None = SHOWN) -> Comparison:
    """Compare two versions of the repository, see `read_both`.

    Args:
        rev1: A version.
        rev2: Another.
        shown: Lines of each part to print, None for all.
    """
    return replace(compare(*read_both(rev1, rev2)), shown=shown)


def _told(item: Moved) -> str:
    place, first, second = item.difference
    because = f"  because of {', '.join(item.causes)}" if item.causes else ""
    return f"{item.file}: {place}: {told(first)} -> {told(second)}{because}"


def _part(title: str, lines: Sequence[str], limit: int | None) -> Iterator[str]:
    if not lines:
        yield f"{title}: none changed"
        return
    yield f"{title}: {len(lines)} changed"
    yield from (f"  {line}" for line in lines[:limit])
    if limit is not None and len(lines) > limit:
        yield f"  ... and {len(lines) - limit} more: `--all`"
