"""`observatory trace` and `observatory verify` on the shipped study, and verify on 50 evaluated models."""

import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.planted import write_study
from tests.repository import Repository, new_repository

MODELS = 50
BENCHMARKS = 19
SAMPLES = 1_000_000
COMMAND = "import sys; sys.argv[0] = 'observatory'; from stages.commands.lineage_cli import {name}; {name}()"


def measured(repository: Repository, name: str, *arguments: str) -> tuple[float, float, str]:
    """Run a command of `observatory` and return its wall seconds, its largest memory in GiB and its last line."""
    said = repository.path.with_suffix(".txt")
    with contextlib.chdir(repository.path):
        start = time.perf_counter()
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", COMMAND.format(name=name), *arguments],
            {**os.environ, "PYTHONPATH": ""},
            file_actions=[(os.POSIX_SPAWN_OPEN, 1, str(said), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)],
        )
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - start
    lines = said.read_text(encoding="utf-8").splitlines()
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("\n".join(lines[:20]))
    return wall, usage.ru_maxrss / 2**20, lines[-1]


def write_evaluation(folder: Path, model: int, n_items: int) -> None:
    """Write what an evaluation leaves: answers to prompts of 1.5 kB that share their examples."""
    rng = np.random.default_rng(model)
    words = np.array([f"word{i}" for i in range(4000)])
    (folder / "samples").mkdir(parents=True)
    scores = {}
    for j in range(BENCHMARKS):
        examples = " ".join(words[np.random.default_rng(j).integers(4000, size=150)])
        texts = [" ".join(row) for row in words[rng.integers(4000, size=(n_items, 40))]]
        value = (rng.uniform(size=n_items) < 0.2 + 0.012 * model).astype(float)
        pd.DataFrame(
            {
                "item": [f"{j}-{i}" for i in range(n_items)],
                "prompt": [f"{examples}\n\n{text}" for text in texts],
                "raw": [f" {text[:60]}" for text in texts],
                "filtered": [text[:40] for text in texts],
                "target": [text[:40] for text in reversed(texts)],
                "value": value,
                "empty": 0.0,
                "failed": 0.0,
            }
        ).to_parquet(folder / "samples" / f"task_{j}.parquet", index=False)
        scores[f"task_{j}"] = {
            "score": value.mean(),
            "stderr": value.std(ddof=1) / n_items**0.5,
            "n_items": n_items,
            "metric": "accuracy",
            "protocol": "accuracy, 0-shot, generation",
            "empty_rate": 0.0,
            "failed_rate": 0.0,
            "capped_rate": 0.0,
        }
    (folder / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    (folder / "provenance.json").write_text(json.dumps({"model": model}), encoding="utf-8")


def evaluated(path: Path) -> Repository:
    """Make a repository of 50 evaluated models."""
    repository = new_repository(path)
    names = [f"org/model-{i:02d}" for i in range(MODELS)]
    n_items = SAMPLES // (MODELS * BENCHMARKS) + 1
    write_study(path / "metadata/large", MODELS, BENCHMARKS)
    file = path / "metadata/large/benchmarks.csv"
    pd.read_csv(file, keep_default_na=False).assign(n_items=n_items).to_csv(file, index=False)
    pipeline = yaml.safe_load((path / "dvc.yaml").read_text(encoding="utf-8"))
    # these models have no weights
    del pipeline["stages"]["lock"]
    pipeline["stages"]["evaluate"] = {
        "foreach": "${evaluate.models}",
        "do": {"cmd": "false ${item}", "outs": ["data/evaluations/${item}"]},
    }
    (path / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    params = yaml.safe_load((path / "params.yaml").read_text(encoding="utf-8"))
    params["study"], params["evaluate"]["models"] = "large", names
    (path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    for i, name in enumerate(names):
        write_evaluation(path / "data/evaluations" / name, i, n_items)
    repository.dvc("commit", "-f", "-q", *(f"evaluate@{name}" for name in names))
    repository.dvc("repro")
    repository.commit("Evaluated")
    return repository


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as name:
        shipped = new_repository(Path(name) / "shipped")
        shipped.dvc("repro")
        shipped.commit("Shipped")
        large = evaluated(Path(name) / "large")
        size = sum(p.stat().st_size for p in (large.path / "data").rglob("*") if p.is_file()) / 2**20
        print("| command | study | seconds | GiB | |\n|---|---|---|---|---|")
        for study, repository, command, arguments in (
            ("shipped", shipped, "trace", ("scale.PC1.en.rho",)),
            ("shipped", shipped, "verify", ()),
            ("shipped", shipped, "verify", ("--deep",)),
            (f"{MODELS} models, {SAMPLES:,} samples, {size:.0f} MiB", large, "verify", ()),
        ):
            wall, memory, last = measured(repository, command, *arguments)
            told = last if command == "verify" else ""
            print(f"| {' '.join([command, *arguments])} | {study} | {wall:.2f} | {memory:.2f} | {told} |")
    print(f"\npeak of the bench itself: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
