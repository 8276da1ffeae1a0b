"""What is known of a cell, a model or a claim itself: the row it stands in, its source, the answers behind it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from stages.commands.snapshot import Snapshot
from stages.contracts.csv.csvfile import records
from stages.contracts.outcomes import RATES
from stages.contracts.study.facts import Facts
from stages.lineage.pipeline import flatten
from stages.workspace.files import read_parquet
from stages.workspace.paths import CELLS, EVALUATIONS, MATRIX, MODELS, TABLES, study_folder

SHOWN = 160
"""Characters of a prompt or an answer that a line shows; `--json` has all of it."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a target itself.

    Attributes:
        lines: To print.
        content: The same for machines.
        paths: Files of the pipeline that it stands in.
    """

    lines: tuple[str, ...]
    content: Mapping[str, Any] = field(default_factory=dict)
    paths: tuple[str, ...] = ()


def fact_row(path: Path, key: Mapping[str, str]) -> tuple[int, dict[str, str]] | None:
    """Return the line and the cells, as they are written, of a row of a study's table; None when there is none.

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
            return record.line, cells
    return None


def cell_evidence(model: str, benchmark: str, facts: Facts, snapshot: Snapshot, samples: int) -> Evidence:
    """Return where a score comes from.

    Args:
        model: A model of the study.
        benchmark: A benchmark of the study.
        facts: Tables of the study.
        snapshot: Version of the repository.
        samples: Answers to show of an evaluated cell.
    """
    folder = study_folder(snapshot.params.study)
    key = {"model_id": model, "benchmark": benchmark}
    cells = read_parquet(CELLS) if CELLS.is_file() else pd.DataFrame()
    found = cells[(cells["model_id"] == model) & (cells["benchmark"] == benchmark)] if len(cells) else cells
    lines: list[str] = []
    content: dict[str, Any] = {}
    paths = [str(MATRIX), str(CELLS)]
    if found.empty:
        lines.append(f"not in {CELLS}: outside of the subset {snapshot.params.subset}, or not computed yet")
        origin = "evaluated" if model in snapshot.params.evaluate.models else "published"
    else:
        row = found.iloc[0]
        origin = str(row["origin"])
        content["cell"] = plain_rows(found)[0]
        lines.append(f"score {row['score']:.12g}, {origin}; {row['protocol']}")
        lines += _outcomes(row)
        lines.append(f"source: {row['source']}")
    if origin == "evaluated":
        more, evaluation = _evaluation(model, benchmark, snapshot, samples)
        lines += more
        content |= evaluation
        paths = [path for path in (*paths, f"{EVALUATIONS}/{model}") if snapshot.tree.exists(path)]
    else:
        lines.append(f"licence: {facts.info.licence}")
    for name, columns, what in _tables(benchmark):
        row_key = {"model_id": model} if name == "scores.csv" else key
        row_found = fact_row(folder / name, row_key)
        if row_found:
            line, fields = row_found
            content[name] = {"line": line, **{column: fields[column] for column in columns}}
            told = "; ".join(f"{column} {fields[column]}" for column in columns)
            applied = _applied(name, origin)
            lines.append(f"{what}: {folder / name} line {line}: {told}{applied}")
    return Evidence(tuple(lines), content, tuple(path for path in paths if path in snapshot.graph.entries))


def _tables(benchmark: str) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    """Return the tables that can speak of a cell: file, columns to tell, what they are."""
    return (
        ("scores.csv", (benchmark,), "published"),
        ("corrections.csv", ("published", "corrected", "reason", "source"), "correction"),
        ("waivers.csv", ("check", "reason", "source"), "waiver"),
    )


def _applied(name: str, origin: str) -> str:
    if name == "corrections.csv" and origin != "corrected":
        return " (not applied)"
    return " (replaced)" if name == "scores.csv" and origin in {"corrected", "evaluated"} else ""


def _outcomes(row: pd.Series) -> Iterator[str]:
    """Yield a line on the precision and the outcomes of a cell, of what is known."""
    names = {"n_items": "items", "stderr": "standard error", **RATES}
    known = [f"{label} {row[name]:.6g}" for name, label in names.items() if pd.notna(row[name])]
    if known:
        yield ", ".join(known)


