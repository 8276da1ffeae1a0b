"""What is known of a target itself: one record, from which both its lines and its JSON are made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from stages.contracts.outcomes import RATES
from stages.lineage.pipeline import flatten
from stages.tracking.read import Run

RUN = "run:"
KNOWN = {"n_items": "items", "stderr": "standard error", **RATES}
"""Columns of a cell on its precision and outcomes, with their words."""
SHOWN = 160
"""Characters of a prompt or an answer that a line shows; `--json` has all of it."""


def short(value: object) -> str:
    """Return a value as a line shows it."""
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


class Evidence(Protocol):
    """What is known of a target itself."""

    def text(self) -> Iterator[str]:
        """Yield it line by line."""

    def content(self) -> Mapping[str, Any]:
        """Return it for programs."""


@dataclass(frozen=True)
class Row:
    """A row of a CSV file.

    Attributes:
        file: Path of the file.
        line: Where the row starts.
        cells: Column to cell, as written.
    """

    file: str
    line: int
    cells: Mapping[str, str]

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.file} line {self.line}"

    def content(self) -> dict[str, Any]:
        """Return line and cells."""
        return {"line": self.line, **self.cells}


@dataclass(frozen=True)
class FileEvidence:
    """A file or figure.

    Attributes:
        md5: MD5 of its content; empty for a path of dvc.lock, whose md5 the graph has.
        absent: That it is missing here and how to get it; empty when it is here.
    """

    md5: str = ""
    absent: str = ""

    def text(self) -> Iterator[str]:
        """Yield what is known."""
        yield from filter(None, (f"md5 {self.md5}" if self.md5 else "", self.absent))

    def content(self) -> Mapping[str, Any]:
        """Return what is known."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class MetricEvidence:
    """A number of reports/metrics/.

    Attributes:
        value: The number.
    """

    value: float

    def text(self) -> Iterator[str]:
        """Yield the value."""
        yield f"value {self.value:.12g}"

    def content(self) -> Mapping[str, Any]:
        """Return the value."""
        return {"value": self.value}


