"""The only module that knows paths and reads or writes what stages exchange.

Paths are relative to the current directory, which is the repository root or, inside `dvc exp run --temp`, a copy
of it.
"""

import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages.contracts.errors import InputError
from stages.contracts.params import Params, parse_params
from stages.contracts.study.facts import FILES, Facts, read_facts
from stages.contracts.study.info import StudyInfo, load_study
from stages.contracts.study.model_record import ModelRecord, record_of
from stages.contracts.study.workarounds import FILE as WORKAROUNDS

PARAMS = Path("params.yaml")
METADATA = Path("metadata")
FACTS = Path("data/study")
MODELS = Path("data/models.parquet")
RECORDS = FACTS / "records"
EVALUATIONS = Path("data/evaluations")
CELLS = Path("data/score_cells.parquet")
MATRIX = Path("data/score_matrix.parquet")
TABLES = Path("reports/tables")
METRICS = Path("reports/metrics")
FIGURES = Path("reports/figures")
DATA_DOCS = Path("reports/data_docs")
PAGE = Path("reports/index.html")
PIPELINE = Path("dvc.yaml")
LOCK = Path("dvc.lock")
FACT_TABLES = tuple(name.removesuffix(".csv") for name in FILES)

PLACES, FITTED_PLACES = 9, 6
"""Decimal places written, of numbers below 10: see `as_written`."""

FITTED = ("fa_", "factorize", "stability", "robustness")
"""Beginnings of the names of tables and metrics that hold optima and summaries of samples."""


def load_params() -> Params:
    """Read params.yaml.

    Raises:
        InputError: It is missing or wrong.
    """
    return parse_params(read_text(PARAMS), str(PARAMS))


def study_folder(study: str) -> Path:
    """Return the folder of a study.

    Raises:
        InputError: There is none of that name; the known ones are listed.
    """
    folder = METADATA / study
    if not study or Path(study).name != study or not folder.is_dir():
        known = ", ".join(known_studies()) or "none"
        raise InputError([f"params.yaml: study is {study!r}, but there is no folder {folder}; studies here: {known}"])
    return folder


def known_studies() -> list[str]:
    """Return the names of the folders under metadata/ that hold a study.yaml."""
    return sorted(path.parent.name for path in METADATA.glob("*/study.yaml"))


def load_info(study: str) -> StudyInfo:
    """Read study.yaml of a study."""
    path = study_folder(study) / "study.yaml"
    return load_study(read_text(path), str(path))


def load_study_facts(params: Params) -> Facts:
    """Read all tables of the study that params.yaml names, strictly.

    Raises:
        InputError: Something is wrong; every problem is named.
    """
    folder = study_folder(params.study)
    files = {
        name: (folder / name).read_bytes() for name in ("study.yaml", WORKAROUNDS, *FILES) if (folder / name).is_file()
    }
    return read_facts(files, str(folder), params)


def write_facts(facts: Facts) -> None:
    """Write the tables of a study as the later stages read them."""
    for name in FACT_TABLES:
        write_parquet(FACTS / f"{name}.parquet", getattr(facts, name))


def write_records(facts: Facts, models: Sequence[str], digests: Mapping[str, str]) -> None:
    """Write a file for each model to evaluate, with what its evaluation depends on and nothing else.

    Args:
        facts: Tables of the study, as read from metadata/.
        models: To be evaluated.
        digests: Benchmark to the digest of the code that evaluates it.
    """
    tasks = {str(name): digests.get(str(name), "") for name in facts.benchmarks.index}
    with replacing_folder(RECORDS) as beside:
        for model_id in models:
            record = record_of(model_id, facts.models, tasks, facts.workarounds)
            path = beside / f"{model_id}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(record.to_json(), encoding="utf-8", newline="\n")


def read_record(model_id: str) -> ModelRecord:
    """Read what `write_records` wrote of a model.

    Raises:
        InputError: It is not to be evaluated.
    """
    path = RECORDS / f"{model_id}.json"
    if not path.is_file():
        raise InputError([f"{path} is missing: name {model_id} in evaluate.models, then run `dvc repro ingest`"])
    return ModelRecord.from_json(read_text(path))


def read_fact(name: str) -> pd.DataFrame:
    """Read one table that `write_facts` wrote: one of `FACT_TABLES`."""
    return read_parquet(FACTS / f"{name}.parquet")


def read_facts_back(params: Params) -> Facts:
    """Return the tables of the study as `write_facts` left them."""
    tables = {name: read_fact(name) for name in FACT_TABLES}
    return Facts(info=load_info(params.study), **tables)


