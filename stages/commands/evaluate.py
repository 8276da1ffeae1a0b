"""`observatory evaluate`: models on benchmarks outside of DVC, here or on a cluster; and what that would take."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.commands.shown import Grid
from stages.contracts.errors import InputError, raise_all
from stages.contracts.evaluate_params import EvaluateParams
from stages.contracts.names import Names
from stages.contracts.params import Params
from stages.contracts.study.facts import Facts
from stages.contracts.study.model_record import ModelRecord
from stages.evaluation import lm_tasks
from stages.evaluation.code_digest import task_digests
from stages.evaluation.driver import Driver, Model, model_of
from stages.evaluation.engines.choice import engine_of
from stages.evaluation.store import top_of
from stages.evaluation.unit import NEEDED, versions
from stages.workspace.facts import load_study_facts
from stages.workspace.parameters import load_params
from stages.workspace.progress import each
from stages.workspace.records import full_record, own_choices


@dataclass(frozen=True)
class Evaluated:
    """Result of `evaluate`.

    Attributes:
        models: What became of each.
        only: Whether some benchmarks were left out.
    """

    models: Sequence[Model]
    only: bool

    @property
    def ok(self) -> bool:
        """Whether everything is there."""
        return not any(model.problems or model.open for model in self.models)

    def text(self) -> Iterator[str | Grid]:
        """Yield a row for each model, then what went wrong and what comes next."""
        columns = ("model", "done", "of", "seconds", "tokens", "on")
        yield Grid(columns, [_summary(model) for model in self.models], frozenset(columns[1:5]))
        for model in self.models:
            yield from model.problems
        if not self.ok:
            yield "finished benchmarks are kept: run the same command again for the rest"
        elif self.only:
            yield "`dvc repro` runs the other benchmarks, then publishes"
        else:
            yield "next: `dvc repro` publishes what is finished"

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data, by unit."""
        return {
            "units": [
                {"model_id": model.model_id, "benchmark": unit.benchmark, "key": unit.key,
                 "done": unit.benchmark not in model.open}
                for model in self.models for unit in model.units
            ],
            "problems": [line for model in self.models for line in model.problems],
        }  # fmt: skip


def evaluate(models: Sequence[str], only: Sequence[str], engine: str | None, tell: Callable[[str], None]) -> Evaluated:
    """Run what is missing of models.

    Args:
        models: Some of evaluate.models; none for all.
        only: Benchmarks; none for all of the study.
        engine: Instead of `evaluate.engine`.
        tell: Called with what is finished.

    Raises:
        InputError: A name is not known, something is missing, or the engine cannot be used; all problems are named.
    """
    params = load_params()
    chosen = with_engine(params.evaluate, engine)
    if not params.evaluate.models:
        raise InputError(["params.yaml: evaluate.models is empty: name the models to evaluate there"])
    facts = load_study_facts(params)
    unknown = [name for name in models if name not in params.evaluate.models]
    listed = Names(params.evaluate.models)
    raise_all(
        [f"{name} is not in evaluate.models of params.yaml{listed.hint(name)}" for name in unknown]
        + benchmark_problems(only, facts)
    )
    versions(NEEDED)
    found: list[Model] = []
    problems: list[str] = []
    records = records_of(list(models) or params.evaluate.models, facts, params)
    for record in each(records, "looking for files and data", lambda record: record.model_id):
        try:
            found.append(model_of(record, chosen, only))
        except InputError as error:
            problems += error.problems
    raise_all(problems)
    if any(model.open for model in found):
        place = top_of(chosen.store)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError([f"evaluate.store: {place}: {error.strerror}"]) from None
        Driver(found, engine_of(chosen, str(place), tell), tell).run()
    return Evaluated(found, bool(only))


def with_engine(params: EvaluateParams, engine: str | None) -> EvaluateParams:
    """Return parameters with another engine, where one is named."""
    return params if engine is None else params.model_copy(update={"engine": engine})


def benchmark_problems(only: Sequence[str], facts: Facts) -> list[str]:
    """Name the benchmarks that the study has not."""
    names = Names(map(str, facts.benchmarks.index))
    return [f"--only {name}: no such benchmark in benchmarks.csv{names.hint(name)}" for name in only
            if name not in names]  # fmt: skip


def model_problems(models: Sequence[str], facts: Facts) -> list[str]:
    """Name the models that the study has not."""
    names = Names(map(str, facts.models.index))
    return [f"{name}: no such model in models.csv{names.hint(name)}" for name in models if name not in names]


def records_of(models: Sequence[str], facts: Facts, params: Params) -> list[ModelRecord]:
    """Return the records of models as the stage `ingest` writes them.

    Raises:
        InputError: models.csv has not all of them.
    """
    raise_all(model_problems(models, facts))
    backend = params.evaluate.backend
    digests = task_digests(backend) | lm_tasks.digests(own_choices(facts, params.study), backend)
    tasks = {str(name): digests.get(str(name), "") for name in facts.benchmarks.index}
    return [full_record(name, facts, params.study, tasks, facts.workarounds) for name in models]


def _summary(model: Model) -> tuple[str, ...]:
    done = [unit for unit in model.units if unit.benchmark not in model.open]
    parts = [model.store.provenance(unit) for unit in done if model.store.has(unit)]
    tokens = sum(part["prompt_tokens"] + part["output_tokens"] for part in parts)
    places = sorted({f"{part['host']} ({part['device']})" for part in parts if "host" in part})
    return (
        model.model_id,
        str(len(done)),
        str(len(model.units)),
        f"{sum(part['seconds'] for part in parts):.0f}",
        f"{tokens:,}",
        ", ".join(places),
    )
