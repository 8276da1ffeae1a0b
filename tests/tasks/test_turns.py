"""Examples of prompts as turns."""

import pytest

from stages.contracts.errors import InputError
from stages.tasks import data, docs
from stages.tasks.families import mgsm, xlsum
from stages.tasks.registry import BENCHMARKS
from stages.tasks.turns import turns_of
from tests.tasks.places import ITEMS
from tests.tasks.test_prompts import Letters

WITHOUT = ("openbookqa", "hellaswag", "xwino")


@pytest.fixture
def prompts(monkeypatch):
    for family in (xlsum, mgsm):
        monkeypatch.setattr(family, "load_tokenizer", lambda _: Letters())
        monkeypatch.setattr(family, "context_length", lambda _: 100_000)
    return lambda name: [item["prompt"] for item in docs.build(name, data.load(name, ITEMS), {"pretrained": "any"})]


@pytest.mark.evaluation
@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in WITHOUT])
def test_the_turns_of_a_prompt_are_its_examples_and_its_question(prompts, name):
    spec = BENCHMARKS[name]
    for prompt in prompts(name):
        turns = turns_of(spec, prompt)
        assert len(turns) == spec.n_shots + 1
        assert turns[-1][1] == ""
        assert prompt.endswith(turns[-1][0])
        assert all(answer for _, answer in turns[:-1])
        said = "".join(question + answer for question, answer in turns)
        assert "".join(said.split()) == "".join(prompt.split())


def test_an_answer_is_what_follows_the_question(prompts):
    turns = turns_of(BENCHMARKS["triviaqa"], prompts("triviaqa")[0])
    assert all(question.endswith("?\nAnswer:") for question, _ in turns)
    assert turns[0][0].startswith("Question: ")
    instructed = turns_of(BENCHMARKS["niilc"], prompts("niilc")[0])
    assert instructed[0][0].startswith("「指示」")
    assert all(question.startswith("### 入力:") for question, _ in instructed[1:])


@pytest.mark.parametrize("name", WITHOUT)
def test_examples_without_a_question_are_one_line(name):
    with pytest.raises(InputError, match=f"{name}: fewshot_as_turns: its examples are whole texts"):
        turns_of(BENCHMARKS[name], "any")
