"""The state as one file that can be deposited and checked without the repository."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from stages.commands.snapshot import Snapshot
from stages.commands.verify.files import check_files, check_lock
from stages.commands.verify.report import Report
from stages.contracts.errors import raise_all
from stages.lineage.cache import manifest_bytes
from stages.lineage.crate import MANIFESTS, Contents, Description, Person, is_sample, write_crate
from stages.lineage.git import commit_time, remote_url
from stages.lineage.pipeline import flatten, load_yaml
from stages.workspace import paths
from stages.workspace.facts import load_info
from stages.workspace.files import read_text

TOP = ("dvc.lock", "params.yaml", ".dvcignore", "pyproject.toml", "requirements.lock", "LICENSE", "README.md")
"""Files at the top that are not a dependency of any stage, where they exist."""
LICENCES = {"MIT": "https://spdx.org/licenses/MIT"}


@dataclass(frozen=True)
class Exported:
    """A crate that was written.

    Attributes:
        file: What was written.
        state: Digest of the state.
        files: How many files of it are in there.
    """

    file: Path
    state: str
    files: int

    def text(self) -> Iterator[str]:
        """Yield one line."""
        yield f"{self.file}: state {self.state}, {self.files} files"

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        return {"file": self.file, "state": self.state, "files": self.files}


def pack(snapshot: Snapshot, target: Path, *, samples: bool) -> int:
    """Write a state as a Workflow Run RO-Crate, and return how many files of it are in there.

    Args:
        snapshot: The state, `checked`.
        target: Zip file to write, absolute.
        samples: Whether the answers of evaluations go in as well.
    """
    contents = _contents(snapshot, samples=samples)
    write_crate(target, _description(snapshot), contents)
    return len(contents.files)


def checked(snapshot: Snapshot) -> None:
    """Check that all files of a snapshot are those of its dvc.lock.

    Raises:
        InputError: Some are not, so that there is no state to export.
    """
    report = Report()
    check_lock(snapshot, report)
    check_files(snapshot, report)
    raise_all(report.mismatches)


def time_of(snapshot: Snapshot) -> str:
    """Return when a state was reached, ISO 8601: when it was committed, else when its run ended, else 1970."""
    if snapshot.revision.commit:
        return commit_time(snapshot.root, snapshot.revision.commit)
    runs = [run for run in snapshot.runs() if run.status == "FINISHED"]
    return _iso(runs[0].ended if runs else 0)


def _contents(snapshot: Snapshot, *, samples: bool) -> Contents:
    entries = snapshot.graph.entries.values()
    found = {file for entry in entries for file in snapshot.tree.files(entry.path)}
    # no facts, but what whoever gets the state reads first
    top = (*TOP, f"{paths.METADATA}/{snapshot.params.study}/README.md")
    found |= {str(paths.PIPELINE), *(name for name in top if (snapshot.folder / name).is_file())}
    files = sorted(file for file in found if samples or not is_sample(file))
    folders = {entry.md5: snapshot.tree.manifest(entry.path) for entry in entries if entry.is_folder}
    extra = {
        f"{MANIFESTS}/files/md5/{md5[:2]}/{md5[2:]}": manifest_bytes(listed) for md5, listed in sorted(folders.items())
    }
    inputs = [f"{paths.METADATA}/{snapshot.params.study}", "stages"]
    inputs += [path for path in (str(paths.EVALUATIONS),) if any(file.startswith(f"{path}/") for file in files)]
    tables = [str(paths.FACTS), "reports"]
    return Contents(snapshot.folder, str(paths.PIPELINE), inputs, tables, files, extra)


def _description(snapshot: Snapshot) -> Description:
    info = load_info(snapshot.params.study)
    revision = snapshot.revision
    project = tomllib.loads(read_text(Path("pyproject.toml")))["project"]
    runs = [run for run in snapshot.runs() if run.status == "FINISHED"]
    notes = f" with uncommitted changes to {len(revision.dirty)} files" if revision.dirty else ""
    licence = project.get("license", "")
    return Description(
        name=info.title,
        text=(
            f"State {snapshot.digest} of the study {snapshot.params.study}, subset {snapshot.params.subset}, from git "
            f"commit {revision.commit or 'none'}{notes}: facts, pipeline, parameters and results, with hashes."
        ),
        published=time_of(snapshot),
        licence=info.licence,
        code_licence=LICENCES.get(licence, f"https://spdx.org/licenses/{licence}"),
        citation=info.citation,
        authors=list(authors(snapshot.params.study)),
        digest=snapshot.digest,
        version=revision.commit,
        url=remote_url(snapshot.root),
        params=dict(flatten("", snapshot.raw_params)),
        tools=dict(_tools(project)),
        started=_iso(runs[0].started) if runs else "",
        ended=_iso(runs[0].ended) if runs else "",
    )


def authors(study: str) -> Iterator[Person]:
    """Yield the authors that study.yaml lists: names, or mappings with name, orcid and affiliation."""
    raw = load_yaml(read_text(paths.study_folder(study) / "study.yaml"))
    for item in raw.get("authors", []):
        if isinstance(item, Mapping):
            yield Person(str(item["name"]), str(item.get("orcid", "")), str(item.get("affiliation", "")))
        else:
            yield Person(str(item))


def _tools(project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the packages that the project names and their versions: those pinned, else those installed here."""
    pins = {}
    if Path("requirements.lock").is_file():
        lines = read_text(Path("requirements.lock")).splitlines()
        pins = {_plain(name): pin for name, _, pin in (line.partition("==") for line in lines) if pin}
    for requirement in project["dependencies"]:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        pinned = pins.get(_plain(name))
        try:
            yield name, pinned or version(name)
        except PackageNotFoundError:
            continue


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _iso(milliseconds: int | None) -> str:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC).isoformat(timespec="seconds")
