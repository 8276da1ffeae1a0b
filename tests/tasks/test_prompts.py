import random

import pytest

from stages.contracts.errors import InputError
from stages.tasks import data, docs, wording
from stages.tasks.bbh_exemplars import subtask
from stages.tasks.families import mgsm, xlsum
from stages.tasks.registry import BENCHMARKS
from tests.tasks.places import ITEMS


class Letters:
    """A tokenizer with one token for each character."""

    def encode(self, text, *, add_special_tokens):
        assert not add_special_tokens
        return [ord(letter) for letter in text]

    def decode(self, ids, *, skip_special_tokens):
        assert skip_special_tokens
        return "".join(chr(number) for number in ids)

    def tokenize(self, text):
        return list(text)


def build(benchmark):
    return docs.build(benchmark, data.load(benchmark, ITEMS), {})


@pytest.mark.parametrize("benchmark", ["jcommonsenseqa", "jemhopqa", "niilc", "jsquad", "jmmlu"])
def test_instructed_prompts_keep_their_last_newline_and_fixed_examples(benchmark):
    items = build(benchmark)
    k = BENCHMARKS[benchmark].n_shots
    heads = {item["prompt"].rpartition("### 入力:\n")[0] for item in items}
    assert len(heads) == 1
    for item in items:
        assert item["prompt"].startswith(
            f"{wording.OWN[benchmark]['preamble']}\n\n### 指示:\n{wording.OWN[benchmark]['instruction']}\n\n"
        )
        assert item["prompt"].endswith(f"\n\n### 入力:\n{item['input']}\n\n### 応答:\n")
        assert item["prompt"].count("### 応答:\n") == k + 1


def test_mmlu_header_is_followed_by_one_newline_and_the_subjects_examples():
    for item in build("mmlu"):
        header, _, rest = item["prompt"].partition("\n")
        assert item["subject"].replace("_", " ") in header
        assert rest.startswith("What is ")
        assert not rest.startswith("\n")
        assert item["prompt"].count("\nAnswer:") == 6
        assert item["prompt"].endswith("\nAnswer:")
        assert len({line for line in rest.split("\n") if "plus" in line}) == 5


def test_mmlu_questions_lose_outer_white_space():
    assert all("\n\nWhat is" in item["prompt"] for item in build("mmlu"))


@pytest.mark.evaluation
def test_bbh_prompt_ends_without_newline_and_has_one_after_the_description():
    for item in build("bbh"):
        description = subtask(item["subtask"]).description
        assert item["prompt"].startswith(f"{description}\nQ: ")
        assert not description.endswith("\n")
        assert item["prompt"].endswith(f"Q: {item['input']}\nA: Let's think step by step.")
        assert item["prompt"].count("A: Let's think step by step.") == 4


@pytest.mark.evaluation
def test_bbh_answers_of_sports_understanding_follow_a_space():
    item = next(item for item in build("bbh") if item["subtask"] == "sports_understanding")
    assert item["prompt"].count("A: Let's think step by step. ") == 3
    assert item["prompt"].count("A: Let's think step by step.\n") == 0


@pytest.mark.parametrize("benchmark", ["humaneval", "jhumaneval"])
def test_code_prompts_are_the_published_text(benchmark):
    for item in build(benchmark):
        assert item["prompt"].endswith('"""\n')
        assert item["prompt"] == next(r["prompt"] for r in data.load(benchmark, ITEMS).test if r["id"] == item["id"])


@pytest.mark.parametrize("benchmark", ["wmt20_en_ja", "wmt20_ja_en"])
def test_translations_show_four_other_pairs(benchmark):
    for item in build(benchmark):
        pairs = item["prompt"].split("\n\n")
        assert len(pairs) == 5
        assert all(item["reference"] not in pair for pair in pairs[:-1])
        assert pairs[-1].endswith(" phrase:")
        assert item["source"] in pairs[-1]


def test_translation_languages():
    first = build("wmt20_en_ja")[0]["prompt"].split("\n")[0]
    assert first.startswith("English phrase: ")
    assert build("wmt20_ja_en")[0]["prompt"].startswith("Japanese phrase: ")


def test_items_of_the_japanese_harness_are_shuffled_under_42():
    expected = list(data.load("wmt20_en_ja", ITEMS).test)
    random.Random(42).shuffle(expected)
    assert [item["id"] for item in build("wmt20_en_ja")] == [row["id"] for row in expected]


