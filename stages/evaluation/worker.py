"""The work of one process, whichever engine starts it: one model, loaded once, and its missing units.

It knows neither MLflow nor git. What it needs comes as plain data, what it makes lies in the store.
"""

import os
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.contracts.errors import InputError
from stages.evaluation import loading
from stages.evaluation.cells import LOG, Cells
from stages.evaluation.harness import run as harness
from stages.evaluation.harness.faults import is_full
from stages.evaluation.leases import holder, leased
from stages.evaluation.model_source import ModelSource
from stages.evaluation.unit import RunOptions, Unit
from stages.sandbox import run as sandbox
from stages.workspace.progress import hide_bars

DIED = 70
"""Exit code of a process whose model cannot go on."""
_BROKEN = ("EngineDeadError", "AcceleratorError", "UncompletedJobError")
"""Exceptions of vLLM and torch after which nothing more can be computed in a process, and that of submitit at the last
time limit."""

FULL = "no space left on the disk of the store: finished benchmarks are kept; free some space, then run it again"
Claim = Callable[[Unit], AbstractContextManager[bool]]


@dataclass(frozen=True)
class Job:
    """What a worker is to do.

    Attributes:
        model_id: In models.csv.
        units: Those of the model that were missing.
        identities: Benchmark to what its result depends on, where the job was made.
        root: Absolute repository root.
        folder: Folder of the model in the store.
        stamp: What provenance says of code and run, besides what was measured.
        owner: See `stages.evaluation.leases.Holder`.
        environment: Variables of the machine that sent it.
    """

    model_id: str
    units: tuple[Unit, ...]
    identities: Mapping[str, Mapping[str, Any]]
    root: str
    folder: str
    stamp: Mapping[str, Any]
    owner: str
    environment: Mapping[str, str] = field(default_factory=dict)


def run_units(
    units: Sequence[Unit], cells: Cells, stamp: Mapping[str, Any], claim: Claim, begin: Callable[[Unit], None]
) -> Iterator[tuple[Unit, Exception | None]]:
    """Run units one after the other; the model is loaded when the first of them is claimed.

    Args:
        units: Units of one model.
        cells: Where results are kept.
        stamp: What provenance says besides what was measured.
        claim: Whether a unit may be run, for as long as the block lasts.
        begin: Called with each unit that is run.

    Yields:
        Each unit that was run with what went wrong, None where its result is kept.

    Raises:
        InputError: The model cannot be loaded, or its files changed.
        OSError: The disk is full.
    """
    model = None
    for unit in units:
        source, run = unit.model, unit.run
        with claim(unit) as may:
            if not may or cells.has(unit):
                continue
            if model is None:
                if any(each.runs_code for each in units):
                    sandbox.require()
                # None stands for a model in tests
                model = (harness.load_model(source, run, unit.dtype),)
                _require_unchanged(source, run)
            begin(unit)
            try:
                result = harness.run_unit(unit, model[0])
            except Exception as error:
                if isinstance(error, OSError) and is_full(error):
                    raise
                yield unit, error
                continue
            _require_unchanged(source, run)
            provenance = {**result.provenance, **stamp, "host": socket.gethostname()}
            cells.put(unit, harness.UnitResult(result.score, result.answers, provenance))
            yield unit, None


def _require_unchanged(source: ModelSource, run: RunOptions) -> None:
    """Check that no files of a model changed while it was evaluated.

    Raises:
        InputError: They did: nobody knows what was read of them.
    """
    changed = loading.changed(source, run.loading)
    if changed:
        raise InputError(
            [
                f"{source.model_id}: {', '.join(changed)} changed during the evaluation: what was finished before is "
                "kept; run the same command again to evaluate what is there now"
            ]
        )


def work(job: Job) -> list[str]:
    """Run the missing units of a model; what goes wrong is kept in the store, and printed to a log there.

    Returns:
        What went wrong, one line each.
    """
    os.chdir(job.root)
    os.environ.update(job.environment)
    hide_bars(on_terminals=True)
    cells = Cells(Path(job.folder))
    try:
        cells.folder.mkdir(parents=True, exist_ok=True)
        with _printing_to(cells.folder / LOG):
            return _work(job, cells)
    except OSError as error:
        if not is_full(error):
            raise
        return [FULL]


def _work(job: Job, cells: Cells) -> list[str]:
    missing = [unit for unit in job.units if not cells.has(unit)]
    _tell(f"{job.model_id}: {len(missing)} benchmarks to run on {socket.gethostname()}, process {os.getpid()}")
    problems: list[str] = []
    rest = {unit.benchmark: unit for unit in missing}
    try:
        _require_same(job)
        for unit, error in run_units(missing, cells, job.stamp, _claims(job, cells), lambda u: _tell(u.benchmark)):
            del rest[unit.benchmark]
            problems += _noted([unit], error, cells)
    except Exception as error:
        if isinstance(error, OSError) and is_full(error):
            raise
        # what concerns the model concerns all that is left of it
        problems += _noted([unit for unit in rest.values() if not cells.has(unit)], error, cells)
    return problems


def _claims(job: Job, cells: Cells) -> Claim:
    @contextmanager
    def claim(unit: Unit) -> Iterator[bool]:
        if cells.has(unit):
            yield False
            return
        with leased(cells.lease(unit), job.owner) as mine:
            # whoever puts all units together looks at the leases after taking that of the model
            yield mine and holder(cells.whole) is None

    return claim


def _require_same(job: Job) -> None:
    """Check that a result here would be the same as where the job was made.

    Raises:
        InputError: Code, libraries or files differ.
    """
    problems: dict[str, None] = {}
    for unit in job.units:
        there, here = job.identities[unit.benchmark], unit.identity
        for name in [name for name in here if here[name] != there.get(name)]:
            differs = f": {there.get(name)} there, {here[name]} here" if name == "libraries" else ""
            problems[f"{socket.gethostname()} has other {name} than the machine that sent the work{differs}"] = None
    if problems:
        raise InputError(list(problems))


def _noted(units: Sequence[Unit], error: Exception | None, cells: Cells) -> list[str]:
    """Return why units did not finish, having kept it in the store."""
    if error is None:
        return []
    if type(error).__name__ in _BROKEN:
        traceback.print_exception(error)
        # the process cannot go on, another one can
        os._exit(DIED)
    if isinstance(error, InputError):
        lines = list(error.problems)
    else:
        traceback.print_exception(error)
        lines = [f"{type(error).__name__}: {error}; the traceback is in {cells.folder / LOG}"]
    for line in lines:
        _tell(line)
    for unit in units:
        cells.fail(unit, lines)
    return lines


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (into the log of the model)


@contextmanager
def _printing_to(path: Path) -> Iterator[None]:
    """Send what this process prints, its libraries included, to the end of a file."""
    with ExitStack() as stack:
        file = stack.enter_context(path.open("a", buffering=1, encoding="utf-8"))
        for number in (1, 2):
            kept = os.dup(number)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, number)
            os.dup2(file.fileno(), number)
        stack.enter_context(redirect_stdout(file))
        stack.enter_context(redirect_stderr(file))
        yield
