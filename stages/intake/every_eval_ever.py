"""Records of Every Eval Ever, versions 0.2 and 0.3: `<uuid>.json`, and `<uuid>_samples.jsonl` beside it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

from stages.contracts.names import folded
from stages.intake.jsons import mapping, number, read_object, sequence, text
from stages.intake.results import Found, Result, SampleFile, moment
from stages.intake.samples import Of

NAME = "every-eval-ever"
KNOWN = ("0.2.", "0.3.")
"""Beginnings of the versions of its schema that are read."""
NEEDED = ("evaluation_id", "retrieved_timestamp", "source_metadata", "model_info", "evaluation_results")
HALF_WIDTH = NormalDist().inv_cdf(0.975)
"""Half the width of a 95 % interval, in standard errors."""
HALVED = "{}: what it writes as standard errors is half of 95 % intervals: divided by 1.96"
HALF_WIDTHS = ("euroeval", "scandeval")
"""Libraries that write half the width of a 95 % interval as the standard error, and their bootstraps as samples."""
PERCENT = ("percent", "%", "percentage")
MARKER = -1.0
"""Score that means unknown, where the metric says that it has such a level."""


def is_record(content: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is a record of Every Eval Ever."""
    return {"schema_version", "evaluation_results", "model_info"} <= content.keys()


@dataclass(frozen=True)
class _Record:
    """A record, and what all of its numbers share."""

    path: Path
    content: Mapping[str, Any]

    @property
    def model(self) -> str:
        """Identifier of the model."""
        about = mapping(self.content.get("model_info"))
        return text(about.get("id")) or text(about.get("name"))

    @property
    def library(self) -> str:
        """Name of what measured it, "" where that is not known."""
        name = text(mapping(self.content.get("eval_library")).get("name"))
        return "" if folded(name) == "unknown" else name

    @property
    def tool(self) -> str:
        """Name and version of what measured it, or who states it."""
        version = text(mapping(self.content.get("eval_library")).get("version"))
        source = mapping(self.content.get("source_metadata"))
        stated = f"stated by {text(source.get('source_organization_name')) or 'an unknown organisation'}"
        return " ".join(filter(None, [self.library, version])) if self.library else stated

    @property
    def parameters(self) -> float | None:
        """Parameters of the model in plain units, where the record states them."""
        details = mapping(mapping(self.content.get("model_info")).get("additional_details"))
        for key, unit in (("num_parameters", 1.0), ("params_billions", 1e9)):
            try:
                return float(details[key]) * unit
            except (KeyError, TypeError, ValueError):
                continue
        return None


def read(path: Path) -> Found:
    """Read a record.

    Raises:
        InputError: It is not a JSON object.
    """
    record = _Record(path, read_object(path))
    missing = [name for name in NEEDED if name not in record.content]
    if missing or not record.model:
        lacks = ", ".join([*missing, *([] if record.model else ["model_info.id"])])
        return Found(refused=[f"{path}: lacks {lacks}, which every version of the schema requires"])
    found = Found(notes=_notes(record))
    lines = _sample_problems(record)
    found.refused += lines
    for place, entry in enumerate(map(mapping, sequence(record.content["evaluation_results"]))):
        found.add(_entry(record, place, entry, with_samples=not lines))
    return found


def _notes(record: _Record) -> list[str]:
    version = text(record.content.get("schema_version"))
    source = mapping(record.content.get("source_metadata"))
    notes = []
    if not version.startswith(KNOWN):
        notes.append(
            f"{NAME}: schema version {version or 'missing'} is read as {KNOWN[-1]}x: compare a few scores with their "
            "source"
        )
    if (source.get("source_type"), source.get("evaluator_relationship")) == ("documentation", "first_party"):
        notes.append(
            f"{record.model}: scores stated by its own maker ({text(source.get('source_organization_name'))}) are a "
            "protocol of their own"
        )
    return notes


def _samples_path(record: _Record) -> Path | None:
    """Return the file of samples, None where there is none."""
    stated = text(mapping(record.content.get("detailed_evaluation_results")).get("file_path"))
    names = [stated.rpartition("/")[2], f"{record.path.stem}_samples.jsonl"]
    beside = [record.path.with_name(name) for name in names if name]
    return next((path for path in beside if path.is_file()), None)


def _sample_problems(record: _Record) -> list[str]:
    """Compare the file of samples with the checksum that the record states."""
    details, path = mapping(record.content.get("detailed_evaluation_results")), _samples_path(record)
    stated, how = text(details.get("checksum")), text(details.get("hash_algorithm")) or "sha256"
    if path is None or not stated or how not in {"sha256", "md5"}:
        return []
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, lambda: hashlib.new(how, usedforsecurity=False)).hexdigest()
    line = f"{path}: {how} {actual}, {record.path.name} states {stated}: copy the samples again from their source"
    return [] if actual == stated else [line]


