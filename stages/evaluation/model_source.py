"""Where a model's files are: a folder of this machine, or a commit of the Hugging Face Hub; and what identifies them.

A folder is looked for first, at MODEL_DIR/<model_id>, so that a machine without internet needs nothing else. From
the Hub only the pinned commit is taken, and of the weights the safetensors where there are any.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stages.contracts.errors import InputError
from stages.contracts.study.model_record import ModelRecord
from stages.tasks.checksums import sha256_of
from stages.tasks.fetching import Fetched, bring
from stages.tasks.sources import hub

MODEL_DIR_VARIABLE = "OBSERVATORY_MODEL_DIR"
"""Names the folder of models where `evaluate.model_dir` does not."""

WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth")
TOKENIZERS = ("tokenizer*", "special_tokens_map.json", "vocab*", "merges.txt", "spiece.model", "sentencepiece*")
SETTINGS = ("*.json", "*.jinja", "*.py", "*.txt", "*.model", "*.tiktoken")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class ModelSource:
    """The files of a model on this machine.

    Attributes:
        model_id: In models.csv.
        path: Folder.
        origin: "folder", or "hub".
        revision: Commit on the Hub; "" for a folder.
        trust_remote_code: Whether code that lies there may run.
        files: Name to SHA-256 of what decides the model's answers: weights, tokenizer, configuration, code.
        expected_weights: Patterns of weights that may be missing, superfluous or of another shape, by its record.
    """

    model_id: str
    path: str
    origin: str
    revision: str
    trust_remote_code: bool
    files: Mapping[str, str]
    expected_weights: tuple[str, ...] = ()

    @property
    def weights(self) -> dict[str, str]:
        """Name to SHA-256 of the weights."""
        return {name: digest for name, digest in self.files.items() if _is(name, WEIGHTS)}

    @property
    def tokenizer(self) -> str:
        """One SHA-256 over the files of the tokenizer."""
        return digest_of({name: digest for name, digest in self.files.items() if _is(name, TOKENIZERS)})

    @property
    def identity(self) -> str:
        """One SHA-256 over all files; the same model in another place has the same."""
        return digest_of({**self.files, "trust_remote_code": str(self.trust_remote_code)})

    def described(self) -> dict[str, object]:
        """Return what to record of it: no paths of this machine."""
        content = asdict(self)
        del content["path"], content["files"]
        return {
            **content,
            "commit": self.revision,
            "identity": self.identity,
            "weights_sha256": self.weights,
            "tokenizer_sha256": self.tokenizer,
            "format": "safetensors" if _is(next(iter(self.weights)), WEIGHTS[:1]) else "pickle, weights only",
        }


def digest_of(content: object) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def locate(record: ModelRecord, model_dir: str) -> ModelSource:
    """Return the files of a model; fetch them from the Hub unless they are here.

    Args:
        record: Record of the model.
        model_dir: `evaluate.model_dir`; "" takes `OBSERVATORY_MODEL_DIR`, and without that the Hub.

    Raises:
        InputError: There is no such model, or it may not be read; what to do is said.
    """
    named = _named(model_dir)
    return _in_folder(record, named) or _source(record, _fetch(record, named), "hub", record.revision)


def here(record: ModelRecord, model_dir: str) -> ModelSource | None:
    """Return the files of a model where they are on this machine, in a folder or in the Hub's cache; else None.

    Args:
        record: Record of the model.
        model_dir: See `locate`.
    """
    found = _in_folder(record, _named(model_dir))
    if found is not None or not _COMMIT.fullmatch(record.revision):
        return found
    try:
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        return None
    try:
        folder = _snapshot(record.model_id, record.revision, (*TOKENIZERS, *SETTINGS, *WEIGHTS), local=True)
    except LocalEntryNotFoundError:
        return None
    return _source(record, folder, "hub", record.revision) if _is_complete(folder) else None


def _is_complete(folder: Path) -> bool:
    """Return whether all weights are there; an interrupted fetch leaves some."""
    names = {path.name for path in folder.iterdir()}
    named: set[str] = set()
    for index in folder.glob("*.index.json"):
        named |= set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    chosen = chosen_weights(sorted(names | named))
    return bool(chosen) and names.issuperset(chosen)


def changed(source: ModelSource) -> list[str]:
    """Return the names of files that are no longer those of a model, or that were added to it."""
    folder = Path(source.path)
    now = {path.name: sha256_of(path) for path in _kept(folder)} if folder.is_dir() else {}
    return sorted(name for name in {*now, *source.files} if now.get(name) != source.files.get(name))


def _named(model_dir: str) -> str:
    return model_dir or os.environ.get(MODEL_DIR_VARIABLE, "")


def _in_folder(record: ModelRecord, named: str) -> ModelSource | None:
    if not named:
        return None
    folder = Path(named).expanduser() / record.model_id
    _refuse_other_kinds(folder)
    return _source(record, folder, "folder", "") if (folder / "config.json").is_file() else None


def _refuse_other_kinds(folder: Path) -> None:
    """Check that a folder does not hold a model of a kind that is not supported.

    Raises:
        InputError: It does; what to make of it is said.
    """
    if (folder / "adapter_config.json").is_file():
        raise InputError([f"{folder} holds a LoRA adapter, not a complete model: save it merged into its base model"])
    if any(folder.glob("*.gguf")) and not chosen_weights([path.name for path in folder.iterdir()]):
        raise InputError([f"{folder} holds GGUF, which is not read: put safetensors, config.json and tokenizer there"])


def _source(record: ModelRecord, folder: Path, origin: str, revision: str) -> ModelSource:
    kept = _kept(folder)
    if not chosen_weights([path.name for path in kept]):
        raise InputError([f"{folder}: no weights of {record.model_id}: expected files like model.safetensors"])
    return ModelSource(
        model_id=record.model_id,
        path=str(folder.resolve()),
        origin=origin,
        revision=revision,
        trust_remote_code=record.trust_remote_code,
        files={path.name: sha256_of(path) for path in kept},
        expected_weights=tuple(record.expected_weights.split()),
    )


def _kept(folder: Path) -> list[Path]:
    """Return the files of a folder that decide a model's answers."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    weights = chosen_weights([path.name for path in files])
    return [path for path in files if path.name in weights or _is(path.name, (*TOKENIZERS, *SETTINGS))]


