"""All figures of a state as files."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from stages.analysis.scores.results import Results
from stages.figures import fonts
from stages.figures.beyond import catalogue_beyond
from stages.figures.catalog import Drawing, catalogue
from stages.figures.description import Description
from stages.figures.style import save

PROCESSES = 2


def draw_files(
    results: Results,
    tables: Mapping[str, pd.DataFrame],
    statements: Mapping[str, str],
    level: float,
    folder: Path,
    dpi: int,
) -> Iterator[Description]:
    """Write NAME.svg for every figure, and a PNG of the first, and yield each in words when it is written.

    Args:
        results: The study.
        tables: Tables of the stages stability and robustness, as for `catalogue_beyond`.
        statements: Conclusion to its words.
        level: Coverage of the intervals.
        folder: Where to write; it exists.
        dpi: Resolution of the PNG, dots per inch.

    Yields:
        The figures in words, in the order to show them.
    """
    used = fonts.cover(texts_of(results, statements))
    drawings = [*catalogue(results), *catalogue_beyond(results, tables, statements, level)]
    drawings[0] = replace(drawings[0], description=replace(drawings[0].description, png=True))
    with fonts.using(used):
        yield from write_all(drawings, folder, dpi)


def undrawable(results: Results, statements: Mapping[str, str]) -> str | None:
    """Return a line that says which names no installed font can show, None where there is none."""
    texts = texts_of(results, statements)
    return fonts.lacking_line(texts, fonts.cover(texts))


def texts_of(results: Results, statements: Mapping[str, str]) -> list[str]:
    """Return all texts of a study that its figures show."""
    info = results.info
    readings = [label for named in info.readings.values() for label in named]
    labels = results.benchmarks.loc[results.X.columns, "label"]
    chosen = [*info.languages.values(), *info.groups.values(), *readings, *statements.values()]
    return [*results.models["name"], *labels, *chosen]


def write_all(drawings: Sequence[Drawing], folder: Path, dpi: int) -> Iterator[Description]:
    """Draw and write figures, in two processes: matplotlib uses one core. Yield each when it is written."""
    # fork: a child has imported everything already
    with ProcessPoolExecutor(PROCESSES, get_context("fork"), gc.freeze) as pool:
        written = pool.map(_write, drawings, repeat(folder), repeat(dpi))
        for drawing, _ in zip(drawings, written, strict=True):
            yield drawing.description


def _write(drawing: Drawing, folder: Path, dpi: int) -> None:
    save(drawing.draw(), drawing.description, folder, dpi)
