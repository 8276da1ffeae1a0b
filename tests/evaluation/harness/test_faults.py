"""What a user's model or machine can cause is one line that says what helps."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("lm_eval")

from safetensors.torch import load_file, save_file

from stages.contracts.errors import InputError
from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.workarounds import PROTOCOL
from stages.evaluation.harness import run as harness
from stages.evaluation.model_source import locate
from stages.evaluation.unit import RunOptions, Unit
from stages.tasks import data
from tests.tasks.places import ITEMS
from tests.tasks.tiny import save

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def change(path: Path, *dropped: str, **values: object) -> None:
    content = json.loads(path.read_text()) | values
    path.write_text(json.dumps({name: value for name, value in content.items() if name not in dropped}))


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def no_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"<html>not found</html>")


class Code:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder / "ran"),)


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"a": Code(folder)}, protocol=2))


def unknown_dtype(folder: Path) -> None:
    change(folder / "config.json", dtype="float7")


def no_end(folder: Path) -> None:
    change(folder / "config.json", eos_token_id=None, pad_token_id=None)
    change(folder / "tokenizer_config.json", "eos_token", "pad_token")
    (folder / "generation_config.json").unlink()


def small_vocabulary(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][:100].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    change(folder / "config.json", vocab_size=100, bos_token_id=1, eos_token_id=2, pad_token_id=2)


def no_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def wrong_sizes(folder: Path) -> None:
    change(folder / "config.json", hidden_size=33)


def other_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (truncated, "its safetensors files are incomplete or damaged"),
        (no_safetensors, "its safetensors files are incomplete or damaged"),
        (pickled, "pickled with code, which is not run"),
        (unknown_dtype, "has no attribute 'float7': correct config.json"),
        (no_end, "the tokenizer has no EOS token: set eos_token in tokenizer_config.json"),
        (small_vocabulary, "the tokenizer has tokens that the model does not have"),
        (no_json, "is not a valid JSON file"),
        (wrong_sizes, "not a multiple of the number of attention heads"),
        (other_tokenizer, "correct config.json or the tokenizer's files"),
    ],
)
def test_a_spoiled_model_is_one_line(spoil, told, tmp_path):
    folder = save(tmp_path / "x/tiny")
    spoil(folder)
    source = locate(ModelRecord("x/tiny", "", False, "", {}, {}), str(tmp_path))
    with pytest.raises(InputError) as caught:
        harness.load_model(source, RunOptions(device="cpu"), "auto")
    (line,) = caught.value.problems
    assert line.startswith("x/tiny: ")
    assert told in line
    assert not (folder / "ran").exists()


def test_an_added_token_that_the_model_lacks_is_one_line_once_it_is_used(tmp_path):
    save(tmp_path / "x/tiny")
    source = locate(ModelRecord("x/tiny", "", False, "", {}, {}), str(tmp_path))
    run = RunOptions(device="cpu", batch_size=4, data_dir=str(ITEMS))
    loaded = harness.load_model(source, run, "auto")
    loaded.tokenizer.add_tokens(["Question"])
    unit = Unit("triviaqa", source, PROTOCOL, run, data.describe("triviaqa", ITEMS))
    with pytest.raises(InputError, match="x/tiny on triviaqa: the tokenizer has tokens that the model does not have"):
        harness.run_unit(unit, loaded)


def test_a_device_of_another_system_is_one_line(monkeypatch):
    import torch

    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"evaluate\.device is mps, which this machine does not have"):
        harness.placement(RunOptions(device="mps"))
