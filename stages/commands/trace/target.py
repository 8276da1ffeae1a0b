"""`observatory trace`: from a number, figure, cell, model or run to its evidence, or to what depends on it."""

import difflib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.commands.snapshot import Snapshot, opened
from stages.commands.trace.evidence import Evidence, cell_evidence, claim_row, model_evidence
from stages.contracts.errors import InputError
from stages.contracts.names import Names, label, listed
from stages.lineage.graph import STAGE, Branch, as_json, downstream_tree, render, upstream_tree
from stages.lineage.sources import claim_sources, figure_sources
from stages.tracking import read as tracking_read
from stages.tracking.projection import all_metrics
from stages.tracking.read import Run
from stages.workspace.facts import load_info, load_study_facts
from stages.workspace.paths import FIGURES, METRICS

RUN = "run:"
LONGEST = 200
"""Characters of an unknown target that are compared with the known ones."""
IMAGES = (".png", ".svg")


@dataclass(frozen=True)
class Chain:
    """What a trace found.

    Attributes:
        target: As it was asked for, in full.
        kind: file, figure, metric, claim, cell, model or run.
        evidence: What is known of the target itself.
        paths: Files that it is read from, or that are made of it.
        only: Of what the stage behind the paths read, that which the target shows; None for all.
    """

    target: str
    kind: str
    evidence: Evidence
    paths: tuple[str, ...]
    only: tuple[str, ...] | None = None


