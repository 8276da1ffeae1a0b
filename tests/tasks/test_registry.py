import csv

import pytest

from stages.contracts.study.prompts import PARTS
from stages.tasks import wording
from stages.tasks.benchmark import FILTER
from stages.tasks.registry import BENCHMARKS, SEEDS, TASKS_DIR
from tests.tasks.places import ITEMS

STUDY = TASKS_DIR.parents[1] / "metadata" / "japanese-2024" / "benchmarks.csv"


def test_registry_has_the_benchmarks_of_the_study_in_their_order():
    with STUDY.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["benchmark"] for row in rows] == list(BENCHMARKS)
    for row in rows:
        benchmark = BENCHMARKS[row["benchmark"]]
        assert int(row["n_shots"]) == benchmark.n_shots
        assert row["answer"] == benchmark.answer


def test_only_programs_get_a_beginning_of_sequence():
    assert {name for name, b in BENCHMARKS.items() if b.add_bos is None} == {"humaneval", "jhumaneval"}
    assert {name for name, b in BENCHMARKS.items() if b.runs_code} == {"humaneval", "jhumaneval"}


def test_the_words_that_a_study_can_replace_are_all_known():
    assert {name: tuple(words) for name, words in wording.OWN.items()} == dict(PARTS)
    assert {name: tuple(words) for name, words in wording.ORIGINAL.items()} == dict(PARTS)
    assert not any(wording.is_papers(name, words) for name, words in wording.OWN.items())


def test_number_formats_of_the_study():
    stated = {name: b.dtype for name, b in BENCHMARKS.items() if b.dtype != "auto"}
    assert stated == {
        **dict.fromkeys(("jcommonsenseqa", "jemhopqa", "niilc", "jsquad", "jmmlu"), "bfloat16"),
        **dict.fromkeys(("humaneval", "jhumaneval"), "float32"),
    }


@pytest.fixture(scope="module")
def manager():
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(TASKS_DIR), include_defaults=False, metadata={"data_dir": str(ITEMS)})


@pytest.mark.evaluation
def test_lm_eval_finds_every_task(manager):
    # lm-eval skips a YAML file that it cannot parse without a word.
    assert manager.all_tasks == sorted(BENCHMARKS)
    assert len(list(TASKS_DIR.glob("*.yaml"))) == len(BENCHMARKS) == 19


def configuration(manager, name):
    from lm_eval.tasks._yaml_loader import load_yaml

    return load_yaml(manager.task_index[name].yaml_path, resolve_func=False)


@pytest.mark.evaluation
@pytest.mark.parametrize("benchmark", list(BENCHMARKS.values()), ids=lambda benchmark: benchmark.name)
def test_task_is_configured_as_the_registry_says(manager, benchmark):
    config = configuration(manager, benchmark.name)
    metrics = [metric["metric"] for metric in config["metric_list"]]
    assert metrics == [benchmark.metric, *benchmark.secondary]
    assert all(metric["higher_is_better"] is benchmark.higher_is_better for metric in config["metric_list"])
    assert config["num_fewshot"] == 0  # examples are part of the prompt; the command line cannot add others
    assert config.get("repeats", 1) == benchmark.repeats
    assert config.get("unsafe_code", False) is benchmark.runs_code
    assert config["dataset_kwargs"] == {"benchmark": benchmark.name}
    assert [f["name"] for f in config.get("filter_list", [{"name": FILTER}])] == [FILTER]
    generation = config.get("generation_kwargs", {})
    assert generation.get("max_gen_toks", 0) == benchmark.max_gen_toks
    assert (config["output_type"] == "generate_until") == (benchmark.answer == "generation")
    if benchmark.answer == "generation":
        assert generation["do_sample"] is benchmark.runs_code


PARAGRAPH = ["\n\n"]
LINE = ["\n"]
STATEMENT = ["\nclass", "\ndef", "\n#", "\n@", "\nprint", "\nif", "\n```", "<file_sep>"]
STOPS = {
    "jcommonsenseqa": PARAGRAPH,
    "jemhopqa": PARAGRAPH,
    "niilc": PARAGRAPH,
    "jsquad": PARAGRAPH,
    "jmmlu": PARAGRAPH,
    "xlsum_ja": LINE,
    "mgsm_ja": LINE,
    "wmt20_en_ja": LINE,
    "wmt20_ja_en": LINE,
    "squad2": LINE,
    "triviaqa": ["\n", ".", ","],
    "gsm8k": ["Question:", "</s>", "<|im_end|>"],
    "bbh": ["</s>", "Q", "\n\n"],
    "humaneval": STATEMENT,
    "jhumaneval": STATEMENT,
}


@pytest.mark.evaluation
def test_stop_strings_have_real_newlines(manager):
    generating = {name for name, benchmark in BENCHMARKS.items() if benchmark.answer == "generation"}
    assert set(STOPS) == generating
    for name in generating:
        assert configuration(manager, name)["generation_kwargs"]["until"] == STOPS[name]


@pytest.mark.evaluation
def test_programs_are_sampled_as_in_the_study(manager):
    for name in ("humaneval", "jhumaneval"):
        generation = configuration(manager, name)["generation_kwargs"]
        assert (generation["temperature"], generation["top_p"], generation["top_k"]) == (0.2, 0.95, 0)
    assert SEEDS["torch_random_seed"] == 0
