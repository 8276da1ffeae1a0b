"""Results of EuroEval before version 17, and of ScandEval: JSON Lines, one model and data set per line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.intake.every_eval_ever import HALF_WIDTH, HALVED
from stages.intake.jsons import mapping, number, read_lines, sequence, text
from stages.intake.results import Found, Result, moment

NAME = "euroeval"
TEST, ERROR = "test_", "_se"
PERCENT = 100.0
"""What it multiplies shares by."""


def is_line(row: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is a result of EuroEval."""
    return {"dataset", "model", "results"} <= row.keys() and "total" in mapping(row["results"])


def read(path: Path) -> Found:
    """Read a file of results.

    Raises:
        InputError: A line is not a JSON object.
    """
    found = Found()
    for place, row in enumerate(read_lines(path), 1):
        if not is_line(row):
            found.refused.append(f"{path}: line {place} is not a result of EuroEval: remove it")
            continue
        total = mapping(mapping(row["results"])["total"])
        found.results += _results(path, place, row, total)
        failures = number(total.get("num_failed_instances"))
        if failures:
            found.notes.append(
                f"{row['model']}: {failures:g} answers to {row['dataset']} could not be read, on average"
            )
    if found.results:
        found.notes.append(HALVED.format(NAME))
    return found


def _results(path: Path, place: int, row: Mapping[str, Any], total: Mapping[str, Any]) -> Iterator[Result]:
    version = text(row.get("euroeval_version")) or text(row.get("scandeval_version")) or "of unknown version"
    language = next(iter(sequence(row.get("languages")) or sequence(row.get("dataset_languages"))), "")
    for key, value in total.items():
        score = number(value)
        if not key.startswith(TEST) or key.endswith(ERROR) or score is None:
            continue
        half = number(total.get(key + ERROR))
        yield Result(
            model=text(row["model"]),
            task=text(row["dataset"]),
            metric=key.removeprefix(TEST),
            score=score,
            file=path,
            place=f"line {place}/results/total/{key}",
            tool=f"{NAME} {version}",
            setting=tuple(_setting(row)),
            stderr=None if half is None else half / HALF_WIDTH,
            top=PERCENT,
            higher_is_better=True,
            time=moment(row.get("timestamp")),
            language=text(language),
            parameters=number(row.get("num_model_parameters")),
        )


def _setting(row: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(row.get("few_shot"), bool):
        yield "few-shot" if row["few_shot"] else "0-shot"
    if row.get("validation_split"):
        yield "validation split"
