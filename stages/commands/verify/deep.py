"""The whole analysis anew, in a scratch folder, number by number."""

import contextlib
import importlib
import io
import json
import math
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stages.commands.snapshot import Snapshot
from stages.commands.verify.report import TABLES, Report
from stages.commands.verify.values import told
from stages.contracts.errors import InputError
from stages.gate.findings import findings_table
from stages.lineage.differences import Difference, record_differences, table_differences
from stages.workspace import paths
from stages.workspace.files import write_parquet
from stages.workspace.outputs import places, read_metrics, unit, write_table
from stages.workspace.parameters import load_params
from stages.workspace.progress import each

LAST = 100
"""Steps of the last written place that a number may be off for the difference to count as one of arithmetic."""

MODULE = "python -m stages."
GATES = ("budget", "validate")
SKIPPED = ("evaluate", "report", "track")
"""Stages that are not run again: models, drawings and MLflow."""


def check_deep(snapshot: Snapshot, intact: frozenset[str], report: Report) -> None:
    """Run every stage of the analysis again from the facts, and compare every number that it writes.

    Args:
        snapshot: Version of the repository.
        intact: Files that are as dvc.lock says; others are not compared.
        report: Receives what is found.
    """
    with tempfile.TemporaryDirectory(prefix="observatory-") as name:
        scratch = Path(name)
        _copy(snapshot.folder, scratch)
        names = [stage for stage, plan in snapshot.plan.items() if plan.cmd == f"{MODULE}{stage}"]
        try:
            with contextlib.chdir(scratch), contextlib.redirect_stdout(io.StringIO()):
                again = [name for name in names if name not in SKIPPED]
                counts = {name: _run(name) for name in each(again, "running again")}
        except InputError as error:
            report.add(error.problems)
            return
        for path in sorted(path for path in scratch.rglob("*") if path.suffix in {*TABLES, ".json"}):
            file = path.relative_to(scratch).as_posix()
            if any(file.startswith(f"{folder}/") for folder in ("data", "reports")) and file in intact:
                report.add(compare_file(file, path, report))
        if "reports/metrics/validate.json" in intact:
            verdict = read_metrics("validate")
            for key, value in counts.get("validate", {}).items():
                if verdict.get(key) != value:
                    report.add([f"reports/metrics/validate.json: {key} is {verdict.get(key)}, run again {value}"])


def _copy(folder: Path, scratch: Path) -> None:
    """Lay out what the stages read that no stage of the analysis writes."""
    shutil.copytree(folder / paths.METADATA, scratch / paths.METADATA)
    for file in (paths.PARAMS,):
        shutil.copy(folder / file, scratch / file)
    evaluations = scratch / paths.EVALUATIONS
    evaluations.parent.mkdir(parents=True)
    if (folder / paths.EVALUATIONS).is_dir():
        evaluations.symlink_to(folder / paths.EVALUATIONS)


def _run(name: str) -> dict[str, int]:
    """Run a stage in the current directory, a gate without Great Expectations and MLflow; return a gate's counts."""
    if name in GATES:
        return _gate(name)
    importlib.import_module(f"stages.{name}").main()
    return {}


def _gate(name: str) -> dict[str, int]:
    # Great Expectations takes seconds to import: only --deep pays for it
    from stages import budget, validate

    params = load_params()
    judgement = budget.judged(params) if name == "budget" else validate.judged(params)
    write_table(f"findings_{judgement.table}", findings_table(judgement.findings))
    if name == "budget":
        write_parquet(paths.MODELS, budget.run(params))
    return judgement.counts()


def compare_file(file: str, again: Path, report: Report) -> list[str]:
    """Return a line for each number of a file that comes out differently; the last digits are noted and counted.

    Another architecture or another version of a library does not round every number alike.

    Args:
        file: Path of the file of the state.
        again: The same file, written anew.
        report: The count and the note are added.
    """
    digits = places(Path(file).stem)
    if again.suffix == ".json":
        stored, fresh = (json.loads(path.read_text(encoding="utf-8")) for path in (Path(file), again))
        found = list(record_differences(stored, fresh, relative=0.0))
        steps = {}
    else:
        read = TABLES[again.suffix]
        table = read(Path(file))
        found = list(table_differences(table, read(again), relative=0.0))
        numbers = table.select_dtypes("float").abs().max()
        steps = {str(name): 10.0 ** -unit(largest, digits) for name, largest in numbers.dropna().items()}
    report.count("files computed again", 1)
    last = [item for item in found if item.size <= LAST * _step(item, steps, digits)]
    if last:
        report.notes.append(f"{file}: differs in the last digits ({len(last)} number{'s' * (len(last) > 1)})")
    rest = [item for item in found if item not in last]
    return [f"{file}: {place} is {told(first)}, run again {told(second)}" for place, first, second in rest]


def _step(item: Difference, steps: Mapping[str, float], digits: int) -> float:
    """Return the last written place of a number: of its column, or in metrics its own."""
    if not math.isfinite(item.size):
        return 0.0
    column = next((name for name in steps if item.place.endswith(f" {name}")), None)
    largest = max(abs(float(str(item.first))), abs(float(str(item.second))))
    return steps[column] if column else 10.0 ** -unit(largest, digits)
