"""The tables of a state that a paper needs: numbers for programs, text for LaTeX."""

import pandas as pd

from stages.analysis.scores.results import Results
from stages.page.claims import claim_rows
from stages.page.tables import (
    Table,
    Tables,
    law_table,
    loading_table,
    model_table,
    numbered,
    pair_table,
    precision_table,
    score_table,
    sizes,
    table,
    variance_table,
)


def frames(results: Results, claims: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables as numbers, by name, without an index; names stand as they do in the study.

    Args:
        results: Results of the state.
        claims: Published numbers with ours, as in reports/tables/claims.csv.
    """
    names = results.models["name"]
    benchmarks = results.benchmarks.loc[results.X.columns]
    labelled = {"label": benchmarks["label"]}
    return {
        "scores": pd.concat([names[results.X.index], results.X], axis=1).rename_axis("model_id").reset_index(),
        "cells": results.cells,
        "models": results.models.rename_axis("model_id").reset_index(),
        "benchmarks": benchmarks.rename_axis("benchmark").reset_index(),
        "loadings": results.loadings.assign(**labelled).rename_axis("benchmark").reset_index(),
        "variance": results.explained_variance_ratio.rename_axis("component").reset_index(name="share"),
        "factors": results.factor_loadings.assign(**labelled).rename_axis("benchmark").reset_index(),
        "laws": results.laws,
        "claims": claims,
    }


def pages(results: Results, beyond: Tables, level: float, claims: pd.DataFrame) -> dict[str, Table]:
    """Return the tables as text, by name, as the report shows them; those without rows are left out.

    Args:
        results: Results of the state.
        beyond: Tables of the stages stability and robustness.
        level: Coverage of their intervals.
        claims: As for `frames`.
    """
    found = {
        "scores": score_table(results),
        "models": model_table(results, pd.DataFrame(columns=["model_id", "benchmark", "message"], dtype="str")),
        "loadings": loading_table(results, beyond, level),
        "variance": variance_table(results, beyond, level),
        "factors": _factors(results),
        "laws": law_table(results, beyond, level),
        "pairs": pair_table(results, beyond, level),
        "precision": precision_table(results),
        "claims": _claims(claims),
    }
    return {name: one for name, one in found.items() if one.rows}


def _factors(results: Results) -> Table:
    loadings = results.factor_loadings
    rows = numbered(results.benchmarks["label"][loadings.index], loadings)
    note = f"Loadings after promax rotation; {sizes(results)}."
    return table("Factor loadings", ["Benchmark", *map(str, loadings.columns)], map(str, loadings.columns), rows, note)


def _claims(claims: pd.DataFrame) -> Table:
    columns = ["Claim", "Where", "Number", "Published", "Reproduced", "Difference", "Status"]
    rows = [
        (one.claim_id, one.location, one.quantity, one.published, one.reproduced, one.difference, one.status)
        for one in claim_rows(claims)
    ]
    return table("Published vs. reproduced", columns, columns[3:6], rows, "")