def chosen_weights(names: Sequence[str]) -> list[str]:
    """Return the weights to load: of the formats that are there the one that can hold nothing but numbers."""
    for pattern in WEIGHTS:
        found = [name for name in names if _is(name, (pattern,)) and not name.startswith("training_args")]
        if found:
            return found
    return []


def _is(name: str, patterns: Sequence[str]) -> bool:
    return any(Path(name).match(pattern) for pattern in patterns)


def fetch(record: ModelRecord, folder: Path | None) -> list[Fetched]:
    """Bring the pinned commit of a model to this machine, each file whole and checked.

    Args:
        record: Record of the model.
        folder: Gets the files below its model_id; None is the Hub's own cache.

    Raises:
        InputError: There is no such model, or it may not be read; what to do is said.
    """
    if folder is None:
        source = _source(record, _fetch(record, ""), "hub", record.revision)
        return [Fetched(name, Path(source.path, name), sha, "hub", new=False) for name, sha in source.files.items()]
    target = folder / record.model_id
    with _hub_explained(record, ""):
        _require_commit(record)
        from huggingface_hub import HfApi

        api = HfApi(endpoint=hub())
        listed = api.model_info(record.model_id, revision=record.revision, files_metadata=True).siblings
        stated = {file.rfilename: file.lfs.sha256 if file.lfs else None for file in listed}
    names = sorted(name for name in stated if "/" not in name)
    kept = [name for name in names if name in chosen_weights(names) or _is(name, (*TOKENIZERS, *SETTINGS))]
    address = f"hf://{record.model_id}@{record.revision}"
    return [bring(target, name, f"{address}/{name}", stated[name]) for name in kept]


def _fetch(record: ModelRecord, named: str) -> Path:
    """Fetch a pinned commit into the Hub's cache, unless it is there, and return its folder."""
    with _hub_explained(record, named):
        _require_commit(record)
        folder = _snapshot(record.model_id, record.revision, (*TOKENIZERS, *SETTINGS, WEIGHTS[0]))
        if chosen_weights([path.name for path in folder.iterdir()]):
            return folder
        return _snapshot(record.model_id, record.revision, (*TOKENIZERS, *SETTINGS, *WEIGHTS))


def _require_commit(record: ModelRecord) -> None:
    """Check that the revision of a model is a commit.

    Raises:
        InputError: It is not; the commit to write is named.
    """
    if not _COMMIT.fullmatch(record.revision):
        # the folder of a commit in the Hub's cache bears its name
        commit = _snapshot(record.model_id, record.revision or "main", ("config.json",)).name
        raise InputError([f"models.csv: revision of {record.model_id} is {record.revision!r}: pin it, write {commit}"])


@contextlib.contextmanager
def _hub_explained(record: ModelRecord, named: str) -> Iterator[None]:
    """Turn a refusal of the Hub into one line on what to do."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    model_id, revision = record.model_id, record.revision
    instead = f"put its files into FOLDER/{model_id} and name FOLDER by evaluate.model_dir"
    here = f" (nor in {Path(named) / model_id})" if named else ""
    unreachable = f"{model_id}: not on this machine{here}, and huggingface.co cannot be reached: {instead}"
    try:
        yield
        return
    except GatedRepoError:
        problem = (
            f"{model_id} is gated: accept its licence at https://huggingface.co/{model_id}, then give a token of "
            "that account in HF_TOKEN, or run `hf auth login`"
        )
    except RevisionNotFoundError:
        problem = f"models.csv: {model_id} has no commit {revision!r} on the Hub: correct its revision"
    except RepositoryNotFoundError:
        problem = (
            f"{model_id}: no such model on the Hub, or it is private: correct the model_id, give a token in HF_TOKEN, "
            f"or {instead}"
        )
    except (LocalEntryNotFoundError, OfflineModeIsEnabled):
        problem = unreachable
    except HfHubHTTPError as error:
        problem = f"{model_id}: the Hub answers {' '.join(str(error).split())[:160]}"
    except HTTPError:
        # of the library below, whichever it is: no answer at all
        problem = unreachable
    raise InputError([problem])


def _snapshot(model_id: str, revision: str, patterns: Sequence[str], *, local: bool = False) -> Path:
    from huggingface_hub import snapshot_download

    options = {"allow_patterns": list(patterns), "ignore_patterns": ["*/*"], "local_files_only": local}
    return Path(snapshot_download(model_id, revision=revision, **options))
