"""Tables of the report page on what the gate found and what was left out."""

import pandas as pd

from stages.page.tables import Table, table

SEVERITIES = {"error": "Errors", "warning": "Warnings", "waived": "Waived", "corrected": "Corrected"}
"""Severity of a finding to the heading of its table, in the order shown."""

MOST_ROWS = 300
"""Findings of one severity, and models left out, that are shown."""


def first(rows: pd.DataFrame, files: str) -> tuple[pd.DataFrame, str]:
    """Return the first rows of a table, and a sentence on the others, empty where there are none.

    Args:
        rows: Rows of the table.
        files: Which have all.
    """
    more = len(rows) - MOST_ROWS
    return rows.iloc[:MOST_ROWS], f"The first {MOST_ROWS:,}; {files} {more:,} more." if more > 0 else ""


def finding_tables(findings: pd.DataFrame) -> list[Table]:
    """Return a table for each severity that occurs."""
    tables = []
    for severity, title in SEVERITIES.items():
        rows = findings[findings["severity"] == severity]
        if len(rows):
            shown, more = first(rows, "tables/findings_models.csv and tables/findings_matrix.csv have")
            cells = shown[["check", "model_id", "benchmark", "message"]].astype(str).itertuples(index=False)
            tables.append(table(title, ["Check", "Model", "Benchmark", "Message"], [], cells, more))
    return tables


def left_out_table(left_out: pd.DataFrame) -> Table:
    """Return the models and benchmarks that were left out, and why.

    Args:
        left_out: kind, name, reason.
    """
    shown, more = first(left_out, "tables/left_out.csv has")
    rows = shown[["kind", "name", "reason"]].astype(str).itertuples(index=False, name=None)
    counted = left_out["kind"].value_counts(sort=False)
    told = " and ".join(f"{n} {kind}{'s' * (n != 1)}" for kind, n in counted.items())
    note = f"{told}, in the words of `observatory trace` of a model or a cell. {more}".rstrip()
    return table("Left out", ["Kind", "Name", "Why"], (), rows, note)
