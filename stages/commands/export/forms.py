"""The state in the forms that others read: records of Every Eval Ever, tables as CSV, Parquet and LaTeX."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from stages.commands.export.crate import Exported, authors, checked, pack, time_of
from stages.commands.export.eee import Record, Source, as_text, detailed, records, sample_rows
from stages.commands.export.latex import as_latex
from stages.commands.export.tables import frames, pages
from stages.commands.snapshot import Snapshot, opened
from stages.contracts.errors import InputError, raise_all
from stages.workspace import paths
from stages.workspace.facts import load_info, read_fact
from stages.workspace.files import read_parquet, replacing, replacing_folder, write_text
from stages.workspace.outputs import read_claims
from stages.workspace.progress import working
from stages.workspace.results import load_results, tables_beyond

FORMS = ("eee", "csv", "parquet", "latex")


@dataclass(frozen=True)
class Written:
    """Result of `export`.

    Attributes:
        state: Digest of the state.
        crate: The crate, where one was asked for.
        folders: Each folder to the names of the files in it.
    """

    state: str
    crate: Exported | None
    folders: Mapping[Path, Sequence[str]]
    ok: ClassVar[bool] = True

    def text(self) -> Iterator[str]:
        """Yield a line for the crate and for each folder."""
        if self.crate is not None:
            yield from self.crate.text()
        for folder, names in self.folders.items():
            yield f"{folder}: state {self.state}, {len(names)} files"

    def content(self) -> Mapping[str, Any]:
        """Return the same, with the names of the files in the folders."""
        crate = {} if self.crate is None else self.crate.content()
        return {
            **crate,
            "state": self.state,
            "folders": {str(folder): names for folder, names in self.folders.items()},
        }


def write(
    crate: Path | None, folders: Mapping[str, Path], rev: str | None = None, *, samples: bool = False
) -> Written:
    """Write the state in one or several forms.

    Args:
        crate: Zip file for the crate; None for none.
        folders: Form, of `FORMS`, to the folder it goes to.
        rev: Version of the repository; None for the workspace.
        samples: Whether crate and records come with the answers of evaluations.

    Raises:
        InputError: Nothing is asked for, a folder cannot be written to, or the files are not those of dvc.lock.
    """
    if crate is None and not folders:
        raise InputError([f"nothing to write: name --ro-crate, --{', --'.join(FORMS)}, or several of them"])
    raise_all([*_unfit(crate, folders)])
    exported = None
    written: dict[Path, Sequence[str]] = {}
    with opened(rev) as snapshot, working("exporting", 1 + (crate is not None) + len(folders)) as step:
        step.next("comparing files with dvc.lock")
        checked(snapshot)
        # another revision than the workspace lies in a folder of its own, which is the current one
        if crate is not None:
            step.next(str(crate))
            exported = Exported(crate, snapshot.digest, pack(snapshot, snapshot.root / crate, samples=samples))
        for form, folder in folders.items():
            step.next(str(folder))
            place = snapshot.root / folder
            names = _records(snapshot, place, samples=samples) if form == "eee" else _tables(snapshot, form, place)
            written[folder] = list(names)
        return Written(snapshot.digest, exported, written)


def _unfit(crate: Path | None, folders: Mapping[str, Path]) -> Iterator[str]:
    """Yield what keeps a crate or folders from being written, one line each."""
    if crate is not None and not crate.absolute().parent.is_dir():
        yield f"{crate}: there is no folder {crate.parent}"
    for form, folder in folders.items():
        if not folder.absolute().parent.is_dir():
            yield f"{folder}: there is no folder {folder.parent}"
        elif form == "eee" and folder.exists() and any(folder.iterdir()):
            yield f"{folder}: not empty, and records of two states would mix: name a new folder for --eee"


def source_of(snapshot: Snapshot) -> Source:
    """Return what the records of a state are made of."""
    study = snapshot.params.study
    info = load_info(study)
    people = list(authors(study))
    houses = dict.fromkeys(one.affiliation or one.name for one in people)
    cells = read_parquet(paths.CELLS)
    files = {model_id: paths.EVALUATIONS / model_id / "provenance.json" for model_id in cells["model_id"].unique()}
    return Source(
        study=study,
        info=info,
        organization="; ".join(houses) or info.citation,
        state=snapshot.digest,
        time=time_of(snapshot),
        models=read_parquet(paths.MODELS),
        benchmarks=read_fact("benchmarks"),
        cells=cells,
        provenance={
            name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()
        },
        tools=_tools(),
    )


def _tools() -> dict[tuple[str, str], str]:
    """Return the tools of imported scores by model and benchmark; none in states from before there were imports."""
    if not (paths.FACTS / "imports.parquet").is_file():
        return {}
    imports = read_fact("imports")
    return dict(zip(zip(imports["model_id"], imports["benchmark"], strict=True), imports["tool"], strict=True))


def _records(snapshot: Snapshot, folder: Path, *, samples: bool) -> Iterator[str]:
    with replacing_folder(folder) as beside:
        for record in records(source_of(snapshot)):
            yield from write_record(beside, record, _answers(record) if samples else {})


def _answers(record: Record) -> dict[str, Callable[[], pd.DataFrame]]:
    """Return a reader of the answers behind each result of a record, by benchmark."""
    names = [result["evaluation_name"] for result in record.content["evaluation_results"]]
    files = {name: paths.EVALUATIONS / record.model_id / "samples" / f"{name}.parquet" for name in names}
    own = record.origin == "evaluated"
    return {name: partial(pd.read_parquet, file) for name, file in files.items() if own and file.is_file()}


def write_record(folder: Path, record: Record, answers: Mapping[str, Callable[[], pd.DataFrame]]) -> Iterator[str]:
    """Write a record with its answers below a folder, and yield the names of the files.

    Args:
        folder: Where data/ goes.
        record: What to write.
        answers: Reader of the answers to each benchmark; none for a record without answers.
    """
    name, place = record.name, folder / record.folder
    place.mkdir(parents=True, exist_ok=True)
    content = record.content
    if answers:
        rows, digest = 0, hashlib.sha256()
        with (place / f"{name}_samples.jsonl").open("wb") as file:
            for benchmark, read in answers.items():
                for row in sample_rows(record, benchmark, read()):
                    line = json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
                    file.write(line)
                    digest.update(line)
                    rows += 1
        content = {**content, "detailed_evaluation_results": detailed(record, name, rows, digest.hexdigest())}
        yield f"{record.folder}/{name}_samples.jsonl"
    (place / f"{name}.json").write_text(as_text(content), encoding="utf-8")
    yield f"{record.folder}/{name}.json"


def _tables(snapshot: Snapshot, form: str, folder: Path) -> Iterator[str]:
    results, claims = load_results(snapshot.params), read_claims()
    if form == "latex":
        level = snapshot.params.stability.level
        texts = {name: as_latex(one) for name, one in pages(results, tables_beyond(), level, claims).items()}
        for name, text in texts.items():
            write_text(folder / f"{name}.tex", text)
            yield f"{name}.tex"
        return
    for name, frame in frames(results, claims).items():
        if form == "csv":
            write_text(folder / f"{name}.csv", frame.to_csv(index=False, float_format="%.15g", lineterminator="\n"))
        else:
            with replacing(folder / f"{name}.parquet") as beside:
                frame.to_parquet(beside, index=False)
        yield f"{name}.{form}"
