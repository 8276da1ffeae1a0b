"""Which conclusions of a study hold in which variations of its analysis."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.analysis.conclusions.variations import Solution, Variation
from stages.analysis.scaling.laws import FEWEST, correlate
from stages.contracts.rows import rows_of, texts
from stages.contracts.study.conclusions import Conclusion, Criterion

HOLDS, WEAKENS, FAILS, OPEN = "holds", "weakens", "fails", "not computable"
VERDICTS = (HOLDS, WEAKENS, FAILS, OPEN)
COLUMNS = [
    "conclusion",
    "variation",
    "verdict",
    "value",
    "statistic",
    "holds_from",
    "weakens_from",
    "kind",
    "n_models",
    "n_benchmarks",
    "detail",
]


class NotThereError(Exception):
    """The variation has no such number; the message says why."""


@dataclass(frozen=True)
class Judged:
    """A criterion in one variation.

    Attributes:
        criterion: The criterion.
        value: Its number, NaN where there is none.
        verdict: One of `VERDICTS`.
        reason: Why there is no number.
    """

    criterion: Criterion
    value: float
    verdict: str
    reason: str = ""

    @property
    def margin(self) -> float:
        """How far the value lies beyond `holds`, in units of the distance between the bounds; NaN without a value."""
        return (self.value - self.criterion.holds) / (self.criterion.holds - self.criterion.weakens)

    def words(self) -> str:
        """Return statistic and value."""
        return f"{self.criterion.statistic} {self.reason or f'{self.value:.3f}'}"


def judge(criterion: Criterion, solution: Solution) -> Judged:
    """Compute a criterion in a variation and compare it with its bounds."""
    try:
        value = measure(criterion, solution)
    except NotThereError as error:
        return Judged(criterion, np.nan, OPEN, f"({error})")
    judged = Judged(criterion, value, OPEN)
    verdict = HOLDS if judged.margin >= 0 else WEAKENS if judged.margin >= -1 else FAILS
    return Judged(criterion, value, verdict)


def measure(criterion: Criterion, solution: Solution) -> float:
    """Return the number that a criterion is about; see conclusions.yaml for the statistics.

    Raises:
        NotThereError: The variation lacks a component, a benchmark or a budget.
    """
    kind, *rest = criterion.parts
    value = float(STATISTICS[kind](solution, rest, criterion.benchmarks))
    if not np.isfinite(value):
        raise NotThereError("undefined")
    return value


def _axis(solution: Solution, name: str) -> pd.Series:
    if name not in solution.loadings:
        raise NotThereError(f"no {name}")
    return solution.loadings[name]


def _present(names: Sequence[str], solution: Solution) -> list[str]:
    present = [name for name in names if name in solution.loadings.index]
    if not present:
        raise NotThereError("none of its benchmarks")
    return present


def _evr(solution: Solution, rest: list[str], benchmarks: Sequence[str]) -> float:
    _axis(solution, rest[0])
    return float(solution.ratio[rest[0]])


def _evenness(solution: Solution, rest: list[str], benchmarks: Sequence[str]) -> float:
    squares = _axis(solution, rest[0]) ** 2
    return float(squares.sum() ** 2 / (len(squares) * (squares**2).sum()))


def _share(solution: Solution, rest: list[str], benchmarks: Sequence[str]) -> float:
    squares = _axis(solution, rest[0]) ** 2
    return float(squares[_present(benchmarks, solution)].sum() / squares.sum())


def _least(solution: Solution, rest: list[str], benchmarks: Sequence[str]) -> float:
    axis = _axis(solution, rest[0])
    return float(axis[_present(benchmarks, solution)].min() / np.sqrt((axis**2).sum()))


def _rho(solution: Solution, rest: list[str], benchmarks: Sequence[str]) -> float:
    component, budget = rest
    _axis(solution, component)
    logs = solution.logs[budget]
    if logs.notna().sum() < FEWEST or logs.nunique() < 2:
        raise NotThereError(f"{budget} budget known for {logs.notna().sum()} models")
    both = pd.DataFrame({"scores": solution.scores[component], "logs": logs}).dropna()
    both = both.rank() if solution.method == "spearman" else both
    return correlate(both["scores"], both["logs"])


def _r(solution: Solution, rest: list[str], benchmarks: Sequence[str]) -> float:
    missing = [name for name in rest if name not in solution.correlation]
    if missing:
        raise NotThereError(f"no {missing[0]}")
    return float(solution.correlation[rest[1]][rest[0]])


def _outside_r(solution: Solution, rest: list[str], benchmarks: Sequence[str]) -> float:
    inside = _present(benchmarks, solution)
    outside = [name for name in texts(solution.correlation) if name not in benchmarks]
    return float(solution.correlation.loc[inside, outside].abs().to_numpy().mean())


STATISTICS: Mapping[str, Callable[[Solution, list[str], Sequence[str]], float]] = {
    "evr": _evr,
    "evenness": _evenness,
    "share": _share,
    "least": _least,
    "rho": _rho,
    "r": _r,
    "outside_r": _outside_r,
}


def robustness(conclusions: Sequence[Conclusion], variations: Sequence[Variation]) -> pd.DataFrame:
    """Judge every conclusion in every variation.

    A conclusion is as good as its worst criterion, whose statistic, value and bounds stand in the row. Where a
    criterion has no number and no other fails, the conclusion is not computable.

    Returns:
        One row per conclusion and variation, with `COLUMNS`; detail lists all criteria.
    """
    rows = [_row(conclusion, variation) for conclusion in conclusions for variation in variations]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(conclusion: Conclusion, variation: Variation) -> dict[str, object]:
    row: dict[str, object] = {"conclusion": conclusion.id, "variation": variation.name, "kind": variation.kind}
    solution = variation.solution
    if isinstance(solution, str):
        return row | {"verdict": OPEN, "detail": solution}
    judged = [judge(criterion, solution) for criterion in conclusion.criteria]
    worst = max(judged, key=lambda item: (_rank(item), -np.nan_to_num(item.margin)))
    return row | {
        "verdict": worst.verdict,
        "value": worst.value,
        "statistic": worst.criterion.statistic,
        "holds_from": worst.criterion.holds,
        "weakens_from": worst.criterion.weakens,
        "n_models": len(solution.scores),
        "n_benchmarks": len(solution.loadings),
        "detail": "; ".join(item.words() for item in judged),
    }


def _rank(item: Judged) -> int:
    return (HOLDS, WEAKENS, OPEN, FAILS).index(item.verdict)


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
    known = part[part["verdict"] != OPEN]
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


def headline(counted: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many conclusions there are of each verdict, for robustness.json.

    A conclusion counts as its worst verdict over the variations in which it could be computed: it holds where it holds
    in all of them, and fails where it fails in one.

    Args:
        counted: See `counts`.
    """
    order = (FAILS, WEAKENS, HOLDS)
    worst = [next((verdict for verdict in order if row[verdict] > 0), OPEN) for row in counted.to_dict("records")]
    return {"conclusions": {verdict.replace(" ", "_"): worst.count(verdict) for verdict in VERDICTS}}
