"""Scores of new models as `observatory place` reads them, and what makes them doubtful.

What many models or scores share is one line with a count and examples.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.analysis.scores.cells import binomial_stderr, divisors, evaluated_cells, raw_ranges
from stages.contracts.csv.table import read_table
from stages.contracts.errors import InputError, raise_all
from stages.contracts.names import Names, label, listed
from stages.contracts.ranges import range_problems
from stages.contracts.rows import rows_of, texts
from stages.contracts.study.newcomers import is_long, long_table, wide_table
from stages.workspace import paths
from stages.workspace.files import read_parquet, read_text
from stages.workspace.samples import OwnAnswers

COLUMNS = ["model_id", "benchmark", "score", "stderr", "n_items", "protocol"]

SHOWN = 3
"""Examples of what many models or scores share."""


def read_scores(source: str, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Read new scores as long rows with `COLUMNS`, scaled by max_score.

    Raises:
        InputError: The file is wrong, or there is neither a file nor an evaluation of that name.
    """
    path = Path(source)
    if path.is_file():
        return from_file(path, benchmarks)
    evaluation = paths.EVALUATIONS / source / "scores.json"
    if not evaluation.is_file():
        raise InputError([_unknown(source, OwnAnswers().models())])
    return evaluated_cells(source, json.loads(read_text(evaluation)), benchmarks)[COLUMNS]


def _unknown(source: str, evaluated: Sequence[str]) -> str:
    """Return why there are no scores of a name: a file that is missing, or a model that is not evaluated."""
    path = Path(source)
    if path.suffix.lower() == ".csv":
        beside = Names(sorted(each.name for each in path.parent.glob("*.csv")))
        return f"{source}: the file is missing{beside.hint(path.name)}"
    hint = Names(evaluated).hint(source)
    known = listed(evaluated) if evaluated else "none"
    return f"{source}: neither a CSV file nor an evaluated model{hint}; evaluated: {known}"


