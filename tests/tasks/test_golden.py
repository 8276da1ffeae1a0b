"""Facts of the real files: how many items are evaluated, which examples are shown."""

import pytest

from stages.tasks import data, docs
from tests.tasks.places import BOTH, REAL, needs_real_files

pytestmark = needs_real_files


@pytest.mark.parametrize(
    ("benchmark", "n_items"),
    [
        ("jcommonsenseqa", 1119),
        ("jemhopqa", 120),
        ("niilc", 198),
        ("jsquad", 4442),
        ("jmmlu", 3541),
        ("mgsm_ja", 250),
        ("jhumaneval", 164),
        ("humaneval", 164),
        ("gsm8k", 1319),
        ("xwino", 2325),
    ],
)
def test_number_of_evaluated_items(benchmark, n_items):
    assert len(data.load(benchmark, BOTH).test) == n_items


@pytest.mark.parametrize("benchmark", ["jcommonsenseqa", "jemhopqa", "niilc", "jmmlu", "gsm8k", "xwino", "humaneval"])
def test_real_files_have_the_pinned_checksums(benchmark):
    assert data.describe(benchmark, REAL).revision.startswith("https://raw.githubusercontent.com/")


def test_jcommonsenseqa_examples():
    pool = data.load("jcommonsenseqa", REAL).pool
    assert [row["id"] for row in pool[:4]] == ["1011", "4986", "4239", "1005"]
    assert [row["output"] for row in pool[:4]] == ["3", "2", "4", "2"]


def test_jemhopqa_examples():
    pool = data.load("jemhopqa", REAL).pool
    assert [row["output"] for row in pool[:4]] == ["ダイ・ハード", "YES", "NO", "瀬戸中央自動車道"]


def test_jemhopqa_has_45_yes_no_questions():
    assert sum(row["output"] in {"YES", "NO"} for row in data.load("jemhopqa", REAL).test) == 45


def test_niilc_examples():
    loaded = data.load("niilc", REAL)
    assert [row["id"][-8:] for row in loaded.pool[:4]] == ["00728-01", "00821-01", "00943-01", "00389-01"]
    assert sum(len(row["answers"]) > 1 for row in loaded.test) == 36


def test_jmmlu_examples_and_duplicates():
    loaded = data.load("jmmlu", REAL)
    assert [(row["subject"], row["output"]) for row in loaded.pool[:5]] == [
        ("high_school_geography", "B"),
        ("professional_psychology", "A"),
        ("anatomy", "C"),
        ("philosophy", "B"),
        ("jurisprudence", "B"),
    ]
    assert len(loaded.pool) == 3540
    questions = [row["input"].split("\n選択肢：")[0] for row in loaded.test]
    assert len(questions) - len(set(questions)) == 10


def test_jsquad_contexts_keep_the_separator():
    assert all(" [SEP] " in row["input"] for row in data.load("jsquad", BOTH).test)


def test_code_prompts_end_in_a_newline():
    for benchmark in ("humaneval", "jhumaneval"):
        assert all(row["prompt"].endswith("\n") for row in data.load(benchmark, REAL).test)


def test_xwino_draws_four_and_never_shows_an_item_to_itself():
    loaded = data.load("xwino", REAL)
    for item in docs.build("xwino", loaded, {})[:300]:
        answered = f"{item['before']}{item['options'][item['gold']]} {item['after']}"
        assert all(context.count("\n\n") in {3, 4} for context in item["contexts"])
        assert answered not in item["contexts"][0].split("\n\n")[:-1]


def test_jcommonsenseqa_prompt_shows_the_four_examples_before_the_question():
    item = docs.build("jcommonsenseqa", data.load("jcommonsenseqa", REAL), {})[0]
    answers = [part.split("\n\n")[0] for part in item["prompt"].split("### 応答:\n")[1:]]
    assert answers == ["3", "2", "4", "2", ""]
