"""Two states of a study side by side as one HTML page, made of the parts of the report page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from stages.analysis.conclusions.verdicts import COLUMNS
from stages.contracts.rows import texts
from stages.contracts.study.info import StudyInfo
from stages.page import pictures, tables
from stages.page.rendering import render
from stages.page.tables import MISSING, Table, number

MOST_NUMBERS = 1000
"""Numbers that differ, largest change first, that the page lists."""
BEFORE, NOW = "before", "now"


@dataclass(frozen=True)
class State:
    """One of the two states.

    Attributes:
        name: Revision, as it was asked for, with commit or experiment.
        study: Folder name under metadata/, and subset.
        info: study.yaml.
        models: Indexed by model_id: name, group, family, base_model_id; no rows where they are not here.
        benchmarks: Indexed by benchmark: label, language; likewise.
        loadings: (n_benchmarks, k); no columns where they are not here.
        scores: (n_models, k), likewise.
        verdicts: robustness.csv; no rows where it is not here.
        statements: Conclusion to its words.
    """

    name: str
    study: str
    info: StudyInfo
    models: pd.DataFrame
    benchmarks: pd.DataFrame
    loadings: pd.DataFrame
    scores: pd.DataFrame
    verdicts: pd.DataFrame
    statements: Mapping[str, str]

    @property
    def size(self) -> str:
        """Models and benchmarks, in words."""
        return f"{len(self.scores)} models, {len(self.loadings)} benchmarks"


@dataclass(frozen=True)
class Changes:
    """What differs, as text: rows of place, value in the first state, value in the second.

    Attributes:
        params: Parameters.
        facts: Cells of the study's tables, the file before the place.
        code: Files of code, with md5s.
        numbers: Results, largest change first: file, place, both values, causes.
        missing: What could not be compared, one line each.
    """

    params: Sequence[tuple[str, str, str]]
    facts: Sequence[tuple[str, str, str]]
    code: Sequence[tuple[str, str, str]]
    numbers: Sequence[tuple[str, str, str, str, str]]
    missing: Sequence[str]


@dataclass(frozen=True)
class Comparison:
    """All that the page shows.

    Attributes:
        first: The former state.
        second: The later one.
        lead: What changed, in one sentence.
        conclusions: A row for each conclusion; None where neither state has any.
        turned: A row for each conclusion and variation whose verdict differs; None without any.
        panel: Positions of the models; None where a state has fewer than two components.
        has_loadings: Whether loadings are overlaid.
        tables: The numbers behind the pictures.
        changed: What changed of parameters, facts and code.
        moved: Numbers that differ.
        missing: What could not be compared, one line each.
        data: What the pictures need besides the tables.
    """

    first: State
    second: State
    lead: str
    conclusions: Table | None
    turned: Table | None
    panel: pictures.Panel | None
    has_loadings: bool
    tables: tuple[Table, ...]
    changed: tuple[Table, ...]
    moved: Table
    missing: Sequence[str]
    data: Mapping[str, Any]


def render_comparison(first: State, second: State, changes: Changes) -> str:
    """Return two states side by side as HTML.

    Args:
        first: The former state.
        second: The later one.
        changes: What differs.
    """
    return render("comparison.html.j2", page=_comparison(first, second, changes))


def _comparison(first: State, second: State, changes: Changes) -> Comparison:
    turned = turned_table(first, second)
    conclusions = conclusions_table(first, second)
    models, benchmarks = _union(second.models, first.models), _union(second.benchmarks, first.benchmarks)
    info = second.info.model_copy(
        update={
            "groups": {**first.info.groups, **second.info.groups},
            "languages": {**first.info.languages, **second.info.languages},
        }
    )
    shared = [name for name in texts(second.scores) if name in first.scores]
    analysed = models.loc[models.index.isin(first.scores.index) | models.index.isin(second.scores.index)]
    used = benchmarks.loc[benchmarks.index.isin(first.loadings.index) | benchmarks.index.isin(second.loadings.index)]
    behind = (
        _overlaid("Positions of the models", "Model", analysed["name"], first.scores, second.scores, "model"),
        _overlaid("Loadings", "Benchmark", used["label"], first.loadings, second.loadings, "benchmark"),
    )
    words = f"Models on {' and '.join(shared[:2])}; an arrow leads from the first state to the second"
    return Comparison(
        first=first,
        second=second,
        lead=_lead(changes, conclusions, turned),
        conclusions=conclusions,
        turned=turned,
        panel=pictures.Panel(shared[0], shared[1], words) if len(shared) > 1 else None,
        has_loadings=bool(shared),
        tables=tuple(table for table in behind if len(table.columns) > 1),
        changed=tuple(_changed(changes)),
        moved=_moved(changes),
        missing=changes.missing,
        data={**pictures.named(info, analysed, used), "axes": [[name, name] for name in shared]},
    )


def _union(ours: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of both, ours where both have one."""
    parts = [part for part in (ours, others[~others.index.isin(ours.index)]) if len(part)]
    return pd.concat(parts) if parts else ours


