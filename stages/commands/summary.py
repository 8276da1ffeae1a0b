"""`observatory summary`: published vs. reproduced numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from stages.analysis.claims import ELSEWHERE, NOT_COMPUTED, REPRODUCED, Compared
from stages.commands.shown import Grid
from stages.contracts.errors import InputError
from stages.contracts.rows import rows_of
from stages.workspace import paths
from stages.workspace.outputs import read_claims
from stages.workspace.parameters import load_params


@dataclass(frozen=True)
class Summary:
    """Result of `summary`.

    Attributes:
        study: Its name.
        subset: Models analysed.
        claims: Published numbers that speak of this subset, as in reports/tables/claims.csv.
    """

    study: str
    subset: str
    claims: pd.DataFrame
    ok: ClassVar[bool] = True

    def text(self) -> Iterator[str | Grid]:
        """Yield a table of the numbers, the reasons for those that differ, and where the report is."""
        if self.claims.empty:
            yield f"{self.study}, subset {self.subset}: no published numbers to compare with"
        else:
            yield f"{self.study}, subset {self.subset}: published vs. reproduced"
            yield table(self.claims)
            missed = self.claims[(self.claims["status"] != REPRODUCED) & (self.claims["note"] != "")]
            yield from (f"{row.status}: {row.claim_id}: {row.note}" for row in rows_of(missed, Compared))
        yield f"report: {paths.PAGE}"

    def content(self) -> Mapping[str, Any]:
        """Return every number, and where the report is."""
        claims = self.claims.to_dict("records")
        return {"study": self.study, "subset": self.subset, "claims": claims, "report": paths.PAGE}


def summary() -> Summary:
    """Read the summary of the state in reports/.

    Raises:
        InputError: There is no state yet.
    """
    if not (paths.TABLES / "claims.csv").is_file():
        raise InputError([f"{paths.TABLES / 'claims.csv'} is missing: run `dvc repro` first"])
    params = load_params()
    claims = read_claims()
    return Summary(params.study, params.subset, claims[claims["status"] != ELSEWHERE])


def table(claims: pd.DataFrame) -> Grid:
    """Return a row for each claim, but one for each axis of loadings."""
    rows = []
    axes = claims["claim_id"].where(~claims["claim_id"].str.contains(".loading."), claims["claim_id"].map(axis_of))
    for axis, group in claims.groupby(axes, sort=False):
        first = group.iloc[0]
        good = int((group["status"] == REPRODUCED).sum())
        if len(group) > 1:
            cells = (f"{axis}, {len(group)} numbers", "", f"{good} agree")
        else:
            here = "none" if pd.isna(first["reproduced"]) else f"{first['reproduced']:.4g}"
            cells = (str(axis), f"{first['published']:.4g}", here)
        verdict = "not computed" if (group["status"] == NOT_COMPUTED).all() else "differs"
        rows.append((str(first["location"]), *cells, "" if good == len(group) else verdict))
    return Grid(("where", "number", "published", "reproduced", ""), rows, frozenset({"published", "reproduced"}))


def axis_of(claim_id: str) -> str:
    """Return the part of a claim_id that names the axis: without the benchmark of a loading."""
    return claim_id.rpartition(".")[0]