def _evaluation(model: str, benchmark: str, snapshot: Snapshot, samples: int) -> tuple[list[str], dict[str, Any]]:
    """Return what an evaluation recorded, lines and content."""
    folder = EVALUATIONS / model
    lines: list[str] = []
    content: dict[str, Any] = {}
    provenance = read_json(folder / "provenance.json")
    if provenance is None:
        lines.append(f"{folder / 'provenance.json'} is missing here: `dvc pull`")
    else:
        chosen = dict(_of_benchmark(provenance, benchmark))
        content["provenance"] = chosen
        lines += [f"{name}: {_short(value)}" for name, value in flatten("", chosen)]
    file = folder / "samples" / f"{benchmark}.parquet"
    if not file.is_file():
        lines.append(f"{file} is missing here: `dvc pull`")
        return lines, content
    lines.append(f"answers: {file}  md5 {snapshot.tree.md5(str(file))}")
    if samples:
        table = read_parquet(file).head(samples)
        rows = plain_rows(table)
        content["samples"] = rows
        for row in rows:
            lines += [f"{'- ' if i == 0 else '  '}{name}: {_short(v)}" for i, (name, v) in enumerate(row.items())]
    return lines, content


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


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON has them, missing values as None."""
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return rows


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON file, None when it is missing."""
    if not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def model_evidence(model: str, facts: Facts, snapshot: Snapshot) -> Evidence:
    """Return the record of a model, its budgets and its cells."""
    folder = study_folder(snapshot.params.study)
    lines: list[str] = []
    content: dict[str, Any] = {}
    found = fact_row(folder / "models.csv", {"model_id": model})
    if found:
        line, fields = found
        content["record"] = {"line": line, **fields}
        told = ", ".join(f"{name} {value}" for name, value in fields.items() if value and name != "model_id")
        lines.append(f"{folder / 'models.csv'} line {line}: {told}")
    if MODELS.is_file():
        row = read_parquet(MODELS).loc[model]
        budgets = {str(name): float(row[name]) for name in row.index if str(name).startswith("nd_")}
        content["budgets"] = {name: None if pd.isna(value) else value for name, value in budgets.items()}
        known = [f"{name} {value:.6g}" for name, value in budgets.items() if pd.notna(value)]
        lines.append(f"budgets (parameters x tokens): {', '.join(known) or 'unknown'}")
    if CELLS.is_file():
        cells = read_parquet(CELLS)
        mine = cells[cells["model_id"] == model]
        content["cells"] = {row.benchmark: {"score": row.score, "origin": row.origin} for row in mine.itertuples()}
        lines += [f"{model}:{row.benchmark} {row.score:.6g} {row.origin}" for row in mine.itertuples()]
        if mine.empty:
            lines.append(f"not in the subset {snapshot.params.subset}")
    if model in snapshot.params.evaluate.models:
        provenance = read_json(EVALUATIONS / model / "provenance.json")
        if provenance:
            content["provenance"] = provenance
    candidates: Sequence[str] = (str(CELLS), str(MODELS), f"{EVALUATIONS}/{model}")
    return Evidence(tuple(lines), content, tuple(path for path in candidates if path in snapshot.graph.entries))


def claim_row(claim_id: str, snapshot: Snapshot) -> Evidence | None:
    """Return what is claimed and what came out, None when the study claims nothing of this name."""
    folder = study_folder(snapshot.params.study)
    found = fact_row(folder / "claims.csv", {"claim_id": claim_id})
    if found is None:
        return None
    line, fields = found
    lines = [
        f"{fields['location']}: {fields['quantity']}, subset {fields['subset']}",
        f"published {fields['published']}, tolerance {fields['tolerance']}; {folder / 'claims.csv'} line {line}",
    ]
    content: dict[str, Any] = {"claim": {"line": line, **fields}}
    table = TABLES / "claims.csv"
    ours = fact_row(table, {"claim_id": claim_id})
    if ours is not None:
        number, result = ours
        content["result"] = {"line": number, **result}
        lines.append(f"{result['status']}: here {result['reproduced'] or 'none'}; {table} line {number}")
        lines += [f"note: {result['note']}"] if result["note"] else []
    return Evidence(tuple(lines), content)
