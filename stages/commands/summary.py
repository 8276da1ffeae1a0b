"""`observatory summary`: the paper's numbers against ours, in a table that fits a terminal."""

from collections.abc import Iterator

import pandas as pd

from stages.analysis.claims import ELSEWHERE, REPRODUCED
from stages.contracts.errors import InputError
from stages.workspace import paths
from stages.workspace.facts import load_params
from stages.workspace.outputs import read_claims


def summary() -> Iterator[str]:
    """Yield the lines of the summary of the state in reports/.

    Raises:
        InputError: There is no state yet.
    """
    if not (paths.TABLES / "claims.csv").is_file():
        raise InputError([f"{paths.TABLES / 'claims.csv'} is missing: run `dvc repro` first"])
    params = load_params()
    claims = read_claims()
    here = claims[claims["status"] != ELSEWHERE]
    if here.empty:
        yield f"{params.study}, subset {params.subset}: no published numbers to compare with"
    else:
        yield f"{params.study}, subset {params.subset}: paper against here"
        yield from table(here)
        missed = here[(here["status"] != REPRODUCED) & (here["note"] != "")]
        yield from (f"not reproduced: {row.claim_id}: {row.note}" for row in missed.itertuples())
    yield f"report: {paths.PAGE}"


def table(claims: pd.DataFrame) -> Iterator[str]:
    """Yield aligned lines: one per claim, but one per axis for loadings."""
    rows = [("where", "number", "paper", "here", "")]
    axes = claims["claim_id"].where(~claims["claim_id"].str.contains(".loading."), claims["claim_id"].map(axis_of))
    for axis, group in claims.groupby(axes, sort=False):
        first = group.iloc[0]
        good = int((group["status"] == REPRODUCED).sum())
        if len(group) > 1:
            rows.append(
                (first["location"], f"{axis}, {len(group)} numbers", "", f"{good} agree", mark(good == len(group)))
            )
        else:
            here = "none" if pd.isna(first["reproduced"]) else f"{first['reproduced']:.4g}"
            rows.append((first["location"], str(axis), f"{first['published']:.4g}", here, mark(good == 1)))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        where, number, paper, here, sign = row
        yield (
            f"  {where:<{widths[0]}}  {number:<{widths[1]}}  {paper:>{widths[2]}}  {here:>{widths[3]}}  {sign}"
        ).rstrip()


def axis_of(claim_id: str) -> str:
    """Return the part of a claim_id that names the axis: without the benchmark of a loading."""
    return claim_id.rpartition(".")[0]


def mark(good: bool) -> str:
    """Return how a line of the table ends."""
    return "" if good else "differs"
