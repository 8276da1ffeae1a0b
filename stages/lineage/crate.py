"""Workflow Run RO-Crates: one zip file with the files of a state, what made them and their hashes.

Profile: https://w3id.org/ro/wfrun/workflow/0.5, which builds on RO-Crate 1.1 and Workflow RO-Crate 1.0.
"""

import hashlib
import io
import json
import re
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from stages.lineage.archive import pack
from stages.lineage.cache import md5_of

VERSION = "1.1"
README = "README.md"
PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
TERMS = {name: f"https://w3id.org/ro/terms/workflow-run#{name}" for name in ("md5", "sha256")}
"""Terms of the Workflow Run vocabulary that RO-Crate 1.1 lacks."""
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".lock": "application/yaml",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".yaml": "application/yaml",
}
MANIFESTS = Path("manifests")
"""Folder of the crate with the lists of files behind each folder hash of dvc.lock, laid out as DVC's cache."""
SAMPLES = re.compile(r"data/evaluations/.+/samples/[^/]+")


@dataclass(frozen=True)
class Person:
    """An author.

    Attributes:
        name: In full.
        orcid: https://orcid.org/..., or "".
        affiliation: Name of an organisation, or "".
    """

    name: str
    orcid: str = ""
    affiliation: str = ""


@dataclass(frozen=True)
class Description:
    """What a crate says of a state.

    Attributes:
        name: Title of the study.
        text: What the crate is.
        published: Date of the state, ISO 8601.
        licence: Licence of the data, in words or as URL.
        code_licence: URL of the code's licence.
        citation: Citation of the study.
        authors: Authors of the study.
        digest: Name of the state.
        version: Commit.
        url: Where the repository is, or "".
        params: Dotted name to value.
        tools: Package to version.
        started: When the run began, ISO 8601, or "".
        ended: When it ended, likewise.
    """

    name: str
    text: str
    published: str
    licence: str
    code_licence: str
    citation: str
    authors: Sequence[Person]
    digest: str
    version: str
    url: str
    params: Mapping[str, Any]
    tools: Mapping[str, str]
    started: str = ""
    ended: str = ""


@dataclass(frozen=True)
class Contents:
    """The files of a crate.

    Attributes:
        folder: Where paths start.
        workflow: The pipeline's file.
        inputs: Folders that the workflow reads.
        outputs: Folders that it writes.
        files: Every file.
        extra: Further files, path in the crate to contents.
    """

    folder: Path
    workflow: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    files: Sequence[str]
    extra: Mapping[str, bytes]


def write_crate(target: Path, about: Description, contents: Contents) -> None:
    """Write a crate, the same bytes for the same state.

    Args:
        target: Zip file; replaced as a whole or not at all.
        about: What the metadata say.
        contents: What goes in.
    """
    with tempfile.TemporaryDirectory(prefix="observatory-") as name:
        folder = Path(name)
        with warnings.catch_warnings():
            # the library warns of entities that it does not list among the parts itself
            warnings.simplefilter("ignore")
            _fill(folder, about, contents)
        pack(folder, target)


def _fill(folder: Path, about: Description, contents: Contents) -> None:
    # an optional step of few users: its import is not for the others
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)
    crate.metadata.extra_terms.update(TERMS)

    def add(identifier: str, kind: str | list[str], **properties: Any) -> ContextEntity:  # noqa: ANN401 (JSON-LD)
        return crate.add(ContextEntity(crate, identifier, {"@type": kind, **properties}))

    root = crate.root_dataset
    workflow = _add_workflow(crate, add, about, contents)
    for path in contents.files:
        if path != contents.workflow:
            source = contents.folder / path
            properties = _file_properties(path, source.read_bytes())
            if path == README:
                properties["about"] = {"@id": "./"}
            crate.add_file(source, path, properties=properties)
    for path, data in contents.extra.items():
        crate.add_file(io.BytesIO(data), path, properties=_file_properties(path, data))
    _describe_root(crate, add, about)
    arguments = _parameters(add, about.params)
    inputs = [_folder(crate, path, contents.files) for path in contents.inputs]
    outputs = [_folder(crate, path, contents.files) for path in contents.outputs]
    workflow["input"] = [slot for slot, _ in arguments] + [_slot(add, item, "Dataset") for item in inputs]
    workflow["output"] = [_slot(add, item, "Dataset") for item in outputs]
    run = add(
        f"#run-{about.digest}",
        "CreateAction",
        name=f"Run of state {about.digest}",
        description=f"dvc repro, state {about.digest}",
        actionStatus="http://schema.org/CompletedActionStatus",
        **{key: value for key, value in (("startTime", about.started), ("endTime", about.ended)) if value},
    )
    run["instrument"] = workflow
    run["object"] = [*inputs, *(value for _, value in arguments)]
    run["result"] = outputs
    root["mentions"] = run
    crate.write(folder)


