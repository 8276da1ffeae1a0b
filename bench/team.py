"""A run on a team's servers on this machine, with and without passwords, and DVC's files on S3."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from bench.pipeline import seconds
from docs.team.content import start
from docs.team.record import Team, new
from docs.team.servers import end, stop
from tests.repository import ROOT, Repository

RUNS = 3
FIGURES, PAGE, METRICS, PARAMS = 45, 1_200_000, 130, 27
"""What a run of the shipped study has; each figure 30 KB, the page 1.2 MB."""
FILES, SIZE = 300, 100_000
WAYS: Mapping[str, tuple[bool, int]] = {
    "a run, server without passwords": (False, 0),
    "a run, passwords checked at each request": (True, 0),
    "a run, passwords remembered for a minute": (True, 60),
}
LOG = """
import os, sys, time
from pathlib import Path
from stages.tracking.log import log_run
from tests.tracking.states import state
folder = Path(sys.argv[1])
(folder / "figures").mkdir(exist_ok=True)
for i in range({figures}):
    (folder / f"figures/{{i}}.svg").write_bytes(os.urandom(30_000))
(folder / "index.html").write_bytes(os.urandom({page}))
metrics, params = {{f"m.{{i}}": i / 7 for i in range({metrics})}}, {{f"p.{{i}}": str(i) for i in range({params})}}
artifacts = [(folder / "figures", "figures"), (folder / "index.html", "")]
for _ in range({runs} + 1):
    begin = time.perf_counter()
    log_run(state(os.urandom(8).hex(), metrics=metrics, params=params, artifacts=artifacts), folder, None)
    print(time.perf_counter() - begin)
"""


def logged(team: Team, folder: Path) -> float:
    """Return the median seconds of logging a run; the first one makes the experiment."""
    code = LOG.format(figures=FIGURES, page=PAGE, metrics=METRICS, params=PARAMS, runs=RUNS)
    here = {**team.environment("ann"), "PYTHONPATH": str(ROOT), "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}
    done = Repository(ROOT).run(sys.executable, "-c", code, str(folder), env=here)
    return median(float(line) for line in done.stdout.split()[1:])


def remote(team: Team, folder: Path) -> dict[str, float]:
    """Return the seconds of a push and a pull through S3, and of the same through a folder."""
    repository = Repository(folder / "files")
    (repository.path / "data").mkdir(parents=True)
    for i in range(FILES):
        (repository.path / f"data/{i}").write_bytes(os.urandom(SIZE))
    repository.run("git", "init", "-q")
    repository.dvc("init", "-q")
    repository.dvc("add", "-q", "data")
    repository.dvc("remote", "add", "-q", "s3", "s3://dvc/bench")
    repository.dvc("remote", "add", "-q", "folder", str(folder / "remote"))
    times = {}
    for name in ("folder", "s3"):
        shell = {"env": team.environment("ann")}
        times[f"push {name}"] = seconds(
            lambda name=name, shell=shell: repository.dvc("push", "-q", "-r", name, **shell)
        )
        repository.run("rm", "-rf", "data", ".dvc/cache")
        times[f"pull {name}"] = seconds(
            lambda name=name, shell=shell: repository.dvc("pull", "-q", "-r", name, **shell)
        )
    return times


def main() -> None:
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        team = new(Path(name) / "team")
        try:
            for what, (team.auth, team.cached) in WAYS.items():
                end(team, "mlflow")
                start(team)
                rows.append((what, logged(team, Path(name)), ""))
            t = remote(team, Path(name))
        finally:
            stop(team)
    for verb in ("push", "pull"):
        what = f"`dvc {verb}`, {FILES} files of {SIZE // 1000} KB, S3"
        rows.append((what, t[f"{verb} s3"], f"{t[f'{verb} s3'] / t[f'{verb} folder']:.1f} of a folder"))
    print(f"| what | median of {RUNS}, s | ratio |\n|---|---|---|")
    for what, wall, ratio in rows:
        print(f"| {what} | {wall:.1f} | {ratio or f'{wall / rows[0][1]:.1f} of the first'} |")


if __name__ == "__main__":
    main()
