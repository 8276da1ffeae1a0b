"""The outcomes of the answers behind a score, file by file, in as many processes as there are cores."""

import hashlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from stages.contracts.errors import InputError
from stages.intake.results import SampleFile
from stages.intake.samples import rates, read_samples

FEW = 16
"""Scores for which starting other processes takes longer than reading their samples here."""


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of the answers behind one score.

    Attributes:
        n_items: Items with an answer.
        rates: `RATES`, NaN where not known.
        mean: Mean of the items' values, NaN where an item has none.
        stderr: Standard deviation of the values over the root of their number; NaN likewise and for one item.
        digests: SHA-256 of each file.
        problem: Why the samples cannot be read, "" where they can.
    """

    n_items: int = 0
    rates: Mapping[str, float] | None = None
    mean: float = math.nan
    stderr: float = math.nan
    digests: tuple[str, ...] = ()
    problem: str = ""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def outcomes_of(files: Sequence[SampleFile]) -> Outcomes:
    """Return the outcomes of the answers in some files, all behind one score."""
    try:
        tables = [read_samples(each.path, each.of) for each in files]
    except InputError as error:
        return Outcomes(problem=error.problems[0])
    values = [value for table in tables for value in table["value"]]
    n, mean = len(values), math.fsum(values) / len(values) if values else math.nan
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1)) if n > 1 else math.nan
    return Outcomes(n, rates(tables), mean, spread / math.sqrt(max(n, 1)), tuple(sha256(each.path) for each in files))


def all_outcomes(groups: Sequence[Sequence[SampleFile]]) -> Iterator[Outcomes]:
    """Yield the outcomes of the answers behind each of many scores, in their order."""
    workers = len(os.sched_getaffinity(0))
    if len(groups) < FEW or workers < 2:
        yield from map(outcomes_of, groups)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        yield from pool.map(outcomes_of, groups, chunksize=max(1, min(32, len(groups) // (4 * workers))))
