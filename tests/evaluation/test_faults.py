"""What goes wrong while benchmarks run: the others are run, what is finished is kept, the user gets one line."""

import errno
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("lm_eval")

from stages.commands import diagnose
from stages.contracts.errors import InputError
from stages.contracts.outcomes import RATES
from stages.contracts.study.model_record import ModelRecord
from stages.evaluation import locks, of_model, unit, worker
from stages.evaluation.harness.run import UnitResult
from stages.evaluation.store import store_of
from stages.evaluation.unit import Unit
from stages.tasks import data
from stages.tracking import live
from stages.workspace.files import restore_folder
from stages.workspace.parameters import load_params
from tests.evaluation.mini import BENCHMARKS, MODEL, mini_repository
from tests.repository import ROOT
from tests.tasks.places import ITEMS

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

RECORD = ModelRecord(MODEL, "", False, "", {name: {} for name in BENCHMARKS}, {})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mini_repository(tmp_path / "mini")
    monkeypatch.chdir(tmp_path / "mini")
    monkeypatch.setattr(worker.harness, "load_model", lambda *_: None)
    monkeypatch.setattr(live, "live_run", no_store)
    return tmp_path / "mini"


@contextmanager
def no_store(*_: object, **__: object) -> Iterator[live.LiveRun]:
    """What an evaluation gets where no MLflow store answers."""
    yield live.LiveRun("", False, "", None)


def result(name: str) -> UnitResult:
    score = {**dict.fromkeys(("score", "stderr", *RATES), 0.5), "n_items": 4}
    now = "2026-01-01T00:00:00+00:00"
    provenance = {"start": now, "end": now, "seconds": 1.0, "device": "cpu", "data": {"n_items": 4}}
    provenance |= {"prompt_tokens": 3, "output_tokens": 1, "tokens_per_second": 4.0}
    return UnitResult(score, pd.DataFrame({"item": [name]}), provenance)


def fast(asked: Unit, _: object) -> UnitResult:
    made = result(asked.benchmark)
    return UnitResult(made.score, made.answers, {**made.provenance, "key": asked.key})


def kept(place: Path) -> set[str]:
    return {path.parent.parent.name for path in place.glob(f"data/.evaluating/{MODEL}/*/*/score.json")}


@pytest.mark.parametrize(
    ("error", "raised", "told", "finished"),
    [
        (InputError(["openbookqa: out of memory"]), InputError, "openbookqa: out of memory", 4),
        (ValueError("a mistake of ours"), ValueError, "a mistake of ours", 4),
        (KeyboardInterrupt(), InputError, "interrupted: finished benchmarks are kept; run the same command again", 1),
        (OSError(errno.ENOSPC, "No space left"), InputError, "no space left on the disk: finished benchmarks are", 1),
    ],
)
def test_one_benchmark_does_not_end_what_it_does_not_concern(place, monkeypatch, error, raised, told, finished):
    def run(asked, _):
        if asked.benchmark == "openbookqa":
            raise error
        return result(asked.benchmark)

    monkeypatch.setattr(worker.harness, "run_unit", run)
    params = load_params().evaluate
    with pytest.raises(raised, match=told):
        of_model.evaluate(RECORD, params)
    assert len(kept(place)) == finished
    assert not (place / "data/evaluations" / MODEL).exists()
    monkeypatch.setattr(worker.harness, "run_unit", fast)
    of_model.evaluate(RECORD, params)
    published = place / "data/evaluations" / MODEL
    assert {path.stem for path in (published / "samples").iterdir()} == set(BENCHMARKS)
    assert not (place / "data/.evaluating").exists()


def test_data_that_change_between_two_units_are_refused_when_they_are_read(place, monkeypatch):
    """The unit whose data changed is not kept; the others are, and another run evaluates what is there now."""
    items = place / "items"
    shutil.copytree(ITEMS, items)
    params = load_params().evaluate.model_copy(update={"data_dir": "items"})
    test = items / "mmlu/test.jsonl"

    def run(asked, _):
        if asked.benchmark == "jemhopqa":
            test.write_text("".join(test.read_text().splitlines(keepends=True)[:2]))
        # what the task does first, see stages.tasks.docs
        data.load(asked.benchmark, asked.run.data_dir, asked.data.sha256)
        return fast(asked, None)

    monkeypatch.setattr(worker.harness, "run_unit", run)
    with pytest.raises(InputError, match="mmlu: its files changed since the evaluation began: run it again"):
        of_model.evaluate(RECORD, params)
    assert kept(place) == set(BENCHMARKS) - {"mmlu"}
    of_model.evaluate(RECORD, params)
    assert (place / "data/evaluations" / MODEL / "samples/mmlu.parquet").is_file()


@pytest.mark.parametrize("moment", ["load", "run"])
def test_weights_that_change_end_the_evaluation_and_nothing_of_them_is_kept(place, monkeypatch, moment):
    weights = place / "models" / MODEL / "model.safetensors"
    ran = []

    def spoil() -> None:
        weights.write_bytes(weights.read_bytes() + b"\0")

    def load(*_):
        if moment == "load":
            spoil()

    def run(asked, _):
        ran.append(asked.benchmark)
        if asked.benchmark == "openbookqa":
            spoil()
        return fast(asked, None)

    monkeypatch.setattr(worker.harness, "load_model", load)
    monkeypatch.setattr(worker.harness, "run_unit", run)
    with pytest.raises(
        InputError, match=r"x/tiny: model.safetensors changed during the evaluation: what was finished"
    ):
        of_model.evaluate(RECORD, load_params().evaluate)
    assert kept(place) == ({"jemhopqa"} if moment == "run" else set())
    assert ran == (["jemhopqa", "openbookqa"] if moment == "run" else [])


