"""Tasks of lm-eval beside the nineteen: found, identified, evaluated, refused."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("lm_eval")

from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from stages.contracts.errors import InputError
from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.own_tasks import TaskChoice
from stages.contracts.study.workarounds import PROTOCOL
from stages.evaluation import lm_tasks
from stages.evaluation.harness import run as harness
from stages.evaluation.model_source import ModelSource, locate
from stages.evaluation.unit import RunOptions, Unit
from stages.tasks.registry import SEEDS
from tests.evaluation.own import SUMS, write_tasks
from tests.tasks.tiny import save

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore")]

RUN = RunOptions(device="cpu", batch_size=4, dtype="float32")


@pytest.fixture(autouse=True)
def _no_memory():
    lm_tasks._manager.cache_clear()
    yield
    lm_tasks._manager.cache_clear()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> ModelSource:
    folder = tmp_path_factory.mktemp("models")
    save(folder / "x/tiny")
    return locate(ModelRecord("x/tiny", "", False, "", {}, {}), str(folder))


@pytest.fixture(scope="module")
def model(source: ModelSource):
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    return harness.load_model(source, RUN, "float32")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tasks(tmp_path / "tasks")


def choice(folder: Path, task: str, metric: str = "acc", filter_: str = "none", scale: float = 1.0) -> TaskChoice:
    return TaskChoice(task, metric, filter_, scale, str(folder))


def unit_of(source, picked: TaskChoice, **run) -> Unit:
    chosen = replace(RUN, **run)
    return Unit("bench", source, PROTOCOL, chosen, lm_tasks.describe("bench", picked), task=picked)


@pytest.mark.parametrize(
    ("task", "metric", "filter_", "shots"),
    [("sums", "right", "number", 2), ("pick_sum", "acc", "none", 0), ("all_sums", "acc", "none", 0)],
)
def test_a_studys_own_task_has_the_score_of_plain_lm_eval(source, model, folder, task, metric, filter_, shots):
    result = harness.run_unit(unit_of(source, choice(folder, task, metric, filter_)), model)
    plain = simple_evaluate(
        model="hf",
        model_args={"pretrained": source.path, "dtype": "float32"},
        tasks=[task],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        device="cpu",
        batch_size=4,
        bootstrap_iters=0,
        **SEEDS,
    )
    assert result.score["score"] == pytest.approx(plain["results"][task][f"{metric},{filter_}"], abs=1e-12)
    assert result.score["n_items"] == len(SUMS) * (2 if task == "all_sums" else 1)
    assert result.answers["value"].mean() == pytest.approx(result.score["score"])
    assert result.answers["item"].is_unique
    assert f"{shots}-shot" in result.score["protocol"]
    assert result.score["task"] == task
    if task == "sums":
        theirs = [sample["resps"][0][0] for sample in plain["samples"][task]]
        assert [raw[0] for raw in result.answers["raw"]] == theirs
        assert all(len(finish) == 1 for finish in result.answers["finish"])
        # nothing but random letters is generated: no number is found
        assert result.score["failed_rate"] == pytest.approx(sum(not any(c.isdigit() for c in t) for t in theirs) / 6)


def test_the_key_names_the_files_of_the_task_its_metric_and_its_data(source, folder):
    sums = choice(folder, "sums", "right", "number")
    before = unit_of(source, sums)

    def changed(name: str, old: str, new: str) -> str:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        lm_tasks._manager.cache_clear()
        key = unit_of(source, sums).key
        path.write_text(text, encoding="utf-8")
        lm_tasks._manager.cache_clear()
        return key

    keys = {
        before.key,
        changed("sums.yaml", "max_gen_toks: 6", "max_gen_toks: 7"),
        changed("scoring.py", 'doc["a"]', "doc['a']"),
        changed("sums.jsonl", "1 plus 1", "1 + 1"),
        replace(before, task=replace(sums, scale=2.0)).key,
        replace(before, task=replace(sums, metric="left")).key,
        replace(before, run=replace(RUN, backend="vllm")).data.sha256,
    }
    assert len(keys) == 7
    # a YAML file of another task changes nothing
    assert changed("pick_sum.yaml", "task: pick_sum", "task: pick_sum\ntask_alias: x") == before.key


def test_an_included_file_counts(folder):
    before = lm_tasks.task_files(choice(folder, "pick_sum"))
    assert {"pick_sum.yaml", "_shared", "scoring.py", "sums.jsonl"} == set(before)
    assert "all_sums.yaml" in lm_tasks.task_files(choice(folder, "all_sums"))


def test_data_that_change_after_the_plan_are_refused(source, model, folder):
    unit = unit_of(source, choice(folder, "pick_sum"))
    (folder / "sums.jsonl").write_text('{"q": "1", "a": "1", "options": ["1", "2"]}\n', encoding="utf-8")
    with pytest.raises(InputError, match="bench: its data changed since this evaluation began"):
        harness.run_unit(unit, model)


@pytest.mark.parametrize(
    ("task", "metric", "filter_", "told"),
    [
        ("sums", "wrong", "number", "task sums: sums has no metric wrong; its metrics are right"),
        ("sums", "right", "none", "task sums: sums has no filter none; its filters are number"),
    ],
)
def test_what_is_wrong_with_a_choice_is_one_line(folder, task, metric, filter_, told):
    with pytest.raises(InputError, match=told) as caught:
        lm_tasks.describe("bench", choice(folder, task, metric, filter_))
    assert len(caught.value.problems) == 1


def test_an_unknown_task_is_one_line_with_what_was_meant(folder):
    with pytest.raises(InputError, match=r"task smus: neither in .* nor among lm-eval's: did you mean sums\?"):
        lm_tasks.describe("bench", choice(folder, "smus", "right", "number"))


def test_without_lm_eval_one_line_names_the_extra(folder, monkeypatch):
    monkeypatch.setattr(lm_tasks, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="task pick_sum: lm_eval not installed here: install the extra `eval`"):
        lm_tasks.digests({"bench": choice(folder, "pick_sum")}, "hf")


def test_a_mistake_in_a_studys_python_is_one_line(folder):
    (folder / "scoring.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"task sums: .*nowhere_to_be_found"):
        lm_tasks.describe("bench", choice(folder, "sums", "right", "number"))


def test_yaml_that_cannot_be_read_is_named_instead_of_passed_over(folder):
    (folder / "broken.yaml").write_text("task: [\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken.yaml: "):
        lm_tasks.describe("bench", choice(folder, "pick_sum"))


def test_tasks_that_give_no_score_in_0_to_1_or_run_code_are_refused(folder):
    text = (folder / "sums.yaml").read_text(encoding="utf-8")
    (folder / "sums.yaml").write_text(text.replace("output_type", "unsafe_code: true\noutput_type"), encoding="utf-8")
    with pytest.raises(InputError, match="sums runs generated code outside the sandbox"):
        lm_tasks.describe("bench", choice(folder, "sums", "right", "number"))
    (folder / "sums.yaml").write_text(
        text.replace("higher_is_better: true", "higher_is_better: false"), encoding="utf-8"
    )
    lm_tasks._manager.cache_clear()
    with pytest.raises(InputError, match="less of right is better"):
        lm_tasks.describe("bench", choice(folder, "sums", "right", "number"))


def test_a_score_above_1_asks_for_its_scale(source, model, folder):
    percent = (folder / "scoring.py").read_text(encoding="utf-8").replace("float(", "100.0 * (True or ")
    (folder / "scoring.py").write_text(percent, encoding="utf-8")
    with pytest.raises(InputError, match=r"right is 100, expected 0 to 1: .* task_scale"):
        harness.run_unit(unit_of(source, choice(folder, "sums", "right", "number")), model)
    scaled = harness.run_unit(unit_of(source, choice(folder, "sums", "right", "number", 100.0)), model)
    assert scaled.score["score"] == 1


def test_likelihoods_that_are_not_finite_are_failed_items(source, folder):
    import torch

    broken = harness.load_model(source, RUN, "float32")
    torch.nn.init.constant_(broken.model.lm_head.weight, float("nan"))
    result = harness.run_unit(unit_of(source, choice(folder, "pick_sum")), broken)
    assert (result.score["score"], result.score["failed_rate"]) == (0, 1)


def test_a_task_of_lm_eval_is_found_by_name_and_known_by_its_files(tmp_path):
    arithmetic = TaskChoice("arithmetic_2da", "acc", "none", 1.0, "")
    files = lm_tasks.task_files(arithmetic)
    assert "lm_eval/arithmetic/arithmetic_2da.yaml" in files
    assert len(files) > 1
    with pytest.raises(InputError, match=r"benchmarks.csv: task arithmetic_2dx: not among lm-eval's"):
        lm_tasks.task_files(replace(arithmetic, task="arithmetic_2dx"))


def test_a_task_of_lm_eval_is_evaluated_by_name(source, model, tmp_path, monkeypatch):
    """The data set of the hub is one of this machine; all else is lm-eval's."""
    import datasets

    path = tmp_path / "validation.jsonl"
    rows = [{"context": f"Question: What is {i} plus 1?\nAnswer:", "completion": f" {i + 1}"} for i in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    local = datasets.load_dataset("json", data_files={"validation": str(path)}, cache_dir=str(tmp_path / "cache"))
    monkeypatch.setattr("lm_eval.api.task.datasets.load_dataset", lambda **_: local)
    unit = unit_of(source, TaskChoice("arithmetic_2da", "acc", "none", 1.0, ""))
    result = harness.run_unit(unit, model)
    assert result.score["n_items"] == 4
    assert result.score["protocol"] == "accuracy, 0-shot, loglikelihood"
    assert result.provenance["libraries"]["lm_eval"]
