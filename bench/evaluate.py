"""The stage `evaluate` against the plain `lm_eval` command, on the same model and tasks, in turns.

Needs the extra `eval`. SmolLM2-135M-Instruct runs the tasks with short answers; random weights run all nineteen.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from stages.tasks.registry import BENCHMARKS, SEEDS
from tests.repository import Repository, new_repository
from tests.smollm2 import convert, default_target
from tests.tasks.places import ITEMS
from tests.tasks.tiny import save

RUNS = 3
LIMIT = 2
BATCH = 8
REAL, TINY = "x/smollm2", "x/tiny"
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "HF_ALLOW_CODE_EVAL": "1"}
SHORT = tuple(name for name, benchmark in BENCHMARKS.items() if benchmark.max_gen_toks <= 256)
"""Tasks that a real model does on a CPU in minutes."""


def prepare(folder: Path) -> Repository:
    """Make a repository with two models whose records are written."""
    repository = new_repository(folder / "repository")
    models = repository.path / "models"
    save(models / TINY)
    (models / REAL).symlink_to(convert(default_target()), target_is_directory=True)
    table = repository.path / "metadata/japanese-2024/models.csv"
    names = table.read_text(encoding="utf-8").splitlines()[0].split(",")
    facts = {"active_params_b": "1", "construction": "scratch", "group": "english", "tokens_total_b": "100"}
    with table.open("a", encoding="utf-8") as file:
        for model in (REAL, TINY):
            row = facts | {"model_id": model, "name": model, "family": model, "tokens_en_b": "100"}
            file.write(",".join(row.get(name, "") for name in names) + "\n")
    params = repository.path / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("models: []", f"models: [{REAL}, {TINY}]")
    for old, new in (
        ("limit: null", f"limit: {LIMIT}"),
        ('data_dir: ""', f"data_dir: {ITEMS}"),
        ('model_dir: ""', f"model_dir: {models}"),
        ("device: auto", "device: cpu"),
        ("batch_size: auto", f"batch_size: {BATCH}"),
    ):
        text = text.replace(old, new)
    params.write_text(text, encoding="utf-8")
    repository.run(sys.executable, "-m", "stages.ingest")
    record = repository.path / "data/study/records" / f"{REAL}.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    for part in ("settings", "tasks"):
        content[part] = {name: content[part][name] for name in SHORT}
    record.write_text(json.dumps(content), encoding="utf-8")
    return repository


def forget(repository: Repository) -> None:
    """Remove what evaluations left."""
    for name in ("data/.evaluating", "data/evaluations/x"):
        shutil.rmtree(repository.path / name, ignore_errors=True)


def stage(repository: Repository, model: str) -> float:
    """Return the wall time of the stage."""
    forget(repository)
    return timed(repository, sys.executable, "-m", "stages.evaluate", model)


def plain(repository: Repository, model: str, tasks: Sequence[str], output: Path) -> float:
    """Return the wall time of one `lm_eval` command that logs its samples, as the stage does."""
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--include_path", "stages/tasks"]
    folder = repository.path / "models" / model
    command += ["--model_args", f"pretrained={folder},add_bos_token=False", "--device", "cpu"]
    command += ["--tasks", *tasks, "--limit", str(LIMIT), "--batch_size", str(BATCH), "--confirm_run_unsafe_code"]
    command += [
        "--seed",
        ",".join(str(seed) for seed in SEEDS.values()),
        "--log_samples",
        "--output_path",
        str(output),
    ]
    return timed(repository, *command)


def timed(repository: Repository, *command: str) -> float:
    """Return the wall time of a command that succeeds."""
    environment = {**ENVIRONMENT, "OBSERVATORY_DATA_DIR": str(ITEMS)}
    start = time.perf_counter()
    repository.run(*command, env=environment)
    return time.perf_counter() - start


def killed_and_resumed(repository: Repository) -> float:
    """Return the wall time of a stage that is killed half-way and started again."""
    forget(repository)
    start = time.perf_counter()
    environment = {**os.environ, **ENVIRONMENT, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    command = [sys.executable, "-m", "stages.evaluate", TINY]
    with subprocess.Popen(
        command, cwd=repository.path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        store = repository.path / "data/.evaluating" / TINY
        while sum(not path.name.startswith(".") for path in store.glob("*/*")) < len(BENCHMARKS) // 2:
            if process.poll() is not None:
                raise SystemExit("the stage ended before it could be killed")
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    timed(repository, *command)
    return time.perf_counter() - start


def main() -> None:
    """Print the table, then the same as JSON."""
    with tempfile.TemporaryDirectory() as name:
        repository, output = prepare(Path(name)), Path(name) / "plain"
        pairs = [(stage(repository, REAL), plain(repository, REAL, SHORT, output)) for _ in range(RUNS)]
        one, resumed = [], []
        for _ in range(RUNS):
            one.append(stage(repository, TINY))
            resumed.append(killed_and_resumed(repository))
        many = sum(plain(repository, TINY, [task], output) for task in BENCHMARKS)
    ours, theirs = (median(times) for times in zip(*pairs, strict=True))
    whole, after_kill = median(one), median(resumed)
    result = {
        "stage_s": ours,
        "plain_lm_eval_s": theirs,
        "stage_over_plain": ours / theirs,
        "one_load_s": whole,
        "nineteen_commands_s": many,
        "nineteen_over_one": many / whole,
        "killed_and_resumed_s": after_kill,
        "resumed_over_uninterrupted": after_kill / whole,
    }
    rows = [
        (f"stage, SmolLM2-135M-Instruct, {len(SHORT)} tasks x {LIMIT} items", ours, f"{ours / theirs:.2f} of plain"),
        ("`lm_eval`, the same", theirs, "the floor"),
        (
            f"stage, random weights, {len(BENCHMARKS)} tasks x {LIMIT} items",
            whole,
            f"1/{many / whole:.1f} of commands",
        ),
        ("a command for each task", many, "one run"),
        ("killed half-way, started again", after_kill, f"{after_kill / whole:.2f} of uninterrupted"),
    ]
    print(f"| what | median of {RUNS}, s | ratio |\n|---|---|---|")
    for what, wall, ratio in rows:
        print(f"| {what} | {wall:.1f} | {ratio} |")
    print(f"\n{json.dumps(result)}")


if __name__ == "__main__":
    main()
