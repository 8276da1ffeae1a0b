"""`observatory evaluate --dry-run` and `--status`: what is done, what is to do, what it takes, who works on it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from stages.commands.evaluate import benchmark_problems, model_problems, records_of
from stages.commands.shown import Grid
from stages.contracts.errors import InputError, raise_all
from stages.contracts.evaluate_params import EvaluateParams
from stages.contracts.study.facts import Facts
from stages.contracts.study.model_record import ModelRecord
from stages.evaluation import estimate, loading, of_model
from stages.evaluation.cells import LOG, read_if_there
from stages.evaluation.estimate import Measured
from stages.evaluation.leases import holder
from stages.evaluation.store import Store, store_of
from stages.evaluation.unit import Unit
from stages.lineage import state
from stages.tasks import data
from stages.tasks.registry import BENCHMARKS
from stages.workspace import paths
from stages.workspace.facts import load_study_facts
from stages.workspace.parameters import load_params

CLUSTERS = (8, 32)
"""Numbers of GPUs for which hours are shown."""


@dataclass(frozen=True)
class Cell:
    """A unit as planned.

    Attributes:
        benchmark: Its benchmark.
        key: Key of the unit, None where model or data are not on this machine.
        done: Whether it is finished.
        tokens: Estimated, prompts and answers.
    """

    benchmark: str
    key: str | None
    done: bool
    tokens: float


@dataclass(frozen=True)
class Planned:
    """A model as planned.

    Attributes:
        model_id: The model.
        params: Parameters: those of its files, or active ones by models.csv.
        cells: Its units.
        rate: Tokens per second.
        basis: What the rate comes from.
        here: Whether its files are on this machine.
        gpus: GPUs of 80 GB that it needs.
    """

    model_id: str
    params: float
    cells: Sequence[Cell]
    rate: float
    basis: str
    here: bool
    gpus: int

    @property
    def todo(self) -> list[Cell]:
        """Units that are missing."""
        return [cell for cell in self.cells if not cell.done]

    @property
    def tokens(self) -> float:
        """Tokens of what is missing."""
        return sum(cell.tokens for cell in self.todo)

    @property
    def hours(self) -> float:
        """Hours on one GPU of what is missing."""
        return self.tokens / self.rate / 3600


@dataclass(frozen=True)
class Plan:
    """Result of `evaluate --dry-run`.

    Attributes:
        models: In the order in which they are named.
        whole: Whether that is all of the study, as evaluate.models is empty.
    """

    models: Sequence[Planned]
    whole: bool
    ok: ClassVar[bool] = True

    def text(self) -> Iterator[str | Grid]:
        """Yield a row for each model and the sums."""
        if self.whole:
            yield "evaluate.models is empty: this is the plan for all models of the study"
        sizes = [f"{dtype} GB" for dtype in ("float32", "bfloat16")]
        columns = ("model", "done", "to do", "M tokens", *sizes, "GPUs", "GPU hours", "tokens/s", "rate", "files")
        yield Grid(columns, [_row(model) for model in self.models], frozenset(columns[1:9]))
        hours = sum(model.hours for model in self.models)
        longest = max((model.hours / model.gpus for model in self.models), default=0.0)
        todo = sum(len(model.todo) for model in self.models)
        tokens = sum(model.tokens for model in self.models) / 1e6
        yield (
            f"{todo} of {sum(len(model.cells) for model in self.models)} units to do: {tokens:,.0f} million tokens, "
            f"{hours:,.0f} GPU hours"
        )
        plan = ", ".join(f"{max(hours / gpus, longest):.0f} hours on {gpus} GPUs" for gpus in CLUSTERS)
        yield f"at best {plan}; the longest model takes {longest:.1f} on its own"
        if any(model.basis == "assumed" for model in self.models):
            yield (
                f"rate assumed: {estimate.ASSUMED_RATE:,.0f} tokens a second for "
                f"{estimate.ASSUMED_PARAMS / 1e9:g} billion parameters on one large GPU; one evaluated model replaces "
                "it, scaled by parameters"
            )
        yield "GPUs: of 80 GB, for the weights and a quarter more; where files are not here, active parameters count"

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data, by unit and by model."""
        return {
            "units": [
                {"model_id": model.model_id, "benchmark": cell.benchmark, "key": cell.key, "done": cell.done,
                 "tokens": round(cell.tokens)}
                for model in self.models for cell in model.cells
            ],
            "models": {
                model.model_id: {
                    "parameters": model.params, "gpus": model.gpus, "gpu_hours": model.hours,
                    "tokens_per_second": model.rate, "rate": model.basis, "here": model.here,
                    "bytes": {dtype: size * model.params for dtype, size in estimate.BYTES.items()},
                }
                for model in self.models
            },
        }  # fmt: skip


def plan(models: Sequence[str], only: Sequence[str]) -> Plan:
    """Return what is missing of models and what it takes; nothing is fetched and nothing is run.

    Args:
        models: In models.csv; none for evaluate.models, or all of the study where that is empty.
        only: Benchmarks; none for all of the study.

    Raises:
        InputError: A name is not known; all are named.
    """
    params = load_params()
    facts = load_study_facts(params)
    problems = benchmark_problems(only, facts)
    every = [str(name) for name in facts.models.index]
    records: list[ModelRecord] = []
    try:
        records = records_of(list(models) or params.evaluate.models or every, facts, params)
    except InputError as error:
        problems = [*error.problems, *problems]
    raise_all(problems)
    known = estimate.measured(_parts(every, params.evaluate))
    planned = [_planned(record, params.evaluate, only, facts, known) for record in records]
    return Plan(planned, not models and not params.evaluate.models)


