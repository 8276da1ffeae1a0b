"""models.yaml: how models are loaded and asked, read strictly."""

import pytest

from stages.contracts.errors import InputError
from stages.contracts.study.model_options import parse_model_options
from stages.contracts.study.workarounds import Setting

MODELS = ["org/a", "org/b"]


def parse(text: str):
    return parse_model_options(text, "models.yaml", MODELS)


def test_entries_are_read():
    found = parse(
        "org/a: {chat_template: true, system_prompt: Be brief., fewshot_as_turns: true}\n"
        "org/b: {served_as: b2, arguments: {peft: adapters/b, load_in_4bit: true}}\n"
    )
    assert found["org/a"].setting == Setting(chat_template=True, system_prompt="Be brief.", fewshot_as_turns=True)
    assert found["org/b"].arguments == {"peft": "adapters/b", "load_in_4bit": True}
    assert found["org/b"].setting == Setting()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("org/c: {served_as: c}", "org/c: no such model in models.csv"),
        ("org/a: {arguments: {pretrained: x}}", "org/a: argument pretrained is not one of peft"),
        ("org/a: {arguments: {dtype: x}}", "org/a: argument dtype is not one of peft"),
        ("org/a: {system_prompt: x}", "org/a: messages need a chat format: write chat_template: true"),
        ("org/a: {fewshot_as_turns: true}", "org/a: messages need a chat format: write chat_template: true"),
        ("org/a: {chat: true}", "known here: chat_template"),
        ("org/a: {chat_template: yes please}", "org/a.chat_template"),
        ("- org/a", "expected a mapping"),
    ],
)
def test_what_is_wrong_is_one_line(text, told):
    with pytest.raises(InputError) as caught:
        parse(text)
    [line] = caught.value.problems
    assert line.startswith("models.yaml:")
    assert told in line
