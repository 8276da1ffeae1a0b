"""The stage in a real repository: killed, resumed, restored, gated."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import shared
from tests.evaluation.mini import BENCHMARKS, MODEL, OWN, SECOND, change_params, mini_repository, read_json
from tests.repository import Repository
from tests.tasks.places import ITEMS

pytestmark = pytest.mark.evaluation

ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "1"}
ALL = (*BENCHMARKS, OWN)
OUT = Path("data/evaluations") / MODEL
STORE = Path("data/.evaluating") / MODEL


def finished(repository: Repository) -> dict[str, bytes]:
    found = (repository.path / STORE).glob("*/*/provenance.json")
    return {path.parent.parent.name: path.read_bytes() for path in found if not path.parent.name.startswith(".")}


def kill_after(repository: Repository, units: int) -> None:
    """Start `dvc repro`, kill DVC and the stage with it as soon as so many benchmarks are done."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_", "GIT_", "PYTEST_"))}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", f"evaluate@{MODEL}"],
        cwd=repository.path,
        env={**environment, **ENVIRONMENT, "PATH": path, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 300
    while len(finished(repository)) < units and time.monotonic() < until:
        assert process.poll() is None, "ended before it was killed"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def prepare(path: Path) -> None:
    """Kill an evaluation twice, then let it end; beside it lies what was there after each kill."""
    repository = mini_repository(path, own=True)
    for count in (1, 3):
        kill_after(repository, count)
        assert not (path / OUT).exists()
        (path / f"killed-{count}").mkdir()
        for name, content in finished(repository).items():
            (path / f"killed-{count}" / name).write_bytes(content)
    (path / "ended.txt").write_text(repository.dvc("repro", f"evaluate@{MODEL}", env=ENVIRONMENT), encoding="utf-8")


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(shared(tmp_path_factory, "evaluated", prepare))


@pytest.fixture
def bench(resumed: Repository, tmp_path: Path) -> Repository:
    return resumed.copy_to(tmp_path / "bench")


def uninterrupted(path: Path) -> None:
    mini_repository(path, own=True).dvc("repro", f"evaluate@{MODEL}", env=ENVIRONMENT)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(shared(tmp_path_factory, "uninterrupted", uninterrupted))


def test_killed_and_resumed_equals_uninterrupted(resumed: Repository, reference: Repository):
    ours, theirs = resumed.path / OUT, reference.path / OUT
    names = {path.relative_to(theirs) for path in theirs.rglob("*") if path.is_file()}
    assert {path.relative_to(ours) for path in ours.rglob("*") if path.is_file()} == names
    for name in names - {Path("provenance.json")}:
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    first, second = read_json(ours / "provenance.json"), read_json(theirs / "provenance.json")
    for provenance in (first, second):
        for part in (provenance, *provenance["benchmarks"].values()):
            for varying in ("start", "end", "seconds", "tokens_per_second", "mlflow_run", "code"):
                part.pop(varying, None)
    assert first == second


def test_a_kill_loses_no_finished_benchmark(resumed: Repository):
    end = read_json(resumed.path / OUT / "provenance.json")["benchmarks"]
    assert set(end) == set(ALL)
    for count in (1, 3):
        kept = {path.name: json.loads(path.read_bytes()) for path in (resumed.path / f"killed-{count}").iterdir()}
        assert len(kept) >= count
        assert kept.items() <= end.items()
    assert not (resumed.path / "data/.evaluating").exists()
    assert "[6/6]" in (resumed.path / "ended.txt").read_text(encoding="utf-8")


def test_one_mlflow_run_that_was_taken_up_again(resumed: Repository):
    code = (
        "from mlflow.tracking import MlflowClient\n"
        "client = MlflowClient('sqlite:///mlflow.db')\n"
        "found = client.search_runs([client.get_experiment_by_name('evaluations').experiment_id])\n"
        "for run in found:\n"
        "    print(run.info.status, run.data.tags['observatory.model'], *sorted(run.data.metrics))\n"
    )
    lines = resumed.run(sys.executable, "-c", code).stdout.splitlines()
    assert len(lines) == 1
    status, model, *metrics = lines[0].split()
    assert (status, model) == ("FINISHED", MODEL)
    assert {f"{name}.score" for name in ALL} <= set(metrics)
    assert "benchmarks_done" in metrics
    assert any(name.startswith("system/cpu") for name in metrics)
    assert not any("gpu" in name for name in metrics), "what is not there is no 0"


def test_scores_and_samples_hold_what_the_contract_says(resumed: Repository):
    scores = read_json(resumed.path / OUT / "scores.json")
    assert tuple(scores) == ALL
    for name, entry in scores.items():
        assert {"score", "stderr", "n_items", "metric", "protocol", "empty_rate", "failed_rate", "capped_rate",
                "refused_rate", "secondary"} <= set(entry)  # fmt: skip
        samples = pd.read_parquet(resumed.path / OUT / f"samples/{name}.parquet")
        assert len(samples) == entry["n_items"]
        assert samples["value"].mean() == pytest.approx(entry["score"])
        assert samples["capped"].mean() == pytest.approx(entry["capped_rate"])
        assert samples["prompt"].str.len().min() > 0
        generated = samples["raw"].map(len)
        assert (generated == samples["finish"].map(len)).all()
        assert (generated == (0 if name in {"openbookqa", "mmlu"} else 1)).all()


def test_provenance_names_everything_that_was_used(resumed: Repository):
    provenance = read_json(resumed.path / OUT / "provenance.json")
    assert set(provenance["model"]["weights_sha256"]) == {"model.safetensors"}
    part = provenance["benchmarks"]["squad2"]
    assert re.fullmatch("[0-9a-f]{64}", part["key"])
    assert part["generation"] == {
        "until": ["\n"], "max_gen_toks": 256, "do_sample": False, "add_bos": False, "repeats": 1
    }  # fmt: skip
    assert part["data"]["files"].keys() == {"squad2/train.jsonl", "squad2/validation.jsonl"}
    assert {"task", "workaround", "seeds", "dtype", "device", "libraries", "code", "tokens_per_second"} <= set(part)
    assert str(resumed.path) not in (resumed.path / OUT / "provenance.json").read_text(encoding="utf-8")


def test_what_does_not_concern_a_model_does_not_evaluate_it_again(bench: Repository):
    before = (bench.path / "metadata/mini/models.csv").read_text(encoding="utf-8")
    after = before.replace("org/model-1,org/model-1", "org/model-1,Another name")
    assert after != before
    (bench.path / "metadata/mini/models.csv").write_text(after, encoding="utf-8")
    change_params(bench, "decompose", n_components=2)
    change_params(bench, "evaluate", batch_size=2, models=[MODEL, SECOND])
    said = bench.dvc("repro", f"evaluate@{MODEL}", env=ENVIRONMENT)
    assert "Running stage 'ingest'" in said
    assert f"Stage 'evaluate@{MODEL}' didn't change, skipping" in said
    assert (bench.path / f"data/study/records/{SECOND}.json").is_file()


def relocked(repository: Repository, **environment: str) -> str:
    """Return what DVC would run again once the lock is taken."""
    said = repository.dvc("repro", f"lock@{MODEL}", env={**ENVIRONMENT, **environment})
    return said + repository.dvc("status", f"evaluate@{MODEL}", env=ENVIRONMENT)


def test_dvc_sees_weights_and_data_that_changed(bench: Repository, tmp_path: Path):
    changed = re.compile(rf"modified:\s+data/locks/{MODEL}.json")
    assert not changed.search(relocked(bench))
    items, models = tmp_path / "items", bench.path / "models"
    shutil.copytree(ITEMS, items)
    change_params(bench, "evaluate", data_dir=str(items))
    assert not changed.search(relocked(bench))

    answers = items / "triviaqa/validation.jsonl"
    content = answers.read_text(encoding="utf-8")
    answers.write_text(content.replace('"aliases": ["', '"aliases": ["not ', 1), encoding="utf-8")
    assert changed.search(relocked(bench))
    answers.write_text(content, encoding="utf-8")
    assert not changed.search(relocked(bench))

    weights = models / MODEL / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert changed.search(relocked(bench))
    weights.write_bytes(whole)
    assert not changed.search(relocked(bench))

    # another machine has neither weights nor data; what was evaluated stays
    shutil.rmtree(models)
    shutil.rmtree(items)
    said = relocked(bench)
    assert f"{MODEL}: not on this machine, so taken to be as locked: {MODEL}, jemhopqa" in said
    assert not changed.search(said)
    assert bench.run("git", "check-ignore", f"data/locks/{MODEL}.json", ok=False).returncode == 1


@pytest.mark.evaluation_slow
def test_a_changed_task_of_the_study_evaluates_that_benchmark_only(bench: Repository):
    path = bench.path / "metadata/mini/tasks/scoring.py"
    path.write_text(path.read_text(encoding="utf-8").replace("float(", "1.0 - float("), encoding="utf-8")
    said = bench.dvc("repro", f"evaluate@{MODEL}", env=ENVIRONMENT)
    assert re.findall(r"\[\d/6\] (\w+)", said) == [OWN]


@pytest.mark.evaluation_slow
def test_a_limit_evaluates_again_and_back_restores(bench: Repository):
    full = (bench.path / OUT / "scores.json").read_bytes()
    change_params(bench, "evaluate", limit=2)
    bench.dvc("repro", f"evaluate@{MODEL}", env=ENVIRONMENT)
    limited = read_json(bench.path / OUT / "scores.json")
    assert all(entry["n_items"] == 2 and entry["limited"] for entry in limited.values())
    change_params(bench, "evaluate", limit=None)
    said = bench.dvc("repro", f"evaluate@{MODEL}", env=ENVIRONMENT)
    assert "cached" in said
    assert (bench.path / OUT / "scores.json").read_bytes() == full
    change_params(bench, "evaluate", limit=2)
    bench.dvc("repro", f"evaluate@{MODEL}", env=ENVIRONMENT)
    closed = bench.dvc("repro", ok=False, env=ENVIRONMENT)
    others = len(ALL) - 1
    assert f"jemhopqa of {MODEL} was evaluated on 2 of 4 items, and on a part of the items of {others} other" in closed
    assert f"metadata/mini/waivers.csv: `{MODEL},,,REASON,SOURCE`" in closed
    assert "gate is closed" in closed


@pytest.mark.evaluation_slow
def test_a_changed_task_evaluates_that_benchmark_only(bench: Repository):
    before = read_json(bench.path / OUT / "provenance.json")["benchmarks"]
    # as in a clone: the evaluation is in DVC's cache alone
    subprocess.run(["rm", "-r", str(bench.path / OUT)], check=True)
    task = bench.path / "stages/tasks/triviaqa.yaml"
    task.write_text(task.read_text(encoding="utf-8").replace("max_gen_toks: 256", "max_gen_toks: 8"), encoding="utf-8")
    said = bench.dvc("repro", f"evaluate@{MODEL}", env=ENVIRONMENT)
    assert [line.split()[1] for line in said.splitlines() if re.match(r"\[\d/6\]", line)] == ["triviaqa"]
    after = read_json(bench.path / OUT / "provenance.json")["benchmarks"]
    for name in set(ALL) - {"triviaqa"}:
        assert before[name] == after[name]


def test_the_gate_names_failures_and_a_waived_row_joins_the_matrix(bench: Repository):
    closed = bench.dvc("repro", ok=False, env=ENVIRONMENT)
    # random weights never stop: every answer is cut at the token limit
    assert f"jemhopqa of {MODEL}: capped_rate 1 > 0.9" in closed
    assert f"observatory diagnose {MODEL} --benchmark jemhopqa" in closed
    # the terminal counts what is of one kind, the table has every finding
    found = pd.read_csv(bench.path / "reports/data_docs/failed/validate/findings.csv", keep_default_na=False)
    assert "mmlu: measured as 'accuracy, 5-shot, loglikelihood, saito2024~own-prompt' for" in "\n".join(
        found["message"]
    )
    change_params(bench, "assemble", mixed_protocols=True)
    mine = found[(found["model_id"] == MODEL) & found["check"].isin(["zero", "outcomes", "suspicious"])]
    waived = [f"{MODEL},{f.benchmark},{f.check},random weights,made for a test" for f in mine.itertuples()]
    waivers = bench.path / "metadata/mini/waivers.csv"
    header = "model_id,benchmark,check,reason,source\n"
    waivers.write_text(header + "\n".join(waived) + "\n", encoding="utf-8")
    said = bench.dvc("repro", "validate", env=ENVIRONMENT)
    assert f"Stage 'evaluate@{MODEL}' didn't change, skipping" in said
    X = pd.read_parquet(bench.path / "data/score_matrix.parquet")
    assert X.loc[MODEL].notna().all()
    cells = pd.read_parquet(bench.path / "data/score_cells.parquet").set_index(["model_id", "benchmark"])
    mine = cells.loc[MODEL]
    traced = bench.run(sys.executable, "-m", "stages.cli", "trace", MODEL, "--json").stdout
    assert set(json.loads(traced)["evidence"]["cells"]) == set(ALL)
    assert set(mine["origin"]) == {"evaluated"}
    assert mine.loc["jemhopqa", "capped_rate"] == 1
    for name in ALL:
        theirs = cells.loc[("org/model-0", name), "protocol"]
        assert mine.loc[name, "protocol"] == theirs + ", saito2024~own-prompt" * (name in {"jemhopqa", "mmlu"})


def test_a_partial_evaluation_is_refused_with_what_is_missing(bench: Repository):
    path = bench.path / OUT / "scores.json"
    scores = read_json(path)
    del scores["squad2"], scores["mmlu"]
    path.chmod(0o644)
    path.write_text(json.dumps(scores), encoding="utf-8")
    done = bench.run(sys.executable, "-m", "stages.assemble", ok=False)
    assert done.returncode == 1
    assert f"{MODEL} is not evaluated on squad2, mmlu" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_things_are_named_at_once_and_nothing_is_left_behind(bench: Repository):
    change_params(bench, "evaluate", model_dir="nowhere", data_dir="nowhere")
    done = bench.run(sys.executable, "-m", "stages.evaluate", MODEL, ok=False, env=ENVIRONMENT)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{MODEL}: not on this machine" in done.stderr
    for name in BENCHMARKS:
        assert f"{name}: {name}/" in done.stderr
    unknown = bench.run(sys.executable, "-m", "stages.evaluate", "x/unknown", ok=False)
    assert unknown.stderr.splitlines() == [
        "data/study/records/x/unknown.json is missing: name x/unknown in evaluate.models, then run `dvc repro ingest`"
    ]
