"""`observatory export --eee`: records of Every Eval Ever, held against what its schema asks for.

The constraints that a record can break are written out below; the records are validated against the published schemas,
too, which `make` installs from the project's own package.
"""

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd

from stages.analysis.scores.cells import CELL_COLUMNS
from stages.commands.export.eee import Source, epoch, records
from stages.commands.export.forms import write_record
from stages.contracts.outcomes import RATES
from stages.contracts.study.info import StudyInfo
from stages.intake import every_eval_ever

UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
SCHEMAS = Path(sys.prefix, "every-eval-ever/every_eval_ever/schemas")
"""Where `make` puts the published schemas, of the release 0.3.0."""
TEXT, NUMBER, DETAILS = (
    {"type": "string"},
    {"type": "number"},
    {"type": "object", "additionalProperties": {"type": "string"}},
)


def thing(**fields: object) -> dict:
    """Return a schema of an object that has all these fields; a name that ends in _ may be missing."""
    named = {name.rstrip("_"): value for name, value in fields.items()}
    needed = [name for name in fields if not name.endswith("_")]
    return {"type": "object", "required": needed, "properties": named}


RECORD = thing(
    schema_version={"const": "0.3.0"},
    evaluation_id=TEXT,
    evaluation_timestamp_={"type": "string", "pattern": r"^\d+$"},
    retrieved_timestamp={"type": "string", "pattern": r"^\d+$"},
    source_metadata=thing(
        source_name=TEXT,
        source_type={"enum": ["documentation", "evaluation_run"]},
        source_organization_name={"type": "string", "minLength": 1},
        evaluator_relationship={"enum": ["first_party", "third_party", "collaborative", "other"]},
        additional_details_=DETAILS,
    ),
    eval_library=thing(name=TEXT, version=TEXT, additional_details_=DETAILS),
    model_info=thing(
        name=TEXT,
        id=TEXT,
        developer_=TEXT,
        additional_details=DETAILS
        | thing(
            deployment_type={"enum": ["self_deployed", "externally_managed", "unknown"]},
            model_availability={"enum": ["open_weights", "closed_weights", "unknown"]},
        ),
    ),
    evaluation_results={
        "type": "array",
        "minItems": 1,
        "items": thing(
            evaluation_result_id=TEXT,
            evaluation_name=TEXT,
            source_data=thing(dataset_name=TEXT, source_type={"const": "other"}, additional_details_=DETAILS),
            metric_config=thing(
                lower_is_better={"type": "boolean"},
                metric_id={"type": "string", "pattern": r"^\w+$"},
                metric_unit={"const": "proportion"},
                score_type={"const": "continuous"},
                min_score=NUMBER,
                max_score=NUMBER,
            ),
            score_details=thing(
                score=NUMBER,
                details_=DETAILS,
                uncertainty_=thing(standard_error_=thing(value=NUMBER), num_samples_={"type": "integer"}),
            ),
            generation_config_=thing(
                generation_args_=thing(temperature_=NUMBER, max_tokens_={"type": "integer", "minimum": 1}),
                additional_details_=DETAILS,
            ),
        ),
    },
    detailed_evaluation_results_=thing(
        format={"const": "jsonl"},
        file_path={"type": "string", "pattern": rf"^data/[^/]+/[^/]+/[^/]+/{UUID4}_samples\.jsonl$"},
        hash_algorithm={"const": "sha256"},
        checksum=TEXT,
        total_rows={"type": "integer"},
    ),
) | {"additionalProperties": False}
SAMPLE = thing(
    schema_version={"const": "0.3.0"},
    evaluation_id=TEXT,
    model_id=TEXT,
    evaluation_name=TEXT,
    evaluation_result_id=TEXT,
    sample_id=TEXT,
    sample_hash={"type": "string", "pattern": "^[0-9a-f]{64}$"},
    interaction_type={"const": "single_turn"},
    input=thing(raw=TEXT, reference={"type": "array", "items": TEXT}),
    output=thing(raw={"type": "array", "items": TEXT, "minItems": 1}),
    answer_attribution={
        "type": "array",
        "items": thing(
            turn_idx={"const": 0},
            source=TEXT,
            extracted_value=TEXT,
            extraction_method=TEXT,
            is_terminal={"type": "boolean"},
        ),
    },
    evaluation=thing(score=NUMBER, is_correct={"type": "boolean"}),
    token_usage=thing(
        input_tokens={"type": "integer"}, output_tokens={"type": "integer"}, total_tokens={"type": "integer"}
    ),
    metadata=DETAILS,
) | {"additionalProperties": False}

