"""Tables of the report page: results as text, ready to show."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from stages.analysis.scaling.laws import TOTAL, Law, log_budget
from stages.analysis.scaling.stand_ins import PARAMETERS, RELEASED
from stages.analysis.scores.correlation import counterparts
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of, texts

MOST_CELLS = 10_000
"""Cells of a table of models; a larger one shows the first models, so that the page stays small."""

MISSING = "–"
MINUS = "−"
STAND_IN_NAMES = {PARAMETERS: "Active parameters", RELEASED: "Year of release"}
NO_ENDS = (float("nan"), float("nan"))
Tables = Mapping[str, pd.DataFrame]
"""Tables of the stages stability and robustness by name; those without rows may be left out."""


@dataclass(frozen=True)
class Table:
    """A table ready to show.

    Attributes:
        title: Heading.
        anchor: Target of links within the page.
        columns: Headers; the cells of those in `numbers` are aligned as numbers.
        numbers: Headers of number columns.
        rows: Cells as text, one per column.
        note: How to read it and what it rests on, or nothing.
        keys: Name by which pictures find the numbers of each column, empty where they need none.
        before: Headers of columns that hold the former of two states.
        ids: What each row is about, where pictures need to know.
        about: What these are: `model` or `benchmark`.
        filterable: Whether rows can be searched.
    """

    title: str
    anchor: str
    columns: tuple[str, ...]
    numbers: frozenset[str]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    keys: tuple[str, ...] = ()
    before: frozenset[str] = frozenset()
    ids: tuple[str, ...] = ()
    about: str = "model"
    filterable: bool = False


def anchor(title: str) -> str:
    """Return a title as the name of a link target."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def without_gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame of text with empty text where a cell is missing."""
    return frame.astype(object).where(frame.notna(), "")


def number(value: float, form: str) -> str:
    """Return a number in a format, with a true minus sign, a dash when it is missing."""
    return MISSING if pd.isna(value) else format(value, form).replace("-", MINUS)


def percent(fraction: float, digits: int = 2) -> str:
    """Return a fraction as percent."""
    return MISSING if pd.isna(fraction) else f"{number(100 * fraction, f'.{digits}f')} %"


def interval(low: float, high: float, form: str = ".3f") -> str:
    """Return the ends of an interval, a dash when there is none."""
    return MISSING if pd.isna(low) or pd.isna(high) else f"{number(low, form)} to {number(high, form)}"


def table(
    title: str, columns: Sequence[str], numbers: Iterable[str], rows: Iterable[Sequence[str]], note: str
) -> Table:
    """Return a table with its anchor made from the title."""
    return Table(title, anchor(title), tuple(columns), frozenset(numbers), tuple(tuple(row) for row in rows), note)


