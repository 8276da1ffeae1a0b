"""A checkpoint that does not fill its model is an error that names the weights."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("lm_eval")

from safetensors.torch import load_file, save_file

from stages.contracts.errors import InputError
from stages.contracts.study.model_record import ModelRecord
from stages.evaluation.harness import run as harness
from stages.evaluation.harness.weights import weight_problems
from stages.evaluation.model_source import locate
from stages.evaluation.unit import RunOptions
from tests.tasks.tiny import save

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path / "x/tiny")


def load(folder: Path, expected: str = "") -> object:
    record = ModelRecord("x/tiny", "", False, "", {}, {}, expected_weights=expected)
    source = locate(record, str(folder.parents[1]))
    return harness.load_model(source, RunOptions(device="cpu"), "auto")


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(folder)
    (line,) = caught.value.problems
    return line


def change_weights(folder: Path, change: Callable[[dict], None]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_missing_weights(folder):
    def drop(weights):
        for name in [name for name in weights if "layers.1.mlp" in name]:
            del weights[name]

    change_weights(folder, drop)
    line = refused(folder)
    assert line.startswith(
        "x/tiny: the weights do not match config.json: 3 missing (model.layers.1.mlp.down_proj.weight"
    )
    assert "unexpected" not in line


def test_unexpected_weights(folder):
    change_config(folder, num_hidden_layers=1)
    line = refused(folder)
    assert "9 unexpected (model.layers.1.input_layernorm.weight, " in line
    assert "missing" not in line


def test_weights_of_another_shape(folder):
    change_config(folder, intermediate_size=32)
    assert "6 of another shape (model.layers.0.mlp.down_proj.weight 32x64 instead of 32x32, " in refused(folder)


def test_another_kind_of_model(folder):
    change_config(folder, model_type="gpt_neox", architectures=["GPTNeoXForCausalLM"])
    line = refused(folder)
    assert " missing (" in line
    assert " unexpected (" in line


def test_a_head_is_missing_unless_it_is_tied(folder):
    def drop(weights):
        del weights["lm_head.weight"]

    change_weights(folder, drop)
    assert "1 missing (lm_head.weight)" in refused(folder)
    change_config(folder, tie_word_embeddings=True)
    assert load(folder) is not None


def test_constants_that_old_checkpoints_hold_are_no_weights():
    loading = {"missing_keys": set(), "mismatched_keys": set()}
    old = {"h.0.attn.bias", "h.0.attn.masked_bias", "layers.0.self_attn.rotary_emb.inv_freq"}
    assert weight_problems("m", {**loading, "unexpected_keys": old}) == []
    assert weight_problems("m", {**loading, "unexpected_keys": {"h.0.attn.c_attn.bias"}})


def test_what_the_models_record_expects_is_no_problem(folder):
    def change(weights):
        del weights["model.layers.1.mlp.down_proj.weight"]
        weights["vision.proj.weight"] = weights["model.norm.weight"].clone()

    change_weights(folder, change)
    line = refused(folder)
    assert "1 missing (model.layers.1.mlp.down_proj.weight); 1 unexpected (vision.proj.weight)" in line
    assert "expected_weights of models.csv" in line
    load(folder, "vision.* model.layers.*.down_proj.weight")
    with pytest.raises(InputError, match=r"1 unexpected \(vision.proj.weight\)"):
        load(folder, "model.layers.1.*")
