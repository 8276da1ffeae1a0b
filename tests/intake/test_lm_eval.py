import json

import pytest

from stages.intake import lm_eval
from tests.intake import made

MODEL = "org/medium-7b"


@pytest.fixture
def results(tmp_path):
    """Return what reads the results of one model after a change of its file."""
    folder = made.write_lm_eval(tmp_path / "out", {MODEL: 0.5}, n_items=4)
    (path,) = folder.rglob("results_*.json")

    def read(edit=lambda content: None):
        made.change(path, edit)
        return lm_eval.read(path)

    return read


def one(found, task):
    (result,) = [result for result in found.results if result.task == task]
    return result


def test_a_number_keeps_how_it_was_measured(results):
    found = results()
    result = one(found, "arc")
    assert (found.refused, found.notes) == ([], [])
    assert (result.model, result.metric, result.filter) == (MODEL, "acc", "none")
    assert (result.n_items, result.n_shots, result.answer) == (4, 0, "loglikelihood")
    assert result.time == "2026-05-01T10:00:00Z"
    assert result.tool == "lm-eval 0.4.13"
    assert [each.path.name for each in result.samples] == [f"samples_arc_{made.STAMP}.jsonl"]
    content = json.loads(result.file.read_text(encoding="utf-8"))
    assert content["results"]["arc"]["acc,none"] == result.score
    assert content["results"]["arc"]["acc_stderr,none"] == result.stderr
    assert result.place == "results/arc/acc,none"


CHANGES = {
    "harness": lambda c: c.update(lm_eval_version="0.4.9"),
    "task version": lambda c: c["versions"].update(arc=2.0),
    "shots": lambda c: c["n-shot"].update(arc=5),
    "prompt": lambda c: c["configs"]["arc"].update(doc_to_text="Q: {{question}}"),
    "chat template": lambda c: c.update(chat_template="{{ messages }}", chat_template_sha="ab"),
    "turns": lambda c: c.update(fewshot_as_multiturn=True),
    "system prompt": lambda c: c.update(system_instruction="Be brief.", system_instruction_sha="abcdef0123"),
    "generation": lambda c: c["config"].update(gen_kwargs={"temperature": 0.7}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_the_question_changes_the_protocol(results, name):
    before = one(results(), "arc").protocol
    assert one(results(CHANGES[name]), "arc").protocol != before


def test_models_with_chat_templates_of_their_own_share_a_protocol(results):
    first = one(results(lambda c: c.update(chat_template="a", chat_template_sha="a" * 64)), "arc").protocol
    assert one(results(lambda c: c.update(chat_template="b", chat_template_sha="b" * 64)), "arc").protocol == first


def test_a_limited_run_is_refused(results):
    found = results(lambda c: c["n-samples"]["arc"].update(original=1000))
    assert len(found.refused) == 1
    assert "arc is a limited run, 4 of 1000 items" in found.refused[0]
    assert {result.task for result in found.results} == {"copa", "gsm", "nq"}


def test_a_limited_run_of_a_file_without_counts_is_refused(results):
    def edit(content):
        content["n-samples"] = {}
        content["config"]["limit"] = 10

    assert all("is a limited run, --limit 10" in line for line in results(edit).refused)


def test_no_standard_error_is_no_number(results):
    assert one(results(lambda c: c["results"]["arc"].update({"acc_stderr,none": "N/A"})), "arc").stderr is None


def test_a_score_that_is_no_number_is_refused(results):
    found = results(lambda c: c["results"]["arc"].update({"acc,none": "N/A"}))
    assert 'arc: acc,none is "N/A", no number' in found.refused[0]


def test_every_metric_and_filter_is_a_number_of_its_own(results):
    found = results(lambda c: c["results"]["gsm"].update({"exact_match,flexible-extract": 0.5}))
    assert [r.key for r in found.results if r.task == "gsm"] == ["exact_match", "exact_match,flexible-extract"]


def test_perplexity_is_left_out_and_told(results):
    found = results(lambda c: c["results"].update(wiki={"alias": "wiki", "word_perplexity,none": 12.0}))
    assert "wiki: word_perplexity has no largest value" in found.notes[0]
    assert not [r for r in found.results if r.task == "wiki"]


def group(content):
    content["results"]["both"] = {"alias": "both"}
    content["groups"] = {"both": {"alias": "both", "acc,none": 0.5, "acc_stderr,none": 0.1}}
    content["group_subtasks"]["both"] = ["arc", "copa"]


def test_a_group_has_the_items_and_answers_of_its_parts(results):
    found = results(group)
    result = one(found, "both")
    assert found.parts == {"arc": "both", "copa": "both"}
    assert (result.n_items, len(result.samples), result.place) == (8, 2, "groups/both/acc,none")


def test_a_group_of_groups_has_the_items_and_answers_of_their_parts(results):
    def edit(content):
        group(content)
        content["groups"]["all"] = {"alias": "all", "acc,none": 0.5}
        content["group_subtasks"]["all"] = ["both"]

    found = results(edit)
    assert (one(found, "all").n_items, len(one(found, "all").samples)) == (8, 2)
    assert set(found.parts) == {"arc", "copa", "both"}


def test_of_a_folder_on_another_machine_only_the_name_is_kept(results):
    def edit(content):
        content["model_name"] = "/scratch/me/checkpoints/my-model-7b/"

    assert one(results(edit), "arc").model == "my-model-7b"


def test_a_file_without_a_model_is_refused(results):
    def edit(content):
        del content["model_name"]
        content["config"]["model_args"] = ""

    assert "names no model" in results(edit).refused[0]


def test_without_the_samples_of_every_part_there_are_none(results, tmp_path):
    next(tmp_path.rglob("samples_arc_*")).unlink()
    found = results(group)
    assert one(found, "both").samples == ()
    assert one(found, "copa").samples
