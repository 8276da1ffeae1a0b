"""The score matrix of a study: published, corrected and evaluated cells put together."""

import pandas as pd

from stages.analysis.scores import cells
from stages.analysis.scores.incomplete import leave_out, left_out
from stages.contracts.params import Params
from stages.contracts.study.facts import Facts


def assemble(facts: Facts, evaluated: pd.DataFrame, params: Params) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the cells and the matrix of the subset, and what is left out with reasons (see `incomplete.left_out`).

    Args:
        facts: Tables of the study.
        evaluated: Cells from our own evaluations; they replace imported ones, as those replace published ones.
        params: study, subset and the section `assemble`.
    """
    table = cells.published_cells(facts.scores, facts.benchmarks, facts.info.citation)
    if params.assemble.corrections:
        table = cells.correct(table, facts.corrections, facts.benchmarks)
    table = cells.replace_cells(cells.replace_cells(table, cells.imported_cells(facts.imports)), evaluated)
    models = list(cells.take_subset(facts.models, params.subset).index)
    benchmarks = list(facts.benchmarks.index)
    table = cells.finish(cells.mark_waived(table, facts.waivers), models, benchmarks)
    scores, policy = cells.to_matrix(table, "score", models, benchmarks), params.assemble.missing
    matrix = leave_out(scores, policy)
    kept = table["model_id"].isin(matrix.index) & table["benchmark"].isin(matrix.columns)
    lost = left_out(list(facts.models.index), scores, params.subset, policy)
    return table[kept].reset_index(drop=True), matrix, lost
