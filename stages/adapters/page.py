"""The report as one HTML page: everything on it comes from its arguments, and it asks no other host for anything.

Figures, tables and Data Docs are linked by paths relative to the page, so that it opens from disk.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.analysis.claims import ELSEWHERE, NOT_REPRODUCED, REPRODUCED
from stages.analysis.results import Results
from stages.analysis.scaling import TOTAL

TEMPLATE = "page.html.j2"

SEVERITIES = {"error": "Errors", "warning": "Warnings", "waived": "Waived", "corrected": "Corrected"}
"""Severity of a finding to the heading of its table, in the order shown."""

STATUSES = (REPRODUCED, NOT_REPRODUCED, ELSEWHERE)

DATA_DOCS = {"Models and budgets": "data_docs/budget/index.html", "Score matrix": "data_docs/validate/index.html"}

MISSING = "–"


@dataclass(frozen=True)
class Chart:
    """A figure that lies at figures/NAME.svg and figures/NAME.png beside the page.

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


@dataclass(frozen=True)
class Section:
    """Charts under one heading."""

    title: str
    anchor: str
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Table:
    """A table ready to show.

    Attributes:
        title: Heading.
        anchor: Target of links within the page.
        columns: Headers; the cells of those in `numbers` are aligned as numbers.
        numbers: Headers of number columns.
        rows: Cells as text, one per column.
        note: A sentence on how to read it, or nothing.
    """

    title: str
    anchor: str
    columns: tuple[str, ...]
    numbers: frozenset[str]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


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


@dataclass(frozen=True)
class Verdict:
    """What the gate said.

    Attributes:
        counts: validate.json, of which success, checks and failures are shown.
        findings: Of the models and of the matrix: check, severity, model_id, benchmark, message.
    """

    counts: Mapping[str, int | bool]
    findings: pd.DataFrame


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


def render_page(page: Page) -> str:
    """Return the page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE).render(page=page)


def page_from(
    results: Results,
    claims: pd.DataFrame,
    verdict: Verdict,
    charts: Sequence[Chart],
    *,
    files: Sequence[str],
    digest: str,
) -> Page:
    """Collect a page.

    Args:
        results: Of the state shown.
        claims: claims.csv as `compare` writes it; a frame without rows for a study without claims.
        verdict: Of both gates.
        charts: In the order shown.
        files: Names of the CSV files under reports/tables/.
        digest: Name of the state.
    """
    info = results.info
    n_models, n_benchmarks = results.X.shape
    found = claim_rows(claims)
    findings = without_gaps(verdict.findings)
    counted = findings["severity"].value_counts()
    tables = (law_table(results), precision_table(results), model_table(results, findings))
    headlines = (variance_table(results), pair_table(results), rho_table(results))
    return Page(
        title=info.title,
        citation=info.citation,
        licence=info.licence,
        study=results.study,
        subset=results.subset,
        digest=digest,
        n_models=n_models,
        n_benchmarks=n_benchmarks,
        gate=Gate(
            success=bool(verdict.counts["success"]),
            checks=int(verdict.counts["checks"]),
            failures=int(verdict.counts["failures"]),
            warnings=int(counted.get("warning", 0)),
            waived=int(counted.get("waived", 0)),
            corrected=int(counted.get("corrected", 0)),
        ),
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
    )


def anchor(title: str) -> str:
    """Return a title as the name of a link target."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def without_gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of text with empty text where a cell is missing."""
    return frame.astype(object).where(frame.notna(), "")


def number(value: float, form: str) -> str:
    """Return a number in a format, with a true minus sign, a dash when it is missing."""
    return MISSING if pd.isna(value) else format(value, form).replace("-", "−")


def percent(fraction: float) -> str:
    """Return a fraction as percent with two decimals."""
    return MISSING if pd.isna(fraction) else f"{number(100 * fraction, '.2f')} %"


def table(
    title: str, columns: Sequence[str], numbers: Iterable[str], rows: Iterable[Sequence[str]], note: str
) -> Table:
    """Return a table with its anchor made from the title."""
    return Table(title, anchor(title), tuple(columns), frozenset(numbers), tuple(tuple(row) for row in rows), note)


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
        for row in claims.assign(note=without_gaps(claims[["note"]])).itertuples()
    )


def finding_tables(findings: pd.DataFrame) -> list[Table]:
    """Return a table for each severity that occurs."""
    tables = []
    for severity, title in SEVERITIES.items():
        rows = findings[findings["severity"] == severity]
        if len(rows):
            cells = rows[["check", "model_id", "benchmark", "message"]].astype(str).itertuples(index=False)
            tables.append(table(title, ["Check", "Model", "Benchmark", "Message"], [], cells, ""))
    return tables


