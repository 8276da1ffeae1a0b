"""What DVC sees of a model and of data: what changed moves the lock, what is absent leaves it as it was."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub")

from stages.contracts.errors import InputError
from stages.contracts.study.model_record import ModelRecord
from stages.evaluation import locks
from stages.evaluation.locks import Lock, take
from tests.tasks.places import ITEMS

pytestmark = pytest.mark.evaluation

RECORD = ModelRecord("x/tiny", "", False, "", {"gsm8k": {}, "openbookqa": {}}, {})


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Folders of models and of data."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "models/x/tiny"
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_text(name, encoding="utf-8")
    for name in RECORD.settings:
        shutil.copytree(ITEMS / name, tmp_path / "items" / name)
    return tmp_path / "models", tmp_path / "items"


def locked(places: tuple[Path, Path], known: Lock | None = None) -> tuple[Lock, list[str]]:
    return take(RECORD, str(places[0]), str(places[1]), known)


def test_a_lock_is_written_and_read_back(places):
    assert locks.read("x/tiny") is None
    lock, absent = locked(places)
    locks.write("x/tiny", lock)
    assert locks.read("x/tiny") == lock
    assert absent == []
    assert set(lock.model) == {"config.json", "tokenizer.json", "model.safetensors"}
    assert {name: sorted(files) for name, files in lock.data.items()} == {
        "gsm8k": ["test", "train"], "openbookqa": ["test", "train"]
    }  # fmt: skip
    assert not any(str(place) in locks.path_of("x/tiny").read_text() for place in places)


def test_other_weights_under_the_same_path(places):
    before, _ = locked(places)
    (places[0] / "x/tiny/model.safetensors").write_text("MODEL.safetensors")
    after, _ = locked(places, before)
    assert {name for name in before.model if before.model[name] != after.model[name]} == {"model.safetensors"}
    assert after.data == before.data


def test_another_adapter_under_the_same_path(places):
    adapter = places[0] / "adapters/lora"
    adapter.mkdir(parents=True)
    (adapter / "adapter_model.safetensors").write_text("one")
    adapted = replace(RECORD, arguments={"peft": "adapters/lora"})
    before, _ = take(adapted, *map(str, places), None)
    assert set(before.model) == {*locked(places)[0].model, "peft/adapter_model.safetensors"}
    (adapter / "adapter_model.safetensors").write_text("two")
    after, _ = take(adapted, *map(str, places), before)
    assert {name for name in before.model if before.model[name] != after.model[name]} == {
        "peft/adapter_model.safetensors"
    }


def test_an_edited_answer(places):
    before, _ = locked(places)
    path = places[1] / "gsm8k/test.jsonl"
    path.write_text(path.read_text().replace("#### ", "#### 1", 1))
    after, _ = locked(places, before)
    assert after.data["gsm8k"]["test"] != before.data["gsm8k"]["test"]
    assert (after.model, after.data["openbookqa"]) == (before.model, before.data["openbookqa"])


def test_another_folder_of_models_counts_by_what_is_in_it(places, tmp_path):
    before, _ = locked(places)
    shutil.copytree(places[0], tmp_path / "copy")
    assert locked((tmp_path / "copy", places[1]), before) == (before, [])
    (tmp_path / "copy/x/tiny/config.json").write_text("other")
    assert locked((tmp_path / "copy", places[1]), before)[0] != before


def test_without_weights_and_data_the_lock_stays_as_it_was(places, monkeypatch):
    # without network huggingface_hub tries for half a minute
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before, _ = locked(places)
    shutil.rmtree(places[0])
    shutil.rmtree(places[1] / "gsm8k")
    assert locked(places, before) == (before, ["x/tiny", "gsm8k"])
    another = ModelRecord("x/tiny", "1" * 40, False, "", RECORD.settings, {})
    with pytest.raises(InputError, match="x/tiny: not on this machine"):
        take(another, str(places[0]), str(places[1]), before)
    with pytest.raises(InputError) as caught:
        locked(places)
    model, data = caught.value.problems
    assert model.startswith("x/tiny: not on this machine")
    assert data.startswith("gsm8k: gsm8k/train.jsonl is missing in ")
    assert data.endswith("1 more of this kind: gsm8k/test.jsonl")


def test_shards_of_an_interrupted_fetch_are_no_model(places, monkeypatch):
    from stages.evaluation import model_source

    folder = places[0] / "x/tiny"
    pinned = ModelRecord("x/tiny", "1" * 40, False, "", {}, {})
    monkeypatch.setattr(model_source, "_snapshot", lambda *_, **__: folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-1.safetensors"}}')
    assert model_source.here(pinned, "") is None
    (folder / "model-1.safetensors").write_text("a")
    assert model_source.here(pinned, "").revision == "1" * 40


def test_a_damaged_lock_is_one_line(places):
    locks.write("x/tiny", locked(places)[0])
    locks.path_of("x/tiny").write_text("{")
    with pytest.raises(InputError, match=r"data/locks/x/tiny.json is damaged: take it from git again"):
        locks.read("x/tiny")
