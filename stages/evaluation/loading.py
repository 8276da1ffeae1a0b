"""What a model is loaded with besides its own files: lm-eval's arguments, adapters, a file of quantised weights."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.study.model_options import ADAPTERS, ARGUMENTS, GGUF, SERVERS
from stages.contracts.study.model_record import ModelRecord
from stages.evaluation import model_source
from stages.evaluation.model_source import MODEL_DIR_VARIABLE, ModelSource
from stages.tasks.checksums import sha256_of


@dataclass(frozen=True)
class OtherSource(ModelSource):
    """A model whose weights are not files that transformers saves.

    Attributes:
        kind: What stands for them.
    """

    kind: str = ""

    def described(self) -> dict[str, object]:
        """Return what to record of it: no paths of this machine."""
        content = asdict(self)
        for name in ("path", "files", "kind"):
            del content[name]
        return {
            **content,
            "commit": self.revision,
            "identity": self.identity,
            "weights_sha256": {name: digest for name, digest in self.files.items() if name.endswith(".gguf")},
            "tokenizer_sha256": self.tokenizer,
            "format": self.kind,
        }


@dataclass(frozen=True)
class Loading:
    """What a model is loaded with.

    Attributes:
        arguments: lm-eval's arguments, as the study gives them.
        folders: Those of them that name a folder, to where it is here.
        files: SHA-256 of the files there.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, Any]:
        """What results depend on: the same adapter in another place is the same."""
        plain = {name: value for name, value in self.arguments.items() if name not in self.folders}
        return {**plain, "files": dict(self.files)}

    @property
    def given(self) -> dict[str, Any]:
        """The arguments as lm-eval takes them."""
        return {**self.arguments, **self.folders}

    @property
    def told(self) -> list[str]:
        """The arguments as a protocol names them."""
        return [f"{name} {value}" for name, value in sorted(self.arguments.items())]


def loading_of(record: ModelRecord, backend: str, model_dir: str) -> Loading:
    """Return what a model is loaded with.

    Args:
        record: Record of the model.
        backend: `evaluate.backend`.
        model_dir: See `stages.evaluation.model_source.locate`.

    Raises:
        InputError: An argument is not one of the backend, or what it names is not there; all are named.
    """
    folders: dict[str, str] = {}
    files: dict[str, str] = {}
    problems = []
    for name, value in record.arguments.items():
        if name not in ARGUMENTS[backend]:
            problems.append(
                f"models.yaml: {record.model_id}: {backend} has no argument {name}; it has "
                f"{', '.join(ARGUMENTS[backend])}"
            )
        elif name in ADAPTERS:
            place = _place(str(value), model_dir)
            if not place.is_dir():
                problems.append(f"models.yaml: {record.model_id}: {name}: there is no folder {place}")
                continue
            folders[name] = str(place)
            files |= {f"{name}/{path.name}": sha256_of(path) for path in sorted(place.iterdir()) if path.is_file()}
    if problems:
        raise InputError(problems)
    return Loading(record.arguments, folders, files)


def here(record: ModelRecord, backend: str, url: str, model_dir: str) -> ModelSource | None:
    """Return the files of a model where they are on this machine, or on a server; else None.

    Args:
        record: Record of the model.
        backend: `evaluate.backend`.
        url: `evaluate.server.url`.
        model_dir: See `model_source.locate`.
    """
    if backend in SERVERS:
        return served(record, backend, url, model_dir)
    if GGUF not in record.arguments:
        return model_source.here(record, model_dir)
    return (
        locate(record, model_dir) if (_place(record.model_id, model_dir) / record.arguments[GGUF]).is_file() else None
    )


def found(record: ModelRecord, backend: str, url: str, model_dir: str) -> ModelSource:
    """Return the files of a model, fetched unless they are here; see `here`.

    Raises:
        InputError: There is no such model.
    """
    return here(record, backend, url, model_dir) or locate(record, model_dir)


def changed(source: ModelSource, loading: Loading) -> list[str]:
    """Return the names of files that are no longer those that a model is loaded with."""
    folder = Path(source.path)
    if not isinstance(source, OtherSource):
        names = model_source.changed(source)
    else:
        names = [
            name
            for name in source.files
            if (folder / name).is_file() and sha256_of(folder / name) != source.files[name]
        ]
    places = {f"{name}/{path.name}": path for name, at in loading.folders.items() for path in Path(at).iterdir()}
    return names + [
        name for name, digest in loading.files.items() if name not in places or sha256_of(places[name]) != digest
    ]


def locate(record: ModelRecord, model_dir: str) -> ModelSource:
    """Return the files of a model, as `model_source.locate` does, or those around the GGUF file that it names.

    Raises:
        InputError: They are not there.
    """
    name = record.arguments.get(GGUF)
    if name is None:
        return model_source.locate(record, model_dir)
    folder = _place(record.model_id, model_dir)
    if not (folder / str(name)).is_file():
        raise InputError([f"models.yaml: {record.model_id}: {GGUF}: there is no file {folder / str(name)}"])
    patterns = (*model_source.TOKENIZERS, *model_source.SETTINGS)
    kept = [path for path in sorted(folder.iterdir()) if path.is_file() and any(map(path.match, patterns))]
    return OtherSource(
        model_id=record.model_id,
        path=str(folder.resolve()),
        origin="folder",
        revision="",
        trust_remote_code=record.trust_remote_code,
        files={path.name: sha256_of(path) for path in [*kept, folder / str(name)]},
        kind="GGUF",
    )


def served(record: ModelRecord, backend: str, url: str, model_dir: str) -> OtherSource:
    """Return what is known of a model on a server: its address, its name, and its tokenizer where that is here.

    What a server computes with cannot be seen. Two addresses are two models.

    Raises:
        InputError: No server is named.
    """
    if not url:
        raise InputError(
            [f"params.yaml: evaluate.backend is {backend}: write the server's address as evaluate.server.url"]
        )
    folder = _place(record.model_id, model_dir)
    kept = []
    if folder.is_dir():
        patterns = (*model_source.TOKENIZERS, "config.json")
        kept = [path for path in sorted(folder.iterdir()) if path.is_file() and any(map(path.match, patterns))]
    has_tokenizer = any(path.match("tokenizer*") or path.suffix == ".model" for path in kept)
    files = {path.name: sha256_of(path) for path in kept} if has_tokenizer else {}
    return OtherSource(
        model_id=record.model_id,
        path=str(folder.resolve()) if has_tokenizer else "",
        origin=f"{url.rstrip('/')} {record.served_as or record.model_id}",
        revision="",
        trust_remote_code=False,
        files={**files, "server": model_source.digest_of([url.rstrip("/"), record.served_as or record.model_id])},
        kind="served",
    )


def _place(name: str, model_dir: str) -> Path:
    """Return a folder below that of models, or anywhere."""
    named = model_dir or os.environ.get(MODEL_DIR_VARIABLE, "")
    below = Path(named).expanduser() / name
    return below if named and below.exists() else Path(name).expanduser()
