"""Tables and metrics, written to the decimal places that every processor agrees on, and read back."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stages.workspace.files import write_text
from stages.workspace.paths import METRICS, TABLES
from stages.workspace.running import say

PLACES, FITTED_PLACES = 9, 6
"""Decimal places written, of numbers below 10: see `as_written`."""

FITTED = ("fa_", "factorize", "stability", "robustness", "retest")
"""Beginnings of the names of tables and metrics that hold optima and summaries of samples."""


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
        name: Name of the table.
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


def write_skipped(stage: str, lines: Sequence[str]) -> None:
    """Print and keep what a stage could not compute, one line each."""
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
