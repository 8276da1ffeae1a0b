"""An answer that goes on with its prompt has the same text with every kind of tokenizer."""

from pathlib import Path

import pytest

pytest.importorskip("lm_eval")

from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.workarounds import PROTOCOL
from stages.evaluation.harness import run as harness
from stages.evaluation.harness.asking import continuation
from stages.evaluation.model_source import locate
from stages.evaluation.unit import RunOptions, Unit
from stages.tasks import data
from tests.evaluation.harness import kinds
from tests.tasks.places import ITEMS

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """So small a model is learned many times faster without waiting for other threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


TEXTS = (
    "def f(x):\n    return x\n",
    "spaces,  don't . stop here ",
    "a\n\n\tb あé\n  c",
    "x = [1, 2]\n\n\nprint(x)",
)


def whole_characters(made, ids) -> bool:
    return "�" not in made.decode(ids)


@pytest.mark.parametrize("kind", list(kinds.ALL))
@pytest.mark.parametrize("text", TEXTS)
def test_prompt_and_continuation_are_the_text_generated(kind, text):
    made = kinds.tokenizer(kind, TEXTS)
    ids = made.encode(text)
    whole = made.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if kind in kinds.LOSSLESS:
        assert whole == text
    for place in range(1, len(ids) + 1):
        if whole_characters(made, ids[:place]) and whole_characters(made, ids[place:]):
            prompt = made.decode(ids[:place], skip_special_tokens=True, clean_up_tokenization_spaces=False)
            assert prompt + continuation(made, ids[:place], ids[place:]) == whole


@pytest.mark.parametrize(
    "kind", ["SentencePiece, strip", "SentencePiece, dummy prefix", "SentencePiece, always", "WordPiece"]
)
def test_an_answer_decoded_alone_is_another_text(kind):
    """What makes the test above worth having."""
    made = kinds.tokenizer(kind, TEXTS)
    prompt, ids = made.encode("def f(x):\n"), made.encode("def f(x):\n    return x\n")
    answer = ids[len(prompt) :]
    assert continuation(made, prompt, answer) == "    return x\n"
    assert made.decode(answer) != "    return x\n"


def test_bytes_that_are_no_character_leave_the_prompt_alone():
    made = kinds.tokenizer("SentencePiece, strip", TEXTS)
    broken = made.convert_tokens_to_ids(["<0xE3>", "<0x81>"])
    assert set(continuation(made, made.encode("a\n"), broken)) == {"�"}


@pytest.mark.parametrize("kind", list(kinds.LOSSLESS))
def test_programs_known_by_heart_all_pass(kind: str, tmp_path: Path):
    rows = data.load("humaneval", ITEMS).test
    assert len(rows) == 3
    kinds.save_learned(tmp_path / "x/heart", kind, [(row["prompt"], row["canonical_solution"]) for row in rows])
    source = locate(ModelRecord("x/heart", "", False, "", {}, {}), str(tmp_path))
    run = RunOptions(device="cpu", batch_size=8, data_dir=str(ITEMS))
    unit = Unit("humaneval", source, PROTOCOL, run, data.describe("humaneval", ITEMS))
    result = harness.run_unit(unit, harness.load_model(source, run, "float32"))
    assert result.answers["raw"].iloc[0][0] == rows[0]["canonical_solution"]
    assert (result.score["score"], result.score["failed_rate"]) == (1, 0)
