"""Score cells and answers as records of Every Eval Ever 0.3.0 (github.com/evaleval/every_eval_ever, arXiv 2606.14516).

One record for each model and kind of origin: what was published (corrected or not) is documentation, what was
evaluated here is an evaluation run. A record has no clock: its time is that of the state, and its UUID is made of its
content. The UUIDs look like those of version 4, as the format asks of file names.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from stages.analysis.scores.cells import falling, scaled_ranges
from stages.contracts.outcomes import RATES
from stages.contracts.rows import is_missing
from stages.contracts.study.info import StudyInfo

VERSION = "0.3.0"
PUBLISHED = ("published", "corrected")
EVALUATED = "evaluated"
UNKNOWN = "unknown"
RIGHT = 1.0
"""Value of an item that counts as right: the whole of what it can be."""
FACTS = (
    "total_params_b",
    "active_params_b",
    "construction",
    "base_model_id",
    "family",
    "group",
    "revision",
    "tokens_total_b",
)
"""Columns of models.csv that go into a record besides name and id."""
UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9]|data)(\.|$)", re.IGNORECASE)
Json = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """What all records of a state share.

    Attributes:
        study: Folder name under metadata/.
        info: study.yaml.
        organization: Who provides the scores.
        state: Digest of the state.
        time: When it was reached, ISO 8601.
        models: Indexed by model_id; columns of models.csv.
        benchmarks: benchmarks.csv, indexed by benchmark.
        cells: Long table of scores.
        provenance: model_id to the provenance.json of its evaluation, where it has one here.
        tools: model_id and benchmark of an imported score to the tool that measured it, name and version.
    """

    study: str
    info: StudyInfo
    organization: str
    state: str
    time: str
    models: pd.DataFrame
    benchmarks: pd.DataFrame
    cells: pd.DataFrame
    provenance: Mapping[str, Json] = field(default_factory=dict)
    tools: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def facts(self) -> dict[str, tuple[Json, Json]]:
        """Benchmark to its row of benchmarks.csv, and to what records say of its metric."""
        ranges, down = scaled_ranges(self.benchmarks), falling(self.benchmarks)
        rows = _rows(self.benchmarks)
        return {name: (row, _metric(row, *ranges[name], falls=name in down)) for name, row in rows.items()}


@dataclass(frozen=True)
class Record:
    """A record and where it goes.

    Attributes:
        folder: data/COLLECTION/DEVELOPER/MODEL.
        model_id: Its model.
        origin: "published" or that of its cells.
        content: The record.
    """

    folder: str
    model_id: str
    origin: str
    content: Json

    @property
    def name(self) -> str:
        """Name of its files without ending: a UUID made of the content."""
        return str(uuid.UUID(bytes=hashlib.sha256(as_text(self.content).encode()).digest()[:16], version=4))


def records(source: Source) -> Iterator[Record]:
    """Yield the records of a state, model by model in the order of the cells; cells without a score are left out."""
    cells, models = source.cells[source.cells["score"].notna()], _rows(source.models)
    origins = cells["origin"].where(~cells["origin"].isin(PUBLISHED), PUBLISHED[0])
    for (model_id, origin), own in cells.groupby([cells["model_id"], origins], sort=False):
        yield _record(source, str(model_id), models[str(model_id)], str(origin), own)


def _record(source: Source, model_id: str, model: Json, origin: str, cells: pd.DataFrame) -> Record:
    collection = source.study if origin == PUBLISHED[0] else f"{source.study}-{origin}"
    developer, _, name = model_id.rpartition("/")
    folder = "/".join(["data", *map(_component, (collection, developer or UNKNOWN, name))])
    provenance = source.provenance.get(model_id, {}) if origin == EVALUATED else {}
    tools = {source.tools.get((model_id, str(name)), "") for name in cells["benchmark"]}
    identity = f"{collection}/{model_id}/{epoch(source.time)}"
    content: Json = {
        "schema_version": VERSION,
        "evaluation_id": identity,
        **({"evaluation_timestamp": epoch(provenance["end"])} if "end" in provenance else {}),
        "retrieved_timestamp": epoch(source.time),
        "source_metadata": _source_metadata(source, origin),
        "eval_library": _library(provenance, tools),
        "model_info": _model_info(model, model_id, provenance),
        "evaluation_results": [
            _result(source, identity, cell, provenance) for cell in cells.to_dict("records")
        ],
    }  # fmt: skip
    return Record(folder, model_id, origin, content)


def _component(name: str) -> str:
    """Return a name as a part of a path on every file system."""
    plain = UNSAFE.sub("_", name).rstrip(". ") or "_"
    return f"_{plain}" if RESERVED.match(plain) else plain


def _rows(table: pd.DataFrame) -> dict[str, Json]:
    """Return the rows of a table by their index."""
    rows = ({str(column): value for column, value in row.items()} for row in table.to_dict("records"))
    return dict(zip(map(str, table.index), rows, strict=True))


def _source_metadata(source: Source, origin: str) -> Json:
    kind = "documentation" if origin == PUBLISHED[0] else "evaluation_run"
    details = {"citation": source.info.citation, "licence": source.info.licence, "state": source.state}
    return {
        "source_name": source.info.title,
        "source_type": kind,
        "source_organization_name": source.organization,
        # who built which model is not among the facts of a study
        "evaluator_relationship": "other",
        "additional_details": texts_of(details),
    }


def _library(provenance: Json, tools: Set[str]) -> Json:
    versions = provenance.get("libraries", {})
    if "lm_eval" not in versions:
        # of several tools, none is that of the record
        name, _, version = min(tools).rpartition(" ") if len(tools) == 1 else ("", "", "")
        return {"name": name or UNKNOWN, "version": version or UNKNOWN}
    others = {name: version for name, version in versions.items() if name != "lm_eval"}
    return {"name": "lm_eval", "version": str(versions["lm_eval"]), "additional_details": texts_of(others)}


def _model_info(row: Json, model_id: str, provenance: Json) -> Json:
    served = {part.get("backend", "").startswith("local-") for part in provenance.get("benchmarks", {}).values()}
    # weights that were loaded here are weights that one can have
    loaded = served == {False}
    known = {name: row[name] for name in FACTS if name in row}
    sizes = [known[name] for name in FACTS[:2] if not _missing(known.get(name))]
    developer = model_id.rpartition("/")[0]
    return {
        "name": str(row["name"]),
        "id": model_id,
        **({"developer": developer} if developer else {}),
        "additional_details": {
            "deployment_type": "self_deployed" if loaded else UNKNOWN,
            "model_availability": "open_weights" if loaded else UNKNOWN,
            # the name that other writers of the format use
            **texts_of({"params_billions": sizes[0]} if sizes else {}),
            **texts_of(known),
        },
    }


def _result(source: Source, identity: str, cell: Mapping[Any, Any], provenance: Json) -> Json:
    name = str(cell["benchmark"])
    facts, metric = source.facts[name]
    details = {
        key: cell[key] for key in ("origin", "protocol", "source", "reason", *RATES)
    } | ({"waived": "true"} if cell["waived"] else {})  # fmt: skip
    return {
        "evaluation_result_id": f"{identity}/{name}",
        "evaluation_name": name,
        "source_data": {
            "dataset_name": name,
            "source_type": "other",
            **_optional("additional_details", texts_of({"reference": facts["reference"]})),
        },
        "metric_config": metric,
        "score_details": {
            "score": float(cell["score"]),
            "details": texts_of(details),
            **_optional("uncertainty", _uncertainty(cell)),
        },
        **_optional("generation_config", _generation(facts, provenance.get("benchmarks", {}).get(name, {}))),
    }


def _metric(facts: Json, low: float, high: float, *, falls: bool) -> Json:
    metric = str(facts["metric"])
    return {
        "evaluation_description": f"{facts['label']}: {facts['ability']}, {facts['language']}",
        "metric_id": re.sub(r"\W+", "_", metric.lower()).strip("_"),
        "metric_name": metric,
        "metric_unit": "proportion",
        "lower_is_better": falls,
        "score_type": "continuous",
        "min_score": float(low),
        "max_score": float(high),
    }


def _uncertainty(cell: Mapping[Any, Any]) -> Json:
    found: Json = {}
    if not _missing(cell["stderr"]):
        found["standard_error"] = {"value": float(cell["stderr"])}
    if not _missing(cell["n_items"]):
        found["num_samples"] = int(cell["n_items"])
    return found


def _generation(facts: Json, provenance: Json) -> Json:
    options = provenance.get("generation", {})
    arguments: Json = {}
    if "temperature" in options:
        arguments["temperature"] = float(options["temperature"])
    if options.get("max_gen_toks"):
        arguments["max_tokens"] = int(options["max_gen_toks"])
    told = {"n_shots": facts["n_shots"], "answer": facts["answer"], **{k: v for k, v in options.items()}}
    return _optional("generation_args", arguments) | _optional("additional_details", texts_of(told))


def sample_rows(record: Record, benchmark: str, answers: pd.DataFrame) -> Iterator[Json]:
    """Yield the answers of an evaluation to a benchmark as instance records.

    Args:
        record: Record of the model's evaluation.
        benchmark: Which.
        answers: As the stage `evaluate` leaves them, a row for each item.
    """
    identity = record.content["evaluation_id"]
    for row in answers.to_dict("records"):
        # where nothing is generated, the answer is the choice of the highest likelihood
        generated = [str(text) for text in row["raw"]]
        raw = generated or [str(row["filtered"])]
        method = "answer of the task" if generated else "highest log-likelihood"
        reference = [str(row["target"])]
        tokens = (int(row["prompt_tokens"]), int(sum(row["output_tokens"])))
        yield {
            "schema_version": VERSION,
            "evaluation_id": identity,
            "model_id": record.model_id,
            "evaluation_name": benchmark,
            "evaluation_result_id": f"{identity}/{benchmark}",
            "sample_id": str(row["item"]),
            "sample_hash": hashlib.sha256("".join([str(row["prompt"]), *reference]).encode()).hexdigest(),
            "interaction_type": "single_turn",
            "input": {"raw": str(row["prompt"]), "reference": reference},
            "output": {"raw": raw},
            "answer_attribution": [
                {
                    "turn_idx": 0,
                    "source": "output.raw",
                    "extracted_value": str(row["filtered"]),
                    "extraction_method": method,
                    "is_terminal": True,
                }
            ],
            "evaluation": {"score": float(row["value"]), "is_correct": bool(row["value"] >= RIGHT)},
            "token_usage": {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens)},
            "metadata": texts_of(
                {
                    "prompt_hash": row["prompt_hash"],
                    "finish": ",".join(map(str, row["finish"])),
                    **{key: row[key] for key in ("empty", "failed", "refused", "capped", "truncated")},
                }
            ),
        }


def detailed(record: Record, name: str, rows: int, checksum: str) -> Json:
    """Return what a record says of the file with its answers.

    Args:
        record: The record.
        name: UUID of its files.
        rows: Lines of the file.
        checksum: SHA-256 of it.
    """
    return {
        "format": "jsonl",
        "file_path": f"{record.folder}/{name}_samples.jsonl",
        "hash_algorithm": "sha256",
        "checksum": checksum,
        "total_rows": rows,
    }


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as the text that details must be; what is missing or empty is left out."""
    return {key: _text(value) for key, value in values.items() if not _missing(value)}


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _missing(value: object) -> bool:
    return is_missing(value) or value == ""


def _optional(key: str, value: Json | dict[str, str]) -> Json:
    return {key: value} if value else {}


def epoch(time: str) -> str:
    """Return a time in ISO 8601 as seconds since 1970."""
    return str(int(datetime.fromisoformat(time).timestamp()))


def as_text(content: Json) -> str:
    """Return a record as it is written."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