INFO = StudyInfo(
    title="Örtliches",
    citation="Nobody (2024)",
    licence="CC0",
    languages={"de": "German"},
    groups={"all_of_them": "All"},
)
MODELS = pd.DataFrame(
    {
        "name": ["Modell ä", "モデル"],
        "active_params_b": [7.0, np.nan],
        "construction": "scratch",
        "base_model_id": "",
        "family": "f",
        "group": "all_of_them",
        "revision": ["r" * 40, ""],
        "tokens_total_b": [1e3, np.nan],
    },
    index=pd.Index(["org/a", "aux"], name="model_id"),
)
BENCHMARKS = pd.DataFrame(
    {
        "label": ["A", "B"],
        "language": "de",
        "ability": "any",
        "metric": ["accuracy", "char F1"],
        "max_score": [100.0, 1.0],
        "min_score": [-100.0, np.nan],
        "n_shots": pd.array([4, pd.NA], dtype="Int64"),
        "answer": ["generation", "loglikelihood"],
        "reference": ["Somebody (2020)", ""],
    },
    index=pd.Index(["alpha", "beta"], name="benchmark"),
)
RESULT = {
    "backend": "hf",
    "generation": {"temperature": 0.0, "max_gen_toks": 15, "until": ["\n"], "do_sample": False},
}
PROVENANCE = {
    "org/a": {
        "end": "2026-01-02T03:04:05+00:00",
        "libraries": {"lm_eval": "0.4.13", "torch": "2.9.1"},
        "benchmarks": {"alpha": RESULT, "beta": {"backend": "hf", "generation": {"add_bos": False}}},
    }
}
ANSWERS = pd.DataFrame(
    {
        "item": ["i1", "i2"],
        "prompt_hash": ["p1", "p2"],
        "prompt": ["Frage 1?", "質問 2?"],
        "raw": [["richtig"], [""]],
        "filtered": ["richtig", ""],
        "target": ["richtig", "falsch"],
        "value": [1.0, 0.25],
        "finish": [["stop"], ["length"]],
        "prompt_tokens": [3, 4],
        "output_tokens": [[1], [15]],
        "truncated": [False, True],
        "empty": [0.0, 1.0],
        "failed": [0.0, 1.0],
        "refused": [0.0, 0.0],
        "capped": [0.0, 1.0],
    }
)


def cell(model_id: str, benchmark: str, score: float, origin: str, **more: object) -> dict:
    empty = dict.fromkeys(CELL_COLUMNS) | dict.fromkeys(RATES, np.nan)
    known = {"stderr": 0.01, "n_items": 50, "protocol": "p", "source": "s", "waived": False, "reason": ""}
    own = {"model_id": model_id, "benchmark": benchmark, "score": score, "origin": origin}
    return {**empty, **known, **own, **more}


CELLS = pd.DataFrame(
    [
        cell("org/a", "alpha", 0.5, "evaluated", empty_rate=0.02),
        cell("org/a", "beta", 0.25, "published"),
        cell("aux", "alpha", -0.1, "corrected", reason="misprint", stderr=np.nan, n_items=pd.NA),
        cell("aux", "beta", np.nan, "published"),
    ],
    columns=CELL_COLUMNS,
)
CELLS["n_items"] = CELLS["n_items"].astype("Int64")
SOURCE = Source("study", INFO, "House", "0123abcd", "2026-02-03T04:05:06+01:00", MODELS, BENCHMARKS, CELLS, PROVENANCE)


def written(folder: Path, source: Source = SOURCE) -> dict[str, bytes]:
    """Write all records, those of evaluations with answers, and return the files."""
    for record in records(source):
        answers = {"alpha": lambda: ANSWERS} if record.origin == "evaluated" else {}
        list(write_record(folder, record, answers))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.json*"))}


