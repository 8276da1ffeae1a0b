"""All nineteen tasks through lm-eval with a real, if ignorant, model, and through its command line."""

import json
import subprocess
import sys

import pytest

from stages.tasks import data, outcomes
from stages.tasks.registry import BENCHMARKS, SEEDS, TASKS_DIR
from tests.tasks import tiny
from tests.tasks.places import ITEMS

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def results(model):
    import lm_eval
    from lm_eval.tasks import TaskManager

    metadata = {"pretrained": str(model), "data_dir": str(ITEMS)}
    return lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(model), "add_bos_token": False, "device": "cpu"},
        tasks=list(BENCHMARKS),
        task_manager=TaskManager(include_path=str(TASKS_DIR), include_defaults=False, metadata=metadata),
        limit=2,
        batch_size=4,
        gen_kwargs="max_gen_toks=12",
        confirm_run_unsafe_code=True,
        bootstrap_iters=0,
        **SEEDS,
    )


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_task_gives_its_score_and_its_secondary_metrics(results, name):
    benchmark = BENCHMARKS[name]
    found = results["results"][name]
    assert {benchmark.metric_key, *(f"{metric},none" for metric in benchmark.secondary)} <= set(found)
    score = outcomes.score(name, results["samples"][name], found)
    assert score.n_items == 2
    assert 0 <= score.score <= 1
    assert all(0 <= value <= 1 for value in score.secondary.values())
    assert 0 <= score.empty_rate <= score.failed_rate <= 1
    assert score.protocol == benchmark.protocol


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_items_carry_prompt_output_and_target(results, name):
    benchmark = BENCHMARKS[name]
    for item in outcomes.items(name, results["samples"][name]):
        assert item.prompt
        assert item.target or name == "squad2"
        assert len(item.raw) == (benchmark.repeats if benchmark.answer == "generation" else 0)
        assert 0 <= item.value <= 1


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_mean_of_the_items_is_the_score(results, name):
    benchmark = BENCHMARKS[name]
    items = outcomes.items(name, results["samples"][name])
    score = outcomes.score(name, results["samples"][name], results["results"][name])
    if benchmark.metric not in {"bleu", "rouge2"}:  # BLEU is no mean, and ROUGE-2 a median of means
        assert score.score == pytest.approx(sum(item.value for item in items) / len(items))


def test_first_task_sends_the_built_prompt(results):
    [first, _] = outcomes.items("jemhopqa", results["samples"]["jemhopqa"])
    assert first.item == data.load("jemhopqa", ITEMS).test[0]["id"]
    assert first.prompt.endswith("### 応答:\n")


def test_plain_command_runs_from_any_folder(tmp_path, model):
    arguments = [
        *("--model", "hf", "--model_args", f"pretrained={model},add_bos_token=False", "--device", "cpu"),
        *("--include_path", str(TASKS_DIR), "--tasks", "jemhopqa,xlsum_ja", "--limit", "1"),
        *("--gen_kwargs", "max_gen_toks=4", "--output_path", str(tmp_path / "out"), "--log_samples"),
    ]
    environment = {
        "OBSERVATORY_DATA_DIR": str(ITEMS),
        "PYTHONPATH": str(TASKS_DIR.parents[1]),
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "lm_eval", *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    [path] = (tmp_path / "out").rglob("results_*.json")
    found = json.loads(path.read_text())["results"]
    assert {"char_f1,none", "character_f1,none"} <= set(found["jemhopqa"])
    assert {"rouge2,none", "rouge2_mecab,none"} <= set(found["xlsum_ja"])
