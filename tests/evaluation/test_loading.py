"""Adapters, quantised files and chat formats: loaded, identified, told."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("lm_eval")

from stages.contracts.errors import InputError
from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.workarounds import PROTOCOL, Setting
from stages.evaluation.harness import run as harness
from stages.evaluation.loading import loading_of, locate
from stages.evaluation.unit import RunOptions, Unit
from stages.tasks import data
from tests.tasks.places import ITEMS
from tests.tasks.tiny import save

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore")]

RUN = RunOptions(device="cpu", batch_size=4, dtype="float32", data_dir=str(ITEMS), limit=2)
TEMPLATE = "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}[assistant]"


def record(**arguments) -> ModelRecord:
    return ModelRecord("x/tiny", "", False, "", {}, {}, arguments=arguments)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and an adapter of it that moves every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder = tmp_path_factory.mktemp("models")
    save(folder / "x/tiny")
    base = AutoModelForCausalLM.from_pretrained(folder / "x/tiny")
    adapted = get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    torch.manual_seed(1)
    for name, weights in adapted.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weights, std=2.0)
    adapted.save_pretrained(folder / "adapters/lora")
    return folder


def unit_of(asked: ModelRecord, models: Path, setting: Setting = PROTOCOL, benchmark: str = "openbookqa") -> Unit:
    run = replace(RUN, loading=loading_of(asked, "hf", str(models)))
    return Unit(benchmark, locate(asked, str(models)), setting, run, data.describe(benchmark, ITEMS))


def run(unit: Unit):
    return harness.run_unit(unit, harness.load_model(unit.model, unit.run, "float32"))


def test_an_adapter_answers_and_is_part_of_key_and_protocol(models):
    plain, adapted = unit_of(record(), models), unit_of(record(peft="adapters/lora"), models)
    assert plain.key != adapted.key
    one, other = run(plain), run(adapted)
    assert [list(row) for row in one.answers["log_likelihoods"]] != [
        list(row) for row in other.answers["log_likelihoods"]
    ]
    assert other.score["protocol"] == f"{one.score['protocol']}, peft adapters/lora"
    assert str(models) not in str(other.provenance)


def test_the_same_adapter_elsewhere_is_the_same_and_another_one_is_not(models, tmp_path):
    before = unit_of(record(peft="adapters/lora"), models)
    copied = shutil.copytree(models / "adapters/lora", tmp_path / "lora")
    assert unit_of(record(peft=str(copied)), models).key == before.key
    weights = copied / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert unit_of(record(peft=str(copied)), models).key != before.key


@pytest.mark.parametrize(
    ("arguments", "backend", "told"),
    [
        ({"peft": "adapters/none"}, "hf", "x/tiny: peft: there is no folder"),
        ({"quantization": "awq"}, "hf", "x/tiny: hf has no argument quantization; it has peft"),
        ({"peft": "adapters/lora"}, "vllm", "x/tiny: vllm has no argument peft; it has lora_local_path"),
        ({"load_in_4bit": True}, "local-completions", "local-completions has no argument load_in_4bit"),
    ],
)
def test_what_is_wrong_with_arguments_is_one_line(models, arguments, backend, told):
    with pytest.raises(InputError, match=told):
        loading_of(record(**arguments), backend, str(models))


def test_a_gguf_file_that_is_not_there_is_one_line(models):
    with pytest.raises(InputError, match=r"x/tiny: gguf_file: there is no file .*none.gguf"):
        locate(record(gguf_file="none.gguf"), str(models))


@pytest.fixture
def chatting(models):
    unit = unit_of(record(), models)
    model = harness.load_model(unit.model, unit.run, "float32")
    model.tokenizer.chat_template = TEMPLATE
    return model


def test_a_system_prompt_goes_before_the_question(models, chatting):
    setting = Setting(chat_template=True, system_prompt="Be brief.")
    result = harness.run_unit(unit_of(record(), models, setting, "jemhopqa"), chatting)
    assert all(prompt.startswith("[system]Be brief.[user]") for prompt in result.answers["prompt"])
    assert all(prompt.endswith("[assistant]") for prompt in result.answers["prompt"])
    assert result.score["protocol"].endswith(', chat template, system prompt "Be brief."')


@pytest.mark.evaluation_slow
def test_a_gguf_file_is_loaded_and_identified(tmp_path):
    from tests.smollm2 import _FILE, _package_folder

    folder = tmp_path / "x/tiny"
    folder.mkdir(parents=True)
    (folder / _FILE).symlink_to(_package_folder() / _FILE)
    unit = unit_of(record(gguf_file=_FILE), tmp_path)
    result = run(unit)
    assert result.provenance["model"]["format"] == "GGUF"
    assert set(result.provenance["model"]["weights_sha256"]) == {_FILE}
    assert result.score["protocol"].endswith(f"gguf_file {_FILE}")
    assert result.score["failed_rate"] == 0
