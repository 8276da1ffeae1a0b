"""A unit's key names what its result depends on, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("lm_eval")

from stages.contracts.study.workarounds import PROTOCOL, Setting
from stages.evaluation import code_digest
from stages.evaluation.model_source import ModelSource
from stages.evaluation.unit import Run, Unit
from stages.tasks import data
from tests.tasks.places import ITEMS

pytestmark = pytest.mark.evaluation

MODEL = ModelSource("org/a", "/somewhere", "folder", "", False, {"model.safetensors": "1" * 64, "tokenizer.json": "2"})


@pytest.fixture(scope="module")
def unit() -> Unit:
    return Unit("triviaqa", MODEL, PROTOCOL, Run(data_dir=str(ITEMS)), data.describe("triviaqa", ITEMS))


def test_the_key_changes_with_each_thing_that_decides_the_result(unit):
    changed = [
        unit,
        replace(unit, model=replace(MODEL, files={**MODEL.files, "model.safetensors": "3" * 64})),
        replace(unit, model=replace(MODEL, files={**MODEL.files, "tokenizer.json": "3"})),
        replace(unit, model=replace(MODEL, trust_remote_code=True)),
        replace(unit, setting=Setting(strip=True)),
        replace(unit, setting=Setting(dtype="float32")),
        replace(unit, run=replace(unit.run, dtype="bfloat16")),
        replace(unit, run=replace(unit.run, limit=4)),
        replace(unit, data=replace(unit.data, sha256="4" * 64)),
        replace(unit, benchmark="gsm8k"),
    ]
    assert len({each.key for each in changed}) == len(changed)


def test_the_key_does_not_depend_on_where_or_how_fast(unit):
    moved = replace(MODEL, path="/elsewhere", origin="hub", revision="5" * 40)
    same = [
        replace(unit, model=moved),
        replace(unit, run=replace(unit.run, device="cuda:1", batch_size=1, data_dir="other")),
        replace(unit, data=replace(unit.data, source="other", revision="other")),
    ]
    assert {each.key for each in same} == {unit.key}


def code(folder: Path, text: str) -> str:
    path = folder / "code.py"
    path.write_text(text, encoding="utf-8")
    code_digest._meaning.cache_clear()
    return code_digest._meaning(path)


def test_comments_and_docstrings_do_not_count(tmp_path):
    plain = code(tmp_path, "def f(x):\n    return x + 1\n")
    assert code(tmp_path, '"""Text."""\n\n\ndef f( x ):  # why\n    """More text."""\n    return x + 1\n') == plain
    assert code(tmp_path, "def f(x):\n    return x + 2\n") != plain
    assert code(tmp_path, "def f(x):\n    return x + 1\n\n\nA = 'text'\n") != plain


def test_a_task_file_counts_for_its_own_benchmark_only(tmp_path, monkeypatch):
    import shutil

    from stages.tasks.registry import TASKS_DIR

    copied = tmp_path / "tasks"
    shutil.copytree(TASKS_DIR, copied)
    monkeypatch.setattr(code_digest, "TASKS_DIR", copied)

    def digests() -> dict[str, str]:
        code_digest.task_digest.cache_clear()
        code_digest._meaning.cache_clear()
        return code_digest.task_digests()

    before = digests()
    assert len(before) == 19
    path = copied / "triviaqa.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("256", "255"), encoding="utf-8")
    after = digests()
    assert {name for name in before if before[name] != after[name]} == {"triviaqa"}
    shared = copied / "scoring.py"
    shared.write_text(shared.read_text(encoding="utf-8") + "\nX = 1\n", encoding="utf-8")
    assert not set(digests().items()) & set(after.items())
    code_digest.task_digest.cache_clear()
    code_digest._meaning.cache_clear()
