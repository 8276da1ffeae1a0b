"""Scores as a long table of cells with origin, and as a matrix."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.typing import NAType

from stages.contracts.outcomes import RATES
from stages.contracts.rows import rows_of
from stages.contracts.study.tables import ALL, EVIDENCE, CorrectionRow, WaiverRow

MEASURED = ("evaluated", "imported")
"""Origins of cells behind which answers may be known: of our own evaluations, and of those of others."""
EVALUATED_KEYS = ("score", "stderr", "n_items", "protocol", *RATES)
CELL_COLUMNS = [
    "model_id",
    "benchmark",
    "score",
    "stderr",
    "n_items",
    "origin",
    "protocol",
    "source",
    *RATES,
    "waived",
    "reason",
]


class Cell(NamedTuple):
    """One row of the long table, without its rates; n_items is missing where it is not known."""

    model_id: str
    benchmark: str
    score: float
    n_items: int | NAType
    origin: str
    source: str
    reason: str


def divisors(benchmarks: pd.DataFrame) -> pd.Series:
    """Return what raw scores of each benchmark are divided by: its max_score, or 1 where that is not positive.

    Args:
        benchmarks: benchmarks.csv, indexed by benchmark.
    """
    return benchmarks["max_score"].where(benchmarks["max_score"] > 0, 1.0)


def raw_ranges(benchmarks: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the declared (min_score, max_score) of each benchmark, in the unit of scores.csv."""
    low = benchmarks["min_score"].fillna(0.0)
    return {str(name): (float(low[name]), float(benchmarks.loc[name, "max_score"])) for name in benchmarks.index}


