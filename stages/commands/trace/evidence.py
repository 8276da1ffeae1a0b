"""Evidence on a cell, a model or a claim itself: its row, its source, the answers behind it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from stages.analysis.scores.assembly import assemble
from stages.analysis.scores.cells import MEASURED, take_subset
from stages.analysis.scores.incomplete import outside, why_benchmark, why_model
from stages.commands.snapshot import Snapshot
from stages.commands.trace.imported import import_evidence
from stages.commands.trace.records import (
    CellEvidence,
    ClaimEvidence,
    Evaluation,
    Evidence,
    Mention,
    ModelEvidence,
    Row,
)
from stages.contracts.csv.csvfile import records
from stages.contracts.errors import InputError
from stages.contracts.study.facts import Facts
from stages.contracts.study.tables import IMPORTS
from stages.workspace import paths
from stages.workspace.evaluations import read_evaluations
from stages.workspace.files import read_parquet


def fact_row(path: Path, key: Mapping[str, str]) -> Row | None:
    """Return a row of a study's table as it is written; None when there is none.

    Args:
        path: CSV file.
        key: Column to value that name the row.
    """
    if not path.is_file():
        return None
    rows = records(path.read_bytes())
    header = next(rows).cells
    for record in rows:
        cells = dict(zip(header, record.cells, strict=False))
        if all(cells.get(column) == value for column, value in key.items()):
            return Row(str(path), record.line, cells)
    return None


def cell_evidence(
    model: str, benchmark: str, facts: Facts, snapshot: Snapshot, samples: int
) -> tuple[CellEvidence, tuple[str, ...]]:
    """Return where a score comes from, and the files of the pipeline that it stands in.

    Args:
        model: A model of the study.
        benchmark: A benchmark of the study.
        facts: Tables of the study.
        snapshot: Version of the repository.
        samples: Answers to show of an evaluated cell.
    """
    cells = read_parquet(paths.CELLS) if paths.CELLS.is_file() else pd.DataFrame()
    found = cells[(cells["model_id"] == model) & (cells["benchmark"] == benchmark)] if len(cells) else cells
    cell = plain_rows(found)[0] if len(found) else None
    published = "evaluated" if model in snapshot.params.evaluate.models else "published"
    origin = cell["origin"] if cell else published
    evaluated = origin == "evaluated"
    evidence = CellEvidence(
        cell=cell,
        absent="" if cell and cell["score"] is not None else absence(model, benchmark, facts, snapshot),
        licence="" if origin in MEASURED else facts.info.licence,
        measured=_measured(origin, model, benchmark, snapshot, samples),
        mentions=dict(_mentions(model, benchmark, origin, paths.study_folder(snapshot.params.study))),
    )
    standing = [str(paths.MATRIX), str(paths.CELLS)]
    folder = f"{paths.EVALUATIONS}/{model}"
    standing += [folder] if evaluated and snapshot.tree.exists(folder) else []
    return evidence, tuple(path for path in standing if path in snapshot.graph.entries)


def _measured(origin: str, model: str, benchmark: str, snapshot: Snapshot, samples: int) -> Evidence | None:
    """Return what was recorded of a cell that was evaluated here, or imported."""
    if origin == "evaluated":
        return _evaluation(model, benchmark, snapshot, samples)
    study = snapshot.params.study
    key = {"model_id": model, "benchmark": benchmark}
    row = fact_row(paths.study_folder(study) / IMPORTS.file, key) if origin == "imported" else None
    return import_evidence(row, study, samples) if row else None


def absence(model: str, benchmark: str | None, facts: Facts, snapshot: Snapshot) -> str:
    """Return why the analysis lacks a model or the score of one, in the words of the stage `assemble`.

    Args:
        model: A model of the study.
        benchmark: A benchmark of the study; None for all scores of the model.
        facts: Tables of the study.
        snapshot: Version of the repository.
    """
    params = snapshot.params
    if model not in take_subset(facts.models, params.subset).index:
        return outside(params.subset)
    if away := snapshot.absence(str(paths.CELLS)):
        return away
    try:
        evaluated = read_evaluations(params, facts.benchmarks)
    except InputError as error:
        return error.problems[0]
    everything = params.assemble.model_copy(update={"missing": "refuse"})
    _, X, _ = assemble(facts, evaluated, params.model_copy(update={"assemble": everything}))
    reason = _left_out(model, benchmark, X.isna(), params.assemble.missing)
    return reason or f"not in {paths.CELLS}, where it belongs: run `dvc repro`"


def _left_out(model: str, benchmark: str | None, missing: pd.DataFrame, policy: str) -> str:
    """Return which missing scores keep a model or a cell out, empty when none do.

    Args:
        model: A model of the subset.
        benchmark: Benchmark of the cell, None for the model.
        missing: Which cells have no score, bool (n_models, n_benchmarks).
        policy: assemble.missing.
    """
    reason = why_model(model, missing, policy)
    if not reason and benchmark:
        reason = why_benchmark(benchmark, missing, policy)
        lacking = bool(missing.loc[model, benchmark])
        reason = reason or "no score was published or evaluated" * lacking
    return reason


def _mentions(model: str, benchmark: str, origin: str, folder: Path) -> Iterator[tuple[str, Mention]]:
    """Yield each table of the study that speaks of a cell, and what it says."""
    tables = (
        ("scores.csv", (benchmark,), "published"),
        ("corrections.csv", ("published", "corrected", "reason", "source"), "correction"),
        ("waivers.csv", ("check", "reason", "source"), "waiver"),
    )
    for name, columns, what in tables:
        key = {"model_id": model} if name == "scores.csv" else {"model_id": model, "benchmark": benchmark}
        row = fact_row(folder / name, key)
        blank = name == "scores.csv" and origin in MEASURED and row is not None and not row.cells.get(benchmark)
        if row and not blank:
            yield name, Mention(row, what, columns, _applied(name, origin))


def _applied(name: str, origin: str) -> str:
    if name == "corrections.csv" and origin != "corrected":
        return " (not applied)"
    return " (replaced)" if name == "scores.csv" and origin in {"corrected", *MEASURED} else ""


def _evaluation(model: str, benchmark: str, snapshot: Snapshot, samples: int) -> Evaluation:
    """Return what an evaluation recorded of a benchmark."""
    folder = paths.EVALUATIONS / model
    file = str(folder / "samples" / f"{benchmark}.parquet")
    provenance = read_json(folder / "provenance.json")
    here = snapshot.tree.exists(file)
    rows = plain_rows(read_parquet(Path(file)).head(samples)) if here and samples else []
    return Evaluation(
        provenance=None if provenance is None else dict(_of_benchmark(provenance, benchmark)),
        answers=(file, snapshot.tree.md5(file)) if here else None,
        samples=rows,
        absent=[line for path in (str(folder / "provenance.json"), file) if (line := snapshot.absence(path))],
    )


def _of_benchmark(content: Mapping[str, Any], benchmark: str) -> Iterator[tuple[str, Any]]:
    """Yield what concerns one benchmark: of a mapping from benchmarks its item, everything else whole."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            if benchmark in value:
                yield name, value[benchmark]
            else:
                yield name, dict(_of_benchmark(value, benchmark))
        else:
            yield name, value


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON data, missing values as None."""
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return rows


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON file, None when it is missing."""
    if not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def model_evidence(model: str, facts: Facts, snapshot: Snapshot) -> tuple[ModelEvidence, tuple[str, ...]]:
    """Return the record of a model, its budgets and its cells, and the files of the pipeline that it stands in."""
    record = fact_row(paths.study_folder(snapshot.params.study) / "models.csv", {"model_id": model})
    budgets: dict[str, float | None] = {}
    if paths.MODELS.is_file():
        row = read_parquet(paths.MODELS).loc[model]
        names = [str(name) for name in row.index if str(name).startswith("nd_")]
        budgets = {name: None if pd.isna(row[name]) else float(row[name]) for name in names}
    cells: dict[str, dict[str, Any]] = {}
    if paths.CELLS.is_file():
        table = read_parquet(paths.CELLS)
        mine = plain_rows(table.loc[table["model_id"] == model, ["benchmark", "score", "origin"]])
        cells = {row["benchmark"]: {"score": row["score"], "origin": row["origin"]} for row in mine}
    evaluated = model in snapshot.params.evaluate.models
    provenance = read_json(paths.EVALUATIONS / model / "provenance.json") if evaluated else None
    absent = "" if cells else absence(model, None, facts, snapshot)
    standing = (str(paths.CELLS), str(paths.MODELS), f"{paths.EVALUATIONS}/{model}")
    evidence = ModelEvidence(model, record, budgets, cells, absent, provenance or {})
    return evidence, tuple(path for path in standing if path in snapshot.graph.entries)


def claim_evidence(claim_id: str, snapshot: Snapshot) -> ClaimEvidence | None:
    """Return what is claimed and what came out, None when the study claims nothing of this name."""
    claim = fact_row(paths.study_folder(snapshot.params.study) / "claims.csv", {"claim_id": claim_id})
    if claim is None:
        return None
    table = paths.TABLES / "claims.csv"
    return ClaimEvidence(claim, fact_row(table, {"claim_id": claim_id}), snapshot.absence(str(table)))