def read_text(path: Path) -> str:
    """Read a UTF-8 text file.

    Raises:
        InputError: It does not exist or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError([f"{path}: the file is missing"]) from None
    except UnicodeDecodeError:
        raise InputError([f"{path}: not UTF-8 text: save it as UTF-8"]) from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside the target that replaces it when the block succeeds and vanishes when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        # mkstemp makes the file private; an output is as readable as any other file
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of the target when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield beside
        beside.chmod(0o777 & ~_umask())
        shutil.rmtree(path, ignore_errors=True)
        beside.replace(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def move_folder(source: Path, target: Path) -> None:
    """Put a folder in the place of another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    source.replace(target)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as a whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame with its index as parquet."""
    with replacing(path) as beside:
        frame.to_parquet(beside)


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a frame that `write_parquet` wrote."""
    return pd.read_parquet(path)


def places(name: str) -> int:
    """Return the decimal places that a table or a file of metrics is written with, where no number exceeds 10."""
    return FITTED_PLACES if name.startswith(FITTED) else PLACES


def unit(largest: float, digits: int) -> int:
    """Return the decimal place at which numbers are rounded whose largest is given; negative left of the point."""
    # a largest value of 1 may come out as 0.9999999999999999
    return digits - (max(math.floor(math.log10(largest * (1 + 1e-6))), 0) if largest > 0 else 0)


def as_written(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its numbers rounded as `write_table` does.

    Every column is rounded at one decimal place: the ninth, or the sixth where its numbers are optima of a likelihood
    or summaries of samples, and one further left for every power of ten in its largest number. Between BLAS kernels
    and sets of vector instructions the first kind differs by up to 1e-13 of the largest number, the second by up to
    1e-10 (tests/kernels compares them): the places left are those that every processor agrees on, with a margin.

    Args:
        name: Of the table.
        frame: The table.
    """
    rounded = frame.copy()
    for column in rounded.columns[[dtype.kind == "f" for dtype in rounded.dtypes]]:
        values = rounded[column].to_numpy(dtype=float)
        largest = np.abs(values[np.isfinite(values)]).max(initial=0.0)
        # adding 0 turns -0 into 0
        rounded[column] = np.round(values, unit(largest, places(name))) + 0.0
    return rounded


def write_table(name: str, frame: pd.DataFrame) -> None:
    """Write a frame without its index to reports/tables/NAME.csv, numbers as `as_written` rounds them."""
    text = as_written(name, frame).to_csv(index=False, float_format="%.15g", lineterminator="\n")
    write_text(TABLES / f"{name}.csv", text)


def read_table(name: str, index: str | None = None, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read reports/tables/NAME.csv, with empty text as empty text and empty numbers as missing.

    Args:
        name: File stem.
        index: Column that becomes the index.
        text: Columns that are text even where all cells are empty.
    """
    frame = pd.read_csv(TABLES / f"{name}.csv", index_col=index, dtype=dict.fromkeys(text, "str"))
    for column in frame.columns[frame.dtypes == "str"]:
        frame[column] = frame[column].fillna("")
    return frame


def read_findings(which: str) -> pd.DataFrame:
    """Read what a gate found: `models` or `matrix`."""
    return read_table(f"findings_{which}", text=("check", "severity", "model_id", "benchmark", "message"))


def read_claims() -> pd.DataFrame:
    """Read the table of claims."""
    return read_table("claims", text=("location", "quantity", "status", "note"))


def table_names() -> list[str]:
    """Return the names of the tables under reports/tables/, sorted."""
    return sorted(path.stem for path in TABLES.glob("*.csv"))


def write_skipped(stage: str, lines: Sequence[str]) -> None:
    """Say and keep what a stage could not compute, one line each."""
    write_table(f"skipped_{stage}", pd.DataFrame({"skipped": list(lines)}, dtype="str"))
    for line in lines:
        say(f"skipped: {line}")


def write_metrics(name: str, metrics: Mapping[str, Any]) -> None:
    """Write reports/metrics/NAME.json, each number rounded as a column of its own (see `as_written`).

    Raises:
        ValueError: A number is not finite: neither JSON nor MLflow can hold it honestly.
    """
    text = json.dumps(_plain(metrics, name, places(name)), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(METRICS / f"{name}.json", text + "\n")


def read_metrics(name: str) -> dict[str, Any]:
    """Read reports/metrics/NAME.json."""
    metrics: dict[str, Any] = json.loads((METRICS / f"{name}.json").read_text(encoding="utf-8"))
    return metrics


def _plain(value: object, where: str, digits: int) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}", digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, where, digits) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}")
        return round(float(value), unit(abs(float(value)), digits)) + 0.0
    return value


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage: what a user can cause becomes lines on stderr and exit code 1, anything else a traceback."""
    try:
        main()
    except InputError as error:
        for line in error.lines():
            print(line, file=sys.stderr)  # noqa: T201 (a command's answer)
        raise SystemExit(1) from None


def say(line: str) -> None:
    """Print one line for the user of `dvc repro`."""
    print(line, flush=True)  # noqa: T201 (a command's answer)
