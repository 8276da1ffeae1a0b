"""The pipeline under DVC against one process that computes the same, and a large matrix."""

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from tests.planted import write_study
from tests.repository import Repository, new_repository

RUNS = 5
STAGES = ("select", "ingest", "budget", "assemble", "validate", "correlate", "decompose", "factorize", "scale",
          "stability", "robustness", "retest", "compare", "report", "track")  # fmt: skip
ONE_PROCESS = """
import importlib
for name in {stages!r}:
    importlib.import_module(f"stages.{{name}}").main()
"""
LARGE = ("assemble", "validate", "correlate", "decompose")


def seconds(action: Callable[[], object]) -> float:
    """Return the wall time of an action."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def cold(repository: Repository) -> None:
    """Forget everything that a run wrote."""
    for name in (".dvc/cache", ".dvc/tmp", "data/study", "reports/tables", "reports/figures", "reports/data_docs"):
        shutil.rmtree(repository.path / name, ignore_errors=True)
    for path in repository.path.glob("data/*.parquet"):
        path.unlink()
    forget_runs(repository)
    (repository.path / "dvc.lock").unlink(missing_ok=True)


def forget_runs(repository: Repository) -> None:
    """Empty the MLflow store."""
    for path in repository.path.glob("mlflow.db*"):
        path.unlink()
    for path in repository.path.glob("mlruns/*/"):
        shutil.rmtree(path)


def python(repository: Repository, code: str) -> None:
    """Run code in a fresh process in the root of a repository."""
    repository.run(sys.executable, "-c", code)


def shipped(folder: Path) -> list[tuple[str, float, str]]:
    """Time the shipped study."""
    repository = new_repository(folder / "shipped")
    times: dict[str, list[float]] = {name: [] for name in ("cold", "floor", "noop", "bare", "scratch", "check")}
    for run in range(RUNS):
        cold(repository)
        times["cold"].append(seconds(lambda: repository.dvc("repro")))
        times["noop"].append(seconds(lambda: repository.dvc("repro")))
        times["bare"].append(seconds(lambda: repository.dvc("version", ok=False)))
        times["check"].append(seconds(lambda: repository.observatory("check")))
        # logs its run as the cold one did; dvc.lock, which DVC writes between stages, it finds
        forget_runs(repository)
        times["floor"].append(seconds(lambda: python(repository, ONE_PROCESS.format(stages=STAGES))))
        if run == 0:
            repository.commit("State")
        experiment = partial(repository.dvc, "exp", "run", "-n", f"scratch-{run}", "-S", "subset=scratch")
        times["scratch"].append(seconds(experiment))
        repository.run("git", "reset", "-q", "--hard")
    t = {name: median(values) for name, values in times.items()}
    return [
        ("pipeline, cold", t["cold"], f"{t['cold'] / t['floor']:.2f} of one process that computes the same"),
        ("one process", t["floor"], "the floor"),
        ("`dvc repro`, nothing to do", t["noop"], f"{t['noop'] / t['bare']:.2f} of `dvc version`, DVC's own start"),
        ("`dvc exp run -S subset=scratch`", t["scratch"], f"{t['scratch'] / t['cold']:.2f} of cold"),
        ("`observatory check`", t["check"], "most of it the import of Great Expectations"),
    ]


def large(folder: Path) -> list[tuple[str, float, str]]:
    """Time 5,000 models x 100 benchmarks through the stages up to PCA."""
    repository = new_repository(folder / "large")
    write_study(repository.path / "metadata/large", n_models=5000, n_benchmarks=100)
    text = (repository.path / "params.yaml").read_text(encoding="utf-8")
    (repository.path / "params.yaml").write_text(text.replace("japanese-2024", "large"), encoding="utf-8")
    run_stages(repository, ("ingest", "budget"))
    runs = [seconds(lambda: run_stages(repository, LARGE)) for _ in range(RUNS)]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return [(f"5,000 x 100 through {', '.join(LARGE)}", median(runs), f"peak {peak:.2f} GiB")]


def run_stages(repository: Repository, names: Sequence[str]) -> None:
    """Run stages as DVC does, one process each."""
    for name in names:
        repository.run(sys.executable, "-m", f"stages.{name}")


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        # the large matrix last: the peak memory is that of all children so far
        rows = [*shipped(Path(name)), *large(Path(name))]
    print(f"| what | median of {RUNS}, s | ratio |\n|---|---|---|")
    for what, wall, ratio in rows:
        print(f"| {what} | {wall:.1f} | {ratio} |")


if __name__ == "__main__":
    main()
