"""Published numbers against ours, as the page shows them."""

from dataclasses import dataclass

import pandas as pd

from stages.analysis.claims import ELSEWHERE, NOT_COMPUTED, NOT_REPRODUCED, REPRODUCED, Compared
from stages.contracts.rows import rows_of
from stages.lineage.sources import CLAIMS, claim_sources
from stages.page.tables import anchor, number, without_gaps

STATUSES = (NOT_REPRODUCED, NOT_COMPUTED, REPRODUCED, ELSEWHERE)
"""In the order of the choice; the first that occurs is what the table opens on."""


@dataclass(frozen=True)
class Claim:
    """A row of the claims table, numbers as text."""

    claim_id: str
    location: str
    quantity: str
    published: str
    reproduced: str
    difference: str
    status: str
    note: str

    @property
    def kind(self) -> str:
        """The status as the name of a style class."""
        return anchor(self.status)

    @property
    def sources(self) -> tuple[str, ...]:
        """Files that our value is read from, or that say that there is none."""
        return (CLAIMS,) if self.status == ELSEWHERE else claim_sources(self.claim_id)


@dataclass(frozen=True)
class Status:
    """How many claims have a status."""

    name: str
    count: int

    @property
    def kind(self) -> str:
        """The status as the name of a style class."""
        return anchor(self.name)


def claim_rows(claims: pd.DataFrame) -> tuple[Claim, ...]:
    """Return the claims with their numbers as text."""
    return tuple(
        Claim(
            claim_id=str(row.claim_id),
            location=str(row.location),
            quantity=str(row.quantity),
            published=number(row.published, "g"),
            reproduced=number(row.reproduced, ".4g"),
            difference=number(row.difference, "+.2g"),
            status=str(row.status),
            note=str(row.note),
        )
        for row in rows_of(claims.assign(note=without_gaps(claims[["note"]])["note"]), Compared)
    )


def statuses(claims: tuple[Claim, ...]) -> tuple[Status, ...]:
    """Return the statuses that occur, what differs first."""
    counted = [Status(name, sum(claim.status == name for claim in claims)) for name in STATUSES]
    return tuple(status for status in counted if status.count)