def _add_workflow(crate: Any, add: Any, about: Description, contents: Contents) -> Any:  # noqa: ANN401 (untyped library)
    from rocrate.model import ComputerLanguage

    path = contents.folder / contents.workflow
    about_dvc = {"name": "DVC pipeline", "identifier": {"@id": "https://dvc.org"}, "url": {"@id": "https://dvc.org"}}
    language = crate.add(ComputerLanguage(crate, "#dvc", about_dvc))
    workflow = crate.add_workflow(
        path,
        contents.workflow,
        main=True,
        lang=language,
        properties={
            **_file_properties(contents.workflow, path.read_bytes()),
            "name": f"{about.name}: pipeline",
            "version": about.version or "uncommitted",
            "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
        },
    )
    code_licence = add(about.code_licence, "CreativeWork", name="Licence of the code")
    workflow["license"] = code_licence
    if about.url:
        workflow["url"] = workflow["codeRepository"] = about.url
    tools = [
        # package URL (purl), which names a release without naming a host
        add(f"pkg:pypi/{name}@{version}", "SoftwareApplication", name=name, softwareVersion=version)
        for name, version in about.tools.items()
    ]
    workflow["softwareRequirements"] = tools
    return workflow


def _describe_root(crate: Any, add: Any, about: Description) -> None:  # noqa: ANN401 (untyped library)
    root = crate.root_dataset
    crate.name, crate.description = about.name, about.text
    root["datePublished"] = about.published
    root["identifier"] = about.digest
    root["version"] = about.version or "uncommitted"
    profiles = [add(url, "CreativeWork", name=name, version=version) for url, name, version in PROFILES]
    root["conformsTo"] = profiles
    is_url = about.licence.startswith("https://")
    root["license"] = add(
        about.licence if is_url else "#licence", "CreativeWork", name=about.licence, description=about.licence
    )
    root["citation"] = add("#citation", "CreativeWork", name=about.citation)
    people = []
    for number, person in enumerate(about.authors, start=1):
        entity = add(person.orcid or f"#author-{number}", "Person", name=person.name)
        if person.affiliation:
            entity["affiliation"] = add(
                f"#organisation-{hashlib.sha256(person.affiliation.encode()).hexdigest()[:8]}",
                "Organization",
                name=person.affiliation,
            )
        people.append(entity)
    if people:
        root["author"] = people
        root["creator"] = people


def _parameters(add: Any, params: Mapping[str, Any]) -> list[tuple[Any, Any]]:  # noqa: ANN401 (untyped library)
    """Add a slot and a value for each parameter and return them in pairs."""
    pairs = []
    for name, value in params.items():
        kinds = {bool: "Boolean", int: "Integer", float: "Float"}
        slot = add(f"#param-{name}", "FormalParameter", name=name, additionalType=kinds.get(type(value), "Text"))
        slot["conformsTo"] = {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"}
        text = value if isinstance(value, bool | int | float | str) else json.dumps(value, ensure_ascii=False)
        given = add(f"#value-{name}", "PropertyValue", name=name, value=text)
        given["exampleOfWork"] = slot
        slot["workExample"] = given
        pairs.append((slot, given))
    return pairs


def _slot(add: Any, item: Any, kind: str) -> Any:  # noqa: ANN401 (untyped library)
    name = item.id.rstrip("/")
    slot = add(f"#slot-{name.replace('/', '-')}", "FormalParameter", name=name, additionalType=kind)
    slot["conformsTo"] = {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"}
    slot["workExample"] = item
    item["exampleOfWork"] = slot
    return slot


def _folder(crate: Any, path: str, files: Sequence[str]) -> Any:  # noqa: ANN401 (untyped library)
    """Add a folder whose files are in the crate already."""
    from rocrate.model import Dataset

    folder = crate.add(Dataset(crate, dest_path=f"{path}/", properties={"name": path}))
    folder["hasPart"] = [crate.dereference(quote(file)) for file in files if file.startswith(f"{path}/")]
    return folder


def _file_properties(path: str, data: bytes) -> dict[str, Any]:
    return {
        "name": path,
        "contentSize": str(len(data)),
        "encodingFormat": FORMATS.get(PurePosixPath(path).suffix, "text/plain"),
        "sha256": hashlib.sha256(data).hexdigest(),
        "md5": md5_of(data),
    }


def is_sample(path: str) -> bool:
    """Return whether a file holds the answers of an evaluation."""
    return bool(SAMPLES.fullmatch(path))
