"""What goes wrong while benchmarks run: the others are run, what is finished is kept, the user gets one line."""

import errno
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("lm_eval")

from stages.commands import diagnose
from stages.contracts.errors import InputError
from stages.contracts.outcomes import RATES
from stages.contracts.study.model_record import ModelRecord
from stages.evaluation import of_model, unit
from stages.evaluation.harness.run import UnitResult
from stages.workspace.facts import load_params
from tests.evaluation.mini import BENCHMARKS, MODEL, mini_repository

pytestmark = [pytest.mark.evaluation, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

RECORD = ModelRecord(MODEL, "", False, "", {name: {} for name in BENCHMARKS}, {})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mini_repository(tmp_path / "mini")
    monkeypatch.chdir(tmp_path / "mini")
    monkeypatch.setattr(of_model.harness, "load_model", lambda *_: None)
    return tmp_path / "mini"


def result(name: str) -> UnitResult:
    score = {**dict.fromkeys(("score", "stderr", *RATES), 0.5), "n_items": 4}
    now = "2026-01-01T00:00:00+00:00"
    provenance = {"start": now, "end": now, "seconds": 1.0, "output_tokens": 1, "tokens_per_second": 1.0}
    return UnitResult(score, pd.DataFrame({"item": [name]}), provenance)


def kept(place: Path) -> set[str]:
    return {path.parent.parent.name for path in place.glob(f"data/.evaluating/{MODEL}/*/*/score.json")}


@pytest.mark.parametrize(
    ("error", "raised", "told", "finished"),
    [
        (InputError(["openbookqa: out of memory"]), InputError, "openbookqa: out of memory", 4),
        (ValueError("a mistake of ours"), ValueError, "a mistake of ours", 4),
        (KeyboardInterrupt(), InputError, "interrupted: finished benchmarks are kept; run the same again", 1),
        (OSError(errno.ENOSPC, "No space left"), InputError, "no space left on the disk: finished benchmarks are", 1),
    ],
)
def test_one_benchmark_does_not_end_what_it_does_not_concern(place, monkeypatch, error, raised, told, finished):
    def run(asked, _):
        if asked.benchmark == "openbookqa":
            raise error
        return result(asked.benchmark)

    monkeypatch.setattr(of_model.harness, "run_unit", run)
    params = load_params().evaluate
    with pytest.raises(raised, match=told):
        of_model.evaluate(RECORD, params)
    assert len(kept(place)) == finished
    assert not (place / "data/evaluations" / MODEL).exists()
    monkeypatch.setattr(of_model.harness, "run_unit", lambda asked, _: result(asked.benchmark))
    of_model.evaluate(RECORD, params)
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