def _planned(
    record: ModelRecord, params: EvaluateParams, only: Sequence[str], facts: Facts, known: Measured
) -> Planned:
    units = _units_here(record, params)
    done: set[str] = set()
    keys: dict[str, str] = {}
    sizes = {str(name): float(value) * 1e9 for name, value in facts.models["active_params_b"].items()}
    size = active = sizes[record.model_id]
    if units:
        done = store_of(record.model_id, params.store).known(units, record.model_id)
        keys = {unit.benchmark: unit.key for unit in units}
        size = estimate.parameters_of(units[0].model) or size
    cells = [
        Cell(name, keys.get(name), name in done, estimate.tokens_of(name, n_items, known))
        for name, n_items in _items(facts, params).items()
        if not only or name in only
    ]
    rate, basis = estimate.rate_of(record.model_id, active, sizes, known)
    return Planned(record.model_id, size, cells, rate, basis, bool(units), estimate.gpus_for(size, params.dtype))


def _items(facts: Facts, params: EvaluateParams) -> dict[str, int]:
    """Return benchmark to the items that are run; 1,000 where the study does not state them."""
    stated = facts.benchmarks["n_items"].fillna(1000).astype(int)
    return {str(name): min(count, params.limit or count) for name, count in stated.items()}


def _units_here(record: ModelRecord, params: EvaluateParams) -> list[Unit]:
    """Return the units of a model; none where its files or some data are not on this machine."""
    model_dir, data_dir = state.folders(params.model_dir), state.folders(params.data_dir)
    try:
        there = loading.here(record, params.backend, params.server.url, model_dir) is not None and all(
            data.describe_here(name, data_dir or None) is not None
            for name in record.settings
            if name in BENCHMARKS and name not in record.own_tasks
        )
        return of_model.plan(record, params) if there else []
    except InputError:
        # said by the evaluation itself, with what to do
        return []


def _parts(models: Sequence[str], params: EvaluateParams) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield model, benchmark and provenance of all units that are finished or published here."""
    for model_id in models:
        published = read_if_there(paths.EVALUATIONS / model_id / "provenance.json").get("benchmarks", {})
        finished = store_of(model_id, params.store).finished()
        kept = {name: part for name, path in finished.items() if (part := read_if_there(path))}
        for benchmark, part in {**published, **kept}.items():
            yield model_id, benchmark, part


def _row(model: Planned) -> tuple[str, ...]:
    return (
        model.model_id,
        str(len(model.cells) - len(model.todo)),
        str(len(model.todo)),
        f"{model.tokens / 1e6:,.1f}",
        f"{4 * model.params / 1e9:.3g}",
        f"{2 * model.params / 1e9:.3g}",
        str(model.gpus),
        f"{model.hours:.1f}",
        f"{model.rate:,.0f}",
        model.basis,
        "here" if model.here else "not here",
    )


@dataclass(frozen=True)
class Going:
    """Who works on a model.

    Attributes:
        model_id: The model.
        done: Benchmarks of which a result lies in the store.
        working: Benchmark to who works on it; "" for whoever puts all together.
        failed: Why benchmarks did not finish the last time.
        log: File that has what workers printed, "" where there is none.
        published: Whether data/evaluations has it.
    """

    model_id: str
    done: Sequence[str]
    working: Mapping[str, str]
    failed: Sequence[str]
    log: str
    published: bool


@dataclass(frozen=True)
class Status:
    """Result of `evaluate --status`.

    Attributes:
        models: In the order in which they are named.
    """

    models: Sequence[Going]
    ok: ClassVar[bool] = True

    def text(self) -> Iterator[str | Grid]:
        """Yield a row for each model, then why benchmarks failed."""
        columns = ("model", "on the store", "published", "working", "log")
        rows = [
            (
                model.model_id,
                str(len(model.done)),
                "yes" if model.published else "no",
                "; ".join(f"{name} on {who}".strip() for name, who in model.working.items()) or "nobody",
                model.log,
            )
            for model in self.models
        ]
        yield Grid(columns, rows, frozenset(columns[1:2]))
        for model in self.models:
            yield from (f"{model.model_id}: {line}" for line in model.failed)

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        return {"models": [vars(model) for model in self.models]}


def status(models: Sequence[str]) -> Status:
    """Return who works on what, from the store alone: it may be another machine's.

    Args:
        models: In models.csv; none for evaluate.models.

    Raises:
        InputError: A name is not known; all are named.
    """
    params = load_params()
    raise_all(model_problems(models, load_study_facts(params)))
    names = list(models) or params.evaluate.models
    return Status([_going(store_of(name, params.evaluate.store), name) for name in names])


def _going(store: Store, model_id: str) -> Going:
    log = store.folder / LOG
    working = {
        "" if path == store.whole else path.parent.name: found.told
        for path in store.leases
        if (found := holder(path)) is not None
    }
    published = (paths.EVALUATIONS / model_id / "scores.json").is_file()
    return Going(
        model_id, sorted(store.finished()), working, store.failures(), str(log) if log.is_file() else "", published
    )
