"""`observatory diagnose`: why a model answers with nothing, and the smallest workaround that mends it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.names import Names
from stages.contracts.params import Params
from stages.contracts.study.facts import Facts
from stages.contracts.study.model_record import ModelRecord, record_of
from stages.contracts.study.workarounds import FILE, PROTOCOL, Evidence, Workaround, as_yaml
from stages.evaluation import diagnosis, model_source, of_model
from stages.evaluation.code_digest import task_digests
from stages.evaluation.diagnosis import Limits, Trial
from stages.evaluation.harness import run as harness
from stages.evaluation.unit import Unit
from stages.tasks import data
from stages.tasks.registry import BENCHMARKS
from stages.workspace.facts import load_params, load_study_facts
from stages.workspace.files import read_text, write_text
from stages.workspace.paths import study_folder

SHOWN = 44
"""Characters of an answer that the table shows."""
WIDTH = 60
"""Characters of a cause."""


@dataclass(frozen=True)
class Case:
    """What is examined.

    Attributes:
        record: Of the model.
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


def diagnose(model: str, benchmark: str | None, n_items: int, *, write: bool) -> Iterator[str]:
    """Yield the lines of a diagnosis.

    Args:
        model: A model_id of models.csv, or a folder with a model.
        benchmark: Whose items are asked; None for plain questions.
        n_items: Items.
        write: Whether to add the workaround to workarounds.yaml.

    Raises:
        InputError: Model or benchmark are not known, or cannot be asked.
    """
    params = load_params()
    facts = load_study_facts(params)
    case = _case(model, benchmark, n_items, params, facts)
    if write:
        _may_be_written(case, facts)
    loaded, ask, prompts = _open(case)
    limits = Limits(params.gate.max_empty_rate, params.gate.max_failed_rate)
    yield f"{case.record.model_id} on {benchmark or 'plain questions'}, {case.n_items} items"
    yield from _round_trip(loaded, prompts)
    yield _row("cause", "empty", "failed", "score", "an answer")
    trials = []
    for trial in diagnosis.examine(ask, limits):
        trials.append(trial)
        yield _told(trial)
    yield from _verdict(trials, limits, case, write=write)


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
        record = record_of(model, facts.models, task_digests(), ())
        return Case(record, benchmark, n_items, params, params.evaluate.model_dir)
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
    unit = Unit(case.benchmark, source, PROTOCOL, run, data.describe(case.benchmark, run.data_dir or None))
    loaded = harness.load_model(source, run, run.dtype)
    docs = harness.task_manager(source, run).load([case.benchmark])["tasks"][case.benchmark].test_docs()
    return loaded, diagnosis.benchmark(unit, loaded), [str(doc["prompt"]) for doc in docs.select(range(case.n_items))]


def _round_trip(loaded: Any, prompts: Sequence[str]) -> Iterator[str]:  # noqa: ANN401  lm-eval has no types
    from stages.evaluation.harness.asking import round_trip_problems

    changed = round_trip_problems(loaded.tokenizer, prompts)
    if not changed:
        yield f"the tokenizer gives all {len(prompts)} prompts back as they are"
        return
    before, after = changed[0]
    place = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(map(len, changed[0])))
    yield (
        f"the tokenizer changes {len(changed)} of {len(prompts)} prompts, the first at character {place}: "
        f"{before[place : place + 20]!r} becomes {after[place : place + 20]!r}"
    )


def _row(cause: str, *cells: str) -> str:
    empty, failed, score, answer = cells
    return f"{cause:<{WIDTH}} {empty:>6} {failed:>6} {score:>6}  {answer}"


def _told(trial: Trial) -> str:
    cause = trial.cause or "as the protocol has it"
    if trial.outcome is None:
        return _row(cause, "-", "-", "-", trial.note)
    outcome = trial.outcome
    answer = repr(trial.answer[:SHOWN]) + ("..." if len(trial.answer) > SHOWN else "")
    return _row(cause, f"{outcome.empty_rate:.0%}", f"{outcome.failed_rate:.0%}", f"{outcome.score:.2f}", answer)


def _verdict(trials: Sequence[Trial], limits: Limits, case: Case, *, write: bool) -> Iterator[str]:
    first = trials[0]
    if first.outcome is None:
        raise InputError([first.note])
    if limits.holds(first.outcome):
        yield "nothing to mend: the model answers"
        return
    found = diagnosis.smallest(trials, limits)
    if found is None or found.outcome is None:
        yield "none of the known causes, nor two of them together: look at the model's files and its card"
        return
    record = Workaround(
        model_id=case.record.model_id,
        benchmark=None if "slow_tokenizer" in found.setting.changes() else case.benchmark,
        reason=found.cause,
        source=f"observatory diagnose on {case.benchmark or 'plain questions'}",
        evidence=Evidence(n_items=case.n_items, before=first.outcome, after=found.outcome),
        **found.setting.changes(),
    )
    yield f"mended by the workaround: {', '.join(f'{k}: {v!r}' for k, v in found.setting.changes().items())}"
    path = study_folder(case.params.study) / FILE
    if not write:
        yield f"--write adds it to {path}:"
        yield from as_yaml(record).splitlines()
        return
    before = read_text(path) if path.is_file() else ""
    write_text(path, f"{before}{as_yaml(record)}")
    yield f"written to {path}; it evaluates {case.benchmark or 'every benchmark'} of {record.model_id} anew"


def _may_be_written(case: Case, facts: Facts) -> None:
    """Check before the model is loaded that a record could be added.

    Raises:
        InputError: The study does not know model or benchmark, or has a record of them.
    """
    folder = study_folder(case.params.study)
    model_id = case.record.model_id
    if model_id not in facts.models.index:
        raise InputError([f"{folder}/models.csv has no {model_id}: add its record, or leave --write out"])
    if case.benchmark is not None and case.benchmark not in facts.benchmarks.index:
        raise InputError([f"{folder}/benchmarks.csv has no {case.benchmark}: leave --write out"])
    if any((known.model_id, known.benchmark) == (model_id, case.benchmark) for known in facts.workarounds):
        raise InputError([f"{folder / FILE} has a record of {model_id} already: delete it to write another"])