def problems(content: object, schema: Mapping) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in jsonschema.Draft7Validator(schema).iter_errors(content)]


def by_origin() -> dict[tuple[str, str], dict]:
    return {(record.model_id, record.origin): record.content for record in records(SOURCE)}


def test_a_record_for_each_model_and_kind_of_origin():
    found = by_origin()
    assert set(found) == {("org/a", "evaluated"), ("org/a", "published"), ("aux", "published")}
    evaluated, published = found["org/a", "evaluated"], found["org/a", "published"]
    assert evaluated["source_metadata"]["source_type"] == "evaluation_run"
    assert published["source_metadata"]["source_type"] == "documentation"
    assert evaluated["eval_library"] == {
        "name": "lm_eval", "version": "0.4.13", "additional_details": {"torch": "2.9.1"}
    }  # fmt: skip
    assert published["eval_library"] == {"name": "unknown", "version": "unknown"}
    assert evaluated["model_info"]["additional_details"]["model_availability"] == "open_weights"
    assert published["model_info"]["additional_details"]["model_availability"] == "unknown"
    assert published["model_info"]["additional_details"]["params_billions"] == "7"
    assert "params_billions" not in found["aux", "published"]["model_info"]["additional_details"]
    # 2026-01-02T03:04:05Z and 2026-02-03T03:05:06Z
    assert (evaluated["evaluation_timestamp"], evaluated["retrieved_timestamp"]) == ("1767323045", "1770087906")
    assert [result["evaluation_name"] for result in found["aux", "published"]["evaluation_results"]] == ["alpha"]


def test_the_tool_of_imported_scores_is_the_library():
    imported = CELLS.assign(origin="imported")
    tools = {("org/a", "alpha"): "lm-eval 0.4.13", ("org/a", "beta"): "lm-eval 0.4.13", ("aux", "alpha"): "made up"}
    found = {one.model_id: one.content for one in records(replace(SOURCE, cells=imported, tools=tools))}
    assert found["org/a"]["eval_library"] == {"name": "lm-eval", "version": "0.4.13"}
    assert found["org/a"]["source_metadata"]["source_type"] == "evaluation_run"
    tools["org/a", "beta"] = "inspect 0.3"
    found = {one.model_id: one.content for one in records(replace(SOURCE, cells=imported, tools=tools))}
    assert found["org/a"]["eval_library"] == {"name": "unknown", "version": "unknown"}


def test_a_result_has_score_range_uncertainty_and_how_it_was_measured():
    (result,) = by_origin()["org/a", "evaluated"]["evaluation_results"]
    assert result["score_details"]["score"] == 0.5
    assert result["score_details"]["uncertainty"] == {"standard_error": {"value": 0.01}, "num_samples": 50}
    assert result["score_details"]["details"]["empty_rate"] == "0.02"
    assert (result["metric_config"]["min_score"], result["metric_config"]["max_score"]) == (-1, 1)
    assert result["generation_config"]["generation_args"] == {"temperature": 0.0, "max_tokens": 15}
    assert result["generation_config"]["additional_details"]["until"] == '["\\n"]'
    (other,) = by_origin()["aux", "published"]["evaluation_results"]
    assert "uncertainty" not in other["score_details"]
    assert other["score_details"]["details"]["origin"] == "corrected"
    assert other["score_details"]["details"]["reason"] == "misprint"


def test_a_benchmark_on_which_less_is_better_says_so():
    falling = replace(SOURCE, benchmarks=BENCHMARKS.assign(higher_is_better=["false", ""]))
    told = {
        result["evaluation_name"]: result["metric_config"]["lower_is_better"]
        for record in records(falling)
        for result in record.content["evaluation_results"]
    }
    assert told == {"alpha": True, "beta": False}


def test_records_and_answers_are_what_the_schema_asks_for(tmp_path: Path):
    files = written(tmp_path)
    assert len(files) == 4
    for name, data in files.items():
        assert re.fullmatch(rf"data/[^/]+/[^/]+/[^/]+/{UUID4}(_samples\.jsonl|\.json)", name)
        if name.endswith("l"):
            assert [problems(json.loads(line), SAMPLE) for line in data.splitlines()] == [[], []]
        else:
            assert problems(json.loads(data), RECORD) == []


