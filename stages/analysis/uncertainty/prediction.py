"""How wrong predictions are for families never seen, and the study with other predictors than budgets."""

from dataclasses import replace

import pandas as pd

from stages.analysis.decisions.coverage import coverage
from stages.analysis.scaling.forecasting import can_predict, left_out_errors, with_line
from stages.analysis.uncertainty.tables import Study
from stages.contracts.rows import texts


def frame(study: Study) -> pd.DataFrame:
    """Return the scores of a study (n_models, n_benchmarks)."""
    return pd.DataFrame(study.data.X, list(study.models), list(study.benchmarks))


def beside(study: Study, stand_ins: pd.DataFrame) -> Study:
    """Return the study with what laws rest on besides budgets in place of the budgets."""
    logs = stand_ins.to_numpy(dtype=float)
    data = replace(study.data, logs=logs, log_low=logs, log_high=logs)
    return replace(study, data=data, budgets=texts(stand_ins))


def prediction_table(
    study: Study, stand_ins: pd.DataFrame, min_models: int, level: float
) -> tuple[pd.DataFrame, list[str]]:
    """Return the leave-one-family-out errors of predictions from budgets and how often their intervals hold the value.

    Where budgets allow no prediction, it is one from what stands in for them.

    Returns:
        See `forecasting.Errors.table`, then coverage (see `coverage.coverage`) and what it predicts `from`; and why
        there is no prediction from budgets, or none at all.
    """
    ways = {"budgets": (study.data.logs, study.budgets)}
    if stand_ins.shape[1]:
        ways["stand-ins"] = with_line(stand_ins)
    skipped = []
    X, reference, codes = frame(study), study.reference, study.codes
    for name, (logs, named) in ways.items():
        why = can_predict(logs, codes, named, min_models)
        if why:
            skipped.append(
                why if name == "budgets" else why.replace("from budgets", "from what stands in for budgets")
            )
            continue
        errors = left_out_errors(X, reference, logs, codes, unit_variance=study.unit_variance)
        covered = coverage(X, reference, logs, codes, level, unit_variance=study.unit_variance)
        table = errors.table()
        table["coverage"] = covered.reindex(table["response"]).to_numpy()
        return table.assign(predictors=" ".join(named[:-1])), skipped
    return pd.DataFrame(columns=["response"]), skipped
