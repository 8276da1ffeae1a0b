"""SmolLM2-135M-Instruct, a real model, on a CPU: facts of its answers, and a new row of the shipped study."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("lm_eval")

from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.workarounds import PROTOCOL
from stages.evaluation.harness import run as harness
from stages.evaluation.model_source import locate
from stages.evaluation.unit import RunOptions, Unit
from stages.tasks import data, wording
from stages.tasks.registry import BENCHMARKS
from tests.evaluation.mini import change_params, read_json
from tests.repository import Repository, new_repository
from tests.smollm2 import convert, default_target
from tests.tasks.places import BOTH, ITEMS, REAL

pytestmark = pytest.mark.evaluation

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
LIMIT = 4


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / MODEL).parent.mkdir(parents=True)
    (folder / MODEL).symlink_to(convert(default_target()), target_is_directory=True)
    return folder


def test_a_real_model_answers_and_chooses(models: Path):
    """One load, two benchmarks; the answers are short and end at a stop string."""
    run = RunOptions(limit=LIMIT, device="cpu", data_dir=str(ITEMS))
    source = locate(ModelRecord(MODEL, "", False, "", {}, {}), str(models))
    model = harness.load_model(source, run, "auto")
    results = {
        name: harness.run_unit(Unit(name, source, PROTOCOL, run, data.describe(name, ITEMS)), model)
        for name in ("triviaqa", "openbookqa")
    }
    answered = results["triviaqa"]
    assert answered.score["empty_rate"] == answered.score["capped_rate"] == 0
    assert {reason for ends in answered.answers["finish"] for reason in ends} == {"stop"}
    assert max(tokens[0] for tokens in answered.answers["output_tokens"]) < 20
    assert answered.provenance["weights_dtype"] == "float32"
    chosen = results["openbookqa"]
    assert all(len(row) >= 3 and max(row) < 0 for row in chosen.answers["log_likelihoods"])
    assert chosen.score["n_items"] == LIMIT


def add_model(repository: Repository, model_dir: Path, data_dir: str) -> None:
    """Add one record to models.csv and one line to params.yaml."""
    table = repository.path / "metadata/japanese-2024/models.csv"
    names = table.read_text(encoding="utf-8").splitlines()[0].split(",")
    row = {
        "model_id": MODEL, "name": "SmolLM2 135M", "active_params_b": "0.135", "construction": "scratch",
        "corpus": "EN", "tokens_total_b": "2000", "tokens_en_b": "2000", "group": "english", "family": "smollm2",
        "reference": "Ben Allal et al. (2025)",
    }  # fmt: skip
    with table.open("a", encoding="utf-8") as file:
        file.write(",".join(row.get(name, "") for name in names) + "\n")
    change_params(
        repository, "evaluate", models=[MODEL], limit=LIMIT, data_dir=data_dir, model_dir=str(model_dir), device="cpu"
    )
    # seven benchmarks are asked in other words than the paper's
    change_params(repository, "assemble", mixed_protocols=True)


@pytest.mark.evaluation_slow
def test_a_new_row_of_the_shipped_study(models: Path, tmp_path: Path):
    """Over real items of ten benchmarks where they are, over the project's own elsewhere."""
    repository = new_repository(tmp_path / "study")
    add_model(repository, models, BOTH if REAL.is_dir() else str(ITEMS))
    evaluate_in_advance(repository)
    said = repository.dvc("repro", ok=False, env={"HF_HUB_OFFLINE": "1"})
    scores = read_json(repository.path / "data/evaluations" / MODEL / "scores.json")
    assert list(scores) == list(BENCHMARKS)
    assert all(0 <= entry["score"] <= 1 and entry["n_items"] <= LIMIT for entry in scores.values())
    assert "gate is closed" in said
    # one line for the trial, with the row that accepts it
    (line,) = [line for line in said.splitlines() if f" of {MODEL} was evaluated on {LIMIT} of " in line]
    assert f" items, and on a part of the items of {len(BENCHMARKS) - 1} other benchmarks: " in line
    row = re.search(r"`(.+),REASON,SOURCE`", line)[1]
    X = pd.read_parquet(repository.path / "data/score_matrix.parquet")
    assert X.shape == (36, 19)
    assert X.loc[MODEL].to_dict() == {name: pytest.approx(entry["score"]) for name, entry in scores.items()}
    cells = pd.read_parquet(repository.path / "data/score_cells.parquet")
    protocols = cells.groupby("benchmark")["protocol"].nunique()
    assert set(protocols[protocols > 1].index) == set(wording.OWN)
    with (repository.path / "metadata/japanese-2024/waivers.csv").open("a", encoding="utf-8") as file:
        file.write(f"{row},a trial over four items,made for a test\n")
    opened = repository.dvc("repro", env={"HF_HUB_OFFLINE": "1"})
    assert f"Stage 'evaluate@{MODEL}' didn't change, skipping" in opened
    place = pd.read_csv(repository.path / "reports/tables/pca_scores.csv", index_col="model_id")
    # 135 million parameters against at least 3 billion: last but for models that failed
    assert place["PC1"].rank()[MODEL] <= 3
    print(json.dumps({name: round(entry["score"], 3) for name, entry in scores.items()}))


def evaluate_in_advance(repository: Repository) -> None:
    """Run the stage without a limit on time: `dvc repro` finds its finished parts and puts them together again."""
    repository.run(sys.executable, "-m", "stages.ingest")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    command = [sys.executable, "-m", "stages.evaluate", MODEL]
    done = subprocess.run(command, cwd=repository.path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
