"""Rows of a study's tables from what result files and names state; what nobody states stays blank."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stages.contracts.csv.schema import Table
from stages.contracts.names import listed
from stages.contracts.study.own_tasks import DEFAULT_FILTER
from stages.contracts.study.sizes import sizes_from_name
from stages.intake.lm_eval import NAME as LM_EVAL
from stages.intake.results import Result

GROUP = "models"
WORD = re.compile(r"[^\W\d_]+")
TO_DECIDE = "unknown"
"""What stands in a field that needs a text and that only a person can know."""


@dataclass
class Draft:
    """Rows to add to a study.

    Attributes:
        models: Rows of models.csv.
        benchmarks: Rows of benchmarks.csv.
        scores: model_id to benchmark to score as written; what it lacks is blank.
        notes: What was derived or assumed, one line each.
    """

    models: list[dict[str, str]] = field(default_factory=list)
    benchmarks: list[dict[str, str]] = field(default_factory=list)
    scores: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def decisions(self) -> list[str]:
        """What is left to a person, one line each."""
        lines = []
        if self.models:
            lines.append(
                f"models.csv: construction is scratch and group is {GROUP} for {_count(self.models, 'model')}: write "
                "continual and base_model_id where a model was trained from another; token counts are blank, without "
                "them there are no scaling laws"
            )
        if self.benchmarks:
            lines.append(
                f"benchmarks.csv: ability is {TO_DECIDE} for {_count(self.benchmarks, 'benchmark')}, and the language "
                "of each is the study's first where no file states one"
            )
        return lines


def _count(rows: Sequence[object], noun: str) -> str:
    return f"{len(rows)} {noun}{'' if len(rows) == 1 else 's'}"


def plain(value: float | None) -> str:
    """Return a number as tables hold it, without an exponent, in full; "" for None and NaN."""
    return "" if value is None or value != value else np.format_float_positional(value, trim="-")


def model_rows(names: Sequence[str], stated: Mapping[str, float]) -> tuple[list[dict[str, str]], list[str]]:
    """Return rows of models.csv, and what was derived.

    Args:
        names: model_ids.
        stated: model_id to parameters that a file states, in plain units.
    """
    short = [name.rpartition("/")[2] for name in names]
    spelled: dict[str, str] = {}
    rows, unknown, derived = [], [], []
    for name, last in zip(names, short, strict=True):
        sizes = sizes_from_name(name)
        total = round(stated[name] / 1e9, 6) if name in stated else None
        active = sizes.active if sizes.active is not None else total if sizes.total is None else None
        word = WORD.search(last)
        family = spelled.setdefault((word[0] if word else last).casefold(), word[0] if word else last)
        unknown += [name] * (active is None)
        derived += [name] * (sizes.active is not None)
        rows.append(
            {
                "model_id": name,
                "name": last if short.count(last) == 1 else name,
                "active_params_b": plain(active),
                "total_params_b": plain(total if total is not None else sizes.total),
                "construction": "scratch",
                "group": GROUP,
                "family": family,
            }
        )
    notes = [f"models.csv: family is the first word of the name: {listed(list(spelled.values()))}"] if names else []
    if derived:
        notes.append(f"models.csv: parameters of {_count(derived, 'model')} are those that their names state")
    dense = [row["model_id"] for row in rows if row["active_params_b"] and row["model_id"] not in derived]
    if dense:
        notes.append(f"models.csv: the parameters that files state of {listed(dense)} are taken to be all active")
    if unknown:
        notes.append(f"models.csv: no parameters are known of {listed(unknown)}: blank")
    return rows, notes


def benchmark_row(
    name: str, results: Sequence[Result], scale: float, languages: Sequence[str], *, lowest: float
) -> dict[str, str]:
    """Return a row of benchmarks.csv.

    Args:
        name: Name of the benchmark.
        results: Its numbers, by one metric and filter.
        scale: What they are divided by.
        languages: Language codes of the study.
        lowest: Smallest share.
    """
    first = results[0]
    stated = next((result.language for result in results if result.language in languages), languages[0])
    answer = next((result.answer for result in results if result.answer), "generation")
    falling = any(result.higher_is_better is False for result in results)
    known = first.tool.startswith(f"{LM_EVAL} ")
    return {
        "benchmark": name,
        "label": name,
        "language": stated,
        "ability": TO_DECIDE,
        "metric": first.key,
        "max_score": "1",
        "min_score": "-1" if lowest < 0 else "",
        "n_items": _common(result.n_items for result in results),
        "n_shots": _common(result.n_shots for result in results),
        "answer": answer,
        "higher_is_better": "false" if falling else "",
        "task": first.task if known else "",
        "task_metric": first.metric if known else "",
        "task_filter": first.filter if known and first.filter != DEFAULT_FILTER else "",
        "task_scale": plain(scale) if known and scale != 1 else "",
    }


def _common(values: Iterable[int | None]) -> str:
    """Return a number on which all agree that state one, "" where they do not."""
    known = set(values) - {None}
    return str(known.pop()) if len(known) == 1 else ""


def study_yaml(title: str, languages: Mapping[str, str]) -> str:
    """Return study.yaml of a study of which only its title and languages are known."""
    lines = [f"title: {_quoted(title)}", f"citation: {TO_DECIDE}", f"licence: {TO_DECIDE}", "languages:"]
    lines += [f"  {_quoted(code)}: {_quoted(name)}" for code, name in languages.items()]
    return "\n".join([*lines, "groups:", f"  {GROUP}: Models", ""])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def extended(data: bytes | None, table: Table, rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return a CSV file with rows added, and with columns of its contract that only they fill.

    Args:
        data: The file; None for a new one, which has every column that the contract requires.
        table: Its contract.
        rows: Column to text; what the contract does not know is left out.
    """
    old = list(csv.reader(io.StringIO((data or b"").decode("utf-8-sig"), newline="")))
    header = old[0] if old else [column.name for column in table.columns if column.required]
    filled = {name for row in rows for name, text in row.items() if text}
    added = [name for name in table.names if name in filled and name not in header]
    if not rows and data is not None:
        return data
    lines = [[*header, *added], *([*cells, *([""] * len(added))] for cells in old[1:] if cells)]
    lines += [[row.get(name, "") for name in (*header, *added)] for row in rows]
    return written(lines)


def widened(data: bytes | None, draft: Draft) -> bytes:
    """Return scores.csv with a row for each new model and a column for each new benchmark."""
    old = list(csv.reader(io.StringIO((data or b"model_id\n").decode("utf-8-sig"), newline="")))
    if data is not None and not draft.models and not draft.benchmarks:
        return data
    header, new = old[0], [row["benchmark"] for row in draft.benchmarks]
    lines = [[*header, *new], *([*cells, *([""] * len(new))] for cells in old[1:] if cells)]
    for row in draft.models:
        name = row["model_id"]
        lines.append([name, *(draft.scores.get(name, {}).get(column, "") for column in (*header[1:], *new))])
    return written(lines)


def written(lines: Iterable[Sequence[str]]) -> bytes:
    """Return rows as a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()
