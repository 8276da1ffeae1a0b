"""Where scores were read: in a table of the study, or in a model's own evaluation."""

import pandas as pd


class Sources:
    """Where each score was read.

    Args:
        cells: Long table of cells.
        where: Path of scores.csv.
    """

    def __init__(self, cells: pd.DataFrame, where: str) -> None:
        self.where = where
        self.imports = where.replace("scores.csv", "imports.csv")
        own = cells["origin"] == "evaluated"
        self.evaluated, self.imported = (
            set(zip(cells.loc[part, "model_id"], cells.loc[part, "benchmark"], strict=True))
            for part in (own, cells["origin"] == "imported")
        )
        self._whole = set(cells["model_id"]) - set(cells.loc[~own, "model_id"])

    def of(self, model_id: str, benchmark: str) -> str:
        """Return the source of a cell, or of a model's scores where there is no benchmark."""
        own = (model_id, benchmark) in self.evaluated if benchmark else model_id in self._whole
        if own:
            return f"evaluation of {model_id}"
        return self.imports if (model_id, benchmark) in self.imported else self.where