def test_xwino_shows_the_others_of_four_drawn_and_differs_in_the_candidate_only():
    shown_in_all = []
    for item in build("xwino"):
        first, second = item["contexts"]
        assert first.count("\n\n") == second.count("\n\n")
        shown_in_all.append(first.count("\n\n"))
        assert first.rpartition("\n\n")[0] == second.rpartition("\n\n")[0]
        assert first.endswith(item["before"] + item["options"][0])
        assert second.endswith(item["before"] + item["options"][1])
        shown = first.split("\n\n")[:-1]
        assert all(f"{item['before']}{option} {item['after']}" not in shown for option in item["options"])
    # the harness drew four of all items, the evaluated one included, and dropped that
    assert set(shown_in_all) == {3, 4}


def test_triviaqa_adds_a_question_mark_and_shows_first_aliases():
    item = build("triviaqa")[0]
    assert item["prompt"].endswith("Question: How many days are there in a week??\nAnswer:")
    assert "Answer: six" in item["prompt"] or "Answer: four" in item["prompt"]


def test_squad2_examples_have_two_spaces_and_say_unanswerable():
    items = build("squad2")
    text = "\n\n".join(item["prompt"] for item in items)
    assert "Answer:  oak" in text
    assert "Answer:  unanswerable" in text
    assert all(item["prompt"].endswith("\n\nAnswer:") for item in items)
    assert [item["target"] for item in items] == ["96", "oil", "", "1931"]


def test_hellaswag_texts_lose_the_marks_of_their_source():
    paint = build("hellaswag")[1]
    assert paint["query"] == "Painting: How to paint a fence. Stir the paint A man opens a tin. The man"


def test_mgsm_labels_stand_once_before_each_part():
    shots = data.load("mgsm_ja", ITEMS).pool[:2]
    prompt = mgsm.prompt_of(shots, {"question": "問題：何個？"})
    assert prompt.count("問題：") == prompt.count("ステップごとの答え：") == 3
    assert prompt.endswith("\n\n問題：何個？\nステップごとの答え：")


def test_mgsm_drops_examples_until_the_prompt_fits():
    loaded = data.load("mgsm_ja", ITEMS)
    counts = []
    for context in (4096, 256 + 200, 256 + 120, 256):
        budget = (Letters(), context)
        found = mgsm.mgsm_prompts(loaded.test, loaded.pool, 4, random.Random(42), budget)
        assert all(len(prompt) <= context - 256 for prompt in found) or context == 256
        counts.append(max(prompt.count("問題：") - 1 for prompt in found))
    assert counts[0] == 4
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 0


def test_mgsm_draws_anew_for_each_number_of_examples():
    loaded = data.load("mgsm_ja", ITEMS)
    generator = random.Random(42)
    generator.sample(loaded.pool, 4)
    shown = generator.sample(loaded.pool, 3)
    limit = len(mgsm.prompt_of(shown, loaded.test[0]))
    row = loaded.test[0]
    [prompt] = mgsm.mgsm_prompts([row], loaded.pool, 4, random.Random(42), (Letters(), 256 + limit))
    assert prompt == mgsm.prompt_of(shown, row)


def test_xlsum_prompt_is_whole_where_it_fits():
    loaded = data.load("xlsum_ja", ITEMS)
    row, shot = loaded.test[0], loaded.pool[0]
    words = wording.OWN["xlsum_ja"]
    prompt = xlsum.xlsum_prompt(words, row, [shot], Letters(), 4096)
    assert prompt == (
        f"{words['instruction']}\n\nニュース記事:{shot['text']}\n要約:{shot['summary']}\n\n"
        f"ニュース記事:{row['text']}\n要約:"
    )


def test_xlsum_articles_are_cut_at_sentences_to_their_share():
    loaded = data.load("xlsum_ja", ITEMS)
    row, shot = loaded.test[0], loaded.pool[0]
    context = 100 + len(row["summary"]) + 10
    prompt = xlsum.xlsum_prompt(wording.OWN["xlsum_ja"], row, [shot], Letters(), context)
    _, first, second = prompt.split("\n\n")
    assert first == f"ニュース記事:{shot['text'].split('。')[0]}。\n要約:{shot['summary']}"
    assert second == f"ニュース記事:{'。'.join(row['text'].split('。')[:2])}。\n要約:"
    assert all(len(part.partition("。\n")[0]) <= 50 for part in (first, second))


