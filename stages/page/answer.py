"""What a study found, in a few sentences: question, conclusions with their numbers, and how these were computed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from stages.analysis.conclusions.verdicts import FAILS, HOLDS, OPEN, WEAKENS, headline
from stages.analysis.scaling.laws import Law
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of
from stages.contracts.study.conclusions import FORMS, Conclusion
from stages.page.tables import Tables, budget_names, ends_of, interval, number, percent, variance_ends

NAMED = 3
"""Variations that a sentence names."""


@dataclass(frozen=True)
class Finding:
    """A conclusion of the study and what became of it here.

    Attributes:
        statement: The conclusion.
        source: Where it was published.
        verdict: Of the analysis as it was done.
        worst: Least verdict over all variations of the analysis that could be computed.
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
        results: Of the state shown.
        conclusions: Of the study, in order; may be none.
        beyond: Tables of the stages stability and robustness.
        level: Coverage of the intervals.
    """
    table, counts = beyond.get("robustness"), beyond.get("robustness_counts")
    if not conclusions or table is None or counts is None:
        facts = tuple(_facts(results, beyond, level))
        return Answer(_question(results), _size(results), (), facts)
    numbers = Numbers(results, beyond, level)
    findings = tuple(_finding(one, table[table["conclusion"] == one.id], numbers) for one in conclusions)
    return Answer(_question(results), _lead(counts), findings)


def _question(results: Results) -> str:
    info = results.info
    if info.continual_language:
        language = info.languages[info.continual_language]
        return f"Which abilities of language models come from training in {language}, and how do they scale?"
    return "Which abilities do these language models share, and how do they scale with training?"


def _size(results: Results) -> str:
    n_models, n_benchmarks = results.X.shape
    return f"{n_models} models on {n_benchmarks} benchmarks; the study states no conclusions to test."


def _lead(counts: pd.DataFrame) -> str:
    found = headline(counts)["conclusions"]
    total = sum(found.values())
    parts = [f"{found['holds']} of {total} conclusions hold in every variation of the analysis"]
    if found["weakens"]:
        parts.append(f"{found['weakens']} weaken{'s' * (found['weakens'] == 1)} in some")
    if found["fails"]:
        parts.append(f"{found['fails']} fail{'s' * (found['fails'] == 1)} in some")
    if found["not_computable"]:
        parts.append(f"{found['not_computable']} could not be computed")
    return f"{', '.join(parts)}."


def _finding(conclusion: Conclusion, rows: pd.DataFrame, numbers: "Numbers") -> Finding:
    own = rows.iloc[0]
    benchmarks = {criterion.statistic: criterion.benchmarks for criterion in conclusion.criteria}
    told = [part.partition(" ") for part in str(own["detail"]).split("; ")]
    evidence = [numbers.words(name, value, benchmarks.get(name, ())) for name, _, value in told]
    verdicts = set(rows["verdict"])
    worst = next((verdict for verdict in (FAILS, WEAKENS, HOLDS) if verdict in verdicts), OPEN)
    return Finding(conclusion.statement, conclusion.source, str(own["verdict"]), worst, tuple(evidence), _varied(rows))


def _varied(rows: pd.DataFrame) -> str:
    """Return in how many variations a conclusion holds, and the first that it does not hold in."""
    known = rows[rows["verdict"] != OPEN]
    if known.empty:
        return "not computable in any variation"
    held = int((known["verdict"] == HOLDS).sum())
    if held == len(known):
        return f"holds in all {held} variations" if held > 1 else "holds in the one variation there is"
    parts = [f"holds in {held} of {len(known)} variations"]
    for verdict in (WEAKENS, FAILS):
        names = list(known.loc[known["verdict"] == verdict, "variation"])
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            parts.append(f"{verdict} under {', '.join(names[:NAMED])}{more}")
    return "; ".join(parts)


@dataclass(frozen=True)
class Numbers:
    """The numbers behind conclusions, with what is known of their precision.

    Attributes:
        results: Of the state shown.
        beyond: Tables of the stages stability and robustness.
        level: Coverage of the intervals.
    """

    results: Results
    beyond: Tables
    level: float

    def words(self, statistic: str, value: str, benchmarks: Sequence[str]) -> str:
        """Return a statistic of conclusions.yaml and its value in words, with interval and n where known.

        Args:
            statistic: Its dotted name.
            value: As the table of robustness has it: a number, or the reason in brackets.
            benchmarks: That it is about, where it is about a group.
        """
        kind, *rest = statistic.split(".")
        if kind not in FORMS:
            # the analysis itself was not possible, and the table says why
            return f"{statistic} {value}"
        if value.startswith("("):
            return f"{statistic} not computable {value}"
        found = float(value)
        names = [str(self.results.benchmarks["label"].get(name, name)) for name in benchmarks]
        if kind == "rho":
            return self._rho(rest[0], rest[1], found)
        if kind == "r":
            return self._r(rest[0], rest[1], found)
        return {
            "evr": lambda: f"{rest[0]} explains {percent(found, 1)} of the variance{self._share(rest[0])}",
            "evenness": lambda: f"evenness of its loadings {number(found, '.2f')} (1: all benchmarks alike)",
            "share": lambda: f"{percent(found, 0)} of {rest[0]} lies on {', '.join(names)}",
            "least": lambda: f"smallest loading among {', '.join(names)}: {number(found, '.2f')}",
            "outside_r": lambda: f"mean |r| with the others {number(found, '.2f')} (n = {len(self.results.X)})",
        }[kind]()

    def _rho(self, response: str, language: str, value: float) -> str:
        laws = self.results.laws
        own = laws[(laws["response"] == response) & (laws["language"] == language)] if len(laws) else laws
        n = f", n = {own.iloc[0]['n']:.0f}" if len(own) else ""
        where = {"response": response, "language": language}
        budget = budget_names(self.results)[language]
        return f"ρ of {response} and the {budget} budget {number(value, '.3f')}{self._ends('scaling', where)}{n}"

    def _r(self, first: str, second: str, value: float) -> str:
        both = self.results.X[[first, second]].notna().all(axis=1).sum()
        ends = self._ends("correlations", {"benchmark": first, "other": second})
        ends = ends or self._ends("correlations", {"benchmark": second, "other": first})
        return f"r = {number(value, '.3f')}{ends}, n = {both}"

    def _ends(self, name: str, keys: Mapping[str, str]) -> str:
        """Return the interval of a row of a long table of stage `stability`, in brackets; empty without one."""
        way, ends = ends_of(self.beyond.get(f"stability_{name}"), tuple(keys))
        found = ends.get(tuple(keys.values()))
        return f" ({100 * self.level:g} % over {way}: {interval(*found, '.2f')})" if found else ""

    def _share(self, component: str) -> str:
        found = self.beyond.get("stability_explained_variance")
        if found is None:
            return ""
        way, low, high = variance_ends(found)
        if component not in low:
            return ""
        return (
            f" ({100 * self.level:g} % over {way}: {interval(100 * low[component], 100 * high[component], '.0f')} %)"
        )


def _facts(results: Results, beyond: Tables, level: float) -> Iterator[str]:
    """Yield what can be said of a study that states no conclusions."""
    numbers = Numbers(results, beyond, level)
    for name, share in list(results.explained_variance_ratio.items())[:2]:
        yield numbers.words(f"evr.{name}", str(share), ())
    if len(results.laws):
        strongest = max(rows_of(results.laws, Law), key=lambda law: abs(law.rho))
        statistic = f"rho.{strongest.response}.{strongest.language}"
        yield f"strongest scaling law: {numbers.words(statistic, str(strongest.rho), ())}"


def gate_words(counts: Mapping[str, int]) -> str:
    """Return what the gate counted, in words.

    Args:
        counts: checks, failures, warnings, waived, corrected.
    """
    return ", ".join(f"{counts[name]} {name}" for name in ("checks", "failures", "warnings", "waived", "corrected"))
