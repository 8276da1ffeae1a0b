"""MLflow runs against what was logged, and the run of a state against the state."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.commands.snapshot import Snapshot
from stages.commands.verify.report import Report
from stages.contracts.errors import InputError
from stages.lineage.cache import file_md5
from stages.lineage.git import git
from stages.lineage.pipeline import flatten
from stages.tracking import read as tracking_read
from stages.tracking.projection import flat_params
from stages.tracking.read import Run
from stages.tracking.record import RECORD, RECORD_TAG
from stages.workspace.outputs import read_metrics
from stages.workspace.paths import EVALUATIONS, FIGURES, METRICS, TABLES

ORIGINAL = "observatory.metric."
"""Beginning of the tags that keep the metric names that MLflow does not take."""
OURS = ("observatory.", "dvc.")
"""Beginnings of tags that nobody else writes."""
LATER = {RECORD_TAG, "observatory.trace"}
"""Tags that are written after the record."""
DONE = {"FINISHED", "FAILED"}
"""How runs end that were logged whole."""
FOLDERS = {"tables": TABLES, "metrics": METRICS, "figures": FIGURES}


def check_runs(snapshot: Snapshot, intact: frozenset[str], report: Report) -> None:
    """Compare every run that logs a state with its record, and those of this state with the state.

    Args:
        snapshot: Version of the repository.
        intact: Files that are as dvc.lock says.
        report: Receives what is found.
    """
    root = snapshot.root
    if not tracking_read.has_store(root):
        report.notes.append("no MLflow store here: `observatory track --rebuild` logs this state")
        return
    try:
        runs = tracking_read.stored(root, history_of=snapshot.digest)
        watched = {run.run_id: run for run in tracking_read.evaluations(root)}
    except InputError as error:
        (line,) = error.problems
        if " is damaged " in line:
            report.add([line])
        else:
            report.notes.append(f"MLflow runs are not compared: {line}")
        return
    for run in runs:
        report.count("runs", 1)
        report.add(f"MLflow run {run.run_id}: {line}" for line in _run_problems(run, root))
    mine = [run for run in runs if run.state == snapshot.digest and run.status == "FINISHED"]
    for run in mine:
        report.add(f"MLflow run {run.run_id}: {line}" for line in _state_problems(run, snapshot, intact))
    if not mine:
        _report_absence(snapshot, report)
    moved = [place for run in runs if (place := run.stored()) and not place.is_dir() and run.artifacts(root) != place]
    if moved:
        report.notes.append(
            f"the MLflow store has artifacts in {moved[0].parents[1]}: `observatory track` points it to where they are"
        )
    report.add(_evaluation_problems(snapshot, intact, watched))
    report.add(_tracked_problems(root))


def _report_absence(snapshot: Snapshot, report: Report) -> None:
    for path in sorted((snapshot.root / "mlruns").glob(f"*/*/artifacts/{RECORD}")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("state") == snapshot.digest:
            run_id = path.parts[-3]
            report.add(
                [
                    f"MLflow run {run_id}: logged state {snapshot.digest}, but the store has no finished run of it: "
                    "`observatory track --rebuild`"
                ]
            )
            return
    report.notes.append(f"no MLflow run of state {snapshot.digest} here: `observatory track --rebuild` logs it")


def _run_problems(run: Run, root: Path) -> Iterator[str]:
    """Yield what differs between a run and the record of what was logged."""
    folder = run.artifacts(root)
    if folder is None:
        return
    if run.deleted and run.status in DONE:
        yield "lies in MLflow's trash: `mlflow` can restore it"
    path = folder / RECORD
    if RECORD_TAG not in run.tags:
        # a run that was cut off may have a record, but was not closed
        if run.status in DONE:
            yield f"has no tag {RECORD_TAG}: not as it was logged"
        return
    if not path.is_file():
        yield f"artifact {RECORD} is missing, md5 {run.tags[RECORD_TAG]}"
        return
    md5 = file_md5(path)
    if md5 != run.tags[RECORD_TAG]:
        yield f"artifact {RECORD} has md5 {md5}, was logged with {run.tags[RECORD_TAG]}"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return
    yield from _content_problems(run, record)
    yield from _artifact_problems(folder, record.get("artifacts", {}))


def _content_problems(run: Run, record: Mapping[str, Any]) -> Iterator[str]:
    tags = record.get("tags", {})
    for what, have, want in (
        ("status", run.status, record.get("status")),
        ("name", run.name, tags.get("mlflow.runName")),
        ("tag observatory.trace", run.tags.get("observatory.trace"), f"observatory trace run:{run.run_id}"),
    ):
        if have != want:
            yield f"{what} is {have!r}, was logged as {want!r}"
    # others may add tags of their own; those that we write are ours
    ours = {k: v for k, v in run.tags.items() if k in tags or (k.startswith(OURS) and k not in LATER)}
    for kind, seen, wanted in (
        ("param", run.params, record.get("params", {})),
        ("input", run.inputs, record.get("inputs", {})),
        ("tag", ours, tags),
    ):
        for name in sorted({*seen, *wanted}):
            if seen.get(name) != wanted.get(name):
                yield f"{kind} {name} is {seen.get(name)!r}, was logged as {wanted.get(name)!r}"
    metrics = record.get("metrics", {})
    for name in sorted({*run.metrics, *metrics}):
        values = run.metrics.get(name, ())
        if values != (metrics.get(name),):
            told = ", ".join(f"{value!r}" for value in values) or "missing"
            yield f"metric {name} is {told}, was logged as {metrics.get(name)!r}"


def _artifact_problems(folder: Path, logged: Mapping[str, str]) -> Iterator[str]:
    here = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    for name, md5 in logged.items():
        if name not in here:
            yield f"artifact {name} is missing, was logged with md5 {md5}"
        elif (actual := file_md5(here[name])) != md5:
            yield f"artifact {name} has md5 {actual}, was logged with {md5}"
    yield from (f"artifact {name} was not logged by us" for name in sorted(here.keys() - logged.keys() - {RECORD}))


def _state_problems(run: Run, snapshot: Snapshot, intact: frozenset[str]) -> Iterator[str]:
    """Yield what differs between a run and the state whose digest it has."""
    yield from _metric_problems(run, intact)
    params = dict(flat_params(snapshot.params))
    for name in sorted({*params, *run.params}):
        if params.get(name) != run.params.get(name):
            yield f"param {name} is {run.params.get(name)!r}, params.yaml has {params.get(name)!r}"
    locked = {path: entry.md5 for path, entry in snapshot.graph.entries.items()}
    for name, digest in run.inputs.items():
        want = locked.get(name) or (snapshot.tree.md5(name) if snapshot.tree.exists(name) else None)
        if want != digest:
            yield f"input {name} has md5 {digest}, here it has {want or 'no such file'}"
    folder = run.artifacts(snapshot.root)
    if folder is None:
        return
    for name, place in FOLDERS.items():
        for file in sorted(p for p in (folder / name).rglob("*") if p.is_file()):
            path = f"{place}/{file.name}"
            if path in intact and (md5 := file_md5(file)) != snapshot.tree.md5(path):
                yield f"artifact {name}/{file.name} has md5 {md5}, {path} has {snapshot.tree.md5(path)}"


def _metric_problems(run: Run, intact: frozenset[str]) -> Iterator[str]:
    metrics = {run.tags.get(ORIGINAL + name, name): values for name, values in run.metrics.items()}
    here = _metrics(intact)
    files = {name.partition(".")[0] for name in here}
    for name in sorted({*here, *(name for name in metrics if name.partition(".")[0] in files)}):
        values = metrics.get(name, ())
        if values != (here.get(name),):
            told = ", ".join(f"{value:.12g}" for value in values) or "missing"
            yield f"metric {name} is {told}, {METRICS}/{name.partition('.')[0]}.json has {here.get(name)}"


def _metrics(intact: frozenset[str]) -> dict[str, float]:
    """Return the numbers of the metrics files that are as dvc.lock says."""
    names = [path.stem for path in sorted(METRICS.glob("*.json")) if str(path) in intact]
    leaves = (leaf for name in names for leaf in flatten(name, read_metrics(name)))
    return {name: float(value) for name, value in leaves if isinstance(value, int | float)}


def _evaluation_problems(snapshot: Snapshot, intact: frozenset[str], watched: Mapping[str, Run]) -> Iterator[str]:
    """Yield the numbers of evaluations that differ in the runs that watched them."""
    for model in snapshot.params.evaluate.models:
        paths = [EVALUATIONS / model / name for name in ("scores.json", "provenance.json")]
        if not intact.issuperset(map(str, paths)):
            continue
        scores, provenance = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
        for benchmark, known in provenance.get("benchmarks", {}).items():
            run = watched.get(known.get("mlflow_run", ""))
            metrics: Mapping[str, tuple[float, ...]] = run.metrics if run else {}
            for name, value in scores.get(benchmark, {}).items():
                values = metrics.get(f"{benchmark}.{name}", ())
                if values and values != (value,):
                    told = ", ".join(f"{number!r}" for number in values)
                    what = f"MLflow run {known['mlflow_run']}: metric {benchmark}.{name}"
                    yield f"{what} is {told}, {paths[0]} has {value!r}"


def _tracked_problems(root: Path) -> Iterator[str]:
    """Yield the files of git beneath mlruns/ that were changed."""
    status = git(root, "status", "--porcelain", "--untracked-files=no", "--", "mlruns") or ""
    for line in status.splitlines():
        path = line[3:]
        have = file_md5(root / path) if (root / path).is_file() else "no such file"
        yield f"{path}: md5 {have} differs from the last commit: restore it with git"
