"""Raw files of imported scores against the hashes in imports.csv."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stages.commands.snapshot import Snapshot
from stages.commands.verify.report import Report
from stages.contracts.rows import rows_of
from stages.contracts.study.facts import Facts
from stages.intake.outcomes import sha256
from stages.workspace.imports import SEPARATOR, dvc_file
from stages.workspace.progress import each


class _Row(NamedTuple):
    file: str
    sha256: str
    samples: str


def check_imports(snapshot: Snapshot, facts: Facts, report: Report) -> None:
    """Compare every raw file that is here with the hash by which imports.csv names it.

    Args:
        snapshot: Version of the repository.
        facts: Tables of the study.
        report: Receives what is found.
    """
    stated = dict(_raw_files(facts))
    here = {name: digest for name, digest in stated.items() if Path(name).is_file()}
    record = dvc_file(snapshot.params.study)
    for name, digest in each(here.items(), "raw files", lambda pair: Path(pair[0]).name):
        actual = sha256(Path(name))
        if not actual.startswith(digest):
            fix = f"`dvc checkout {record}` restores it"
            report.add([f"{name}: sha256 {actual}, imports.csv has {digest}: the raw file changed, {fix}"])
    if stated:
        report.count("raw files", len(here))
    if missing := len(stated) - len(here):
        report.notes.append(f"{missing} raw files of imports.csv are not here: `dvc pull {record}` gets them")


def _raw_files(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield each raw file, and its SHA-256 or the beginning of it that names its folder."""
    for row in rows_of(facts.imports, _Row):
        yield row.file, row.sha256
        yield from ((name, Path(name).parent.name) for name in row.samples.split(SEPARATOR) if name)
