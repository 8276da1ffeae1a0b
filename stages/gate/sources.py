"""Where scores were read: in the study's table, or in a model's own evaluation."""

import pandas as pd


class Sources:
    """Where each score was read.

    Args:
        cells: Long table of cells.
        where: Path of the table.
    """

    def __init__(self, cells: pd.DataFrame, where: str) -> None:
        self.where = where
        own = cells["origin"] == "evaluated"
        self.evaluated = set(zip(cells.loc[own, "model_id"], cells.loc[own, "benchmark"], strict=True))
        self._whole = set(cells["model_id"]) - set(cells.loc[~own, "model_id"])

    def of(self, model_id: str, benchmark: str) -> str:
        """Return the source of a cell, or of a model's scores where there is no benchmark."""
        own = (model_id, benchmark) in self.evaluated if benchmark else model_id in self._whole
        return f"evaluation of {model_id}" if own else self.where
