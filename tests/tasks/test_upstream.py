"""Prompts and metrics beside those of lm-eval's own tasks on the same items, where the protocol is theirs."""

import json
from pathlib import Path

import pytest

from stages.tasks import data, docs
from stages.tasks.bbh_exemplars import subtask
from stages.tasks.families import gsm8k, triviaqa
from stages.tasks.registry import BENCHMARKS
from tests.tasks.places import ITEMS

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)


def upstream(folder, task, files, **changes):
    """Return lm-eval's own task on local files, with the study's number of examples and seed."""
    import lm_eval
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._yaml_loader import load_yaml

    path = Path(lm_eval.__file__).parent / "tasks" / folder
    entry = TaskManager(include_path=str(path), include_defaults=False).task_index[task]
    config = {name: value for name, value in load_yaml(entry.yaml_path).items() if name != "tag"}
    local = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": files}}
    built = ConfigurableTask(config={**config, **local, **changes})
    built.set_fewshot_seed(1234)
    return built


def contexts(task):
    task.build_all_requests(rank=0, world_size=1)
    return [instance.args[0] for instance in task.instances if instance.idx == 0]


def ours(benchmark):
    return docs.build(benchmark, data.load(benchmark, ITEMS), {})


@pytest.mark.parametrize(
    ("benchmark", "folder", "splits"),
    [
        ("gsm8k", "gsm8k", {"train": "train", "test": "test"}),
        ("openbookqa", "openbookqa", {"train": "train", "validation": "test", "test": "test"}),
        ("triviaqa", "triviaqa", {"train": "train", "validation": "validation"}),
        ("hellaswag", "hellaswag", {"train": "train", "validation": "validation"}),
    ],
)
def test_prompts_equal_lm_evals(benchmark, folder, splits):
    files = {split: str(ITEMS / benchmark / f"{name}.jsonl") for split, name in splits.items()}
    task = upstream(folder, benchmark, files, num_fewshot=BENCHMARKS[benchmark].n_shots)
    assert [item["prompt"] for item in ours(benchmark)] == contexts(task)


def test_xwino_contexts_are_lm_evals_without_the_item_itself(tmp_path):
    """Release 0.4.2 draws 4 items and drops the one that is asked; later ones draw a fifth in its place."""
    items = data.load("xwino", ITEMS).test
    rows = [
        {
            "sentence": f"{row['before']}_ {row['after']}",
            "option1": row["options"][0],
            "option2": row["options"][1],
            "answer": str(row["gold"] + 1),
        }
        for row in items
    ]
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    # from a split of another name nothing is dropped
    files = {"test": str(path), "drawn": str(path)}
    drawn = contexts(upstream("xwinograd", "xwinograd_en", files, num_fewshot=4, fewshot_split="drawn"))
    own = [f"{row['before']}{row['options'][row['gold']]} {row['after']}\n\n" for row in items]
    assert [item["contexts"][0] for item in ours("xwino")] == [
        context.replace(shot, "") for context, shot in zip(drawn, own, strict=True)
    ]
    assert any(shot in context for context, shot in zip(drawn, own, strict=True))


def test_mmlu_differs_from_lm_eval_in_the_header_only(tmp_path):
    for split in ("dev", "test"):
        lines = (ITEMS / "mmlu" / f"{split}.jsonl").read_text().splitlines()
        kept = [line for line in lines if json.loads(line)["subject"] == "abstract_algebra"]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(kept))
    files = {split: str(tmp_path / f"{split}.jsonl") for split in ("dev", "test")}
    task = upstream("mmlu", "mmlu_abstract_algebra", files, num_fewshot=5)
    expected = [text.partition("\n\n")[2] for text in contexts(task)]
    found = [item["prompt"].partition("\n")[2] for item in ours("mmlu") if item["subject"] == "abstract_algebra"]
    assert found == expected


def test_bbh_differs_from_lm_eval_in_two_newlines_only():
    name = "navigate"
    task = upstream("bbh", f"bbh_cot_fewshot_{name}", {"test": str(ITEMS / "bbh" / f"{name}.jsonl")})
    description = subtask(name).description
    for item, context in zip([i for i in ours("bbh") if i["subtask"] == name], contexts(task), strict=True):
        assert context == item["prompt"].replace(f"{description}\n", f"{description}\n\n", 1) + "\n"


@pytest.mark.parametrize("text", ["so\n#### 7", "#### 7.", "#### $3,000", "7", "", "#### 3000 cards", "-2\n#### -2"])
def test_gsm8k_scores_equal_lm_evals(text):
    files = {split: str(ITEMS / "gsm8k" / f"{split}.jsonl") for split in ("train", "test")}
    task = upstream("gsm8k", "gsm8k", files, num_fewshot=0)
    task.build_all_requests(rank=0, world_size=1)
    for instance in task.instances:
        instance.resps = [text]
    task.apply_filters()
    for item, instance in zip(ours("gsm8k"), task.instances, strict=True):
        found = gsm8k.strict_number(item, [text])
        for key, name in (("exact_match", "strict-match"), ("exact_match_flexible", "flexible-extract")):
            expected = task.process_results(instance.doc, [instance.filtered_resps[name]])
            assert found[key] == expected["exact_match"]


@pytest.mark.parametrize("text", ["Seven", " seven", "  7 ", "Ice", "the ice", "Italia", ""])
def test_triviaqa_scores_equal_lm_evals(text):
    files = {s: str(ITEMS / "triviaqa" / f"{s}.jsonl") for s in ("train", "validation")}
    task = upstream("triviaqa", "triviaqa", files, num_fewshot=0)
    for item, doc in zip(ours("triviaqa"), task.eval_docs, strict=True):
        found = triviaqa.alias(item, [text])
        assert found["exact_match_stripped"] == task.process_results(doc, [text.strip()])["exact_match"]
        once = text.removeprefix(" ")
        assert found["exact_match"] == task.process_results(doc, [once])["exact_match"]