def test_cut_article_cuts_a_long_first_sentence_at_a_token():
    assert xlsum.cut_article("ニュース記事:あいうえお。か。\n", 9, Letters()) == "ニュース記事:あい\n"
    assert xlsum.cut_article("ニュース記事:あ。い\n", 99, Letters()) == "ニュース記事:あ。い\n"


@pytest.mark.parametrize("benchmark", ["jcommonsenseqa", "jemhopqa", "niilc", "jsquad", "jmmlu", "mmlu"])
def test_a_studys_own_words_replace_the_projects_and_nothing_else(benchmark):
    words = {part: f"{part} by the study on {{subject}}" for part in wording.OWN[benchmark]}
    loaded = data.load(benchmark, ITEMS)
    ours = docs.build(benchmark, loaded, {})
    theirs = docs.build(benchmark, loaded, {"prompts": {benchmark: words}})
    for mine, other in zip(ours, theirs, strict=True):
        prompt = mine["prompt"]
        for part, text in words.items():
            subject = mine.get("subject", "").replace("_", " ") if benchmark == "mmlu" else "{subject}"
            prompt = prompt.replace(wording.OWN[benchmark][part].replace("{subject}", subject),
                                    text.replace("{subject}", subject))  # fmt: skip
        assert other["prompt"] == prompt != mine["prompt"]


def test_niilc_asks_for_several_answers_joined_by_commas_and_xlsum_says_nothing_on_length():
    assert "コンマ（,）" in build("niilc")[0]["prompt"]
    instruction = wording.OWN["xlsum_ja"]["instruction"]
    assert not set(instruction) & set("0123456789一二三四五六七八九十短長")


def test_xlsum_records_what_the_harness_lost_of_an_answer_after_a_long_prompt(monkeypatch):
    monkeypatch.setattr(xlsum, "load_tokenizer", lambda _: Letters())
    monkeypatch.setattr(xlsum.summaries, "Words", Letters)
    doc = {"summary": "abcdefgh", "tokenizer": ""}
    whole = xlsum.summary({**doc, "lost": 0}, ["abcdefgh"])
    cut = xlsum.summary({**doc, "lost": 4}, ["abcdefgh"])
    assert whole["rouge2"] == cut["rouge2"] == whole["rouge2_cut_answer"] == 1
    assert cut["rouge2_cut_answer"] == pytest.approx(2 * 3 / (3 + 7))


@pytest.mark.parametrize(("context", "lost"), [(4096, False), (300, True)])
def test_xlsum_loses_only_after_prompts_without_room_for_256_tokens(monkeypatch, context, lost):
    monkeypatch.setattr(xlsum, "load_tokenizer", lambda _: Letters())
    monkeypatch.setattr(xlsum, "context_length", lambda _: context)
    items = docs.build("xlsum_ja", data.load("xlsum_ja", ITEMS), {"pretrained": "any"})
    assert [item["lost"] for item in items] == [max(0, len(i["prompt"]) - (context - 256)) for i in items]
    assert any(item["lost"] for item in items) == lost


def test_prompts_do_not_depend_on_how_many_items_follow():
    loaded = data.load("openbookqa", ITEMS)
    fewer = data.Data(loaded.test[:2], loaded.pool, loaded.record)
    whole = [item["prompt"] for item in docs.build("openbookqa", loaded, {})]
    assert [item["prompt"] for item in docs.build("openbookqa", fewer, {})] == whole[:2]


def test_too_few_examples_are_one_line():
    loaded = data.load("openbookqa", ITEMS)
    with pytest.raises(InputError, match="openbookqa: 2 examples to draw from, expected at least 4"):
        docs.build("openbookqa", data.Data(loaded.test, loaded.pool[:2], loaded.record), {})


@pytest.mark.parametrize("benchmark", ["xlsum_ja", "mgsm_ja"])
def test_tasks_that_need_the_tokenizer_say_so(benchmark):
    with pytest.raises(InputError, match=f"{benchmark}: needs the tokenizer: pass --model_args pretrained"):
        build(benchmark)