def _entry(record: _Record, place: int, entry: Mapping[str, Any], *, with_samples: bool) -> Found:
    """Return one number of a record, or why it cannot be used."""
    config, details = mapping(entry.get("metric_config")), mapping(entry.get("score_details"))
    name, dataset = text(entry.get("evaluation_name")), text(mapping(entry.get("source_data")).get("dataset_name"))
    where = f"{record.path}: {name or dataset or f'result {place}'}"
    score = number(details.get("score"))
    if score is None:
        return Found(refused=[f"{where} has no score: remove the result, or evaluate again"])
    if config.get("has_unknown_level") and score == MARKER:
        return Found(notes=[f"{where} is -1, which its metric declares to mean unknown: left out"])
    metric = _metric(config)
    top, problem = _top(config, score, where)
    stderr, n_items, note = _uncertainty(record, details)
    lower = config.get("lower_is_better")
    result = Result(
        model=record.model,
        task=_task_name(name, dataset, metric),
        metric=metric,
        score=score,
        file=record.path,
        place=f"evaluation_results/{place}/score_details/score",
        tool=record.tool,
        setting=_setting(record, entry, config),
        stderr=stderr,
        n_items=n_items,
        top=top,
        higher_is_better=not lower if isinstance(lower, bool) else None,
        time=_time(record, entry),
        parameters=record.parameters,
        samples=_samples(record, entry) if with_samples else (),
    )
    return Found([] if problem else [result], [problem] if problem else [], note)


def _metric(config: Mapping[str, Any]) -> str:
    names = (text(config.get(key)) for key in ("metric_id", "metric_name", "metric_kind", "evaluation_description"))
    return next(filter(None, names), "score")


def _task_name(name: str, dataset: str, metric: str) -> str:
    """Return which of the names is the task's: writers put the metric into either of them."""
    generic = {folded(each) for each in (metric, metric.rpartition(".")[2], "score", "accuracy", "overall")}
    return dataset if dataset and (not name or folded(name) in generic) else name or dataset


def _top(config: Mapping[str, Any], score: float, where: str) -> tuple[float | None, str]:
    """Return the largest possible score that a metric states, and what contradicts it."""
    stated = number(config.get("max_score"))
    percent = folded(text(config.get("metric_unit"))) in PERCENT
    top = stated if stated is not None else 100.0 if percent else None
    if top is not None and score > top:
        return top, f"{where} is {score:g}, more than the largest score {top:g} that it states: one of them is wrong"
    return top, ""


def _uncertainty(record: _Record, details: Mapping[str, Any]) -> tuple[float | None, int | None, list[str]]:
    """Return standard error and items of a score, and a note where they are not what they are called."""
    known = mapping(details.get("uncertainty"))
    stderr, items = number(mapping(known.get("standard_error")).get("value")), number(known.get("num_samples"))
    if folded(record.library) in HALF_WIDTHS and stderr is not None:
        return stderr / HALF_WIDTH, None, [HALVED.format(record.library)]
    return stderr, None if items is None or items < 1 else int(items), []


def _setting(record: _Record, entry: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[str, ...]:
    source = mapping(record.content.get("source_metadata"))
    by = text(source.get("evaluator_relationship")).replace("_", " ")
    stated = source.get("source_type") == "documentation"
    judges = [
        text(mapping(mapping(judge).get("model_info")).get("id")) or "a model"
        for judge in sequence(mapping(config.get("llm_scoring")).get("judges"))
    ]
    more = mapping(mapping(entry.get("generation_config")).get("additional_details"))
    n_shots = text(more.get("num_fewshot"))
    return (
        *([f"{n_shots}-shot"] if n_shots else []),
        *([f"documentation of a {by or 'source'}"] if stated else []),
        *([f"judged by {', '.join(judges)}"] if judges else []),
    )


def _time(record: _Record, entry: Mapping[str, Any]) -> str:
    times = (entry.get("evaluation_timestamp"), record.content.get("evaluation_timestamp"))
    # when a record was made orders those of one score, where nothing says when it was measured
    return next(filter(None, map(moment, [*times, record.content.get("retrieved_timestamp")])), "")


def _samples(record: _Record, entry: Mapping[str, Any]) -> tuple[SampleFile, ...]:
    path = _samples_path(record)
    several = len(sequence(record.content["evaluation_results"])) > 1
    return (SampleFile(path, of_entry(entry, several=several)),) if path else ()


def of_entry(entry: Mapping[str, Any], *, several: bool) -> Of:
    """Return which samples belong to an entry of `evaluation_results`.

    Args:
        entry: Entry of the record.
        several: Whether the record has other entries, whose samples are in the same file.
    """
    names = (text(entry.get("evaluation_result_id")), text(entry.get("evaluation_name")))
    longest = number(mapping(mapping(entry.get("generation_config")).get("generation_args")).get("max_tokens"))
    return Of("every-eval-ever", names=names if several else None, longest=None if longest is None else int(longest))
