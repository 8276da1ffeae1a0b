"""Which conclusions of a study hold in which variations of its analysis, and which the data cannot tell."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.analysis.conclusions.evidence import Evidence, Support
from stages.analysis.conclusions.measures import NotThereError, measure, numbers_of
from stages.analysis.conclusions.variations import Solution, Variation
from stages.contracts.rows import rows_of
from stages.contracts.study.conclusions import Conclusion, Criterion

HOLDS, WEAKENS, FAILS, OPEN = "holds", "weakens", "fails", "cannot be told"
VERDICTS = (HOLDS, WEAKENS, FAILS, OPEN)
COLUMNS = [
    "conclusion",
    "variation",
    "verdict",
    "value",
    "low",
    "high",
    "statistic",
    "holds_from",
    "weakens_from",
    "kind",
    "n_models",
    "n_benchmarks",
    "n",
    "families",
    "detail",
]
CRITERIA = [
    "conclusion",
    "variation",
    "statistic",
    "verdict",
    "value",
    "low",
    "high",
    "holds_from",
    "weakens_from",
    "n",
    "families",
    "reason",
]
NOTHING = Support(np.nan, np.nan, 0, 0)


@dataclass(frozen=True)
class Judged:
    """A criterion in one variation.

    Attributes:
        criterion: The criterion.
        value: Its number, NaN where there is none.
        verdict: One of `VERDICTS`.
        support: Its interval, and what it rests on.
        reason: Why there is no number, or why it tells nothing.
    """

    criterion: Criterion
    value: float
    verdict: str
    support: Support = NOTHING
    reason: str = ""

    @property
    def margin(self) -> float:
        """See `margin`."""
        return margin(self.criterion, self.value)

    def words(self) -> str:
        """Return statistic, value, interval and what it rests on."""
        if math.isnan(self.value):
            return f"{self.criterion.statistic} ({self.reason})"
        found = self.support
        ends = "" if math.isnan(found.low) else f"{found.low:.3f} to {found.high:.3f}; "
        rests = f"{found.models} models of {found.families} {'family' if found.families == 1 else 'families'}"
        return f"{self.criterion.statistic} {self.value:.3f} ({ends}{rests})"


def margin(criterion: Criterion, value: float) -> float:
    """Return how far a value lies beyond `holds`, in units of the distance between the bounds; NaN without a value.

    From 0 on it holds, from -1 on it weakens.
    """
    return (value - criterion.holds) / (criterion.holds - criterion.weakens)


def judge(criterion: Criterion, variation: str, solution: Solution, evidence: Evidence) -> Judged:
    """Compute a criterion in a variation and compare it, with its interval, with its bounds.

    The estimate decides, unless its interval covers both sides, that is values that hold and values that fail, or the
    number rests on fewer models or families than the study asks for.
    """
    try:
        value = float(measure(criterion, numbers_of(solution))[0])
    except NotThereError as error:
        return Judged(criterion, np.nan, OPEN, reason=str(error))
    if not math.isfinite(value):
        return Judged(criterion, np.nan, OPEN, reason="undefined")
    support = evidence.support(criterion, value, variation, solution)
    reason = _untold(criterion, support, evidence)
    at = margin(criterion, value)
    verdict = OPEN if reason else HOLDS if at >= 0 else WEAKENS if at >= -1 else FAILS
    return Judged(criterion, value, verdict, support, reason)


def _untold(criterion: Criterion, support: Support, evidence: Evidence) -> str:
    """Return why a number tells nothing about its conclusion, or nothing."""
    needs = {"models": (support.models, evidence.min_models), "families": (support.families, evidence.min_families)}
    few = [f"{count} {what}, {least} needed" for what, (count, least) in needs.items() if count < least]
    if few:
        return "; ".join(few)
    ends = sorted(margin(criterion, end) for end in (support.low, support.high))
    if math.isnan(ends[0]):
        return "no interval"
    return "the interval covers both sides" if ends[0] < -1 and ends[1] >= 0 else ""


def robustness(
    conclusions: Sequence[Conclusion], variations: Sequence[Variation], evidence: Evidence
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge every conclusion in every variation.

    A conclusion is as good as its worst criterion, whose statistic, value, interval and bounds stand in the row: it
    fails where one fails, else it cannot be told where one cannot, else it weakens where one does.

    Returns:
        One row per conclusion and variation, with `COLUMNS`, detail lists all criteria; and one row per criterion and
        subset, with `CRITERIA`.
    """
    rows, criteria = [], []
    for conclusion in conclusions:
        for variation in variations:
            judged = judge_all(conclusion, variation, evidence)
            rows.append(_row(conclusion, variation, judged))
            if variation.kind == "subset":
                criteria += criterion_rows(conclusion.id, variation.name, judged)
    return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(criteria, columns=CRITERIA)


def judge_all(conclusion: Conclusion, variation: Variation, evidence: Evidence) -> list[Judged]:
    """Judge the criteria of a conclusion in a variation; none where there is no analysis."""
    solution = variation.solution
    if isinstance(solution, str):
        return []
    return [judge(criterion, variation.name, solution, evidence) for criterion in conclusion.criteria]


