"""The lock of a model: checksums of its files and of the data it is evaluated on, as DVC is to see them.

It is a small file in git. A machine without weights or data keeps the checksums that stand in it, so the results of
an evaluation can be used, and its analysis changed, where the evaluation cannot run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.contracts.errors import InputError, raise_all
from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.own_tasks import TaskChoice
from stages.evaluation import lm_tasks, loading
from stages.evaluation.model_source import ModelSource
from stages.tasks import data
from stages.tasks.registry import BENCHMARKS
from stages.workspace import paths
from stages.workspace.files import read_text, write_text

Checksums = Mapping[str, str]


@dataclass(frozen=True)
class Lock:
    """What an evaluation reads.

    Attributes:
        revision: Revision of the model in models.csv.
        model: Name of a file of the model to its SHA-256.
        data: Benchmark to what a file is to its reader, a split for one, to its SHA-256.
    """

    revision: str
    model: Checksums
    data: Mapping[str, Checksums]


def path_of(model_id: str) -> Path:
    """Return where the lock of a model is."""
    return paths.LOCKS / f"{model_id}.json"


def read(model_id: str) -> Lock | None:
    """Return the lock of a model, None where there is none yet.

    Raises:
        InputError: The file is damaged.
    """
    path = path_of(model_id)
    if not path.is_file():
        return None
    try:
        return Lock(**json.loads(read_text(path)))
    except (ValueError, TypeError):
        raise InputError([f"{path} is damaged: take it from git again, `git checkout {path}`"]) from None


def write(model_id: str, lock: Lock) -> None:
    """Write the lock of a model."""
    write_text(path_of(model_id), json.dumps(vars(lock), indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def take(
    record: ModelRecord, model_dir: str, data_dir: str, known: Lock | None, asked: tuple[str, str] = ("hf", "")
) -> tuple[Lock, list[str]]:
    """Return the lock of a model, and the parts of it that are not on this machine and stay as they were.

    Args:
        record: Record of the model.
        model_dir: See `model_source.locate`.
        data_dir: See `data.load`.
        known: The lock so far. What it does not name is fetched where it is not here.
        asked: `evaluate.backend` and `evaluate.server.url`.

    Raises:
        InputError: Something is neither here nor known, nor can it be fetched; every problem is named.
    """
    problems: list[str] = []
    absent: list[str] = []
    locked: dict[str, Checksums] = {}
    model: Checksums = {}
    try:
        source = loading.here(record, *asked, model_dir)
        if source is None and known is not None and known.revision == record.revision:
            absent.append(record.model_id)
            model = known.model
        else:
            model = _files(record, model_dir, asked, source)
    except InputError as error:
        problems += error.problems
    own = {name: TaskChoice(**choice) for name, choice in record.own_tasks.items()}
    for name, choice in own.items():
        try:
            locked[name] = lm_tasks.describe(name, choice).checksums()
        except InputError as error:
            if known is None or name not in known.data:
                problems += error.problems
                continue
            absent.append(name)
            locked[name] = known.data[name]
    for name in [name for name in record.settings if name in BENCHMARKS and name not in own]:
        try:
            found = data.describe_here(name, data_dir or None)
            if found is None and known is not None and name in known.data:
                absent.append(name)
                locked[name] = known.data[name]
            else:
                locked[name] = (found or data.describe(name, data_dir or None)).checksums()
        except InputError as error:
            problems += error.problems
    raise_all(problems)
    return Lock(record.revision, dict(model), locked), absent


def _files(record: ModelRecord, model_dir: str, asked: tuple[str, str], source: ModelSource | None) -> Checksums:
    """Return the checksums of a model, fetched where it is not here, and of what it is loaded with."""
    added = loading.loading_of(record, asked[0], model_dir).files
    return {**(source or loading.found(record, *asked, model_dir)).files, **added}
