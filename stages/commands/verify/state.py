"""`observatory verify`: is the state still what its files, hashes, cache, runs and facts say?"""

import contextlib
import tempfile
import zipfile
from pathlib import Path

from stages.commands.snapshot import Snapshot, opened
from stages.commands.verify.deep import check_deep
from stages.commands.verify.files import check_cache, check_files, check_lock
from stages.commands.verify.report import Report
from stages.commands.verify.runs import check_runs
from stages.commands.verify.values import check_values
from stages.contracts.errors import InputError
from stages.contracts.names import listed
from stages.lineage.archive import unpack
from stages.lineage.crate import MANIFESTS, is_sample
from stages.lineage.git import Revision
from stages.workspace import paths
from stages.workspace.progress import working


def verify(rev: str | None = None, *, deep: bool = False) -> Report:
    """Compare everything that a state consists of with everything that says what it should be.

    Args:
        rev: Version of the repository; None for the workspace.
        deep: Whether to run the analysis again as well.

    Raises:
        InputError: There is no such version, or nothing to verify in it.
    """
    report = Report()
    with opened(rev) as snapshot:
        try:
            check_lock(snapshot, report)
        except InputError as error:
            report.add(error.problems)
            return report
        if snapshot.revision.dirty:
            report.notes.append(f"uncommitted: {listed(list(snapshot.revision.dirty))}")
        with working("comparing", 4) as step:
            step.next("files with dvc.lock")
            intact = check_files(snapshot, report)
            step.next("the cache with its names")
            check_cache(snapshot, report)
            step.next("scores and claims with the facts")
            check_values(snapshot, intact, report)
            step.next("MLflow runs with what was logged")
            check_runs(snapshot, intact, report)
        if deep:
            check_deep(snapshot, intact, report)
    return report


def verify_crate(path: Path, *, deep: bool = False) -> Report:
    """Check an exported state, without a repository.

    Args:
        path: Zip file that `export` wrote.
        deep: Whether to run the analysis again as well.

    Raises:
        InputError: It is not such a file.
    """
    report = Report()
    source = path.absolute()
    with tempfile.TemporaryDirectory(prefix="observatory-") as name, contextlib.chdir(name):
        folder = Path(name)
        try:
            unpacked = unpack(source, folder)
        except OSError as error:
            raise InputError(
                [f"{path}: {error.strerror}: expected what `observatory export --ro-crate` wrote"]
            ) from None
        except zipfile.BadZipFile as error:
            raise InputError([f"{path}: not a zip file, or a damaged one ({error}): export the state anew"]) from None
        report.add(unpacked.problems)
        report.count("hashes", len(unpacked.files))
        damaged = [line.partition(":")[0] for line in unpacked.problems]
        files = (paths.PIPELINE, paths.LOCK, paths.PARAMS)
        needed = [str(file) for file in files if not (folder / file).is_file()]
        if needed:
            raise InputError([f"{path}: no exported state: {', '.join(needed)} missing"])
        if any(file in damaged for file in ("dvc.yaml", "dvc.lock", "params.yaml")):
            return report
        snapshot = Snapshot(folder, folder, Revision(str(path), ""), {}, folder / MANIFESTS)
        check_lock(snapshot, report)
        intact = check_files(snapshot, report, is_sample)
        check_values(snapshot, intact, report, is_sample)
        if deep:
            check_deep(snapshot, intact, report)
    return report
