"""Corrections of published scores: those applied, and those that correct nothing."""

from collections.abc import Sequence

import pandas as pd

from stages.analysis.scores.cells import Cell, divisors
from stages.contracts.rows import is_missing, rows_of
from stages.contracts.study.tables import CorrectionRow
from stages.gate.findings import Finding


def corrected_line(c: Cell) -> str:
    """Return what was corrected, as one line."""
    return f"{c.benchmark} of {c.model_id} is corrected to {c.score:g}: {c.reason} ({c.source})"


def stale_corrections(
    cells: pd.DataFrame, corrections: pd.DataFrame, benchmarks: pd.DataFrame, folder: str
) -> list[Finding]:
    """Name the corrections of a published score that the table does not have: they are not applied.

    Args:
        cells: Long table of cells, scaled; of those that were corrected the correction fits.
        corrections: corrections.csv, raw scores.
        benchmarks: benchmarks.csv, indexed by benchmark.
        folder: Folder of the study, to show in messages.
    """
    published = {(c.model_id, c.benchmark): c.score for c in rows_of(cells[cells["origin"] == "published"], Cell)}
    by = divisors(benchmarks)
    found = []
    for row in rows_of(corrections, CorrectionRow):
        score = published.get((row.model_id, row.benchmark))
        if score is None or score == row.published / by[row.benchmark]:
            continue
        has = "no score" if is_missing(score) else f"{score * by[row.benchmark]:g}"
        text = (
            f"{folder}/corrections.csv: published {row.benchmark} of {row.model_id} is {row.published:g}, "
            f"{folder}/scores.csv has {has}: remove the row or correct the published value"
        )
        found.append(Finding("corrections", "error", row.model_id, row.benchmark, text))
    return found


def scoreless_corrections(
    corrections: pd.DataFrame, models: Sequence[str], scored: Sequence[str], folder: str
) -> list[Finding]:
    """Name the corrections of models that scores.csv does not have.

    Args:
        corrections: corrections.csv.
        models: model_id of all models of the study.
        scored: model_id of all rows of scores.csv.
        folder: Folder of the study, to show in messages.
    """
    return [
        Finding(
            "corrections",
            "error",
            name,
            "",
            f"{folder}/corrections.csv: {name} has no row in scores.csv to correct: remove the row, or add its scores",
            kind="no scores",
        )
        for name in dict.fromkeys(map(str, corrections["model_id"]))
        if name in set(models) - set(scored)
    ]
