"""Rows of imports.csv: scores with the answers behind them, and where their raw files are kept."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stages.contracts.outcomes import RATES
from stages.contracts.rows import is_missing, rows_of
from stages.contracts.study.tables import IMPORTS
from stages.intake.choice import Candidate
from stages.intake.drafts import plain
from stages.intake.outcomes import Outcomes, all_outcomes
from stages.intake.results import Found, Result
from stages.workspace.imports import SEPARATOR, place_of
from stages.workspace.progress import working

TOLERANCE = 1e-6
"""The mean of the values behind a score may differ from it by this much: files hold rounded numbers."""
NOTHING = Outcomes()


class _Row(NamedTuple):
    model_id: str
    benchmark: str
    score: float
    stderr: float
    n_items: int
    protocol: str
    tool: str
    evaluated_at: str
    file: str
    place: str


def earlier(imports: pd.DataFrame) -> list[Candidate]:
    """Return the rows of imports.csv as candidates, each with its row as it stands."""
    texts = [{name: _text(row[name]) for name in IMPORTS.names} for row in imports.to_dict("records")]
    return [
        Candidate(
            model_id=row.model_id,
            benchmark=row.benchmark,
            score=row.score,
            stderr=None if is_missing(row.stderr) else row.stderr,
            n_items=None if is_missing(row.n_items) else int(row.n_items),
            protocol=row.protocol,
            tool=row.tool,
            time=row.evaluated_at,
            where=f"imports.csv, {row.file}",
            row=text,
        )
        for row, text in zip(rows_of(imports, _Row), texts, strict=True)
    ]


def _text(value: object) -> str:
    if is_missing(value):
        return ""
    return plain(value) if isinstance(value, float) else str(value)


def import_rows(
    study: str, kept: Sequence[Candidate], digests: Mapping[Path, str]
) -> tuple[list[dict[str, str]], dict[Path, Path], Found]:
    """Return the rows, raw file to where it is kept, and what was found out about their answers.

    Args:
        study: Name of the study.
        kept: One score for each cell.
        digests: SHA-256 of each file of results.
    """
    new = [(c, c.result) for c in kept if c.result is not None]
    with_answers = [result for _, result in new if result.samples]
    known: dict[int, Outcomes] = {}
    with working("reading answers", len(with_answers)) as step:
        outcomes = all_outcomes([result.samples for result in with_answers])
        for result, outcome in zip(with_answers, outcomes, strict=True):
            step.next(f"{result.task} of {result.model}")
            known[id(result)] = outcome
    rows, found = [dict(c.row) for c in kept if c.row is not None], Found()
    places: dict[Path, Path] = {}
    for candidate, result in new:
        outcome = known.get(id(result), NOTHING)
        if problem := _problem(result, outcome):
            found.refused.append(problem)
            continue
        found.notes += _doubts(candidate, result, outcome)
        raw = {result.file: digests[result.file], **dict(zip(_paths(result), outcome.digests, strict=True))}
        mine = {path: place_of(study, path, digest) for path, digest in raw.items()}
        places |= mine
        rows.append(_row(candidate, result, outcome, mine, raw[result.file]))
    return rows, places, found


def _paths(result: Result) -> Iterator[Path]:
    return (sample.path for sample in result.samples)


def _problem(result: Result, outcome: Outcomes) -> str:
    """Return why the answers behind a score do not belong to it, "" where they do."""
    if outcome.problem or not result.samples or result.n_items in {None, outcome.n_items}:
        return outcome.problem
    first = next(_paths(result))
    return (
        f"{first}: {outcome.n_items} answers, but {result.file.name} counts {result.n_items} items of {result.task}: "
        "is the file cut short, or of another run? Copy it again"
    )


def _doubts(candidate: Candidate, result: Result, outcome: Outcomes) -> Iterator[str]:
    mean = outcome.mean * candidate.score / result.score if result.score else outcome.mean
    if (
        math.isfinite(mean)
        and abs(outcome.mean - result.score) > TOLERANCE
        and abs(mean - candidate.score) > TOLERANCE
    ):
        yield (
            f"{candidate.benchmark} of {candidate.model_id} is {result.score:.4g}, the mean of its answers "
            f"{outcome.mean:.4g}: {result.key} is not a mean over items, or they are from another run"
        )


def _row(
    candidate: Candidate, result: Result, outcome: Outcomes, places: Mapping[Path, Path], digest: str
) -> dict[str, str]:
    rates = dict(outcome.rates or {})
    stated = {"failed_rate": result.failed, "truncated_rate": result.truncated}
    n_items = candidate.n_items if candidate.n_items is not None else outcome.n_items or None
    is_mean = abs(outcome.mean - candidate.score) <= TOLERANCE
    stderr = outcome.stderr if candidate.stderr is None and is_mean else candidate.stderr
    return {
        "model_id": candidate.model_id,
        "benchmark": candidate.benchmark,
        "score": plain(candidate.score),
        "stderr": plain(stderr),
        "n_items": "" if n_items is None else str(n_items),
        **{name: plain(_first(rates.get(name), stated.get(name))) for name in RATES},
        "protocol": candidate.protocol,
        "tool": candidate.tool,
        "evaluated_at": candidate.time,
        "file": places[result.file].as_posix(),
        "place": result.place,
        "sha256": digest,
        "samples": SEPARATOR.join(places[path].as_posix() for path in _paths(result)),
    }


def _first(*values: float | None) -> float | None:
    """Return the first value that is known."""
    return next((value for value in values if value is not None and math.isfinite(value)), None)
