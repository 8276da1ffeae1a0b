"""All models at once: what is missing of each is sent to an engine, watched in the store, and logged as it appears.

Nothing is lost with the driver: finished units lie in the store. A second one shares the work, as leases say who does
what.
"""

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import EvaluateParams
from stages.contracts.study.model_record import ModelRecord
from stages.evaluation import of_model
from stages.evaluation.cells import LOG, lease_of
from stages.evaluation.engines.engine import Ended, Engine
from stages.evaluation.leases import holder, release
from stages.evaluation.store import Store, store_of
from stages.evaluation.unit import Unit
from stages.evaluation.worker import Job
from stages.lineage import state
from stages.workspace.progress import Step, working

if TYPE_CHECKING:
    from stages.tracking.live import LiveRun

TICK = 0.5
"""Seconds between two checks of the store."""
PASSED = ("OBSERVATORY_", "HF_HUB_", "HF_HOME", "HF_ENDPOINT", "TOKENIZERS_PARALLELISM")
"""Beginnings of the variables that a worker gets; no keys: what they give access to was fetched before."""
DEATHS = 3
"""Times in a row that a model's worker may end without finishing a unit."""
LATE = 60.0
"""Seconds until a model is sent again of which a worker left nothing: a shared disk shows a result late."""


@dataclass
class Model:
    """A model that is being evaluated.

    Attributes:
        record: Record of the model.
        units: All of them.
        store: Where they are kept.
        open: Those that are not finished, by benchmark, with their places in the store.
        sent: Whether the engine has it.
        deaths: Times in a row that its worker ended without finishing a unit.
        not_before: When it may be sent again, by the monotonic clock.
        problems: What went wrong.
    """

    record: ModelRecord
    units: Sequence[Unit]
    store: Store
    open: dict[str, tuple[Unit, Path]] = field(default_factory=dict)
    sent: bool = False
    deaths: int = 0
    not_before: float = 0.0
    problems: list[str] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)
    live: "LiveRun | None" = None
    step: Step | None = None

    @property
    def model_id(self) -> str:
        """Its name."""
        return self.record.model_id

    @property
    def over(self) -> bool:
        """Whether nothing more is to be done."""
        return not self.open or (bool(self.problems) and not self.sent)

    def taken(self) -> list[Unit]:
        """Return the open units that somebody works on."""
        if holder(self.store.whole) is not None:
            return [unit for unit, _ in self.open.values()]
        return [unit for unit, place in self.open.values() if holder(lease_of(place)) is not None]

    def show(self) -> None:
        """Show progress on a terminal, and what is worked on, here or by others."""
        if self.step is None or not sys.stderr.isatty():
            return
        self.step.begun = min(1 + len(self.units) - len(self.open), len(self.units))
        self.step.part = ", ".join(name for name, (_, place) in self.open.items() if lease_of(place).exists())

    def left(self) -> bool:
        """Return whether something is to be run; what the stage published meanwhile is no longer open.

        The stage leaves nothing in the store. What the store has is left to `appeared`.
        """
        missing = [unit for unit, place in self.open.values() if not place.is_dir()]
        published = self.store.known(missing, self.model_id)
        for benchmark in published:
            del self.open[benchmark]
        return len(published) < len(missing)

    def appeared(self) -> list[Unit]:
        """Return the units that were finished since it was asked last; they are no longer among the open ones."""
        done = [unit for unit, place in self.open.values() if place.is_dir()]
        for unit in done:
            del self.open[unit.benchmark]
        return done


def model_of(record: ModelRecord, params: EvaluateParams, only: Sequence[str]) -> Model:
    """Return a model with what is missing of it.

    Args:
        record: Record of the model.
        params: Section `evaluate`.
        only: Benchmarks to run; none for all.

    Raises:
        InputError: Files or data are missing, or changed since they were locked.
    """
    units = of_model.plan(record, params)
    of_model.require_lock(units)
    store = store_of(record.model_id, params.store)
    known = store.known(units, record.model_id)
    model = Model(record, units, store)
    model.open = {
        unit.benchmark: (unit, store.path(unit))
        for unit in units
        if unit.benchmark not in known and (not only or unit.benchmark in only)
    }
    return model


