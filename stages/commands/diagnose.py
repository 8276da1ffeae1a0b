"""`observatory diagnose`: why a model answers with nothing, and the smallest workaround that fixes it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from stages.commands.shown import Grid
from stages.contracts.errors import InputError
from stages.contracts.names import Names
from stages.contracts.params import Params
from stages.contracts.study.facts import Facts
from stages.contracts.study.model_record import ModelRecord
from stages.contracts.study.workarounds import FILE, PROTOCOL, Evidence, Workaround, as_yaml
from stages.evaluation import diagnosis, model_source, of_model
from stages.evaluation.code_digest import task_digests
from stages.evaluation.diagnosis import Limits, Trial
from stages.evaluation.harness import run as harness
from stages.evaluation.harness import work
from stages.evaluation.unit import NEEDED, Unit, versions
from stages.lineage import state
from stages.tasks import data
from stages.tasks.registry import BENCHMARKS
from stages.workspace import paths
from stages.workspace.facts import load_study_facts
from stages.workspace.files import read_text, write_text
from stages.workspace.parameters import load_params
from stages.workspace.records import full_record

SHOWN = 44
"""Characters of an answer that the table shows."""
_ONE = "--benchmark NAME --write"


@dataclass(frozen=True)
class Case:
    """What is examined.

    Attributes:
        record: Record of the model.
        benchmark: Its name, None for the probe.
        n_items: Items.
        params: params.yaml.
        model_dir: Where folders of models are.
    """

    record: ModelRecord
    benchmark: str | None
    n_items: int
    params: Params
    model_dir: str

    @property
    def asked(self) -> str:
        """What is asked, in words."""
        return self.benchmark or "plain questions"

    @property
    def file(self) -> Path:
        """The workarounds.yaml of the study."""
        return paths.study_folder(self.params.study) / FILE


@dataclass(frozen=True)
class Diagnosis:
    """Result of `diagnose`.

    Attributes:
        case: What was examined.
        changed: Each prompt that the tokenizer does not give back as it is: before, after.
        n_prompts: Prompts that were asked.
        trials: What was tried, the protocol itself first.
        limits: Rates below which a model answers.
        workaround: The smallest one that fixes it, None when there is none or nothing to fix.
        written: Where the workaround was added, None when it was not.
    """

    case: Case
    changed: Sequence[tuple[str, str]]
    n_prompts: int
    trials: Sequence[Trial]
    limits: Limits
    workaround: Workaround | None = None
    written: Path | None = None
    ok: ClassVar[bool] = True

    @property
    def answers(self) -> bool:
        """Whether the model answers under the protocol."""
        first = self.trials[0].outcome
        return first is not None and self.limits.holds(first)

    def text(self) -> Iterator[str | Grid]:
        """Yield what the tokenizer does, a row for each trial, and the verdict."""
        yield f"{self.case.record.model_id} on {self.case.asked}, {self.case.n_items} items"
        yield self._round_trip()
        columns = ("cause", "empty", "failed", "score", "an answer")
        yield Grid(columns, [_row(trial) for trial in self.trials], frozenset(columns[1:4]))
        yield from self._verdict()

    def _round_trip(self) -> str:
        if not self.changed:
            return f"the tokenizer gives all {self.n_prompts} prompts back as they are"
        before, after = self.changed[0]
        place = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
        place = min(len(before), len(after)) if place is None else place
        return (
            f"the tokenizer changes {len(self.changed)} of {self.n_prompts} prompts, the first at character {place}: "
            f"{before[place : place + 20]!r} becomes {after[place : place + 20]!r}"
        )

    def _verdict(self) -> Iterator[str]:
        record = self.workaround
        if self.answers:
            yield "nothing to fix: the model answers"
        elif record is None:
            yield "none of the known causes, nor two of them together: look at the model's files and its card"
        else:
            changes = ", ".join(f"{name}: {value!r}" for name, value in record.setting.changes().items())
            yield f"fixed by the workaround: {changes}"
            if self.written:
                yield f"written to {self.written}; it evaluates {record.benchmark} of {record.model_id} again"
            elif self.case.benchmark is None:
                yield f"plain questions are not a benchmark: {_ONE} tries it on one and adds it for that one"
            else:
                yield f"--write adds it to {self.case.file}:"
                yield from as_yaml(record).splitlines()

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        return {
            "model": self.case.record.model_id,
            "benchmark": self.case.benchmark,
            "items": self.case.n_items,
            "prompts_changed_by_the_tokenizer": len(self.changed),
            "answers": self.answers,
            "trials": [
                {
                    "cause": trial.cause,
                    "changes": trial.setting.changes(),
                    "outcome": trial.outcome and trial.outcome.model_dump(),
                    "answer": trial.answer,
                    "note": trial.note,
                }
                for trial in self.trials
            ],
            "workaround": self.workaround and self.workaround.model_dump(exclude_none=True),
            "written": self.written,
        }


def diagnose(
    model: str, benchmark: str | None, n_items: int, *, write: bool, tell: Callable[[str], None]
) -> Diagnosis:
    """Try the known causes on a few items.

    Args:
        model: A model_id of models.csv, or a folder with a model.
        benchmark: Whose items are asked; None for plain questions.
        n_items: Items.
        write: Whether to add the workaround to workarounds.yaml.
        tell: Called with each cause that was tried: loading and asking take minutes.

    Raises:
        InputError: Model or benchmark are not known, or cannot be asked.
    """
    versions(NEEDED)
    params = load_params()
    facts = load_study_facts(params)
    case = _case(model, benchmark, n_items, params, facts)
    if write:
        _may_be_written(case, facts)
    loaded, ask, prompts = _open(case)
    limits = Limits(params.gate.max_empty_rate, params.gate.max_failed_rate)
    # lm-eval is needed from here on and takes seconds to import
    from stages.evaluation.harness.asking import round_trip_problems

    changed = round_trip_problems(loaded.tokenizer, prompts)
    trials = []
    for trial in diagnosis.examine(ask, limits):
        trials.append(trial)
        tell(f"tried: {_row(trial)[0]}")
    if trials[0].outcome is None:
        raise InputError([trials[0].note])
    found = Diagnosis(case, changed, len(prompts), trials, limits)
    return replace(found, **_fix(found, write=write))


def _fix(found: Diagnosis, *, write: bool) -> dict[str, Any]:
    """Return workaround and place of a diagnosis, having written it there; nothing when there is none."""
    smallest = None if found.answers else diagnosis.smallest(found.trials, found.limits)
    case, before = found.case, found.trials[0].outcome
    if smallest is None or smallest.outcome is None or before is None:
        return {}
    record = Workaround(
        model_id=case.record.model_id,
        benchmark=case.benchmark,
        reason=smallest.cause,
        source=f"observatory diagnose on {case.asked}",
        evidence=Evidence(n_items=case.n_items, before=before, after=smallest.outcome),
        **smallest.setting.changes(),
    )
    if not write:
        return {"workaround": record}
    text = read_text(case.file) if case.file.is_file() else ""
    write_text(case.file, f"{text}{as_yaml(record)}")
    return {"workaround": record, "written": case.file}


def _case(model: str, benchmark: str | None, n_items: int, params: Params, facts: Facts) -> Case:
    if benchmark is not None and benchmark not in BENCHMARKS:
        raise InputError(
            [f"{benchmark}: no such task{Names(BENCHMARKS).hint(benchmark)}; known: {', '.join(BENCHMARKS)}"]
        )
    if benchmark is not None and BENCHMARKS[benchmark].answer == "loglikelihood":
        generating = [name for name, each in BENCHMARKS.items() if each.answer == "generation"]
        raise InputError(
            [f"{benchmark} compares likelihoods and generates nothing: take one of {', '.join(generating)}"]
        )
    if benchmark is None:
        n_items = min(n_items, len(diagnosis.PROBES))
    if model in facts.models.index:
        record = full_record(model, facts, params.study, task_digests(params.evaluate.backend), ())
        return Case(record, benchmark, n_items, params, state.folders(params.evaluate.model_dir))
    folder = Path(model).expanduser().resolve()
    if not (folder / "config.json").is_file():
        hint = Names(facts.models.index).hint(model)
        raise InputError([f"{model}: not in models.csv{hint}, and no folder with a model (config.json)"])
    return Case(ModelRecord(folder.name, "", False, "", {}, {}), benchmark, n_items, params, str(folder.parent))


def _open(case: Case) -> tuple[Any, diagnosis.Ask, list[str]]:
    """Load the model; return it, how items are asked, and their prompts."""
    run = replace(of_model.run_of(case.params.evaluate), limit=case.n_items)
    source = model_source.locate(case.record, case.model_dir)
    if case.benchmark is None:
        loaded = harness.load_model(source, run, run.dtype)
        prompts = [diagnosis.probe_prompt(question) for question, _ in diagnosis.PROBES[: case.n_items]]
        return loaded, diagnosis.probe(loaded, case.n_items), prompts
    words = case.record.prompts.get(case.benchmark, {})
    unit = Unit(case.benchmark, source, PROTOCOL, run, data.describe(case.benchmark, run.data_dir or None), words)
    loaded = harness.load_model(source, run, run.dtype)
    manager = work.task_manager(source, run, unit.data.sha256, words={case.benchmark: words})
    docs = manager.load([case.benchmark])["tasks"][case.benchmark].test_docs()
    return loaded, diagnosis.benchmark(unit, loaded), [str(doc["prompt"]) for doc in docs.select(range(case.n_items))]


def _row(trial: Trial) -> tuple[str, ...]:
    cause = trial.cause or "as the protocol has it"
    if trial.outcome is None:
        return cause, "-", "-", "-", trial.note
    outcome = trial.outcome
    answer = repr(trial.answer[:SHOWN]) + ("..." if len(trial.answer) > SHOWN else "")
    return cause, f"{outcome.empty_rate:.0%}", f"{outcome.failed_rate:.0%}", f"{outcome.score:.2f}", answer


def _may_be_written(case: Case, facts: Facts) -> None:
    """Check before the model is loaded that a record could be added.

    Raises:
        InputError: The study does not know model or benchmark, or has a record of them; or no benchmark is named.
    """
    if case.benchmark is None:
        raise InputError([f"--write: plain questions are evidence for no benchmark: {_ONE} has some for that one"])
    folder = paths.study_folder(case.params.study)
    model_id = case.record.model_id
    if model_id not in facts.models.index:
        raise InputError([f"{folder}/models.csv has no {model_id}: add its record, or leave --write out"])
    if case.benchmark not in facts.benchmarks.index:
        raise InputError([f"{folder}/benchmarks.csv has no {case.benchmark}: leave --write out"])
    if any((known.model_id, known.benchmark) == (model_id, case.benchmark) for known in facts.workarounds):
        raise InputError([f"{folder / FILE} has a record of {model_id} already: delete it to write another"])
