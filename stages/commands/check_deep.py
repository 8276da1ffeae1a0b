"""The whole analysis anew, in a scratch folder, number by number."""

import contextlib
import importlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from stages import workspace
from stages.analysis.differences import record_differences, table_differences
from stages.analysis.findings import MATRIX_CHECKS, MODEL_CHECKS, Finding, findings_table, summary
from stages.commands.check_values import told
from stages.commands.checks import TABLES, Report
from stages.commands.snapshot import Snapshot
from stages.contracts.errors import InputError

FACTORS = 2e-4
"""Largest difference of a number that depends on the factor model: another BLAS moves its fit by 1e-5."""
FACTOR_WORDS = ("fa_", "factor", "Factor", "fa.", "robustness")
MODULE = "python -m stages."
GATES = ("budget", "validate")
SKIPPED = ("evaluate", "report", "track")
"""Stages that are not run again: models, drawings and MLflow."""


def check_deep(snapshot: Snapshot, intact: frozenset[str], report: Report) -> None:
    """Run every stage of the analysis again from the facts, and compare every number that it writes.

    Args:
        snapshot: Version of the repository.
        intact: Files that are as dvc.lock says; others are not compared.
        report: What is found is added.
    """
    with tempfile.TemporaryDirectory(prefix="observatory-") as name:
        scratch = Path(name)
        _copy(snapshot.folder, scratch)
        names = [stage for stage, plan in snapshot.plan.items() if plan.cmd == f"{MODULE}{stage}"]
        try:
            with contextlib.chdir(scratch), contextlib.redirect_stdout(io.StringIO()):
                counts = {name: _run(name) for name in names if name not in SKIPPED}
        except InputError as error:
            report.add(error.problems)
            return
        for path in sorted(path for path in scratch.rglob("*") if path.suffix in {*TABLES, ".json"}):
            file = path.relative_to(scratch).as_posix()
            if any(file.startswith(f"{folder}/") for folder in ("data", "reports")) and file in intact:
                report.add(_differences(file, path, report))
        if "reports/metrics/validate.json" in intact:
            verdict = workspace.read_metrics("validate")
            for key, value in counts.get("validate", {}).items():
                if verdict.get(key) != value:
                    report.add([f"reports/metrics/validate.json: {key} is {verdict.get(key)}, run again {value}"])


def _copy(folder: Path, scratch: Path) -> None:
    """Lay out what the stages read that no stage of the analysis writes."""
    shutil.copytree(folder / workspace.METADATA, scratch / workspace.METADATA)
    for file in (workspace.PARAMS,):
        shutil.copy(folder / file, scratch / file)
    evaluations = scratch / workspace.EVALUATIONS
    evaluations.parent.mkdir(parents=True)
    if (folder / workspace.EVALUATIONS).is_dir():
        evaluations.symlink_to(folder / workspace.EVALUATIONS)


def _run(name: str) -> dict[str, int]:
    """Run a stage in the current directory, a gate without Great Expectations and MLflow; return a gate's counts."""
    if name in GATES:
        return _gate(name)
    importlib.import_module(f"stages.{name}").main()
    return {}


def _gate(name: str) -> dict[str, int]:
    # Great Expectations takes seconds to import: only --deep pays for it
    from stages import budget, validate

    params = workspace.load_params()
    if name == "budget":
        where = str(workspace.study_folder(params.study) / "models.csv")
        table, findings = budget.run(
            workspace.read_fact("models"), workspace.load_info(params.study), params.budget, where
        )
        workspace.write_parquet(workspace.MODELS, table)
        return _write_findings("models", findings, MODEL_CHECKS)
    cells, X = workspace.read_parquet(workspace.CELLS), workspace.read_parquet(workspace.MATRIX)
    findings = validate.run(cells, X, workspace.read_fact("benchmarks"), workspace.read_fact("waivers"), params)
    return _write_findings("matrix", findings, MATRIX_CHECKS)


def _write_findings(which: str, findings: list[Finding], checks: Mapping[str, str]) -> dict[str, int]:
    workspace.write_table(f"findings_{which}", findings_table(findings))
    overview = summary(findings, checks)
    return {name: int(overview[name].sum()) for name in ("warnings", "waived", "corrected")}


def _tolerance(file: str) -> Callable[[str], float]:
    """Return the tolerance of each place in a file."""
    loose = any(word in file for word in FACTOR_WORDS)
    return lambda place: FACTORS if loose or any(word in place for word in FACTOR_WORDS) else 0.0


def _differences(file: str, again: Path, report: Report) -> list[str]:
    """Return a line for each number of a file that comes out otherwise."""
    tolerance = _tolerance(file)
    if again.suffix == ".json":
        stored, fresh = (json.loads(path.read_text(encoding="utf-8")) for path in (Path(file), again))
        found = list(record_differences(stored, fresh, tolerance))
    else:
        read = TABLES[again.suffix]
        found = list(table_differences(read(Path(file)), read(again), tolerance))
    report.count("files computed anew", 1)
    return [f"{file}: {place} is {told(first)}, run again {told(second)}" for place, first, second in found]
