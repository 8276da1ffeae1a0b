import pytest

from stages.intake import every_eval_ever
from tests.intake import made

MODEL = "org/medium-7b"


@pytest.fixture
def record(tmp_path):
    """Return what reads the record of one model after a change of it."""
    folder = made.write_eee(tmp_path / "out", {MODEL: 0.5}, tasks=("arc", "gsm"), n_items=4)
    (path,) = folder.rglob("*.json")

    def read(edit=lambda content: None):
        made.change(path, edit)
        return every_eval_ever.read(path)

    return read


def first(content):
    return content["evaluation_results"][0]


def test_a_number_keeps_how_it_was_measured(record):
    found = record()
    result = found.results[0]
    assert (found.refused, found.notes) == ([], [])
    assert (result.model, result.task, result.metric, result.tool) == (MODEL, "arc", "accuracy", "made_up 1.0")
    assert (result.n_items, result.top, result.higher_is_better) == (4, 1, True)
    assert result.time == "2026-05-01T10:00:00Z"
    assert result.place == "evaluation_results/0/score_details/score"
    assert result.samples[0].of.names == ("arc.accuracy", "arc")


@pytest.mark.parametrize("version", ["0.2.0", "0.3.0"])
def test_both_versions_are_read_without_a_word(record, version):
    assert record(lambda c: c.update(schema_version=version)).notes == []


def test_a_later_version_is_read_with_a_warning(record):
    found = record(lambda c: c.update(schema_version="0.9.0"))
    assert "schema version 0.9.0 is read as 0.3.x" in found.notes[0]
    assert found.results


def test_a_marker_is_no_score(record):
    def edit(content):
        first(content)["metric_config"]["has_unknown_level"] = True
        first(content)["score_details"]["score"] = -1

    found = record(edit)
    assert [result.task for result in found.results] == ["gsm"]
    assert "which its metric declares to mean unknown" in found.notes[0]


def test_half_widths_are_no_standard_errors_and_bootstraps_no_items(record):
    def edit(content):
        content["eval_library"]["name"] = "euroeval"
        first(content)["score_details"]["uncertainty"] = {"standard_error": {"value": 0.0196}, "num_samples": 10}

    found = record(edit)
    assert found.results[0].stderr == pytest.approx(0.01, rel=1e-4)
    assert found.results[0].n_items is None
    assert "half of 95 % intervals" in found.notes[0]


def test_what_a_maker_states_is_a_protocol_of_its_own(record):
    ours = record().results[0].protocol

    def edit(content):
        content["source_metadata"] |= {"source_type": "documentation", "evaluator_relationship": "first_party"}
        del content["eval_library"]

    found = record(edit)
    assert found.results[0].protocol != ours
    assert "documentation of a first party" in found.results[0].protocol
    assert "stated by its own maker (Nobody)" in found.notes[0]


def test_a_judge_is_part_of_the_protocol(record):
    def edit(content):
        judge = {"model_info": {"id": "org/judge"}}
        first(content)["metric_config"]["llm_scoring"] = {"judges": [judge], "input_prompt": "?"}

    assert "judged by org/judge" in record(edit).results[0].protocol


@pytest.mark.parametrize(
    ("stated", "known"),
    [({"num_parameters": "7e9"}, 7e9), ({"params_billions": 7}, 7e9), ({"params_billions": "?"}, None)],
)
def test_parameters_are_in_plain_units(record, stated, known):
    assert record(lambda c: c["model_info"].update(additional_details=stated)).results[0].parameters == known


def test_percent_is_a_unit(record):
    def edit(content):
        config = first(content)["metric_config"]
        del config["max_score"]
        config["metric_unit"] = "percent"

    assert record(edit).results[0].top == 100


def test_a_score_beyond_what_it_can_be_is_refused(record):
    found = record(lambda c: first(c)["score_details"].update(score=52.0))
    assert "is 52, more than the largest score 1" in found.refused[0]
    assert [result.task for result in found.results] == ["gsm"]


def test_the_task_is_found_where_the_writer_put_it(record):
    def edit(content):
        first(content)["evaluation_name"] = "Accuracy"
        first(content)["source_data"]["dataset_name"] = "ARC"

    assert record(edit).results[0].task == "ARC"


def test_samples_that_differ_from_their_checksum_are_refused(record, tmp_path):
    path = next(tmp_path.rglob("*_samples.jsonl"))
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    found = record()
    assert "copy the samples again" in found.refused[0]
    assert not any(result.samples for result in found.results)


def test_what_every_version_requires_is_named_where_it_lacks(record):
    def edit(content):
        del content["source_metadata"]
        content["model_info"] = {}

    assert "lacks source_metadata, model_info.id" in record(edit).refused[0]