def test_the_constraints_see_a_record_that_breaks_them():
    record = by_origin()["aux", "published"]
    assert problems(record | {"extra": 1}, RECORD)
    assert problems({**record, "retrieved_timestamp": 5}, RECORD)
    assert problems({**record, "evaluation_results": []}, RECORD)


def test_records_and_answers_are_valid_by_the_published_schemas(tmp_path: Path):
    record, sample = (
        json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        for name in ("eval", "instance_level_eval")
    )
    for name, data in written(tmp_path).items():
        if name.endswith("l"):
            assert [problems(json.loads(line), sample) for line in data.splitlines()] == [[], []]
        else:
            assert problems(json.loads(data), record) == []


def test_a_record_points_to_its_answers_and_they_back(tmp_path: Path):
    files = written(tmp_path)
    (samples,) = [name for name in files if name.endswith("l")]
    content = json.loads(files[samples.replace("_samples.jsonl", ".json")])
    assert samples.startswith("data/study-evaluated/org/a/")
    told = content["detailed_evaluation_results"]
    assert told["file_path"] == samples
    assert told["total_rows"] == 2
    assert told["checksum"] == hashlib.sha256(files[samples]).hexdigest()
    first, second = map(json.loads, files[samples].splitlines())
    assert {first["evaluation_id"], second["evaluation_id"]} == {content["evaluation_id"]}
    assert first["evaluation_result_id"] == content["evaluation_results"][0]["evaluation_result_id"]
    assert first["sample_hash"] == hashlib.sha256(b"Frage 1?richtig").hexdigest()
    assert (first["evaluation"], second["evaluation"]) == (
        {"score": 1, "is_correct": True},
        {"score": 0.25, "is_correct": False},
    )
    assert second["metadata"]["capped"] == "1"
    assert second["token_usage"] == {"input_tokens": 4, "output_tokens": 15, "total_tokens": 19}


def test_where_nothing_is_generated_the_choice_is_the_answer(tmp_path: Path):
    record = next(record for record in records(SOURCE) if record.origin == "evaluated")
    chosen = ANSWERS.assign(raw=[[], []], filtered=["b", "a"], output_tokens=[[], []])
    name, _ = write_record(tmp_path, record, {"beta": lambda: chosen})
    rows = [json.loads(line) for line in (tmp_path / name).read_text(encoding="utf-8").splitlines()]
    assert [row["output"]["raw"] for row in rows] == [["b"], ["a"]]
    assert [problems(row, SAMPLE) for row in rows] == [[], []]


def test_what_is_exported_can_be_imported(tmp_path: Path):
    written(tmp_path)
    found = [every_eval_ever.read(path) for path in sorted(tmp_path.rglob("*.json"))]
    assert [line for one in found for line in one.refused] == []
    scores = {(result.model, result.task, result.score) for one in found for result in one.results}
    known = CELLS[CELLS["score"].notna()]
    assert scores == set(zip(known["model_id"], known["benchmark"], known["score"], strict=True))
    assert sum(bool(result.samples) for one in found for result in one.results) == 1


def test_the_same_state_gives_the_same_bytes_and_another_state_other_names(tmp_path: Path):
    once = written(tmp_path / "one")
    assert written(tmp_path / "two") == once
    other = written(tmp_path / "three", replace(SOURCE, state="ffff"))
    assert not once.keys() & other.keys()


def test_names_that_some_file_systems_refuse_are_changed(tmp_path: Path):
    folders = {record.folder for record in records(SOURCE)}
    assert "data/study/unknown/_aux" in folders
    renamed = replace(SOURCE, models=MODELS.rename(index={"aux": "o/a:b."}), cells=CELLS.replace("aux", "o/a:b."))
    assert "data/study/o/a_b" in {record.folder for record in records(renamed)}


def test_times_are_seconds_whatever_their_zone():
    assert epoch("1970-01-01T01:00:00+01:00") == "0"
