"""Tables of the report page: results as text, ready to show."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from stages.analysis.scaling.laws import TOTAL, Law
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of, texts

SEVERITIES = {"error": "Errors", "warning": "Warnings", "waived": "Waived", "corrected": "Corrected"}
"""Severity of a finding to the heading of its table, in the order shown."""

MISSING = "–"


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
            number(results.pearson[b][a], ".3f"),
            number(results.spearman[b][a], ".3f"),
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
        for law in rows_of(results.laws, Law)
    ]
    columns = ["Response", "Budget", "n", "ρ", "Slope", "Intercept"]
    note = "Least-squares line: the slope is the change of the response per factor of ten in budget."
    return table("Slopes and intercepts", columns, columns[2:], rows, note)


def precision_table(results: Results) -> Table:
    """Return how precise the scores of each benchmark are."""
    benchmarks = results.benchmarks
    rows = [
        (
            str(benchmarks["label"][name]),
            results.info.languages[benchmarks["language"][name]],
            str(benchmarks["ability"][name]),
            number(row["mean"], ".3f"),
            number(row["std"], ".3f"),
            number(row["mean_stderr"], ".4f"),
            percent(row["stderr_share"]),
            "noisy" if row["noisy"] else "",
        )
        for name, row in zip(texts(results.precision.index), results.precision.to_dict("records"), strict=True)
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


def robustness_table(overview: pd.DataFrame) -> Table:
    """Return the verdict on each conclusion under each variation, as the stage `robustness` words them."""
    return table(
        "Robustness of the conclusions",
        [str(name) for name in overview.columns],
        (),
        without_gaps(overview).astype(str).itertuples(index=False, name=None),
        "Each conclusion under each variation of the analysis; in brackets the criterion that decides.",
    )
