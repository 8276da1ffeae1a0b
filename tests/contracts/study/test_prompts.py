"""prompts.yaml: the words of a study, read strictly."""

import pytest

from stages.contracts.errors import InputError
from stages.contracts.study.prompts import parse_prompts


def test_texts_are_returned_without_white_space_around_them():
    found = parse_prompts("xlsum_ja:\n  instruction: |\n    Summarise.\n", "prompts.yaml")
    assert found == {"xlsum_ja": {"instruction": "Summarise."}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gsm8k: {instruction: x}", "gsm8k: its prompts have no wording to replace"),
        ("nilc: {preamble: a, instruction: b}", "niilc"),
        ("niilc: {instruction: x}", "niilc: expected preamble and instruction, each with its text"),
        ("niilc: text", "niilc: expected preamble and instruction, each with its text"),
        ("niilc: {preamble: 3, instruction: x}", "niilc: preamble is not text"),
        ("niilc: {preamble: '  ', instruction: x}", "niilc: preamble is not text"),
        ("mmlu: {header: On a subject.}", "mmlu: header lacks {subject}"),
        ("- niilc", "expected a mapping"),
    ],
)
def test_what_is_wrong_is_one_line(text, told):
    with pytest.raises(InputError) as caught:
        parse_prompts(text, "prompts.yaml")
    [line] = caught.value.problems
    assert line.startswith("prompts.yaml:")
    assert told in line


def test_all_problems_at_once():
    with pytest.raises(InputError) as caught:
        parse_prompts("gsm8k: {}\nmmlu: {header: x}\nniilc: {}", "p")
    assert len(caught.value.problems) == 3
