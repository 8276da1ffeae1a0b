"""A unit's key names what its result depends on, and nothing else."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("lm_eval")

from stages.contracts.study.workarounds import PROTOCOL, Setting
from stages.evaluation import code_digest
from stages.evaluation import unit as evaluated
from stages.evaluation.model_source import ModelSource
from stages.evaluation.unit import RunOptions, Unit
from stages.tasks import data
from stages.tasks.registry import BENCHMARKS, SEEDS, TASKS_DIR
from tests.tasks.places import ITEMS

pytestmark = pytest.mark.evaluation

MODEL = ModelSource("org/a", "/somewhere", "folder", "", False, {"model.safetensors": "1" * 64, "tokenizer.json": "2"})


@pytest.fixture(scope="module")
def unit() -> Unit:
    return Unit("triviaqa", MODEL, PROTOCOL, RunOptions(data_dir=str(ITEMS)), data.describe("triviaqa", ITEMS))


def pinned(monkeypatch, **changes):
    """Give all libraries one version, some another."""
    monkeypatch.setattr(evaluated, "version", lambda name: changes.get(name, "1.0"))


CHANGES = {
    "weights": lambda u: replace(u, model=replace(MODEL, files={**MODEL.files, "model.safetensors": "3" * 64})),
    "tokenizer": lambda u: replace(u, model=replace(MODEL, files={**MODEL.files, "tokenizer.json": "3"})),
    "trust": lambda u: replace(u, model=replace(MODEL, trust_remote_code=True)),
    "wording": lambda u: replace(u, wording={"header": "of {subject}"}),
    "workaround": lambda u: replace(u, setting=Setting(strip=True)),
    "dtype of the workaround": lambda u: replace(u, setting=Setting(dtype="float32")),
    "dtype": lambda u: replace(u, run=replace(u.run, dtype="bfloat16")),
    "limit": lambda u: replace(u, run=replace(u.run, limit=4)),
    "backend": lambda u: replace(u, run=replace(u.run, backend="vllm")),
    "data": lambda u: replace(u, data=replace(u.data, sha256="4" * 64)),
    "benchmark": lambda u: replace(u, benchmark="gsm8k"),
}


def test_the_key_changes_with_each_thing_that_decides_the_result(unit, monkeypatch):
    pinned(monkeypatch)
    keys = {unit.key, *(change(unit).key for change in CHANGES.values())}
    assert len(keys) == len(CHANGES) + 1


def test_the_backend_is_named_beside_its_code_and_its_version(unit, monkeypatch):
    pinned(monkeypatch)
    monkeypatch.setattr(evaluated, "task_digest", lambda benchmark, backend: "the same")
    monkeypatch.setattr(evaluated, "libraries", lambda metric, backend: {})
    assert CHANGES["backend"](unit).key != unit.key


@pytest.mark.parametrize("name", list(SEEDS))
def test_the_key_changes_with_each_seed(unit, monkeypatch, name):
    before = unit.key
    monkeypatch.setitem(evaluated.SEEDS, name, 7)
    assert unit.key != before


@pytest.mark.parametrize(
    ("benchmark", "backend", "library"),
    [
        *(("triviaqa", "hf", name) for name in ("lm_eval", "torch", "transformers", "tokenizers")),
        ("triviaqa", "vllm", "vllm"),
        ("jemhopqa", "hf", "rapidfuzz"),
        *(("xlsum_ja", "hf", name) for name in ("rouge_score", "fugashi", "unidic-lite")),
        *(("wmt20_en_ja", "hf", name) for name in ("sacrebleu", "nagisa")),
    ],
)
def test_the_key_changes_with_each_library_that_is_used(unit, monkeypatch, benchmark, backend, library):
    unit = replace(unit, benchmark=benchmark, run=replace(unit.run, backend=backend))
    pinned(monkeypatch)
    before = unit.key
    pinned(monkeypatch, **{library: "1.1"})
    assert unit.key != before
    pinned(monkeypatch, **{library: "1.0+cu128"})
    assert unit.key == before


def test_the_key_does_not_depend_on_where_or_how_fast(unit):
    moved = replace(MODEL, path="/elsewhere", origin="hub", revision="5" * 40)
    same = [
        replace(unit, model=moved),
        replace(unit, run=replace(unit.run, device="cuda:1", data_dir="other")),
        replace(unit, data=replace(unit.data, source="other", revision="other")),
    ]
    assert {each.key for each in same} == {unit.key}


def test_the_key_holds_the_size_of_batches_where_rounding_depends_on_it(unit):
    for dtype, backend, same in (("float32", "hf", True), ("auto", "hf", False), ("bfloat16", "hf", False),
                                 ("float32", "local-completions", True)):  # fmt: skip
        run = replace(unit.run, dtype=dtype, backend=backend)
        one, other = (replace(unit, run=replace(run, batch_size=size)).key for size in (1, 8))
        assert (one == other) == same


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for room in ("tasks", "sandbox", "evaluation/harness"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(code_digest.ROOT / "stages" / room, tmp_path / "stages" / room, ignore=ignored)
    return tmp_path


def digests(root: Path) -> dict[tuple[str, str], str]:
    """Return the digests of a folder, by benchmark and backend."""
    read = code_digest.Code(root)
    return {(name, backend): read.digest(name, backend) for name in BENCHMARKS for backend in code_digest.BACKENDS}


def moved_by(root: Path, place: str, text: str = "\n\nX = 1\n") -> set[tuple[str, str]]:
    """Return the benchmarks and backends whose digests change when text is added to a file."""
    before = digests(root)
    path = root / "stages" / place
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    after = digests(root)
    return {name for name in before if before[name] != after[name]}


FAMILIES = {
    "llm_jp_eval": {"jcommonsenseqa", "jemhopqa", "niilc", "jsquad", "jmmlu"},
    "xlsum": {"xlsum_ja"},
    "mgsm": {"mgsm_ja"},
    "wmt20": {"wmt20_en_ja", "wmt20_ja_en"},
    "humaneval": {"humaneval", "jhumaneval"},
    **{name: {name} for name in ("openbookqa", "triviaqa", "hellaswag", "squad2", "xwino", "mmlu", "gsm8k", "bbh")},
}


def both(names) -> set[tuple[str, str]]:
    return {(name, backend) for name in names for backend in code_digest.BACKENDS}


def test_every_family_is_in_the_table():
    assert sorted(FAMILIES) == sorted(path.stem for path in (TASKS_DIR / "families").glob("[!_]*.py"))
    assert set.union(*FAMILIES.values()) == set(BENCHMARKS)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_change_in_a_family_moves_its_digests_alone(root, family):
    assert moved_by(root, f"tasks/families/{family}.py") == both(FAMILIES[family])


@pytest.mark.parametrize(
    ("place", "moved"),
    [
        ("tasks/translations.py", FAMILIES["wmt20"]),
        ("tasks/edit_ratio.py", FAMILIES["llm_jp_eval"]),
        ("tasks/summaries.py", FAMILIES["xlsum"]),
        ("tasks/reading.py", FAMILIES["squad2"]),
        ("tasks/squad2_task.py", FAMILIES["squad2"]),
        ("tasks/bbh_exemplars.py", FAMILIES["bbh"]),
        ("tasks/programs.py", FAMILIES["humaneval"]),
        ("sandbox/judge.py", FAMILIES["humaneval"]),
        ("tasks/tokenizer.py", FAMILIES["xlsum"] | FAMILIES["mgsm"]),
        ("tasks/docs.py", BENCHMARKS),
        ("tasks/outcomes.py", BENCHMARKS),
        ("evaluation/harness/run.py", BENCHMARKS),
        ("evaluation/harness/records.py", BENCHMARKS),
        ("tasks/data.py", BENCHMARKS),
        # files have digests of their own, and the list of all benchmarks decides nothing about one of them
        ("tasks/sources.py", ()),
        ("tasks/files.py", ()),
        ("tasks/fetching.py", ()),
        ("tasks/downloading.py", ()),
        ("tasks/registry.py", ()),
    ],
)
def test_a_change_moves_the_digests_of_what_uses_it(root, place, moved):
    assert moved_by(root, place) == both(moved)


def test_a_change_in_a_backend_moves_those_of_that_backend(root):
    assert moved_by(root, "evaluation/harness/vllm.py") == {(name, "vllm") for name in BENCHMARKS}
    assert moved_by(root, "evaluation/harness/hf.py") == {(name, "hf") for name in BENCHMARKS}


def test_a_yaml_file_and_its_template_count(root):
    assert moved_by(root, "tasks/triviaqa.yaml", "# no comment is too small\n") == both({"triviaqa"})
    choices = {name for name, spec in BENCHMARKS.items() if spec.answer == "loglikelihood"}
    assert moved_by(root, "tasks/_choice", "\n") == both(choices)


def test_comments_docstrings_and_layout_do_not_count(root):
    path = root / "stages/tasks/docs.py"
    code = path.read_text(encoding="utf-8")
    before = digests(root)
    path.write_text(f'{code}\n\n# why\n"""More text."""\n', encoding="utf-8")
    assert digests(root) == before
    path.write_text(code.replace("items of a benchmark", "things"), encoding="utf-8")
    assert digests(root) == before
    path.write_text(f"{code}\n\nA = 'text'\n", encoding="utf-8")
    assert not set(digests(root).items()) & set(before.items())


def test_the_command_prints_a_line_for_each_benchmark(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["code_digest", "--backend", "vllm"])
    code_digest.main()
    assert dict(line.split() for line in capsys.readouterr().out.splitlines()) == code_digest.task_digests("vllm")
    assert code_digest.task_digests("vllm") != code_digest.task_digests("hf")
