"""The report as one HTML page: everything on it comes from its arguments, and it loads nothing from other hosts.

Its pictures, styles and scripts are written into it; figure files, tables and Data Docs are linked by paths relative
to the page, so that it opens from disk.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from markupsafe import Markup

from stages.analysis.scores.results import Results
from stages.contracts.study.conclusions import Conclusion
from stages.figures.description import Description
from stages.lineage.graph import Graph, chain
from stages.lineage.sources import figure_sources
from stages.page import pictures, tables
from stages.page.analysis import analysis_lines, analysis_of, standardised
from stages.page.answer import Answer, answer
from stages.page.claims import Claim, Status, claim_rows, statuses
from stages.page.findings import finding_tables, left_out_table
from stages.page.inline import share
from stages.page.ranks import rank_table
from stages.page.rendering import render
from stages.page.retest import retest_notes, retest_tables
from stages.page.soundness import factor_notes, uniqueness_table
from stages.page.tables import Table, Tables, anchor, without_gaps

COMPONENTS = "Principal components"
FACTORS = "Factors"
OUT_OF_TIME = "Out of time"
CROSSING = "An interval that crosses zero leaves open whether the benchmark belongs to the component."
DRAWN_HERE = ("models", "pca_loadings", "stability_loadings")
"""Figures whose numbers the page's own pictures show: it leads to their files and holds no copy of them."""
LARGEST_COPY = 330_000
"""Characters of a figure of which the page holds a copy; a larger one is shown from its file."""
FOLDED = ("correlation_spearman", *DRAWN_HERE)
"""Figures that say in another way what stands above them."""

DATA_DOCS = {"Models and budgets": "data_docs/budget/index.html", "Score matrix": "data_docs/validate/index.html"}


@dataclass(frozen=True)
class Figure:
    """A figure that lies at figures/NAME.svg beside the page.

    Attributes:
        words: What is said about it.
        svg: Contents of the file; on the page, what stands in it: see `inline.share`.
    """

    words: Description
    svg: str

    @property
    def copied(self) -> bool:
        """Whether the page holds a copy."""
        return self.words.name not in DRAWN_HERE and len(self.svg) <= LARGEST_COPY

    @property
    def sources(self) -> tuple[str, ...]:
        """Files that it shows."""
        return figure_sources(self.words.name)


@dataclass(frozen=True)
class Trace:
    """What a file was made of, as the text of a tree."""

    path: str
    chain: str


@dataclass(frozen=True)
class Shown:
    """A figure as the page shows it.

    Attributes:
        figure: The figure.
        picture: Its SVG or, large, a link to its file, as markup; empty where a picture of the page shows the same.
        basis: What it rests on, beyond its caption: n, what its components were computed from.
        folded: Whether it is one more of a kind that stands above it.
    """

    figure: Figure
    picture: Markup
    basis: str
    folded: bool