def test_files_that_change_after_they_were_locked_are_not_evaluated(place, monkeypatch):
    monkeypatch.setattr(worker.harness, "run_unit", fast)
    params = load_params().evaluate
    lock, absent = locks.take(RECORD, params.model_dir, params.data_dir, None)
    assert absent == []
    locks.write(MODEL, replace(lock, data={**lock.data, "squad2": {**lock.data["squad2"], "test": "0" * 64}}))
    with pytest.raises(InputError, match="squad2: files changed since they were locked: run `dvc repro` again"):
        of_model.evaluate(RECORD, params)
    locks.write(MODEL, lock)
    of_model.evaluate(RECORD, params)


def evaluated(place: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Evaluate; return the files of the result."""
    monkeypatch.setattr(worker.harness, "run_unit", fast)
    of_model.evaluate(RECORD, load_params().evaluate)
    published = place / "data/evaluations" / MODEL
    return {str(path.relative_to(published)): path.read_bytes() for path in published.rglob("*") if path.is_file()}


def assert_taken(before: dict[str, bytes], place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluate again; nothing runs and the result is the same to the byte."""

    def not_again(*_):
        raise AssertionError("ran again")

    monkeypatch.setattr(worker.harness, "run_unit", not_again)
    of_model.evaluate(RECORD, load_params().evaluate)
    after = place / "data/evaluations" / MODEL
    assert {name: (after / name).read_bytes() for name in before} == before


def test_an_evaluation_that_is_whole_is_taken_from_where_it_lies(place, monkeypatch):
    before = evaluated(place, monkeypatch)
    assert_taken(before, place, monkeypatch)


def test_a_result_that_dvc_did_not_take_survives_that_it_removes_it(place, monkeypatch):
    """DVC was killed after the stage: it removes the result before it runs the stage again, the lock comes first."""
    before = evaluated(place, monkeypatch)
    store_of(MODEL).rescue(MODEL)
    shutil.rmtree(place / "data/evaluations" / MODEL)
    assert_taken(before, place, monkeypatch)
    assert not (place / "data/.evaluating").exists()


def test_what_a_kill_left_while_a_result_was_replaced_is_put_right(place, monkeypatch):
    before = evaluated(place, monkeypatch)
    published = place / "data/evaluations" / MODEL
    beside, other = published.parent / ".tiny.0a_b1c2d", published.parent / ".tiny.v2.0a_b1c2d"
    beside.mkdir()
    published.replace(beside / "old")
    (other / "new").mkdir(parents=True)
    restore_folder(published)
    assert {name: (published / name).read_bytes() for name in before} == before
    assert sorted(path.name for path in published.parent.iterdir()) == [".tiny.v2.0a_b1c2d", "tiny"]


FULL = """
import sys
sys.path.insert(0, {root!r})
from stages.contracts.errors import InputError
from stages.evaluation import of_model, worker
from stages.workspace.parameters import load_params
from stages.tracking import live
from tests.evaluation.test_faults import RECORD, fast, no_store
live.live_run = no_store
worker.harness.load_model = lambda *_: None
worker.harness.run_unit = fast
try:
    of_model.evaluate(RECORD, load_params().evaluate)
except InputError as error:
    print(*error.lines(), sep="\\n")
"""


@pytest.mark.parametrize(("size", "fits"), [(2**14, False), (2**22, True)])
def test_publishing_on_another_file_system_and_on_a_full_one(place, size, fits):
    """data/evaluations/x is a small file system of its own, with an old result of this model in it."""
    box = [
        "bwrap", "--dev-bind", "/", "/", "--size", str(size), "--tmpfs", str(place / "data/evaluations/x"),
        "--chdir", str(place), "--",
    ]  # fmt: skip
    (place / "data/evaluations/x").mkdir(parents=True)
    code = FULL.format(root=str(ROOT))
    script = (
        f"mkdir data/evaluations/{MODEL} && echo old > data/evaluations/{MODEL}/scores.json && "
        f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}; cat data/evaluations/{MODEL}/scores.json; "
        f"ls -A data/evaluations/x"
    )
    done = subprocess.run([*box, "sh", "-c", script], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    *_, told, names = [done.stdout.rpartition("tiny\n")[0], "tiny"]
    assert names == "tiny"
    if fits:
        assert '"score": 0.5' in told
        assert not (place / "data/.evaluating").exists()
    else:
        assert "no space left on the disk: finished benchmarks are kept" in told
        assert told.endswith("\nold\n")
        assert kept(place) == set(BENCHMARKS)


def test_without_the_extra_one_line_names_it(place, monkeypatch):
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(unit, "version", absent)
    line = r"evaluate: lm_eval, torch, .* not installed here: install the extra `eval`: pip install -e '.\[eval\]'"
    with pytest.raises(InputError, match=line):
        of_model.evaluate(RECORD, load_params().evaluate)
    with pytest.raises(InputError, match=line):
        diagnose.diagnose(MODEL, None, 4, write=False, tell=lambda _: None)


def test_nothing_of_the_extra_is_imported_before_it_is_looked_for():
    code = (
        "import sys\n"
        "for name in ('lm_eval', 'torch', 'transformers', 'datasets', 'huggingface_hub', 'tokenizers', 'accelerate',\n"
        "             'sacrebleu', 'nagisa', 'rapidfuzz', 'rouge_score', 'fugashi', 'safetensors'):\n"
        "    sys.modules[name] = None\n"
        "import stages.evaluate, stages.commands.diagnose\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
