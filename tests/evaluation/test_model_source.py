"""Where models come from, and what is said when they do not come."""

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("huggingface_hub")

import huggingface_hub
from huggingface_hub import errors

from stages.contracts.errors import InputError
from stages.contracts.study.model_record import ModelRecord, trust_problems
from stages.evaluation.model_source import chosen_weights, locate

pytestmark = pytest.mark.evaluation

COMMIT = "0123456789" * 4


def record(revision: str = COMMIT) -> ModelRecord:
    return ModelRecord("org/a", revision, False, "", {}, {})


def write_model(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", *names):
        (folder / name).write_text(name, encoding="utf-8")
    return folder


def test_a_folder_comes_before_the_hub(tmp_path):
    folder = write_model(tmp_path / "org/a", "model.safetensors", "pytorch_model.bin", "README.md")
    source = locate(record(""), str(tmp_path))
    assert (source.origin, source.path) == ("folder", str(folder))
    assert set(source.files) == {"config.json", "tokenizer.json", "model.safetensors"}
    assert source.described()["format"] == "safetensors"
    assert str(tmp_path) not in str(source.described())


def test_the_identity_is_that_of_the_contents(tmp_path):
    write_model(tmp_path / "1/org/a", "model.safetensors")
    second = write_model(tmp_path / "2/org/a", "model.safetensors")
    first = locate(record(""), str(tmp_path / "1"))
    assert locate(record(""), str(tmp_path / "2")).identity == first.identity
    (second / "tokenizer.json").write_text("other", encoding="utf-8")
    changed = locate(record(""), str(tmp_path / "2"))
    assert changed.identity != first.identity
    assert changed.tokenizer != first.tokenizer
    assert changed.weights == first.weights


def test_a_folder_without_weights_is_refused(tmp_path):
    write_model(tmp_path / "org/a")
    with pytest.raises(InputError, match=r"no weights of org/a: expected files like model.safetensors"):
        locate(record(""), str(tmp_path))


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ("config.json", "adapter_config.json", "adapter_model.safetensors"),
            "holds a LoRA adapter, not a complete model",
        ),
        (("adapter_config.json", "adapter_model.safetensors"), "holds a LoRA adapter, not a complete model"),
        (("model.Q4_1.gguf",), "holds GGUF, which is not read"),
        (("config.json", "model.gguf"), "holds GGUF, which is not read"),
    ],
)
def test_a_model_of_another_kind_is_told_as_such(names, told, tmp_path):
    folder = write_model(tmp_path / "org/a", *names)
    with pytest.raises(InputError) as caught:
        locate(record(), str(tmp_path))
    (line,) = caught.value.problems
    assert f"{folder} {told}" in line


def test_gguf_beside_safetensors_is_no_hindrance(tmp_path):
    write_model(tmp_path / "org/a", "config.json", "model.safetensors", "model.gguf")
    assert set(locate(record(), str(tmp_path)).weights) == {"model.safetensors"}


def test_weights_that_are_only_numbers_are_preferred():
    assert chosen_weights(["a.bin", "m-1.safetensors", "m-2.safetensors", "x.json"]) == [
        "m-1.safetensors", "m-2.safetensors"
    ]  # fmt: skip
    assert chosen_weights(["pytorch_model.bin", "training_args.bin"]) == ["pytorch_model.bin"]
    assert chosen_weights(["README.md"]) == []


def test_from_the_hub_only_the_pinned_commit_and_no_pickle_where_there_are_safetensors(tmp_path, monkeypatch):
    asked = []

    def download(repo_id, *, revision, allow_patterns, ignore_patterns, local_files_only):
        asked.append((repo_id, revision, allow_patterns))
        return str(tmp_path / "snapshot")

    write_model(tmp_path / "snapshot", "model.safetensors")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    source = locate(record(), "")
    assert (source.origin, source.revision) == ("hub", COMMIT)
    assert [(name, revision) for name, revision, _ in asked] == [("org/a", COMMIT)]
    assert "*.bin" not in asked[0][2]


@pytest.mark.parametrize("revision", ["", "main", "v1.0"])
def test_an_unpinned_revision_is_refused_with_the_commit_to_write(revision, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path / COMMIT))
    with pytest.raises(InputError) as caught:
        locate(record(revision), "")
    assert caught.value.problems == (f"models.csv: revision of org/a is {revision!r}: pin it, write {COMMIT}",)


RESPONSE = SimpleNamespace(headers={}, status_code=403, request=None)


def hub_error(kind: type[Exception]) -> Exception:
    try:
        return kind("no", response=RESPONSE)
    except TypeError:
        return kind("no")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (
            errors.GatedRepoError,
            "org/a is gated: accept its licence at https://huggingface.co/org/a, then give a token",
        ),
        (errors.RepositoryNotFoundError, "no such model on the Hub, or it is private"),
        (errors.RevisionNotFoundError, f"org/a has no commit {COMMIT!r} on the Hub: correct its revision"),
        (errors.LocalEntryNotFoundError, "huggingface.co cannot be reached: put its files into FOLDER/org/a"),
        (errors.HfHubHTTPError, "org/a: the Hub answers no"),
    ],
)
def test_what_the_hub_refuses_is_one_line(kind, told, monkeypatch):
    def refuse(*_, **__):
        raise hub_error(kind)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(InputError) as caught:
        locate(record(), "")
    assert len(caught.value.problems) == 1
    assert told in caught.value.problems[0]


def test_foreign_code_needs_a_reason():
    import pandas as pd

    models = pd.DataFrame({
        "model_id": ["a", "b", "c"], "trust_remote_code": [True, True, False], "trust_reason": ["", "read it", ""],
        "expected_weights": "", "weights_reason": "",
    })  # fmt: skip
    (line,) = trust_problems(models, "models.csv")
    assert line.startswith("models.csv: trust_remote_code of a is true without a trust_reason")
    models = models.assign(
        trust_remote_code=False, expected_weights=["", "vision.*", "vision.*"], weights_reason=["", "", "not asked"]
    )
    (line,) = trust_problems(models, "models.csv")
    assert line.startswith("models.csv: expected_weights of b stands without a weights_reason")
