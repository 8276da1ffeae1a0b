"""The report as one HTML page: everything on it comes from its arguments, and it asks no other host for anything.

Figures, tables and Data Docs are linked by paths relative to the page, so that it opens from disk.
"""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from stages.analysis.claims import ELSEWHERE, NOT_REPRODUCED, REPRODUCED, Compared
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of
from stages.lineage.graph import Graph, chain
from stages.lineage.sources import CLAIMS, claim_sources, figure_sources
from stages.page.tables import (
    Table,
    anchor,
    finding_tables,
    law_table,
    model_table,
    number,
    pair_table,
    precision_table,
    rho_table,
    variance_table,
    without_gaps,
)

TEMPLATE = "page.html.j2"

STATUSES = (REPRODUCED, NOT_REPRODUCED, ELSEWHERE)

DATA_DOCS = {"Models and budgets": "data_docs/budget/index.html", "Score matrix": "data_docs/validate/index.html"}


@dataclass(frozen=True)
class Chart:
    """A figure that lies at figures/NAME.svg beside the page.

    Attributes:
        name: File stem.
        title: A few words.
        caption: One or two sentences.
        section: Heading under which it is shown.
    """

    name: str
    title: str
    caption: str
    section: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Files that it shows."""
        return figure_sources(self.name)


@dataclass(frozen=True)
class Trace:
    """What a file was made of, as the text of a tree."""

    path: str
    chain: str


@dataclass(frozen=True)
class Section:
    """Charts under one heading."""

    title: str
    anchor: str
    charts: tuple[Chart, ...]


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
class GateSummary:
    """What the gate said.

    Attributes:
        counts: validate.json, of which success, checks and failures are shown.
        findings: Of the models and of the matrix: check, severity, model_id, benchmark, message.
    """

    counts: Mapping[str, int | bool]
    findings: pd.DataFrame


@dataclass(frozen=True)
class Origin:
    """The state shown.

    Attributes:
        digest: Its name.
        lineage: Where the files come from that figures and claims are read from.
    """

    digest: str
    lineage: Graph


@dataclass(frozen=True)
class Gate:
    """The verdict in numbers; warnings, waived and corrected count findings."""

    success: bool
    checks: int
    failures: int
    warnings: int
    waived: int
    corrected: int


@dataclass(frozen=True)
class Page:
    """All that the page shows.

    Attributes:
        title: Of the study.
        citation: Of the study.
        licence: Of its tables.
        study: Folder under metadata/.
        subset: What was analysed.
        digest: Name of the state.
        n_models: Models analysed.
        n_benchmarks: Benchmarks analysed.
        gate: The verdict in numbers.
        findings: A table for each severity that occurs.
        skipped: What could not be computed, one line each.
        headlines: Small tables of the main numbers.
        claims: Published numbers against ours.
        statuses: Status, style class and number of claims.
        sections: Figures.
        tables: Large tables.
        files: Names of the CSV tables under tables/.
        data_docs: Title and relative path of the Data Docs.
        traces: The files that figures and claims are read from.
    """

    title: str
    citation: str
    licence: str
    study: str
    subset: str
    digest: str
    n_models: int
    n_benchmarks: int
    gate: Gate
    findings: tuple[Table, ...]
    skipped: tuple[str, ...]
    headlines: tuple[Table, ...]
    claims: tuple[Claim, ...]
    statuses: tuple[tuple[str, str, int], ...]
    sections: tuple[Section, ...]
    tables: tuple[Table, ...]
    files: tuple[str, ...]
    data_docs: Mapping[str, str]
    traces: tuple[Trace, ...]


def breakable(name: str) -> Markup:
    """Return a name that a line may be broken in after a dot or an underscore."""
    return Markup(re.sub(r"([._])(?=\w)", r"\1<wbr>", str(escape(name))))


def render_page(page: Page) -> str:
    """Return the page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"anchor": anchor, "basename": posixpath.basename, "breakable": breakable}
    return environment.get_template(TEMPLATE).render(page=page)


def page_from(
    results: Results,
    claims: pd.DataFrame,
    verdict: GateSummary,
    charts: Sequence[Chart],
    *,
    files: Sequence[str],
    origin: Origin,
) -> Page:
    """Collect a page.

    Args:
        results: Of the state shown.
        claims: claims.csv as `compare` writes it; a frame without rows for a study without claims.
        verdict: Of both gates.
        charts: In the order shown.
        files: Names of the CSV files under reports/tables/.
        origin: Of the state shown.
    """
    info = results.info
    n_models, n_benchmarks = results.X.shape
    found = claim_rows(claims)
    findings = without_gaps(verdict.findings)
    tables = (law_table(results), precision_table(results), model_table(results, findings))
    shown = [chart.sources for chart in charts] + [claim.sources for claim in found]
    headlines = (variance_table(results), pair_table(results), rho_table(results))
    return Page(
        title=info.title,
        citation=info.citation,
        licence=info.licence,
        study=results.study,
        subset=results.subset,
        digest=origin.digest,
        n_models=n_models,
        n_benchmarks=n_benchmarks,
        gate=_gate(verdict, findings),
        findings=tuple(finding_tables(findings)),
        skipped=results.skipped,
        headlines=tuple(table for table in headlines if table.rows),
        claims=found,
        statuses=tuple((s, anchor(s), sum(claim.status == s for claim in found)) for s in STATUSES),
        sections=tuple(
            Section(title, anchor(title), tuple(chart for chart in charts if chart.section == title))
            for title in dict.fromkeys(chart.section for chart in charts)
        ),
        tables=tuple(table for table in tables if table.rows),
        files=tuple(sorted(files)),
        data_docs=DATA_DOCS,
        traces=tuple(Trace(path, chain(origin.lineage, path)) for path in sorted(set().union(*shown))),
    )


def _gate(verdict: GateSummary, findings: pd.DataFrame) -> Gate:
    """Return the verdict in numbers, those of the findings as both gates count them."""
    counted = findings["severity"].value_counts()
    return Gate(
        success=bool(verdict.counts["success"]),
        checks=int(verdict.counts["checks"]),
        failures=int(verdict.counts["failures"]),
        warnings=int(counted.get("warning", 0)),
        waived=int(counted.get("waived", 0)),
        corrected=int(counted.get("corrected", 0)),
    )


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