def scaled_ranges(benchmarks: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the declared range of each benchmark after division by its max_score."""
    by = divisors(benchmarks)
    return {name: (low / by[name], high / by[name]) for name, (low, high) in raw_ranges(benchmarks).items()}


def falling(benchmarks: pd.DataFrame) -> set[str]:
    """Return the benchmarks of which benchmarks.csv says that a lower score is better."""
    if "higher_is_better" not in benchmarks:
        return set()
    return set(map(str, benchmarks.index[benchmarks["higher_is_better"] == "false"]))


def failing_ends(benchmarks: pd.DataFrame) -> dict[str, float]:
    """Return the raw score of a total failure on each benchmark: the end of its range that is not better."""
    down = falling(benchmarks)
    return {name: high if name in down else low for name, (low, high) in raw_ranges(benchmarks).items()}


def published_protocols(benchmarks: pd.DataFrame) -> pd.Series:
    """Return the protocol of published cells: metric, shots and kind of answer, as benchmarks.csv states them."""
    shots = benchmarks["n_shots"].map(lambda n: "shots not stated" if pd.isna(n) else f"{int(n)}-shot")
    return benchmarks["metric"] + ", " + shots + ", " + benchmarks["answer"]


def take_subset(models: pd.DataFrame, subset: str) -> pd.DataFrame:
    """Return the models of a subset, in the order of the table.

    Args:
        models: Indexed by model_id, with columns construction and group.
        subset: `all`, or a value of construction or group.
    """
    if subset == ALL:
        return models
    return models[(models["construction"] == subset) | (models["group"] == subset)]


def published_cells(scores: pd.DataFrame, benchmarks: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the published scores as cells, scaled by max_score.

    Args:
        scores: scores.csv, indexed by model_id, raw; NaN where nothing was published.
        benchmarks: benchmarks.csv, indexed by benchmark.
        source: Citation of the table.
    """
    long = (scores / divisors(benchmarks)).rename_axis("model_id").reset_index().melt("model_id", var_name="benchmark")
    cells = long.rename(columns={"value": "score"})
    cells["n_items"] = cells["benchmark"].map(benchmarks["n_items"]).astype("Int64")
    cells["stderr"] = np.nan
    cells["origin"] = "published"
    cells["protocol"] = cells["benchmark"].map(published_protocols(benchmarks))
    cells["source"] = source
    cells[list(RATES)] = np.nan
    cells["waived"] = False
    cells["reason"] = ""
    return cells[CELL_COLUMNS]


def replace_cells(cells: pd.DataFrame, newer: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with those that `newer` also holds taken from `newer`."""
    if newer.empty:
        return cells
    key = ["model_id", "benchmark"]
    kept = cells[~pd.MultiIndex.from_frame(cells[key]).isin(pd.MultiIndex.from_frame(newer[key]))]
    return pd.concat([kept, newer[CELL_COLUMNS]], ignore_index=True)


def correct(cells: pd.DataFrame, corrections: pd.DataFrame, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Put the corrected scores in, with origin, reason and source of each.

    Only published cells are corrected, an evaluated cell is newer evidence than a correction, and only where the
    table has the published score that the correction is of: the gate names the others, and those of a model or
    benchmark that the study does not have.

    Args:
        cells: Long table of cells.
        corrections: corrections.csv, raw scores.
        benchmarks: benchmarks.csv, indexed by benchmark.
    """
    table = cells.copy()
    by = divisors(benchmarks)
    for row in rows_of(corrections, CorrectionRow):
        where = (
            (table["model_id"] == row.model_id)
            & (table["benchmark"] == row.benchmark)
            & (table["origin"] == "published")
            & (table["score"] == row.published / by.get(row.benchmark, 1.0))
        )
        table.loc[where, "score"] = row.corrected / by.get(row.benchmark, 1.0)
        for name, text in {"origin": "corrected", "reason": row.reason, "source": row.source}.items():
            table.loc[where, name] = text
    return table


def mark_waived(cells: pd.DataFrame, waivers: pd.DataFrame) -> pd.DataFrame:
    """Mark the cells that a waiver of a failed evaluation names, with its reason. Corrected cells stay unmarked.

    Of the cells that a waiver covers without naming them, those are failures that are exactly zero; of the others
    the gate says which it doubts.
    """
    table = cells.copy()
    doubts = (row for row in rows_of(waivers, WaiverRow) if row.check in {"", *EVIDENCE})
    # the reason of a waiver that names its cell comes last
    for row in sorted(doubts, key=lambda row: bool(row.model_id and row.benchmark)):
        where = table["origin"] != "corrected"
        if row.model_id:
            where &= table["model_id"] == row.model_id
        if row.benchmark:
            where &= table["benchmark"] == row.benchmark
        if not (row.model_id and row.benchmark):
            where &= (table["score"] == 0) & (row.check in {"", "zero"})
        table.loc[where, "waived"] = True
        table.loc[where, "reason"] = row.reason
    return table


def finish(cells: pd.DataFrame, models: Sequence[str], benchmarks: Sequence[str]) -> pd.DataFrame:
    """Fill missing standard errors from n_items and put the cells into model and benchmark order."""
    table = cells[cells["model_id"].isin(models)].copy()
    table["stderr"] = table["stderr"].fillna(binomial_stderr(table["score"], table["n_items"]))
    model_rank: Mapping[str, int] = {name: i for i, name in enumerate(models)}
    benchmark_rank: Mapping[str, int] = {name: i for i, name in enumerate(benchmarks)}
    order = pd.DataFrame({"m": table["model_id"].map(model_rank), "b": table["benchmark"].map(benchmark_rank)})
    return table.loc[order.sort_values(["m", "b"]).index].reset_index(drop=True)


def to_matrix(cells: pd.DataFrame, value: str, models: Sequence[str], benchmarks: Sequence[str]) -> pd.DataFrame:
    """Return one column of the cells as (n_models, n_benchmarks), NaN where there is no cell.

    Args:
        cells: Long table, one row per model and benchmark.
        value: `score` or `stderr`.
        models: Index, in order.
        benchmarks: Columns, in order.
    """
    wide = cells.pivot(index="model_id", columns="benchmark", values=value)
    matrix = wide.reindex(index=pd.Index(models, name="model_id"), columns=list(benchmarks)).astype(float)
    matrix.columns.name = None
    return matrix


def evaluated_cells(
    model_id: str, scores: Mapping[str, Mapping[str, object]], benchmarks: pd.DataFrame
) -> pd.DataFrame:
    """Return one model's own evaluation as cells.

    Args:
        model_id: Model.
        scores: Per benchmark: score in [0, 1], stderr, n_items, protocol, and `RATES`.
        benchmarks: benchmarks.csv, indexed by benchmark; others are ignored.
    """
    rows = [
        {
            "model_id": model_id,
            "benchmark": name,
            "origin": "evaluated",
            "source": "own evaluation",
            "waived": False,
            "reason": "",
            **{key: result.get(key) for key in EVALUATED_KEYS},
        }
        for name, result in scores.items()
        if name in benchmarks.index
    ]
    cells = pd.DataFrame(rows, columns=CELL_COLUMNS)
    numbers = ["score", "stderr", *RATES]
    return cells.astype(dict.fromkeys(numbers, float) | {"n_items": "Int64"})


def imported_cells(imports: pd.DataFrame) -> pd.DataFrame:
    """Return the results of other tools as cells.

    Args:
        imports: imports.csv, scores as shares of max_score.
    """
    cells = imports.assign(origin="imported", source=imports["tool"] + ", " + imports["file"], waived=False, reason="")
    return cells[CELL_COLUMNS]


def missing_evaluations(scores: Mapping[str, object], benchmarks: pd.DataFrame) -> list[str]:
    """Return the benchmarks of the study that an evaluation lacks, in order."""
    return [str(name) for name in benchmarks.index if name not in scores]


def binomial_stderr(score: pd.Series, n_items: pd.Series) -> pd.Series:
    """Return sqrt(p (1 - p) / n), the standard error of a share.

    Args:
        score: Scores p; outside [0, 1] a share makes no sense and the result is NaN.
        n_items: Items n of each score; missing gives NaN.
    """
    p = score.where(score.between(0, 1))
    return pd.Series(np.sqrt(p * (1 - p) / n_items.astype(float)))


def waived(cells: pd.DataFrame, X: pd.DataFrame) -> pd.DataFrame:
    """Return which cells of a matrix a waiver calls a failed evaluation, bool (n_models, n_benchmarks).

    Args:
        cells: Long table of cells.
        X: Score matrix.
    """
    flags = cells.pivot(index="model_id", columns="benchmark", values="waived")
    return flags.reindex(index=X.index, columns=X.columns).eq(other=True)
