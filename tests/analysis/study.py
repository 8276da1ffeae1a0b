"""A small honest study for tests of the gate: every check passes."""

import pandas as pd

from stages.analysis.scores.cells import finish, mark_waived, published_cells
from stages.contracts.params import Params, parse_params
from stages.contracts.study.tables import CORRECTIONS
from stages.gate.matrix import Study
from tests.analysis.matrices import planted
from tests.repository import ROOT

WAIVER_COLUMNS = ["model_id", "benchmark", "check", "reason", "source"]


def params(**changes: object) -> Params:
    """The shipped params.yaml with sections changed."""
    shipped = parse_params((ROOT / "params.yaml").read_text(encoding="utf-8"))
    return shipped.model_copy(update=changes)


def benchmarks(names: list[str], **changes: object) -> pd.DataFrame:
    """benchmarks.csv for names; keyword arguments replace whole columns."""
    columns = {
        "label": names,
        "language": "en",
        "ability": "any",
        "counterpart": "",
        "metric": "accuracy",
        "max_score": 1.0,
        "min_score": float("nan"),
        "chance": 0.0,
        "n_items": 100,
        "n_shots": 4,
        "answer": "generation",
        "reference": "",
        "higher_is_better": "",
        "honest_zeros": False,
    }
    frame = pd.DataFrame(columns | changes, index=pd.Index(names, name="benchmark"))
    return frame.astype({"n_items": "Int64", "n_shots": "Int64"})


def scores(n_models: int = 12, n_benchmarks: int = 5, seed: int = 0) -> pd.DataFrame:
    return planted(n_models, n_benchmarks, seed).rename_axis("model_id")


def cells_of(table: pd.DataFrame, facts: pd.DataFrame, waivers: pd.DataFrame | None = None) -> pd.DataFrame:
    cells = published_cells(table, facts, "a paper")
    if waivers is not None:
        cells = mark_waived(cells, waivers)
    return finish(cells, list(table.index), list(facts.index))


def waiver(model_id: str, benchmark: str, check: str = "zero") -> pd.DataFrame:
    return pd.DataFrame([(model_id, benchmark, check, "known", "a test")], columns=WAIVER_COLUMNS)


NO_WAIVERS = pd.DataFrame(columns=WAIVER_COLUMNS)


def study_of(
    table: pd.DataFrame,
    facts: pd.DataFrame,
    waivers: pd.DataFrame = NO_WAIVERS,
    corrections: pd.DataFrame | None = None,
    **models: object,
) -> Study:
    """The tables of a study as the gate takes them; keyword arguments are columns of models.csv."""
    known = pd.DataFrame({"construction": "scratch", "group": "any"} | models, index=table.index)
    none = pd.DataFrame(columns=CORRECTIONS.names)
    return Study(known, facts, table, none if corrections is None else corrections, waivers)