@dataclass(frozen=True)
class ClaimEvidence:
    """A published number.

    Attributes:
        claim: Row of claims.csv of the study.
        result: Row of the table of claims, with what came out here.
        absent: Why there is no result; empty when there is one.
    """

    claim: Row
    result: Row | None
    absent: str = ""

    def text(self) -> Iterator[str]:
        """Yield what is claimed and what came out."""
        cells = self.claim.cells
        yield f"{cells['location']}: {cells['quantity']}, subset {cells['subset']}"
        yield f"published {cells['published']}, tolerance {cells['tolerance']}; {self.claim.place}"
        if self.result:
            found = self.result.cells
            yield f"{found['status']}: here {found['reproduced'] or 'none'}; {self.result.place}"
            yield from filter(None, (found["note"] and f"note: {found['note']}",))
        elif self.absent:
            yield self.absent

    def content(self) -> Mapping[str, Any]:
        """Return both rows."""
        known = {"claim": self.claim.content()}
        if self.result:
            known["result"] = self.result.content()
        return known | ({"absent": self.absent} if self.absent else {})


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation recorded of one benchmark.

    Attributes:
        provenance: Provenance of model, data, code and machine; None when it is not here.
        answers: Path of the file of answers and its md5; None when it is not here.
        samples: Some of its rows.
        absent: What is missing here and how to get it, one line each.
    """

    provenance: Mapping[str, Any] | None
    answers: tuple[str, str] | None
    samples: Sequence[Mapping[str, Any]] = ()
    absent: Sequence[str] = ()

    def text(self) -> Iterator[str]:
        """Yield provenance, then the answers."""
        yield from (f"{name}: {short(value)}" for name, value in flatten("", self.provenance or {}))
        if self.answers:
            yield f"answers: {self.answers[0]}  md5 {self.answers[1]}"
        yield from self.absent
        for row in self.samples:
            for i, (name, value) in enumerate(row.items()):
                yield f"{'  ' if i else '- '}{name}: {short(value)}"

    def content(self) -> Mapping[str, Any]:
        """Return what is here."""
        known: dict[str, Any] = {}
        if self.provenance is not None:
            known["provenance"] = self.provenance
        if self.answers:
            known["answers"] = dict(zip(("file", "md5"), self.answers, strict=True))
        return known | ({"samples": self.samples} if self.samples else {})


@dataclass(frozen=True)
class Mention:
    """A row of a table of the study that speaks of a cell.

    Attributes:
        row: The row.
        what: What the table holds.
        columns: Columns to show.
        remark: What became of it, empty when it stands.
    """

    row: Row
    what: str
    columns: Sequence[str]
    remark: str = ""

    def text(self) -> str:
        """Return it as a line."""
        told = "; ".join(f"{column} {self.row.cells[column]}" for column in self.columns)
        return f"{self.what}: {self.row.place}: {told}{self.remark}"


@dataclass(frozen=True)
class CellEvidence:
    """A score.

    Attributes:
        cell: Row of the table of cells; None when the cell is not there.
        absent: Why it is not there, or has no score.
        licence: Licence of published scores; empty for others.
        measured: What was recorded of an evaluated or imported one.
        mentions: File name to what a table of the study says of it.
    """

    cell: Mapping[str, Any] | None
    absent: str
    licence: str
    measured: Evidence | None
    mentions: Mapping[str, Mention]

    def text(self) -> Iterator[str]:
        """Yield the score, where it is from, and what the study says of it."""
        yield from filter(None, (self.absent,))
        if self.cell is not None:
            score = "no score" if self.cell["score"] is None else f"score {self.cell['score']:.12g}"
            yield f"{score}, {self.cell['origin']}; {self.cell['protocol']}"
            known = {label: self.cell.get(name) for name, label in KNOWN.items()}
            told = ", ".join(f"{label} {value:.6g}" for label, value in known.items() if value is not None)
            yield from filter(None, (told,))
            yield f"source: {self.cell['source']}"
        if self.measured:
            yield from self.measured.text()
        if self.licence:
            yield f"licence: {self.licence}"
        yield from (mention.text() for mention in self.mentions.values())

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        known: dict[str, Any] = {"absent": self.absent} if self.absent else {}
        if self.cell is not None:
            known["cell"] = self.cell
        if self.measured:
            known |= self.measured.content()
        for name, mention in self.mentions.items():
            cells = {column: mention.row.cells[column] for column in mention.columns}
            known[name] = {"line": mention.row.line, **cells}
        return known


@dataclass(frozen=True)
class ModelEvidence:
    """A model.

    Attributes:
        model_id: Its name.
        record: Row of models.csv.
        budgets: Name to parameters times tokens, None where unknown.
        cells: Benchmark to score and origin.
        absent: Why there are no cells; empty when there are.
        provenance: Provenance of its evaluation, empty when it has none here.
    """

    model_id: str
    record: Row | None
    budgets: Mapping[str, float | None]
    cells: Mapping[str, Mapping[str, Any]]
    absent: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> Iterator[str]:
        """Yield record, budgets and cells."""
        if self.record:
            cells = self.record.cells.items()
            told = ", ".join(f"{name} {value}" for name, value in cells if value and name != "model_id")
            yield f"{self.record.place}: {told}"
        if self.budgets:
            known = [f"{name} {value:.6g}" for name, value in self.budgets.items() if value is not None]
            yield f"budgets (parameters x tokens): {', '.join(known) or 'unknown'}"
        for benchmark, cell in self.cells.items():
            score = "no score" if cell["score"] is None else f"{cell['score']:.6g}"
            yield f"{self.model_id}:{benchmark} {score} {cell['origin']}"
        yield from filter(None, (self.absent,))

    def content(self) -> Mapping[str, Any]:
        """Return the same, and the provenance of its evaluation."""
        known: dict[str, Any] = {"record": self.record.content()} if self.record else {}
        known |= {"budgets": self.budgets, "cells": self.cells}
        known |= {name: value for name in ("absent", "provenance") if (value := getattr(self, name))}
        return known


@dataclass(frozen=True)
class RunEvidence:
    """An MLflow run.

    Attributes:
        run: The run.
        revision: Version of the repository that was asked about.
        here: Whether the state of the run is that of this version.
    """

    run: Run
    revision: str
    here: bool

    def text(self) -> Iterator[str]:
        """Yield where the run comes from, its numbers, and whether its state is here."""
        run, tags = self.run, self.run.tags
        deleted = ", deleted" if run.deleted else ""
        yield f"MLflow run {run.run_id} ({run.experiment}: {run.name}), {run.status}{deleted}"
        yield f"state {run.state}"
        dirty = " with uncommitted changes" if tags.get("observatory.dirty") == "true" else ""
        commit, experiment = tags.get("mlflow.source.git.commit", ""), tags.get("dvc.experiment")
        yield f"git commit {commit or 'none'}{dirty}"
        if experiment:
            yield f"DVC experiment {experiment}, baseline {tags.get('dvc.baseline')}"
        yield f"params: {', '.join(f'{name}={value}' for name, value in sorted(run.params.items()))}"
        yield f"inputs: {', '.join(f'{name} {digest}' for name, digest in sorted(run.inputs.items()))}"
        yield from (f"metric {key} {values[0]:.12g}" for key, values in sorted(run.metrics.items()))
        if self.here:
            yield f"its state is that of {self.revision}"
        else:
            there = f"`observatory trace --rev {experiment or commit[:12]} {RUN}{run.run_id}`"
            yield f"its state is not that of {self.revision}: {there}"

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        run = self.run
        about = {
            "id": run.run_id,
            "experiment": run.experiment,
            "name": run.name,
            "status": run.status,
            "state": run.state,
            "tags": run.tags,
            "params": run.params,
            "metrics": {key: values[0] for key, values in run.metrics.items()},
            "inputs": run.inputs,
        }
        return {"run": about, "state_is_here": self.here}