@dataclass(frozen=True)
class Section:
    """Figures and tables under one heading.

    Attributes:
        title: The heading.
        anchor: Target of links within the page.
        figures: In the order shown.
        tables: Behind them.
        notes: What is to be known before they are read, one paragraph each.
        picture: What the picture of the loadings says that the page draws itself; empty where it draws none.
    """

    title: str
    anchor: str
    figures: tuple[Shown, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    picture: str = ""


@dataclass(frozen=True)
class GateSummary:
    """What the gate said.

    Attributes:
        counts: validate.json, of which success, checks and failures are shown.
        findings: Findings of the models and of the matrix: check, severity, model_id, benchmark, message.
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
class Study:
    """What was analysed and what came out.

    Attributes:
        results: Results of the state shown.
        conclusions: Conclusions of the study; may be none.
        beyond: Tables of the stages stability and robustness, without those that have no rows.
        claims: claims.csv as `compare` writes it; no rows for a study without claims.
        left_out: left_out.csv as `assemble` writes it: kind, name, reason.
        level: Coverage of the intervals.
    """

    results: Results
    conclusions: Sequence[Conclusion]
    beyond: Tables
    claims: pd.DataFrame
    left_out: pd.DataFrame
    level: float


@dataclass(frozen=True)
class Gate:
    """The verdict in numbers; warnings, waived and corrected count findings."""

    success: bool
    checks: int
    failures: int
    warnings: int
    waived: int
    corrected: int

    @property
    def words(self) -> str:
        """The numbers as text."""
        return (
            f"Checks: {self.checks}, failures: {self.failures}, warnings: {self.warnings}, waived: {self.waived}, "
            f"corrected: {self.corrected}"
        )


@dataclass(frozen=True)
class Page:
    """All that the page shows.

    Attributes:
        study: What was analysed and what came out.
        digest: Name of the state.
        answer: The first screen in words.
        panels: The main picture.
        data: What the pictures need besides the tables.
        gate: The verdict in numbers.
        findings: A table for each severity that occurs.
        analysis: How the study was analysed, a sentence each.
        left_out: Models and benchmarks that were left out, with reasons; None when nothing was.
        sections: Figures and the tables behind them.
        claims: Published numbers against ours.
        statuses: How many claims have which status.
        files: Names of the CSV tables under tables/.
        data_docs: Title and relative path of the Data Docs.
        traces: The files that figures and claims are read from.
        drawn: Letters, markers and words that the figures share, ready to stand in the page.
    """

    study: Study
    digest: str
    answer: Answer
    panels: tuple[pictures.Panel, ...]
    data: Mapping[str, Any]
    gate: Gate
    findings: tuple[Table, ...]
    analysis: tuple[str, ...]
    left_out: Table | None
    sections: tuple[Section, ...]
    claims: tuple[Claim, ...]
    statuses: tuple[Status, ...]
    files: tuple[str, ...]
    data_docs: Mapping[str, str]
    traces: tuple[Trace, ...]
    drawn: Markup


def render_page(page: Page) -> str:
    """Return the page as HTML."""
    return render("page.html.j2", page=page)


def page_from(
    study: Study, verdict: GateSummary, figures: Sequence[Figure], files: Sequence[str], origin: Origin
) -> Page:
    """Collect a page.

    Args:
        study: What was analysed and what came out.
        verdict: Verdict of both gates.
        figures: In the order shown.
        files: Names of the CSV files under reports/tables/.
        origin: Origin of the state shown.
    """
    results = study.results
    claims = claim_rows(study.claims)
    drawn, inline = share([one.svg if one.copied else "" for one in figures])
    figures = [replace(one, svg=svg) for one, svg in zip(figures, inline, strict=True)]
    findings = without_gaps(verdict.findings)
    traced = [figure.sources for figure in figures] + [claim.sources for claim in claims]
    criteria = [criterion.parts for one in study.conclusions for criterion in one.criteria]
    laws = [(rest[0], rest[1]) for kind, *rest in criteria if kind == "rho"]
    benchmarks = results.benchmarks.loc[results.X.columns]
    return Page(
        study=study,
        digest=origin.digest,
        answer=answer(results, study.conclusions, study.beyond, study.level),
        panels=pictures.main_panels(results, laws),
        data={**pictures.named(results.info, results.models, benchmarks), "axes": pictures.axes(results)},
        gate=_gate(verdict, findings),
        findings=tuple(finding_tables(findings)),
        analysis=tuple(analysis_lines(results)),
        left_out=left_out_table(study.left_out) if len(study.left_out) else None,
        sections=tuple(_sections(study, figures, findings)),
        claims=claims,
        statuses=statuses(claims),
        files=tuple(sorted(files)),
        data_docs=DATA_DOCS,
        traces=tuple(Trace(path, chain(origin.lineage, path)) for path in sorted(set().union(*traced))),
        drawn=Markup(drawn),
    )


def _sections(study: Study, figures: Sequence[Figure], findings: pd.DataFrame) -> list[Section]:
    """Return the sections in the order of the figures, each with the tables behind its figures."""
    behind = _tables(study, findings)
    titles = dict.fromkeys([*(_section_of(figure) for figure in figures), *behind])
    kept = {title: tuple(table for table in behind.get(title, ()) if table.rows) for title in titles}
    shown = {title: _shown(study, [one for one in figures if _section_of(one) == title]) for title in titles}
    drawn = {COMPONENTS: _loadings_words(study)} if len(study.results.loadings.columns) else {}
    notes = {FACTORS: tuple(factor_notes(study.results, study.beyond)), OUT_OF_TIME: retest_notes(study.beyond)}
    return [
        Section(title, anchor(title), shown[title], kept[title], notes.get(title, ()), drawn.get(title, ""))
        for title in titles
        if shown[title] or kept[title]
    ]


def _section_of(figure: Figure) -> str:
    """Return the heading that a figure stands under: beside the picture that shows the same, where there is one."""
    return COMPONENTS if figure.words.name in DRAWN_HERE else figure.words.section


def _loadings_words(study: Study) -> str:
    """Return the caption of the picture of the loadings."""
    found = study.beyond.get("stability_loadings")
    way = tables.widest(found["resampling"]) if found is not None else None
    ends = f", with {100 * study.level:g} % intervals over {way}" if way else ""
    results = study.results
    return f"Loadings of the {standardised(results)}{ends}. {CROSSING} {tables.sizes(results)}."


def _shown(study: Study, figures: Sequence[Figure]) -> tuple[Shown, ...]:
    """Return figures as the page shows them: one of each kind open, the others of PC2, PC3, ... folded."""
    shown, seen = [], set()
    for figure in figures:
        name = figure.words.name
        kind = re.sub(r"\d+", "", name)
        # the files are the work of this repository: nothing in them is anybody's text
        picture = Markup(figure.svg)
        if not figure.svg and name not in DRAWN_HERE:
            picture = Markup('<img src="figures/{}.svg" alt="{}" loading="lazy">').format(name, figure.words.label)
        folded = kind in seen or name in FOLDED
        n = figure.words.n if figure.words.n not in figure.words.caption else ""
        basis = "; ".join(filter(None, (n, analysis_of(name, study.results))))
        shown.append(Shown(figure, picture, basis, folded=folded))
        seen.add(kind)
    return tuple(shown)


def _tables(study: Study, findings: pd.DataFrame) -> dict[str, list[Table]]:
    """Return the title of each section to its tables, of which some may have no rows."""
    results, beyond, level = study.results, study.beyond, study.level
    overview = beyond.get("robustness_overview", pd.DataFrame())
    return {
        "Scores": [
            tables.score_table(results),
            tables.precision_table(results),
            tables.model_table(results, findings),
        ],
        "Correlations": [tables.pair_table(results, beyond, level)],
        COMPONENTS: [
            tables.variance_table(results, beyond, level),
            tables.loading_table(results, beyond, level),
            tables.position_table(results),
        ],
        FACTORS: [uniqueness_table(results)] if len(results.uniqueness) else [],
        "Scaling laws": [tables.law_table(results, beyond, level)],
        "Uncertainty": [rank_table(results, beyond, level)],
        "Robustness": [tables.robustness_table(overview)],
        OUT_OF_TIME: list(retest_tables(beyond, level)),
    }


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