def variance_table(results: Results) -> Table:
    """Return the explained variance of each component."""
    ratio = results.explained_variance_ratio
    rows = [
        (str(name), percent(value), percent(total))
        for name, value, total in zip(ratio.index, ratio, ratio.cumsum(), strict=True)
    ]
    columns = ["Component", "Variance", "Cumulative"]
    return table("Explained variance", columns, columns[1:], rows, "Share of the variance of all benchmarks.")


def pair_table(results: Results) -> Table:
    """Return the correlations of the benchmarks that measure one ability in two languages."""
    counterparts = results.benchmarks.loc[results.X.columns, "counterpart"]
    pairs = {tuple(sorted((str(a), str(b)))): None for a, b in counterparts.items() if b in results.X.columns}
    labels = results.benchmarks["label"]
    rows = [
        (
            f"{labels[a]} – {labels[b]}",
            number(results.pearson.loc[a, b], ".3f"),
            number(results.spearman.loc[a, b], ".3f"),
        )
        for a, b in pairs
    ]
    columns = ["Benchmarks", "Pearson", "Spearman"]
    note = "Correlation over the models between benchmarks that measure one ability in two languages."
    return table("Cross-lingual correlations", columns, columns[1:], rows, note)


def budget_names(results: Results) -> dict[str, str]:
    """Return language code, or total, to the name of its budget."""
    return {**results.info.languages, TOTAL: "Total"}


def rho_table(results: Results) -> Table:
    """Return rho and n of every law, one row per response and one column per budget."""
    names = budget_names(results)
    if results.laws.empty:
        return table("Scaling", ["Response"], [], [], "")
    by_law = results.laws.set_index(["response", "language"])
    shown = [code for code in names if code in set(results.laws["language"])]
    rows = []
    for response in dict.fromkeys(results.laws["response"]):
        laws = [by_law.loc[(response, code)] if (response, code) in by_law.index else None for code in shown]
        cells = [MISSING if law is None else f"{number(law['rho'], '.3f')} (n = {law['n']:.0f})" for law in laws]
        rows.append((str(response), *cells))
    columns = ["Response", *(names[code] for code in shown)]
    note = "ρ, Pearson's correlation of the response with log₁₀ of the training budget, and the models it rests on."
    return table("Scaling", columns, columns[1:], rows, note)


def law_table(results: Results) -> Table:
    """Return every scaling law with slope and intercept."""
    names = budget_names(results)
    rows = [
        (
            str(law.response),
            names[law.language],
            str(law.n),
            number(law.rho, ".3f"),
            number(law.slope, ".3f"),
            number(law.intercept, ".2f"),
        )
        for law in results.laws.itertuples()
    ]
    columns = ["Response", "Budget", "n", "ρ", "Slope", "Intercept"]
    note = "Least-squares line: the slope is the change of the response per factor of ten in budget."
    return table("Slopes and intercepts", columns, columns[2:], rows, note)


def precision_table(results: Results) -> Table:
    """Return how precise the scores of each benchmark are."""
    benchmarks = results.benchmarks
    rows = [
        (
            str(benchmarks.loc[name, "label"]),
            results.info.languages[benchmarks.loc[name, "language"]],
            str(benchmarks.loc[name, "ability"]),
            number(row["mean"], ".3f"),
            number(row["std"], ".3f"),
            number(row["mean_stderr"], ".4f"),
            percent(row["stderr_share"]),
            "noisy" if row["noisy"] else "",
        )
        for name, row in results.precision.iterrows()
    ]
    columns = ["Benchmark", "Language", "Ability", "Mean", "Spread", "Standard error", "Share of spread", ""]
    note = "Spread: standard deviation between models. Standard error: mean over models, binomial where none is given."
    return table("Precision of the benchmarks", columns, columns[3:7], rows, note)


def model_table(results: Results, findings: pd.DataFrame) -> Table:
    """Return the models with token counts, where these come from, budgets, and what the checks noted."""
    info = results.info
    remarks = findings[(findings["model_id"] != "") & (findings["benchmark"] == "")]
    notes = remarks.groupby("model_id")["message"].agg("; ".join)
    columns = ["Model", "Group", "Active parameters, 10⁹"]
    numbers = columns[2:]
    for name in (*info.languages.values(), "Total"):
        added = [f"{name} tokens, 10⁹", f"ND {name}"]
        numbers = [*numbers, *added]
        columns += [added[0], *(["Origin"] if name != "Total" else []), added[1]]
    columns.append("Note")
    rows = []
    for model_id, model in results.models.iterrows():
        row = [str(model["name"]), info.groups[model["group"]], number(model["active_params_b"], "g")]
        for code in (*info.languages, TOTAL):
            row.append(number(model[f"tokens_{code}_b"], ",.6g"))
            row += [str(model[f"tokens_{code}_origin"])] if code != TOTAL else []
            row.append(number(model[f"nd_{code}"], ".3g"))
        rows.append((*row, str(notes.get(model_id, ""))))
    note = "ND: active parameters × training tokens. Origin: published, or derived by the study's token rules."
    return table("Models and budgets", columns, numbers, rows, note)
