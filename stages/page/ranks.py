"""The table of ranks on the report page."""

from dataclasses import replace

import pandas as pd

from stages.analysis.scores.results import Results
from stages.contracts.rows import texts
from stages.figures.words import span
from stages.page.tables import MISSING, Table, Tables, first_rows, table

COLUMNS = ["measure", "model_id", "rank", "low", "high", "models"]


def rank_table(results: Results, beyond: Tables, level: float) -> Table:
    """Return the rank of each model on the first component and the benchmarks, with where it falls measured again."""
    found = beyond.get("stability_ranks", pd.DataFrame(columns=COLUMNS))
    measures = texts(dict.fromkeys(found["measure"]))
    labels = results.benchmarks["label"]
    columns = ["Model", *(str(labels.get(name, name)) for name in measures)]
    models, more = first_rows(results.models.loc[results.X.index, ["name"]], len(columns))
    shown = found[found["model_id"].isin(models.index)]
    cells = {
        (model, measure): f"{rank} ({low} to {high})" if high > low else str(rank)
        for model, measure, rank, low, high in zip(
            *(shown[name] for name in ("model_id", "measure", "rank", "low", "high")), strict=True
        )
    }
    rows = [
        (str(name), *(cells.get((model, measure), MISSING) for measure in measures))
        for model, name in models["name"].items()
    ]
    of = span(found["models"], "model") if measures else "no models"
    note = (
        f"Of {of} with a score. 1 is best; in brackets where {100 * level:g} % of the ranks fall when all is measured "
        "again. tables/stability_ranks.csv has the ranks that cannot be excluded, for all models at once." + more
    )
    made = table("Ranks", columns, columns[1:], rows if measures else (), note)
    return replace(made, ids=tuple(texts(models.index)), filterable=True)