def from_file(path: Path, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Read a wide or a long table of scores.

    Raises:
        InputError: Something is wrong with it; every problem is named.
    """
    data, where, names = path.read_bytes(), str(path), [str(name) for name in benchmarks.index]
    long = is_long(data)
    table = long_table(path.name) if long else wide_table(path.name, names)
    reading = read_table(data, where, table, {"benchmark": names} if long else {})
    raise_all(reading.problems)
    frame = reading.frame
    raw = frame.pivot(index="model_id", columns="benchmark", values="score").reset_index() if long else frame
    ranges = {name: limits for name, limits in raw_ranges(benchmarks).items() if name in raw}
    blank = list(raw.loc[raw.drop(columns="model_id").isna().all(axis=1), "model_id"])
    without = f"{where}: no score at all of {listed(blank)}: fill in what was measured, or remove the row"
    raise_all([*range_problems(raw, where, ranges, "model_id"), *([without] if blank else [])])
    if not long:
        frame = frame.melt("model_id", var_name="benchmark", value_name="score").dropna(subset="score")
        frame = frame.assign(protocol="", n_items=pd.array([pd.NA] * len(frame), dtype="Int64"))
    frame = frame.assign(score=frame["score"] / frame["benchmark"].map(divisors(benchmarks)))
    items = frame["n_items"].astype("Int64").fillna(frame["benchmark"].map(benchmarks["n_items"]).astype("Int64"))
    return frame.assign(stderr=binomial_stderr(frame["score"], items), n_items=items)[COLUMNS]


class _Measured(NamedTuple):
    model_id: str
    benchmark: str
    protocol: str


def some(items: Sequence[str]) -> str:
    """Return the first items of a list and how many more there are."""
    shown = "; ".join(items[:SHOWN])
    return shown if len(items) <= SHOWN else f"{shown}; and {len(items) - SHOWN} more"


def protocol_lines(scores: pd.DataFrame, source: str, *, mixed_allowed: bool) -> tuple[list[str], list[str]]:
    """Compare the protocols of new scores with those of the study: problems and warnings."""
    table = read_parquet(paths.CELLS)
    usual = table.groupby("benchmark")["protocol"].agg(lambda column: column.value_counts().index[0])
    others = [
        f"{row.benchmark} of {label(row.model_id)} as {label(row.protocol)!r} instead of {usual[row.benchmark]!r}"
        for row in rows_of(scores, _Measured)
        if row.protocol and row.protocol != usual[row.benchmark]
    ]
    number = "1 score was" if len(others) == 1 else f"{len(others)} scores were"
    lines = [f"{source}: {number} measured under another protocol than the study's: {some(others)}"] if others else []
    silent = scores.loc[scores["protocol"] == "", "benchmark"].nunique()
    note = f"{source}: no protocol is stated for {silent} benchmarks: taken to be the study's (a long table states it)"
    if mixed_allowed:
        return [], [*lines, *([note] if silent else [])]
    fix = ": leave them out, or place them all the same with --mixed-protocols"
    return [line + fix for line in lines], [note] if silent else []


def too_few(wide: pd.DataFrame, least: int, source: str) -> list[str]:
    """Return one line on the models with fewer benchmarks than the space has dimensions."""
    given = wide.notna().sum(axis=1)
    if wide.empty:
        return [f"{source}: no score of any benchmark of the study: its columns are {listed(list(wide.columns))}"]
    items = [f"{label(name)} has {given[name]}" for name in texts(wide.index[given < least])]
    return [f"{source}: scores on {least} benchmarks are needed to place a model: {some(items)}"] if items else []


def all_worst(wide: pd.DataFrame, worst: pd.Series, source: str) -> list[str]:
    """Return one line on the models of which every score is the worst that its benchmark has."""
    floor = worst.reindex(wide.columns)
    nothing = ((wide == floor) | wide.isna()).all(axis=1) & wide.notna().any(axis=1)
    names = [str(name) for name in wide.index[nothing]]
    if not names:
        return []
    return [
        f"{source}: every score is the worst possible for {listed(names)}: a failed evaluation, not a model without "
        "any ability: measure again, or remove the row"
    ]


def worst_lines(wide: pd.DataFrame, worst: pd.Series) -> list[str]:
    """Return one line on the scores that are exactly the worst possible."""
    floor = worst.reindex(wide.columns)
    items = [f"{benchmark} of {label(name)}" for name, benchmark in _cells(wide == floor)]
    if not items:
        return []
    return [
        f"exactly the worst possible score, more often a failed evaluation than inability: {some(items)}: leave the "
        "cell empty where nothing was measured"
    ]


def outside_lines(wide: pd.DataFrame, X: pd.DataFrame) -> list[str]:
    """Return one line on the scores outside the range of the study's models, the furthest in its units first.

    Args:
        wide: New scores (n_new, n_benchmarks).
        X: Those of the study (n_models, n_benchmarks).
    """
    low, high = X.min(), X.max()
    over, under = wide - high, low - wide
    beyond = (over.where(over > under, under) / (high - low).where(high > low, 1.0)).fillna(0.0)
    cells = sorted(_cells(beyond > 0), key=lambda cell: -float(beyond[cell[1]][cell[0]]))
    items = [
        f"{benchmark} of {label(name)} is {wide[benchmark][name]:.4g} (study: {low[benchmark]:.4g} to "
        f"{high[benchmark]:.4g})"
        for name, benchmark in cells
    ]
    number = "1 score lies" if len(items) == 1 else f"{len(items)} scores lie"
    return [f"{number} outside the study's range, an extrapolation: {some(items)}"] if items else []


def unknown_errors(wide: pd.DataFrame, stderr: pd.DataFrame) -> list[str]:
    """Return one line on the benchmarks whose sampling error is not known."""
    names = [str(name) for name in wide.columns[(wide.notna() & (stderr == 0)).any()]]
    if not names:
        return []
    return [f"no n_items in benchmarks.csv: the intervals leave out the sampling error of {listed(names)}"]


def _cells(chosen: pd.DataFrame) -> list[tuple[str, str]]:
    """Return row and column of the chosen cells, row by row."""
    rows, columns = texts(chosen.index), texts(chosen.columns)
    return [(rows[i], columns[j]) for i, j in np.argwhere(chosen.to_numpy())]
