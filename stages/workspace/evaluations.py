"""The results of the evaluations of all models, read together."""

import json

import pandas as pd

from stages.analysis.scores.cells import CELL_COLUMNS, evaluated_cells, missing_evaluations
from stages.contracts.errors import raise_all
from stages.contracts.params import Params
from stages.workspace import paths


def read_evaluations(params: Params, benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of all models that params.yaml lists as evaluated.

    Raises:
        InputError: A model is not or only partly evaluated; what is missing is listed.
    """
    frames, problems = [], []
    for model_id in params.evaluate.models:
        path = paths.EVALUATIONS / model_id / "scores.json"
        scores = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        missing = missing_evaluations(scores, benchmarks)
        if missing:
            problems.append(f"{path}: {model_id} is not evaluated on {', '.join(missing)}: run `dvc repro evaluate`")
        else:
            frames.append(evaluated_cells(model_id, scores, benchmarks))
    raise_all(problems)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=CELL_COLUMNS)
