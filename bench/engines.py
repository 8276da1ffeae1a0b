"""Each engine on the same three models of random weights, and what the driver costs for each finished benchmark.

Needs the extras `eval`, `ray` and `slurm`, and Slurm from Debian (`make slurm-packages`).
"""

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil

from stages.commands.evaluate import records_of
from stages.contracts.outcomes import RATES
from stages.evaluation.driver import Driver, Model
from stages.evaluation.engines.engine import Ended
from stages.evaluation.harness.run import UnitResult
from stages.evaluation.of_model import plan
from stages.evaluation.store import store_of
from stages.evaluation.worker import Job
from stages.workspace.facts import load_study_facts
from stages.workspace.parameters import load_params
from tests.evaluation.mini import THREE, change_params, three_models
from tests.evaluation.slurm import slurm
from tests.repository import Repository

FINISHED = 1000
TICK = 0.2
CHOICES: dict[str, dict[str, object]] = {
    "local, one worker": {"engine": "local", "workers": 1},
    "local, two workers": {"engine": "local", "workers": 2},
    "ray, two CPUs": {"engine": "ray", "workers": 2},
    "slurm, two CPUs": {"engine": "slurm", "workers": 2, "slurm": {"time": "01:00:00"}},
}


def measured(repository: Repository, commands: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Return wall time of commands in seconds, and the peak memory of all processes that work there in GiB."""
    peak, over = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(TICK):
            peak = max(peak, memory(repository.path))

    watching = threading.Thread(target=watch)
    watching.start()
    start = time.perf_counter()
    for command in commands:
        repository.run(*command, env={"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"})
    wall = time.perf_counter() - start
    over.set()
    watching.join()
    return wall, peak / 2**30


def memory(folder: Path) -> int:
    """Return the bytes of processes that work in a folder, shared ones counted once."""
    total = 0
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


class Instant:
    """An engine whose jobs are done when they are sent."""

    gpus = 0

    def __init__(self) -> None:
        self.over: list[Ended] = []
        self.seconds = 0.0

    def room(self) -> int:
        """Return that a few more fit."""
        return 4

    def submit(self, jobs: Sequence[Job]) -> None:
        """Put results."""
        start = time.perf_counter()
        for job in jobs:
            store = store_of(job.model_id)
            for unit in job.units:
                store.put(unit, result())
            self.over.append(Ended(job.model_id, (), ""))
        self.seconds += time.perf_counter() - start

    def ended(self) -> list[Ended]:
        """Return all that were sent."""
        over, self.over = self.over, []
        return over

    def stop(self) -> None:
        """Do nothing."""


def result() -> UnitResult:
    """Return a result as a worker makes it."""
    score = {**dict.fromkeys(("score", "stderr", *RATES), 0.5), "n_items": 4}
    provenance = {"seconds": 1.0, "output_tokens": 1, "prompt_tokens": 3, "tokens_per_second": 4.0}
    return UnitResult(score, pd.DataFrame({"item": ["one"]}), provenance)


def driver_cost(repository: Repository) -> tuple[float, float]:
    """Return the seconds that the driver and the writing of results take for `FINISHED` benchmarks."""
    os.chdir(repository.path)
    params = load_params()
    (record,) = records_of(THREE[:1], load_study_facts(params), params)
    units = plan(record, params.evaluate)
    models = []
    for number in range(FINISHED // len(units)):
        name = f"many/model-{number}"
        source = replace(units[0].model, model_id=name, files={**units[0].model.files, "number.json": str(number)})
        mine = [replace(unit, model=source) for unit in units]
        store = store_of(name)
        opened = {unit.benchmark: (unit, store.path(unit)) for unit in mine}
        models.append(Model(replace(record, model_id=name), mine, store, opened))
    engine = Instant()
    start = time.perf_counter()
    Driver(models, engine, lambda _: None).run()
    return time.perf_counter() - start - engine.seconds, engine.seconds


def in_turn(folder: Path, name: str, choice: dict[str, object] | None) -> tuple[float, float]:
    """Return wall time and memory of one way to evaluate the three models, in a fresh repository."""
    repository = three_models(folder / name.replace(" ", "-").replace(",", ""))
    python = [sys.executable, "-m"]
    if choice is None:
        repository.run(*python, "stages.ingest")
        return measured(repository, [[*python, "stages.evaluate", model] for model in THREE])
    change_params(repository, "evaluate", **choice)
    if choice["engine"] == "slurm":
        (folder / "slurm").mkdir()
    around: Callable[[], object] = (lambda: slurm(folder / "slurm")) if choice["engine"] == "slurm" else nullcontext
    with around():  # type: ignore[attr-defined]
        return measured(repository, [[*python, "stages.cli", "evaluate"]])


def main() -> None:
    """Print the table, then the same as JSON."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = {"the stage, one model after the other": in_turn(folder, "stage", None)}
        for what, choice in CHOICES.items():
            rows[what] = in_turn(folder, what, choice)
        ours, writing = driver_cost(three_models(folder / "driver"))
        os.chdir(folder.parent)
    first = next(iter(rows.values()))
    print("| three tiny models, 5 benchmarks each | seconds | of the stage | peak GiB |\n|---|---|---|---|")
    for what, (wall, peak) in rows.items():
        print(f"| {what} | {wall:.1f} | {wall / first[0]:.2f} | {peak:.2f} |")
    print(f"| driver, {FINISHED} finished benchmarks in {FINISHED // 5} runs | {ours:.1f} | | |")
    print(f"| writing these results | {writing:.1f} | | |")
    print("\n" + json.dumps({"engines": rows, "driver_s": ours, "writing_s": writing}))


if __name__ == "__main__":
    main()
