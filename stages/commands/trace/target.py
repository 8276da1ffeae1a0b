"""`observatory trace`: from a number, figure, cell, model or run to its evidence, or to what depends on it."""

import difflib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from stages.commands.snapshot import Snapshot, opened
from stages.commands.trace.evidence import cell_evidence, claim_evidence, model_evidence
from stages.commands.trace.records import RUN, FileEvidence, MetricEvidence, RunEvidence
from stages.commands.trace.result import Chain, StateRecord, Trace
from stages.contracts.csv.csvfile import file_problem, records
from stages.contracts.errors import InputError
from stages.contracts.names import Names, label, listed
from stages.lineage.sources import claim_sources, figure_sources
from stages.tracking import read as tracking_read
from stages.tracking.projection import all_metrics
from stages.workspace import paths
from stages.workspace.facts import load_info, load_study_facts, study_files

LONGEST = 200
"""Characters of an unknown target that are compared with the known ones."""
FIGURES = (".png", ".svg")


def trace(target: str, *, down: bool = False, samples: int = 0, rev: str | None = None) -> Trace:
    """Trace a target.

    Args:
        target: Path of a figure, table or other file of the pipeline, dotted name of a metric, claim_id,
            `MODEL:BENCHMARK`, model_id or `run:ID`.
        down: Whether to show what depends on the target instead of what it depends on.
        samples: Answers to show behind an evaluated cell.
        rev: Version of the repository; None for the workspace.

    Raises:
        InputError: Nothing here has this name, then the closest name is given; or a file is damaged.
    """
    with opened(rev) as snapshot:
        try:
            chain = find(target, snapshot, samples)
        except (OSError, ValueError, KeyError, sqlite3.DatabaseError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                [f"{target}: a file behind it is damaged ({reason}): `observatory verify` names it"]
            ) from None
        return Trace(chain, down, snapshot.graph, _state(snapshot))


def _state(snapshot: Snapshot) -> StateRecord:
    params, info = snapshot.params, load_info(snapshot.params.study)
    runs, trouble = [], ""
    try:
        runs = snapshot.runs()
    except InputError as error:
        # a server that is down costs the line about its runs, not the trace
        trouble = " ".join(error.problems)
    return StateRecord(
        digest=snapshot.digest,
        revision=snapshot.revision,
        study=params.study,
        subset=params.subset,
        citation=info.citation,
        licence=info.licence,
        runs=runs,
        trouble=trouble,
    )


def find(target: str, snapshot: Snapshot, samples: int = 0) -> Chain:
    """Return the chain of a target.

    Raises:
        InputError: Nothing has this name.
    """
    if target.startswith(RUN):
        return _run_chain(target.removeprefix(RUN), snapshot)
    path = _as_path(target, snapshot)
    for search in (_file_chain, _metric_chain, _claim_chain):
        chain = search(path, snapshot)
        if chain:
            return chain
    facts = load_study_facts(snapshot.params)
    model, _, benchmark = target.rpartition(":")
    if model in facts.models.index and benchmark in facts.benchmarks.index:
        return Chain(target, "cell", *cell_evidence(model, benchmark, facts, snapshot, samples))
    if target in facts.models.index:
        return Chain(target, "model", *model_evidence(target, facts, snapshot))
    raise InputError([_unknown(target, snapshot, list(facts.models.index), list(facts.benchmarks.index))])


def _as_path(target: str, snapshot: Snapshot) -> str:
    """Return a target relative to the root when it is an absolute path beneath it."""
    path = Path(target)
    return path.relative_to(snapshot.root).as_posix() if path.is_relative_to(snapshot.root) else target.rstrip("/")


def _file_chain(path: str, snapshot: Snapshot) -> Chain | None:
    graph, known = snapshot.graph, path in snapshot.graph.entries
    writer = graph.writer(path)
    absent = snapshot.absence(path) if known or writer else ""
    if not known and not (snapshot.tree.exists(path) and (writer or graph.readers(path))) and not absent:
        return None
    is_figure = path.endswith(FIGURES)
    only = figure_sources(Path(path).stem) if is_figure else None
    told = known or absent or snapshot.tree.is_folder(path)
    evidence = FileEvidence("" if told else snapshot.tree.md5(path), absent)
    return Chain(path, "figure" if is_figure else "file", evidence, (path,), only)


def _metric_chain(name: str, snapshot: Snapshot) -> Chain | None:
    file = f"{paths.METRICS}/{name.partition('.')[0]}.json"
    if not snapshot.tree.exists(file):
        return None
    value = all_metrics().get(name)
    return None if value is None else Chain(name, "metric", MetricEvidence(value), (file,))


def _claim_chain(claim_id: str, snapshot: Snapshot) -> Chain | None:
    evidence = claim_evidence(claim_id, snapshot)
    if evidence is None:
        return None
    sources = [
        path for path in claim_sources(claim_id) if path in snapshot.graph.entries or snapshot.tree.exists(path)
    ]
    return Chain(claim_id, "claim", evidence, tuple(sources))


def _run_chain(beginning: str, snapshot: Snapshot) -> Chain:
    found = tracking_read.of_id(beginning, snapshot.root)
    if not found:
        known = [run.run_id for run in tracking_read.runs(snapshot.root)]
        raise InputError([f"no MLflow run {label(beginning)}: {f'known: {listed(known)}' if known else 'none here'}"])
    if len(found) > 1:
        raise InputError([f"{label(beginning)} begins {len(found)} runs: {listed([run.run_id for run in found])}"])
    run = found[0]
    here = run.state == snapshot.digest
    paths = tuple(path for path in run.inputs if path in snapshot.graph.entries) if here else ()
    return Chain(f"{RUN}{run.run_id}", "run", RunEvidence(run, snapshot.revision.name, here), paths)


def _unknown(target: str, snapshot: Snapshot, models: Sequence[str], benchmarks: Sequence[str]) -> str:
    """Return what a target could have been."""
    model, colon, benchmark = target.rpartition(":")
    name, current = model or target, snapshot.params.study
    for study in paths.known_studies():
        if name and name not in models and study != current and _has_model(study, name):
            return (
                f"{label(name)} is of the study {study}, the state here is of {current}: "
                f"run `dvc exp run -S study={study}` first, even if the gate stops it"
            )
    if colon and model in models:
        return f"no benchmark {label(benchmark)}{Names(benchmarks).hint(benchmark)}; known: {listed(list(benchmarks))}"
    if colon and benchmark in benchmarks:
        return f"no model {label(model)}{Names(models).hint(model)}"
    figures = snapshot.tree.files(str(paths.FIGURES))
    names = [*snapshot.graph.entries, *figures, *all_metrics(), *claim_ids(snapshot), *models]
    close = difflib.get_close_matches(target[:LONGEST], names, n=3)
    if close:
        return f"nothing here is called {label(target)}: did you mean {' or '.join(close)}?"
    expected = "a file, a metric, a claim_id, MODEL:BENCHMARK, a model_id or run:ID"
    return f"nothing here is called {label(target)}: expected {expected}"


def claim_ids(snapshot: Snapshot) -> list[str]:
    """Return the claims of the study."""
    return list(load_study_facts(snapshot.params).claims["claim_id"])


def _has_model(study: str, model: str) -> bool:
    table = study_files(paths.METADATA / study).get("models.csv", b"")
    return file_problem(table) is None and any(model in record.cells for record in records(table))