def numbered(labels: Iterable[object], frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return a row for each row of a frame of numbers: its label, then its numbers with three decimals."""
    values = frame.to_numpy(dtype=float)
    return [(str(label), *(number(float(x), ".3f") for x in row)) for label, row in zip(labels, values, strict=True)]


def sizes(results: Results) -> str:
    """Return how many models and benchmarks were analysed, in words."""
    n_models, n_benchmarks = results.X.shape
    return f"{n_models} models, {n_benchmarks} benchmarks"


def first_rows(frame: pd.DataFrame, columns: int) -> tuple[pd.DataFrame, str]:
    """Return the rows that a table of models shows, and a sentence on the others, empty where there are none.

    Args:
        frame: Indexed by model_id.
        columns: Columns of the table.
    """
    shown = frame.iloc[: MOST_CELLS // columns]
    more = len(frame) - len(shown)
    return shown, f" The first {len(shown):,} models; the files have {more:,} more." if more else ""


def widest(resamplings: Iterable[str]) -> str | None:
    """Return the resampling whose intervals are shown: over families where the study allows it, else over models."""
    known = set(resamplings)
    return next((name for name in ("families", "models") if name in known), None)


def ends_of(
    found: pd.DataFrame | None, keys: Sequence[str]
) -> tuple[str | None, dict[tuple[str, ...], tuple[float, float]]]:
    """Return the resampling whose intervals of a long table are shown, and their ends by the texts of some columns.

    Args:
        found: Table of stage `stability` with resampling, low, high; None where there is none.
        keys: Columns that name a number.
    """
    way = widest(texts(found["resampling"])) if found is not None else None
    if found is None or way is None:
        return None, {}
    own = found[found["resampling"] == way]
    names = zip(*(texts(own[key]) for key in keys), strict=True)
    return way, dict(zip(names, zip(map(float, own["low"]), map(float, own["high"]), strict=True), strict=True))


def variance_ends(found: pd.DataFrame) -> tuple[str, dict[str, float], dict[str, float]]:
    """Return the resampling whose intervals of the explained variance are shown, and both ends by component.

    Args:
        found: stability_explained_variance.csv.
    """
    way, suffix = ("families", "_families") if "low_families" in found else ("models", "")
    names = texts(found["component"])
    low, high = (dict(zip(names, map(float, found[f"{end}{suffix}"]), strict=True)) for end in ("low", "high"))
    return way, low, high


def variance_table(results: Results, beyond: Tables, level: float) -> Table:
    """Return the explained variance of each component, with its interval."""
    ratio = results.explained_variance_ratio
    columns = ["Component", "Variance", "Cumulative"]
    rows = [
        [str(name), percent(value), percent(total)]
        for name, value, total in zip(ratio.index, ratio, ratio.cumsum(), strict=True)
    ]
    note = f"Share of the variance of all benchmarks; {sizes(results)}."
    found = beyond.get("stability_explained_variance")
    if found is not None:
        way, low, high = variance_ends(found)
        columns.append(f"{100 * level:g} % interval over {way}")
        for row, name in zip(rows, texts(ratio.index), strict=True):
            row.append(interval(100 * low.get(name, float("nan")), 100 * high.get(name, float("nan")), ".1f"))
    return table("Explained variance", columns, columns[1:], rows, note)


def pair_table(results: Results, beyond: Tables, level: float) -> Table:
    """Return the correlations of the benchmarks that measure one ability in two languages."""
    labels, X = results.benchmarks["label"], results.X
    pairs = [pair for pair in counterparts(results.benchmarks.loc[X.columns]) if {*pair} <= {*X.columns}]
    way, ends = ends_of(beyond.get("stability_correlations"), ("benchmark", "other"))
    columns = ["Benchmarks", "n", "Pearson", *([f"{100 * level:g} % interval over {way}"] if way else []), "Spearman"]
    rows = []
    for a, b in pairs:
        n = int(X[[a, b]].notna().all(axis=1).sum())
        span = [interval(*ends.get((a, b), ends.get((b, a), NO_ENDS)))] if way else []
        r, rank = number(results.pearson[b][a], ".3f"), number(results.spearman[b][a], ".3f")
        rows.append((f"{labels[a]} – {labels[b]}", str(n), r, *span, rank))
    note = "Benchmarks that measure one ability in two languages; n: models that have both scores."
    return table("Cross-lingual correlations", columns, columns[1:], rows, note)


def budget_names(results: Results) -> dict[str, str]:
    """Return language code, or total, to the name of its budget."""
    return {**results.info.languages, TOTAL: "Total"}


def axis_title(code: str, name: str) -> str:
    """Return what an axis or a column holds that a law can rest on."""
    return {PARAMETERS: "log₁₀ active parameters", RELEASED: "year of release"}.get(code, f"log₁₀ ND {name}")


def predictor_names(results: Results) -> dict[str, str]:
    """Return the same, and what replaces the budgets in laws where token counts are not known."""
    fitted = set(texts(results.laws["language"])) if len(results.laws) else set()
    return {**budget_names(results), **{name: words for name, words in STAND_IN_NAMES.items() if name in fitted}}


def law_table(results: Results, beyond: Tables, level: float) -> Table:
    """Return every scaling law with n, the interval of its correlation, slope and intercept."""
    names = predictor_names(results)
    way, ends = ends_of(beyond.get("stability_scaling"), ("response", "language"))
    span = [f"{100 * level:g} % interval over {way}"] if way else []
    columns = ["Response", "Budget", "n", "ρ", *span, "Slope", "Intercept"]
    rows = [
        (
            str(law.response),
            names[law.language],
            str(law.n),
            number(law.rho, ".3f"),
            *([interval(*ends.get((law.response, law.language), NO_ENDS))] if way else []),
            number(law.slope, ".3f"),
            number(law.intercept, ".2f"),
        )
        for law in rows_of(results.laws, Law)
    ]
    note = (
        "ρ: Pearson's correlation of the response with log₁₀ of the training budget over the n models whose budget is "
        "known and not zero. Slope: change of the response per factor of ten in budget, of the least-squares line."
    )
    if len(names) > len(budget_names(results)):
        note += (
            " Token counts are known for fewer than half of the models: laws against log₁₀ of the active parameters "
            "and against the year of release (slope per year) are listed beside those against budgets."
        )
    return table("Scaling laws", columns, columns[2:], rows, note)


def precision_table(results: Results) -> Table:
    """Return how precise the scores of each benchmark are."""
    benchmarks = results.benchmarks
    rows = [
        (
            str(benchmarks["label"][name]),
            results.info.languages[benchmarks["language"][name]],
            str(benchmarks["ability"][name]),
            str(int(results.X[name].notna().sum())),
            number(row["mean"], ".3f"),
            number(row["std"], ".3f"),
            number(row["mean_stderr"], ".4f"),
            percent(row["stderr_share"]),
            "noisy" if row["noisy"] else "",
        )
        for name, row in zip(texts(results.precision.index), results.precision.to_dict("records"), strict=True)
    ]
    columns = ["Benchmark", "Language", "Ability", "n", "Mean", "Spread", "Standard error", "Share of spread", ""]
    note = (
        "n: models with a score. Spread: standard deviation between models. Standard error: mean over models, "
        "binomial where none is given."
    )
    return table("Precision of the benchmarks", columns, columns[3:8], rows, note)


def score_table(results: Results) -> Table:
    """Return the score matrix, one row per model and one column per benchmark."""
    labels, gaps = results.benchmarks["label"], int(results.X.isna().to_numpy().sum())
    X, more = first_rows(results.X, results.X.shape[1])
    columns = ["Model", *(str(labels[name]) for name in X.columns)]
    rows = numbered(results.models["name"][X.index], X)
    note = f"{sizes(results)}, {gaps if gaps else 'no'} missing score{'s' * (gaps != 1)}. Scores from 0 to 1.{more}"
    keys = ("", *map(str, X.columns))
    made = table("Score matrix", columns, columns[1:], rows, note)
    return replace(made, keys=keys, ids=tuple(texts(X.index)), filterable=True)


def position_table(results: Results) -> Table:
    """Return what models are placed by in pictures: components, factors, log10 of the budgets."""
    logs = {f"nd_{code}": log_budget(results.models, code) for code in predictor_names(results)}
    everything = pd.concat([results.pc_scores, results.factor_scores, pd.DataFrame(logs)], axis=1)
    frame, more = first_rows(everything.reindex(results.X.index), everything.shape[1])
    titles = {f"nd_{code}": axis_title(code, name) for code, name in predictor_names(results).items()}
    columns = ["Model", *(titles.get(name, str(name)) for name in frame.columns)]
    rows = numbered(results.models["name"][frame.index], frame)
    note = (
        f"Scores on components and factors of {len(results.X)} models; log₁₀ of the training budgets ND, parameters × "
        "tokens, where known and not zero." + more
    )
    keys = ("", *map(str, frame.columns))
    made = table("Components and budgets of the models", columns, columns[1:], rows, note)
    return replace(made, keys=keys, ids=tuple(texts(frame.index)), filterable=True)


def loading_table(results: Results, beyond: Tables, level: float) -> Table:
    """Return the loadings of the components, with the ends of their intervals."""
    loadings, labels = results.loadings, results.benchmarks["label"]
    way, ends = ends_of(beyond.get("stability_loadings"), ("benchmark", "component"))
    columns: dict[str, pd.Series] = {}
    for component in texts(loadings):
        columns[component] = loadings[component]
        if way:
            own = [ends.get((name, component), NO_ENDS) for name in texts(loadings.index)]
            for i, end in enumerate(("low", "high")):
                columns[f"{component} {end}"] = pd.Series([pair[i] for pair in own], loadings.index)
    rows = numbered(labels[loadings.index], pd.DataFrame(columns))
    note = f"Unit-norm loadings; {sizes(results)}."
    if way:
        note += f" low, high: ends of {100 * level:g} % intervals over {way}."
    made = table("Loadings", ["Benchmark", *columns], columns, rows, note)
    return replace(made, keys=("", *columns), ids=tuple(texts(loadings.index)), about="benchmark")


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
    models, more = first_rows(results.models, len(columns))
    rows = []
    for model_id, model in models.iterrows():
        row = [str(model["name"]), info.groups[model["group"]], number(model["active_params_b"], "g")]
        for code in (*info.languages, TOTAL):
            row.append(number(model[f"tokens_{code}_b"], ",.6g"))
            row += [str(model[f"tokens_{code}_origin"])] if code != TOTAL else []
            row.append(number(model[f"nd_{code}"], ".3g"))
        rows.append((*row, str(notes.get(model_id, ""))))
    note = (
        f"{len(results.models)} models. ND: active parameters × training tokens. Origin: published, or "
        "derived by the study's token rules." + more
    )
    made = table("Models and budgets", columns, numbers, rows, note)
    return replace(made, ids=tuple(texts(models.index)), filterable=True)


def robustness_table(overview: pd.DataFrame) -> Table:
    """Return the verdict on each conclusion under each variation, as the stage `robustness` words them."""
    return table(
        "Robustness of the conclusions",
        [str(name) for name in overview.columns],
        (),
        without_gaps(overview).astype(str).itertuples(index=False, name=None),
        "Each conclusion under each variation of the analysis; in brackets the criterion that decides.",
    )
