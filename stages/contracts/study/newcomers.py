"""Scores of models that are not part of the study: the two layouts in which they may come."""

from collections.abc import Sequence

from stages.contracts.csv.csvfile import file_problem, records
from stages.contracts.csv.schema import Column, Table


def wide_table(file: str, benchmarks: Sequence[str]) -> Table:
    """Return the contract of a table with one row per model and one column per benchmark, any of them optional."""
    cells = [Column(name, "number", blank=True, required=False) for name in benchmarks]
    return Table(file=file, columns=(Column("model_id"), *cells), key=("model_id",), wide=True)


def long_table(file: str) -> Table:
    """Return the contract of a table with one row per score, which can say under which protocol it was measured."""
    return Table(
        file=file,
        columns=(
            Column("model_id"),
            Column("benchmark"),
            Column("score", "number"),
            Column("protocol", blank=True, required=False),
            Column("n_items", "integer", blank=True, required=False, low=1),
        ),
        key=("model_id", "benchmark"),
    )


def is_long(data: bytes) -> bool:
    """Return whether a file has the columns of a long table; what is not CSV has none."""
    if file_problem(data):
        return False
    header = next((record for record in records(data) if not record.problem), None)
    return header is not None and {"benchmark", "score"} <= set(header.cells)
