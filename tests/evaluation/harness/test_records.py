"""Evaluated cells share a column with the published ones only where the protocol is the same."""

import hashlib

import pandas as pd
import pytest

pytest.importorskip("lm_eval")

from stages.analysis.scores.cells import published_protocols
from stages.contracts.study.prompts import PARTS
from stages.contracts.study.workarounds import PROTOCOL, Setting
from stages.evaluation.harness.records import protocol, refused
from stages.tasks import wording
from stages.tasks.registry import BENCHMARKS
from tests.repository import ROOT

pytestmark = pytest.mark.evaluation

FACTS = pd.read_csv(ROOT / "metadata/japanese-2024/benchmarks.csv", index_col="benchmark")


def test_tasks_have_the_protocol_that_the_study_states_or_say_that_their_words_are_others():
    published = published_protocols(FACTS)
    assert list(BENCHMARKS) == list(published.index)
    ours = {name: protocol(BENCHMARKS[name], PROTOCOL, {}) for name in BENCHMARKS}
    assert ours == {
        name: f"{told}, saito2024~own-prompt" if name in wording.OWN else told for name, told in published.items()
    }
    assert len(wording.OWN) == 7


@pytest.mark.parametrize("name", list(wording.OWN))
def test_the_papers_words_bring_the_papers_protocol_and_others_do_not(name, monkeypatch):
    words = {part: f"{part} in the paper's words {{subject}}" for part in PARTS[name]}
    assert protocol(BENCHMARKS[name], PROTOCOL, words).endswith(wording.OWN_PROMPT)
    digests = {part: hashlib.sha256(text.encode()).hexdigest() for part, text in words.items()}
    monkeypatch.setitem(wording.ORIGINAL, name, digests)
    assert protocol(BENCHMARKS[name], PROTOCOL, words) == published_protocols(FACTS)[name]


@pytest.mark.parametrize(
    "setting", [Setting(strip=True), Setting(bos="always"), Setting(prompt_end="newline"), Setting(dtype="float32")]
)
def test_what_only_lets_a_model_answer_is_the_same_protocol(setting):
    assert protocol(BENCHMARKS["niilc"], setting, {}) == protocol(BENCHMARKS["niilc"], PROTOCOL, {})


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (Setting(example="Q: 1\nA: 2\n\n"), "char F1, 5-shot, generation, saito2024~own-prompt"),
        (Setting(chat_template=True), "char F1, 4-shot, generation, saito2024~own-prompt, chat template"),
        (Setting(stops=[]), "char F1, 4-shot, generation, saito2024~own-prompt, stops []"),
    ],
)
def test_another_question_is_another_protocol(setting, told):
    assert protocol(BENCHMARKS["niilc"], setting, {}) == told


def test_another_number_of_examples_in_the_study_is_another_protocol():
    published = published_protocols(FACTS.assign(n_shots=7))
    assert not set(published.items()) & {(name, protocol(BENCHMARKS[name], PROTOCOL, {})) for name in BENCHMARKS}


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        " As an AI language model, I",
        "申し訳ありませんが、",
        "I cannot answer",
    ],
)
def test_declining_is_recognised(text):
    assert refused(text)


@pytest.mark.parametrize("text", ["", "Sorry is a song by Justin Bieber", "東京", "I cannot", "申し訳", "42"])
def test_answers_are_not_taken_for_declining(text):
    assert refused(text) == (text == "I cannot")