class Driver:
    """Evaluates models.

    Args:
        models: With what is missing of each.
        engine: Runs them.
        tell: Called with what is finished.
    """

    def __init__(self, models: Sequence[Model], engine: Engine, tell: Callable[[str], None]) -> None:
        self.models = [model for model in models if model.open]
        self._engine = engine
        self._tell = tell
        self._owner = uuid.uuid4().hex

    def run(self) -> None:
        """Run what is missing until all is there or has failed; what went wrong stands in `problems` of each model.

        Raises:
            InputError: It was interrupted, or the engine refuses the work.
        """
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with working("evaluating", len(self.models)) as whole:
                while any(not model.over for model in self.models):
                    self._send()
                    self._receive()
                    whole.begun = min(1 + sum(model.over for model in self.models), len(self.models))
                    time.sleep(TICK)
        except KeyboardInterrupt:
            raise InputError(
                ["interrupted: nothing runs on, finished benchmarks are kept; run the same command again to continue"]
            ) from None
        finally:
            self._stop()
            signal.signal(signal.SIGTERM, before)

    def _send(self) -> None:
        """Give the engine what it takes, models that nobody works on first."""
        chosen = [model for model in self._chosen(self._engine.room()) if model.left()]
        for model in chosen:
            self._begin(model)
        if chosen:
            self._engine.submit([self._job(model) for model in chosen])
        for model in chosen:
            model.sent = True

    def _chosen(self, room: int) -> list[Model]:
        """Return at most a given number of models that have something to run."""
        chosen: list[Model] = []
        shared: list[tuple[int, Model]] = []
        for model in self.models if room > 0 else []:
            if model.sent or model.over or time.monotonic() < model.not_before:
                continue
            taken = len(model.taken())
            if not taken:
                chosen.append(model)
            elif taken < len(model.open):
                shared.append((taken, model))
            if len(chosen) == room:
                return chosen
        return [*chosen, *(model for _, model in sorted(shared, key=lambda one: one[0]))][:room]

    def _begin(self, model: Model) -> None:
        """Begin the run of a model, and show its progress."""
        if model.live is None:
            model.store.recover([unit for unit in model.units if unit.benchmark not in model.open], model.model_id)
            model.live = model.stack.enter_context(of_model.tracked(model.units, watched=False))
            known = [unit for unit in model.units if model.store.has(unit)]
            for unit in known:
                with suppress(FileNotFoundError):
                    self._log(model, unit, len(known))
            model.step = model.stack.enter_context(working(model.model_id, len(model.units)))
        for unit, _ in model.open.values():
            model.store.forgive(unit)

    def _job(self, model: Model) -> Job:
        units = tuple(unit for unit, _ in model.open.values())
        if self._engine.gpus > 1:
            units = tuple(replace(unit, run=replace(unit.run, device="all")) for unit in units)
        return Job(
            model_id=model.model_id,
            units=units,
            identities={unit.benchmark: unit.identity for unit in units},
            root=str(state.root()),
            folder=str(model.store.folder),
            stamp=of_model.stamp(model.live.run_id if model.live else ""),
            owner=f"{self._owner} {model.model_id}",
            environment={name: text for name, text in os.environ.items() if name.startswith(PASSED)},
        )

    def _receive(self) -> None:
        """Take note of what ended and of what is finished."""
        over = {end.model_id: end for end in self._engine.ended()}
        for model in self.models:
            before = len(model.units) - len(model.open)
            new = model.appeared()
            for done, unit in enumerate(new, before + 1):
                # the stage may have published it, and removed it from the store, in this moment
                with suppress(FileNotFoundError):
                    self._log(model, unit, done)
                    self._tell(f"[{done}/{len(model.units)}] {model.model_id}: {of_model.told(model.store, unit)}")
            if new:
                model.deaths = 0
            model.show()
            end = over.get(model.model_id)
            if end is not None:
                self._ended(model, end)
            if model.over:
                self._finish(model)

    def _ended(self, model: Model, end: Ended) -> None:
        """Decide what becomes of a model whose job ended."""
        model.sent = False
        model.problems += end.problems
        if not model.open or end.problems:
            return
        died = end.died or "no result in the store: does every machine reach it?"
        if end.died:
            self._release(model)
            self._tell(f"{model.model_id}: its worker ended: {died}; {len(model.open)} benchmarks are sent again")
        elif model.taken():
            return
        else:
            model.not_before = time.monotonic() + LATE
        model.deaths += 1
        if model.deaths == DEATHS:
            log = model.store.folder / LOG
            model.problems.append(
                f"{model.model_id}: its worker ended {DEATHS} times without a result ({died}): see {log}"
            )

    def _finish(self, model: Model) -> None:
        """End the run of a model; all units that are not there have failed."""
        if model.live is not None:
            # some failed, or the stage published them in this moment
            with suppress(FileNotFoundError):
                hosts = sorted({model.store.provenance(unit).get("host", "") for unit in model.units})
                places = {"observatory.hosts": ", ".join(filter(None, hosts))}
                model.live.tag({**places, **of_model.scores_tag(model.units, model.store)})
        model.live = None
        if not model.open:
            model.stack.close()
            return
        failed = InputError(model.problems)
        with suppress(InputError):
            model.stack.__exit__(InputError, failed, None)

    @staticmethod
    def _log(model: Model, unit: Unit, done: int) -> None:
        if model.live is not None:
            model.live.log(unit.benchmark, of_model.numbers(model.store, unit), done)

    def _release(self, model: Model) -> None:
        for path in model.store.leases:
            release(path, f"{self._owner} {model.model_id}")

    def _stop(self) -> None:
        """End what still runs, and leave nothing behind that others would wait for."""
        self._engine.stop()
        for model in self.models:
            # a worker may have been ended right after its last unit, before it gave that back
            self._release(model)
            if not model.over:
                with suppress(KeyboardInterrupt):
                    model.stack.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