def worst_of(judged: Sequence[Judged]) -> Judged:
    """Return the criterion that decides about a conclusion."""
    order = (HOLDS, WEAKENS, OPEN, FAILS)
    return max(judged, key=lambda item: (order.index(item.verdict), -np.nan_to_num(item.margin)))


def verdict_of(judged: Sequence[Judged]) -> str:
    """Return the verdict on a conclusion whose criteria were judged."""
    return worst_of(judged).verdict if judged else OPEN


def criterion_rows(conclusion: str, variation: str, judged: Sequence[Judged]) -> list[tuple[object, ...]]:
    """Return one row per criterion, with `CRITERIA`."""
    return [
        (
            conclusion,
            variation,
            one.criterion.statistic,
            one.verdict,
            one.value,
            one.support.low,
            one.support.high,
            one.criterion.holds,
            one.criterion.weakens,
            one.support.models,
            one.support.families,
            one.reason,
        )
        for one in judged
    ]


def _row(conclusion: Conclusion, variation: Variation, judged: Sequence[Judged]) -> dict[str, object]:
    row: dict[str, object] = {"conclusion": conclusion.id, "variation": variation.name, "kind": variation.kind}
    solution = variation.solution
    if isinstance(solution, str):
        return row | {"verdict": OPEN, "n": 0, "families": 0, "detail": solution}
    worst = worst_of(judged)
    return row | {
        "verdict": worst.verdict,
        "value": worst.value,
        "low": worst.support.low,
        "high": worst.support.high,
        "statistic": worst.criterion.statistic,
        "holds_from": worst.criterion.holds,
        "weakens_from": worst.criterion.weakens,
        "n_models": len(solution.scores),
        "n_benchmarks": len(solution.loadings),
        "n": worst.support.models,
        "families": worst.support.families,
        "detail": "; ".join(item.words() for item in judged),
    }


def overview(table: pd.DataFrame, conclusions: Sequence[Conclusion]) -> pd.DataFrame:
    """Return the table at a glance: one row per conclusion, one column per variation.

    Families and benchmarks left out share a column each, which shows the worst of them and counts the verdicts.
    """
    rows = []
    for conclusion in conclusions:
        row: dict[str, str] = {"conclusion": conclusion.statement}
        own = table[table["conclusion"] == conclusion.id]
        for kind in dict.fromkeys(own["kind"]):
            part = own[own["kind"] == kind]
            if kind in {"family", "benchmark"}:
                row[f"without each {kind}"] = _worst(part)
            else:
                row |= {r.variation: _cell(r) for r in rows_of(part, _Told)}
        rows.append(row)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["conclusion"])


class _Told(NamedTuple):
    variation: str
    verdict: str
    statistic: str
    value: float


def _cell(told: _Told) -> str:
    return told.verdict if math.isnan(told.value) else f"{told.verdict} ({told.statistic} {told.value:.2f})"


def _worst(part: pd.DataFrame) -> str:
    """Return how many hold, and the worst of the others."""
    known = part[part["value"].notna()]
    if known.empty:
        return OPEN
    held = known["verdict"] == HOLDS
    text = f"{held.sum()} of {len(known)} hold"
    if held.all():
        return text
    margin = (known["value"] - known["holds_from"]) / (known["holds_from"] - known["weakens_from"])
    (worst,) = rows_of(known.loc[[margin.idxmin()]], _Told)
    return f"{text}; {worst.variation} {_cell(worst)}"


def counts(table: pd.DataFrame, conclusions: Sequence[Conclusion]) -> pd.DataFrame:
    """Return one row per conclusion: conclusion, statement, for each of `VERDICTS` the number of variations."""
    found = table.groupby(["conclusion", "verdict"]).size()
    rows = [
        (one.id, one.statement, *(int(found.get((one.id, verdict), 0)) for verdict in VERDICTS)) for one in conclusions
    ]
    return pd.DataFrame(
        rows, columns=["conclusion", "statement", *(verdict.replace(" ", "_") for verdict in VERDICTS)]
    )


def headline(table: pd.DataFrame, conclusions: Sequence[Conclusion]) -> dict[str, dict[str, int]]:
    """Return how many conclusions there are of each verdict, for robustness.json.

    Args:
        table: See `robustness`.
        conclusions: Conclusions of the study.
    """
    found = [overall(table[table["conclusion"] == one.id]) for one in conclusions]
    return {"conclusions": {verdict.replace(" ", "_"): found.count(verdict) for verdict in VERDICTS}}


def overall(rows: pd.DataFrame) -> str:
    """Return the verdict on a conclusion over all variations of the analysis.

    What cannot be told from the study as analysed, the first row, cannot be told. Another conclusion has its worst
    verdict over the variations that have its numbers.
    """
    if rows.empty or rows.iloc[0]["verdict"] == OPEN:
        return OPEN
    verdicts = set(rows.loc[rows["value"].notna(), "verdict"])
    return next((verdict for verdict in (FAILS, WEAKENS, OPEN) if verdict in verdicts), HOLDS)