def _lead(changes: Changes, conclusions: Table | None, turned: Table | None) -> str:
    params, facts = counted(len(changes.params), "parameter"), counted(len(changes.facts), "fact")
    code, moved = counted(len(changes.code), "file of code", "files of code"), counted(len(changes.numbers), "number")
    told = f"{params}, {facts} and {code} changed; {moved} moved"
    if conclusions is None:
        return f"{told[0].upper()}{told[1:]}."
    n = len({row[0] for row in turned.rows}) if turned else 0
    shaken = f"{n if n else 'none'} of {len(conclusions.rows)} conclusions turned in some variation"
    return f"{told[0].upper()}{told[1:]}; {shaken}."


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number of things in words, `no` for none."""
    return f"{f'{n:,}' if n else 'no'} {one if n == 1 else many or f'{one}s'}"


def _verdicts(state: State) -> pd.DataFrame:
    table = state.verdicts if len(state.verdicts) else pd.DataFrame(columns=COLUMNS)
    return table.set_index(["conclusion", "variation"])


def conclusions_table(first: State, second: State) -> Table | None:
    """Return a row for each conclusion: verdict and number as analysed in both states, variations that turned."""
    statements = {**first.statements, **second.statements}
    if not statements:
        return None
    both = _verdicts(first), _verdicts(second)
    rows = []
    for name, statement in statements.items():
        own = [part.loc[[name]] if name in part.index.get_level_values(0) else part.iloc[:0] for part in both]
        held = [f"{(part['verdict'] == 'holds').sum()} of {part['value'].notna().sum()}" for part in own]
        rows.append((statement, _analysed(own[0]), _analysed(own[1]), *held, _turn(own[0], own[1])))
    columns = ["Conclusion", first.name, f"{second.name} ", "Held before", "Holds now", ""]
    note = "Verdict of the analysis as it was done, with the number that decides; variations in which it holds."
    return tables.table("Conclusions", columns, (), rows, note)


def _analysed(rows: pd.DataFrame) -> str:
    if rows.empty:
        return MISSING
    own = rows.iloc[0]
    return (
        str(own["verdict"]) if pd.isna(own["value"]) else f"{own['verdict']} ({own['statistic']} {own['value']:.3f})"
    )


def _turn(before: pd.DataFrame, now: pd.DataFrame) -> str:
    if before.empty or now.empty:
        return ""
    return "turned" if before.iloc[0]["verdict"] != now.iloc[0]["verdict"] else "same"


def turned_table(first: State, second: State) -> Table | None:
    """Return the conclusions and variations whose verdict differs; None without any."""
    statements = {**first.statements, **second.statements}
    parts = [_verdicts(state)[["verdict", "value"]] for state in (first, second)]
    both = parts[0].add_suffix("_before").join(parts[1].add_suffix("_now"), how="inner")
    turned = both[both["verdict_before"] != both["verdict_now"]]
    rows = [
        (statements[name], str(variation), f"{row[0]} {number(row[1], '.3f')}", f"{row[2]} {number(row[3], '.3f')}")
        for (name, variation), row in zip(turned.index, turned.itertuples(index=False), strict=True)
    ]
    if not rows:
        return None
    note = "Variations that both states were analysed in."
    return tables.table("Verdicts that turned", ["Conclusion", "Variation", "Before", "Now"], (), rows, note)


def _overlaid(title: str, what: str, names: pd.Series, before: pd.DataFrame, now: pd.DataFrame, about: str) -> Table:
    """Return the numbers of both states side by side, a pair of columns for each component that both have."""
    shared = [name for name in texts(now) if name in before]
    columns, keys, former, values = [what], [""], set(), []
    for component in shared:
        for state, frame in ((BEFORE, before), (NOW, now)):
            header = f"{component} {state}"
            columns.append(header)
            keys.append(component)
            former |= {header} if state == BEFORE else set()
            values.append(frame[component].reindex(names.index))
    rows = tables.numbered(names, pd.concat(values, axis=1) if values else pd.DataFrame(index=names.index))
    made = tables.table(title, columns, columns[1:], rows, f"{len(rows)} {about}s, before and now.")
    return replace(
        made,
        keys=tuple(keys),
        before=frozenset(former),
        ids=tuple(texts(names.index)),
        about=about,
        filterable=True,
    )


def _changed(changes: Changes) -> list[Table]:
    columns = ["Place", "Before", "Now"]
    parts = {"Parameters": changes.params, "Facts": changes.facts, "Code": changes.code}
    made = [tables.table(title, columns, (), rows, "") for title, rows in parts.items()]
    return [replace(table, filterable=len(table.rows) > 20) for table in made]


def _moved(changes: Changes) -> Table:
    shown = changes.numbers[:MOST_NUMBERS]
    more = len(changes.numbers) - len(shown)
    note = "Largest change first, with what changed of that on which the number depends."
    note += f" {more:,} smaller changes: `observatory diff --json`." if more else ""
    columns = ["Place", "Before", "Now", "File", "Because of"]
    rows = [(place, before, now, file, because) for file, place, before, now, because in shown]
    return replace(tables.table("Numbers", columns, columns[1:3], rows, note), filterable=True)
