"""The evaluation of one model: its units run one after the other, kept as they finish, and put together at the end.

Until all are finished they lie in data/.evaluating/ of the repository, which neither git nor DVC sees. A unit whose
key is there, or in an earlier evaluation, is not run again.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stages.contracts.errors import InputError, raise_all
from stages.contracts.evaluate_params import EvaluateParams
from stages.contracts.outcomes import RATES
from stages.contracts.study.model_options import SERVERS
from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.own_tasks import TaskChoice
from stages.contracts.study.workarounds import Setting
from stages.evaluation import lm_tasks, loading, locks, model_source
from stages.evaluation.cells import Cells, write_json
from stages.evaluation.harness.faults import disk_explained
from stages.evaluation.leases import holder, leased
from stages.evaluation.loading import loading_of
from stages.evaluation.store import Store, store_of, top_of
from stages.evaluation.unit import NEEDED, RunOptions, Unit, versions
from stages.evaluation.worker import run_units
from stages.lineage import state
from stages.tasks import data
from stages.tasks.registry import BENCHMARKS
from stages.workspace import paths
from stages.workspace.files import replacing_folder, restore_folder
from stages.workspace.progress import announce, hide_bars
from stages.workspace.running import say

if TYPE_CHECKING:
    from stages.tracking.live import LiveRun


def run_of(params: EvaluateParams) -> RunOptions:
    """Return how models are run."""
    return RunOptions(
        backend=params.backend,
        dtype=params.dtype,
        limit=params.limit,
        batch_size=params.batch_size,
        device=params.device,
        data_dir=state.folders(params.data_dir),
        server=params.server,
    )


def plan(record: ModelRecord, params: EvaluateParams) -> list[Unit]:
    """Return the units of a model, in the study's order of benchmarks.

    Raises:
        InputError: The model or data are missing, or a benchmark has no task; every problem is named.
    """
    problems: list[str] = []
    run, model_dir = run_of(params), state.folders(params.model_dir)
    try:
        run = replace(run, loading=loading_of(record, params.backend, model_dir))
    except InputError as error:
        problems += error.problems
    own = {name: TaskChoice(**choice) for name, choice in record.own_tasks.items()}
    for name in record.settings:
        if name not in own and name not in BENCHMARKS:
            problems.append(
                f"{name}: there is no task for it in stages/tasks; known: {', '.join(BENCHMARKS)}; "
                "another one of lm-eval, or of the study, is named in the column task of benchmarks.csv"
            )
    source, read = None, {}
    try:
        source = loading.found(record, params.backend, params.server.url, model_dir)
    except InputError as error:
        problems += error.problems
    for name in [name for name in record.settings if name in own or name in BENCHMARKS]:
        try:
            read[name] = (
                lm_tasks.describe(name, own[name]) if name in own else data.describe(name, run.data_dir or None)
            )
        except InputError as error:
            problems += error.problems
    if problems or source is None:
        raise InputError(problems)
    return [
        Unit(
            name, source, asked(changes, params.backend), run, read[name], record.prompts.get(name, {}), own.get(name)
        )
        for name, changes in record.settings.items()
    ]


def asked(changes: Mapping[str, Any], backend: str) -> Setting:
    """Return how a model is asked: a server that takes messages has a chat format of its own."""
    setting = Setting(**changes)
    return setting.model_copy(update={"chat_template": True}) if backend == SERVERS[1] else setting


def evaluate(record: ModelRecord, params: EvaluateParams) -> None:
    """Evaluate a model on all benchmarks of the study and write data/evaluations/MODEL/.

    Raises:
        InputError: Something is missing, or a benchmark failed; the finished ones are kept.
    """
    versions(NEEDED)
    hide_bars(on_terminals=False)
    with ExitStack() as stack:
        stack.enter_context(disk_explained("finished benchmarks are kept"))
        say(f"{record.model_id}: looking for its files and for the data of {len(record.settings)} benchmarks")
        units = plan(record, params)
        require_lock(units)
        store = store_of(record.model_id, params.store)
        stack.enter_context(_alone(store, record.model_id))
        store.sweep()
        restore_folder(paths.EVALUATIONS / record.model_id)
        open_units = [unit for unit in units if not store.has(unit)]
        if open_units:
            store.recover(open_units, record.model_id)
            open_units = [unit for unit in open_units if not store.has(unit)]
        if open_units:
            _run_all(units, open_units, store, record)
        _publish(units, store, record)
        store.clear(top_of(params.store))


@contextmanager
def _alone(store: Store, model_id: str) -> Iterator[None]:
    """Hold all units of a model.

    Raises:
        InputError: Somebody works on one of them.
    """
    with leased(store.whole) as mine:
        others = [holder(path) for path in store.leases if path != store.whole or not mine]
        found = next(filter(None, others), None)
        if found is not None:
            raise InputError([f"{model_id} is being evaluated by another process ({found.told}): wait for it"])
        yield


def require_lock(units: Sequence[Unit]) -> None:
    """Check that no files changed since DVC recorded them.

    Raises:
        InputError: They did: the result would be kept as that of other files.
    """
    source = units[0].model
    lock = locks.read(source.model_id)
    if lock is None:
        return
    files = {**source.files, **units[0].run.loading.files}
    now = {source.model_id: files, **{unit.benchmark: unit.data.checksums() for unit in units}}
    then = {source.model_id: lock.model, **lock.data}
    changed = [name for name, files in now.items() if files != then.get(name)]
    if changed:
        raise InputError([f"{', '.join(changed)}: files changed since they were locked: run `dvc repro` again"])


def tracked(units: Sequence[Unit], *, watched: bool = True) -> AbstractContextManager["LiveRun"]:
    """Return the MLflow run of an evaluation, which is begun or taken up again.

    Args:
        units: All of the model.
        watched: Whether the load of this machine is that of the evaluation.
    """
    # MLflow takes seconds to import: only a model that is run pays for it
    from stages.tracking.live import live_run

    source, run = units[0].model, units[0].run
    evaluation = model_source.digest_of([unit.key for unit in units])
    tags = {**state.identity(), "observatory.identity": source.identity}
    chosen = {name: str(value) for name, value in vars(run).items() if name not in {"data_dir", "loading"}}
    return live_run(evaluation, source.model_id, tags, chosen, state.root(), watched=watched)


def stamp(run_id: str) -> dict[str, Any]:
    """Return what provenance says of code and MLflow run."""
    identity = state.identity()
    code = {"commit": identity["mlflow.source.git.commit"], "dirty": identity["observatory.dirty"] == "true"}
    return {"code": code, "mlflow_run": run_id}


def _run_all(units: Sequence[Unit], open_units: Sequence[Unit], store: Store, record: ModelRecord) -> None:
    """Run what is not finished."""
    with tracked(units) as live:
        for unit in units:
            if store.has(unit):
                live.log(unit.benchmark, numbers(store, unit), _done(units, store))
        say(f"{record.model_id}: {len(open_units)} of {len(units)} benchmarks to run, loading the model")
        problems: list[str] = []
        unexpected: list[Exception] = []

        def begin(unit: Unit) -> None:
            announce(f"[{_done(units, store) + 1}/{len(units)}] {record.model_id}: {unit.benchmark} ...")

        mine = nullcontext(enter_result=True)
        for unit, error in run_units(open_units, store, stamp(live.run_id), lambda _: mine, begin):
            if isinstance(error, InputError):
                problems += error.problems
            elif error is not None:
                unexpected.append(error)
            else:
                live.log(unit.benchmark, numbers(store, unit), _done(units, store))
                say(f"[{_done(units, store)}/{len(units)}] {told(store, unit)}")
        if unexpected:
            # a mistake of ours: told with its traceback, after the benchmarks that it does not concern
            for problem in problems:
                say(problem)
            raise unexpected[0]
        raise_all(problems)
        live.tag(scores_tag(units, store))


def scores_tag(units: Sequence[Unit], cells: Cells) -> dict[str, str]:
    """Return the tag by which the states that use these scores find their run."""
    return {"observatory.scores": model_source.digest_of({unit.benchmark: cells.score(unit) for unit in units})}


def _done(units: Sequence[Unit], store: Store) -> int:
    return sum(store.has(unit) for unit in units)


def numbers(cells: Cells, unit: Unit) -> dict[str, float | None]:
    """Return what is logged to MLflow for a finished unit."""
    score, provenance = cells.score(unit), cells.provenance(unit)
    known = {name: score[name] for name in ("score", "stderr", *RATES)} | {
        "n_items": score["n_items"],
        "seconds": provenance["seconds"],
    }
    return known | {name: provenance[name] for name in ("output_tokens", "tokens_per_second")}


def told(cells: Cells, unit: Unit) -> str:
    """Return the result of a finished unit, in one line."""
    score = cells.score(unit)
    rates = ", ".join(f"{name.removesuffix('_rate')} {score[name]:.1%}" for name in RATES if score[name])
    seconds = cells.provenance(unit)["seconds"]
    return (
        f"{unit.benchmark} {score['score']:.4f} ({score['n_items']} items, {seconds:.0f} s{', ' * bool(rates)}{rates})"
    )


def _publish(units: Sequence[Unit], store: Store, record: ModelRecord) -> None:
    """Put the finished units together where DVC expects them."""
    target = paths.EVALUATIONS / record.model_id
    parts = {unit.benchmark: store.provenance(unit) for unit in units}
    with replacing_folder(target) as beside:
        (beside / "samples").mkdir()
        for unit in units:
            shutil.copyfile(store.path(unit) / "answers.parquet", beside / "samples" / f"{unit.benchmark}.parquet")
        write_json(beside / "scores.json", {unit.benchmark: store.score(unit) for unit in units})
        provenance = {
            "model_id": record.model_id,
            "model": units[0].model.described(),
            "trust_reason": record.trust_reason,
            "start": min(part["start"] for part in parts.values()),
            "end": max(part["end"] for part in parts.values()),
            "libraries": versions(("lm_eval", "torch", "transformers", "tokenizers", "datasets", "numpy", "pandas")),
            "benchmarks": parts,
        }
        write_json(beside / "provenance.json", provenance)
    say(f"{record.model_id}: {len(units)} benchmarks in {target}")
