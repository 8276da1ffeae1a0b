"""What a study found, in a few sentences: question, conclusions with their numbers, and how these were computed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from stages.analysis.conclusions.verdicts import FAILS, HOLDS, OPEN, VERDICTS, WEAKENS, overall
from stages.analysis.scaling.laws import Law
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of
from stages.contracts.study.conclusions import Conclusion
from stages.page.tables import (
    STAND_IN_NAMES,
    Tables,
    ends_of,
    interval,
    number,
    percent,
    predictor_names,
    variance_ends,
)

NAMED = 3
"""Variations that a sentence names."""


@dataclass(frozen=True)
class Finding:
    """A conclusion of the study and what became of it here.

    Attributes:
        statement: The conclusion.
        source: Where it was published.
        verdict: Verdict of the analysis as it was done.
        worst: Verdict over all variations of the analysis, see `verdicts.overall`.
        evidence: Its numbers, with intervals and n.
        varied: In how many variations of the analysis it holds, and in which it does not.
    """

    statement: str
    source: str
    verdict: str
    worst: str
    evidence: tuple[str, ...]
    varied: str


@dataclass(frozen=True)
class Answer:
    """What the first screen says.

    Attributes:
        question: What the study asks.
        lead: The answer in one sentence.
        findings: The conclusions; of a study without any, none.
        facts: Sentences for a study without conclusions.
    """

    question: str
    lead: str
    findings: tuple[Finding, ...]
    facts: tuple[str, ...] = ()


def answer(results: Results, conclusions: Sequence[Conclusion], beyond: Tables, level: float) -> Answer:
    """Put the results into words.

    Args:
        results: Results of the state shown.
        conclusions: Conclusions of the study, in order; may be none.
        beyond: Tables of the stages stability and robustness.
        level: Coverage of the intervals.
    """
    table = beyond.get("robustness")
    if not conclusions or table is None:
        facts = tuple(_facts(results, beyond, level))
        return Answer(_question(results), _size(results), (), facts)
    numbers = Numbers(results, beyond, level)
    criteria = beyond.get("robustness_criteria", NO_CRITERIA)
    findings = []
    for one in conclusions:
        rows, own = (found[found["conclusion"] == one.id] for found in (table, criteria))
        findings.append(_finding(one, rows, own[own["variation"] == rows.iloc[0]["variation"]], numbers))
    return Answer(_question(results), _lead([one.worst for one in findings]), tuple(findings))


def _question(results: Results) -> str:
    info = results.info
    if info.continual_language:
        language = info.languages[info.continual_language]
        return f"Which abilities of language models come from training in {language}, and how do they scale?"
    return "Which abilities do these language models share, and how do they scale with training?"


def _size(results: Results) -> str:
    n_models, n_benchmarks = results.X.shape
    return f"{n_models} models on {n_benchmarks} benchmarks; the study states no conclusions to test."


def _lead(verdicts: Sequence[str]) -> str:
    found = {verdict: list(verdicts).count(verdict) for verdict in VERDICTS}
    parts = [f"{found[HOLDS]} of {len(verdicts)} conclusions hold in every variation of the analysis"]
    if found[WEAKENS]:
        parts.append(f"{found[WEAKENS]} weaken{'s' * (found[WEAKENS] == 1)} in some")
    if found[FAILS]:
        parts.append(f"{found[FAILS]} fail{'s' * (found[FAILS] == 1)} in some")
    if found[OPEN]:
        parts.append(f"{found[OPEN]} cannot be told from these models")
    return f"{', '.join(parts)}."


def _finding(conclusion: Conclusion, rows: pd.DataFrame, criteria: pd.DataFrame, numbers: "Numbers") -> Finding:
    own = rows.iloc[0]
    benchmarks = {criterion.statistic: criterion.benchmarks for criterion in conclusion.criteria}
    evidence = [
        numbers.words(row, benchmarks.get(row.statistic, ())) for row in rows_of(_with_reasons(criteria), Evidence)
    ]
    told = tuple(evidence) or (str(own["detail"]),)
    return Finding(conclusion.statement, conclusion.source, str(own["verdict"]), overall(rows), told, _varied(rows))


def _with_reasons(criteria: pd.DataFrame) -> pd.DataFrame:
    """Return a table of criteria with empty text where there is no reason."""
    return criteria.assign(reason=criteria["reason"].astype(object).where(criteria["reason"].notna(), ""))


def _varied(rows: pd.DataFrame) -> str:
    """Return in how many variations a conclusion holds, and the first that it does not hold in."""
    known = rows[rows["value"].notna()]
    if known.empty:
        return "not computable in any variation"
    held = int((known["verdict"] == HOLDS).sum())
    if held == len(known):
        return f"holds in all {held} variations" if held > 1 else "holds in the one variation there is"
    if (known["verdict"] == OPEN).all():
        return f"cannot be told in any of {len(known)} variation{'s' * (len(known) > 1)}"
    parts = [f"holds in {held} of {len(known)} variations"]
    for verdict in (WEAKENS, FAILS, OPEN):
        names = list(known.loc[known["verdict"] == verdict, "variation"])
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            parts.append(f"{verdict} under {', '.join(names[:NAMED])}{more}")
    return "; ".join(parts)


class Evidence(NamedTuple):
    """A row of robustness_criteria.csv."""

    statistic: str
    value: float
    low: float
    high: float
    n: int
    families: int
    reason: str


NO_CRITERIA = pd.DataFrame(columns=["conclusion", "variation", *Evidence._fields])


@dataclass(frozen=True)
class Numbers:
    """The numbers behind conclusions, with what is known of their precision.

    Attributes:
        results: Results of the state shown.
        beyond: Tables of the stages stability and robustness.
        level: Coverage of the intervals.
    """

    results: Results
    beyond: Tables
    level: float

    def words(self, found: Evidence, benchmarks: Sequence[str]) -> str:
        """Return a criterion of a conclusion in words: its number with interval and n, or why it has none.

        Args:
            found: The number.
            benchmarks: That it is about, where it is about a group.
        """
        if math.isnan(found.value):
            return f"{found.statistic} not computable ({found.reason})"
        ends = ""
        if not math.isnan(found.low):
            over = f"{found.families} families" if found.families < found.n else f"{found.n} models"
            ends = f" ({100 * self.level:g} % over {over}: {_ends_of(found.statistic, found.low, found.high)})"
        n = f", n = {found.n}" if found.statistic.startswith(("rho.", "r.", "outside_r")) else ""
        why = f": {found.reason}" if found.reason else ""
        return f"{self.said(found.statistic, found.value, benchmarks)}{ends}{n}{why}"

    def said(self, statistic: str, value: float, benchmarks: Sequence[str]) -> str:
        """Return a statistic of conclusions.yaml and its value in words.

        Args:
            statistic: Its dotted name.
            value: Its value.
            benchmarks: That it is about, where it is about a group.
        """
        kind, *rest = statistic.split(".")
        names = ", ".join(str(self.results.benchmarks["label"].get(name, name)) for name in benchmarks)
        return {
            "rho": lambda: f"ρ of {rest[0]} and {self.predictor(rest[1])} {number(value, '.3f')}",
            "r": lambda: f"r = {number(value, '.3f')}",
            "evr": lambda: f"{rest[0]} explains {percent(value, 1)} of the variance",
            "evenness": lambda: f"evenness of its loadings {number(value, '.2f')} (1: all benchmarks alike)",
            "share": lambda: f"{percent(value, 0)} of {rest[0]} lies on {names}",
            "least": lambda: f"smallest loading among {names}: {number(value, '.2f')}",
            "outside_r": lambda: f"mean |r| with the others {number(value, '.2f')}",
        }[kind]()

    def predictor(self, code: str) -> str:
        """Return in words what a law predicts from: a budget, or what stands in for it where tokens are unknown."""
        name = predictor_names(self.results)[code]
        return f"{name[0].lower()}{name[1:]}" if code in STAND_IN_NAMES else f"the {name} budget"

    def law(self, law: Law) -> str:
        """Return a scaling law in words, with the interval of stage `stability`."""
        way, ends = ends_of(self.beyond.get("stability_scaling"), ("response", "language"))
        found = ends.get((law.response, law.language))
        told = f" ({100 * self.level:g} % over {way}: {interval(*found, '.2f')})" if found else ""
        return f"{self.said(f'rho.{law.response}.{law.language}', law.rho, ())}{told}, n = {law.n}"

    def share(self, component: str, value: float) -> str:
        """Return the explained variance of a component in words, with the interval of stage `stability`."""
        told, found = self.said(f"evr.{component}", value, ()), self.beyond.get("stability_explained_variance")
        if found is None:
            return told
        way, low, high = variance_ends(found)
        if component not in low:
            return told
        ends = _ends_of("evr", low[component], high[component])
        return f"{told} ({100 * self.level:g} % over {way}: {ends})"


def _ends_of(statistic: str, low: float, high: float) -> str:
    """Return the ends of an interval in the unit in which the statistic is shown."""
    if statistic.startswith(("evr", "share")):
        return f"{interval(100 * low, 100 * high, '.0f')} %"
    return interval(low, high, ".2f")


def _facts(results: Results, beyond: Tables, level: float) -> Iterator[str]:
    """Yield what can be said of a study that states no conclusions."""
    numbers = Numbers(results, beyond, level)
    for name, share in list(results.explained_variance_ratio.items())[:2]:
        yield numbers.share(str(name), float(share))
    if len(results.laws):
        strongest = max(rows_of(results.laws, Law), key=lambda law: abs(law.rho))
        yield f"strongest scaling law: {numbers.law(strongest)}"


def gate_words(counts: Mapping[str, int]) -> str:
    """Return what the gate counted, in words.

    Args:
        counts: checks, failures, warnings, waived, corrected.
    """
    return ", ".join(f"{counts[name]} {name}" for name in ("checks", "failures", "warnings", "waived", "corrected"))