def trace(
    target: str, *, down: bool = False, samples: int = 0, rev: str | None = None, machine: bool = False
) -> Iterator[str]:
    """Yield the lines of a trace.

    Args:
        target: Path of a figure, table or other file of the pipeline, dotted name of a metric, claim_id,
            `MODEL:BENCHMARK`, model_id or `run:ID`.
        down: Whether to show what depends on the target instead of what it depends on.
        samples: Answers to show behind an evaluated cell.
        rev: Version of the repository; None for the workspace.
        machine: Whether to yield JSON.

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
        yield from _machine(chain, snapshot, down=down) if machine else _human(chain, snapshot, down=down)


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
        evidence = cell_evidence(model, benchmark, facts, snapshot, samples)
        return Chain(target, "cell", evidence, evidence.paths)
    if target in facts.models.index:
        evidence = model_evidence(target, facts, snapshot)
        return Chain(target, "model", evidence, evidence.paths)
    raise InputError([_unknown(target, snapshot, facts.models.index, facts.benchmarks.index)])


def _as_path(target: str, snapshot: Snapshot) -> str:
    """Return a target relative to the root when it is an absolute path beneath it."""
    path = Path(target)
    return path.relative_to(snapshot.root).as_posix() if path.is_relative_to(snapshot.root) else target.rstrip("/")


def _file_chain(path: str, snapshot: Snapshot) -> Chain | None:
    graph = snapshot.graph
    if path not in graph.entries and not (snapshot.tree.exists(path) and (graph.writer(path) or graph.readers(path))):
        return None
    is_figure = path.endswith(IMAGES)
    only = figure_sources(Path(path).stem) if is_figure else None
    lines = []
    if path not in graph.entries and not snapshot.tree.is_folder(path):
        lines = [f"md5 {snapshot.tree.md5(path)}"]
    return Chain(path, "figure" if is_figure else "file", Evidence(tuple(lines)), (path,), only)


def _metric_chain(name: str, snapshot: Snapshot) -> Chain | None:
    file = f"{METRICS}/{name.partition('.')[0]}.json"
    if not snapshot.tree.exists(file):
        return None
    value = all_metrics().get(name)
    return None if value is None else Chain(name, "metric", Evidence((f"value {value:.12g}",)), (file,))


def _claim_chain(claim_id: str, snapshot: Snapshot) -> Chain | None:
    row = claim_row(claim_id, snapshot)
    if row is None:
        return None
    sources = [
        path for path in claim_sources(claim_id) if path in snapshot.graph.entries or snapshot.tree.exists(path)
    ]
    return Chain(claim_id, "claim", row, tuple(sources))


def _run_chain(beginning: str, snapshot: Snapshot) -> Chain:
    found = tracking_read.of_id(beginning, snapshot.root)
    if not found:
        known = [run.run_id for run in tracking_read.runs(snapshot.root)]
        raise InputError([f"no MLflow run {label(beginning)}: {f'known: {listed(known)}' if known else 'none here'}"])
    if len(found) > 1:
        raise InputError([f"{label(beginning)} begins {len(found)} runs: {listed([run.run_id for run in found])}"])
    run = found[0]
    lines = [*run_lines(run), *(f"metric {key} {values[0]:.12g}" for key, values in sorted(run.metrics.items()))]
    here = run.state == snapshot.digest
    if here:
        lines.append(f"its state is that of {snapshot.revision.name}")
    else:
        name = run.tags.get("dvc.experiment") or run.tags.get("mlflow.source.git.commit", "")[:12]
        lines.append(
            f"its state is not that of {snapshot.revision.name}: `observatory trace --rev {name} {RUN}{run.run_id}`"
        )
    paths = tuple(path for path in run.inputs if path in snapshot.graph.entries) if here else ()
    return Chain(f"{RUN}{run.run_id}", "run", Evidence(tuple(lines), {"run": run_record(run)}), paths)


def run_lines(run: Run) -> list[str]:
    """Return what a run says of where it comes from, a line each."""
    tags = run.tags
    dirty = " with uncommitted changes" if tags.get("observatory.dirty") == "true" else ""
    experiment = tags.get("dvc.experiment")
    return [
        f"MLflow run {run.run_id} ({run.experiment}: {run.name}), {run.status}{', deleted' if run.deleted else ''}",
        f"state {run.state}",
        f"git commit {tags.get('mlflow.source.git.commit', 'none')}{dirty}",
        *([f"DVC experiment {experiment}, baseline {tags.get('dvc.baseline')}"] if experiment else []),
        f"params: {', '.join(f'{name}={value}' for name, value in sorted(run.params.items()))}",
        f"inputs: {', '.join(f'{name} {digest}' for name, digest in sorted(run.inputs.items()))}",
    ]


def run_record(run: Run) -> dict[str, Any]:
    """Return a run for machines."""
    return {
        "id": run.run_id,
        "experiment": run.experiment,
        "name": run.name,
        "status": run.status,
        "state": run.state,
        "tags": dict(run.tags),
        "params": dict(run.params),
        "metrics": {key: values[0] for key, values in run.metrics.items()},
        "inputs": dict(run.inputs),
    }


def _unknown(target: str, snapshot: Snapshot, models: Sequence[str], benchmarks: Sequence[str]) -> str:
    """Return what a target could have been."""
    model, colon, benchmark = target.rpartition(":")
    if colon and model in models:
        return f"no benchmark {label(benchmark)}{Names(benchmarks).hint(benchmark)}; known: {listed(list(benchmarks))}"
    if colon and benchmark in benchmarks:
        return f"no model {label(model)}{Names(models).hint(model)}"
    figures = snapshot.tree.files(str(FIGURES))
    names = [*snapshot.graph.entries, *figures, *all_metrics(), *claim_ids(snapshot), *models]
    close = difflib.get_close_matches(target[:LONGEST], names, n=3)
    if close:
        return f"nothing here is called {label(target)}: did you mean {' or '.join(close)}?"
    expected = "a file, a metric, a claim_id, MODEL:BENCHMARK, a model_id or run:ID"
    return f"nothing here is called {label(target)}: expected {expected}"


def claim_ids(snapshot: Snapshot) -> list[str]:
    """Return the claims of the study."""
    return list(load_study_facts(snapshot.params).claims["claim_id"])


def _state_branch(snapshot: Snapshot) -> Branch:
    revision = snapshot.revision
    info = load_info(snapshot.params.study)
    lines = [
        f"study {snapshot.params.study}, subset {snapshot.params.subset}: {info.citation}",
        f"licence: {info.licence}",
        f"git commit {revision.commit or 'none'}",
    ]
    if revision.dirty:
        lines.append(f"uncommitted: {listed(list(revision.dirty))}")
    if revision.experiment:
        lines.append(f"DVC experiment {revision.experiment}")
    runs = snapshot.runs()
    lines += [
        f"MLflow run {run.run_id} ({run.experiment}: {run.name}), {run.status}; `observatory trace {RUN}{run.run_id}`"
        for run in runs
    ]
    if not runs:
        lines.append("no MLflow run of it here: `observatory track --rebuild` logs it")
    return Branch(f"state {snapshot.digest} ({revision.name})", tuple(lines))


def _human(chain: Chain, snapshot: Snapshot, *, down: bool) -> Iterator[str]:
    graph = snapshot.graph
    branches = downstream_tree(graph, chain.paths) if down else upstream_tree(graph, chain.paths, chain.only)
    yield from render(Branch(f"{chain.kind} {chain.target}", chain.evidence.lines, branches))
    yield from render(_state_branch(snapshot))


def _machine(chain: Chain, snapshot: Snapshot, *, down: bool) -> Iterator[str]:
    graph = snapshot.graph
    if down:
        nodes = list(graph.downstream(chain.paths))
    elif chain.only:
        writers = [f"{STAGE}{writer}" for path in chain.paths if (writer := graph.writer(path))]
        nodes = [*chain.paths, *writers, *graph.upstream(chain.only)]
    else:
        nodes = list(graph.upstream(chain.paths))
    revision = snapshot.revision
    content = {
        "target": chain.target,
        "kind": chain.kind,
        "direction": "down" if down else "up",
        "evidence": {"lines": list(chain.evidence.lines), **chain.evidence.content},
        "paths": list(chain.paths),
        **as_json(graph, nodes),
        "state": {
            "digest": snapshot.digest,
            "revision": revision.name,
            "commit": revision.commit,
            "dirty": list(revision.dirty),
            "experiment": revision.experiment,
            "runs": [run.run_id for run in snapshot.runs()],
        },
    }
    yield json.dumps(content, indent=2, ensure_ascii=False)
