"""`observatory compare`: two models on the items that both answered, benchmark by benchmark."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from stages.analysis.decisions import pairing
from stages.analysis.decisions.pairing import Paired, Verdict
from stages.commands.answers import Answers, known_answers
from stages.commands.shown import Grid
from stages.contracts.errors import InputError, raise_all
from stages.contracts.names import Names, listed
from stages.workspace.parameters import load_params
from stages.workspace.samples import Samples

NAMED = 3
"""Benchmarks up to which the items that turned are named in the text; JSON always has them."""
SAME_SCORE = 1e-6
"""Difference up to which the mean of the items is the benchmark's score."""


@dataclass(frozen=True)
class Comparison:
    """Two models on one benchmark.

    Attributes:
        benchmark: Name.
        paired: Difference and test.
        adjusted: The p-value adjusted for all benchmarks compared.
        verdict: On the first model.
        turned: Items with two values: item, first, second.
        notes: One line for each thing that makes the comparison doubtful.
    """

    benchmark: str
    paired: Paired
    adjusted: float
    verdict: Verdict
    turned: pd.DataFrame
    notes: Sequence[str]


@dataclass(frozen=True)
class Compared:
    """Result of `compare`.

    Attributes:
        first: Model that the verdicts are about.
        second: Model it is compared with.
        level: Confidence level of all verdicts together.
        comparisons: One for each benchmark.
        skipped: One line for each benchmark that could not be compared.
    """

    first: str
    second: str
    level: float
    comparisons: Sequence[Comparison]
    skipped: Sequence[str]
    ok: ClassVar[bool] = True

    def text(self) -> Iterator[str | Grid]:
        """Yield a row for each benchmark, what can be said, the items that turned, and what to doubt."""
        yield f"{self.first} against {self.second}, on the items that both answered"
        columns = ("benchmark", "items", "first", "second", "difference", "se", "+", "-", "p", "detectable", "verdict")
        yield Grid(columns, [_row(one) for one in self.comparisons], frozenset(columns[1:-1]))
        several = len(self.comparisons)
        adjusted = f", p adjusted for {several} benchmarks (Holm)" if several > 1 else ""
        yield (
            f"+ and -: items on which the first model has the higher and the lower value; level {self.level:.0%}"
            f"{adjusted}; detectable: the difference found with chance {pairing.POWER:.0%}"
        )
        yield f"{self.first} is {'; '.join(self._verdicts())}"
        if several <= NAMED:
            yield from self._turned()
        else:
            yield "which items turned: --benchmark B, or --json"
        yield from (f"note: {line}" for one in self.comparisons for line in one.notes)
        yield from (f"skipped: {line}" for line in self.skipped)

    def _verdicts(self) -> Iterator[str]:
        for verdict, words in (
            ("better", "better on"),
            ("worse", "worse on"),
            ("cannot be told", "not told apart on"),
        ):
            names = [one.benchmark for one in self.comparisons if one.verdict == verdict]
            if names:
                yield f"{words} {listed(names)}"

    def _turned(self) -> Iterator[str]:
        for one in self.comparisons:
            up = one.turned["first"] > one.turned["second"]
            for model, items in ((self.first, one.turned[up]), (self.second, one.turned[~up])):
                if len(items):
                    names = listed([str(item) for item in items["item"]])
                    yield f"{one.benchmark}: {model} has the higher value on {names}"

    def content(self) -> Mapping[str, Any]:
        """Return the same, with every item that turned."""
        benchmarks = {
            one.benchmark: {
                **vars(one.paired),
                "p_value_adjusted": one.adjusted,
                "verdict": one.verdict,
                "turned": one.turned.to_dict("records"),
                "notes": one.notes,
            }
            for one in self.comparisons
        }
        return {
            "first": self.first,
            "second": self.second,
            "level": self.level,
            "benchmarks": benchmarks,
            "skipped": self.skipped,
        }


def compare(first: str, second: str, benchmarks: Sequence[str] = ()) -> Compared:
    """Compare two models on the items that both answered.

    Args:
        first: Model that the verdicts are about.
        second: Model it is compared with.
        benchmarks: Only these; none for all that both have answers to.

    Raises:
        InputError: Answers of a model, or to a benchmark, are not known, or no item is shared; every problem is named.
    """
    params = load_params()
    answers = known_answers()
    wanted = _shared(first, second, benchmarks, answers, params.evaluate.models)
    level, seed = params.stability.level, params.stability.seed
    found: dict[str, tuple[Paired, pd.DataFrame, list[str]]] = {}
    skipped, down = [], set()
    for name in wanted:
        x, y = answers.read(first, name), answers.read(second, name)
        down |= {name} if x.falls or y.falls else set()
        pairs, _ = pairing.match(x.table, y.table)
        if len(pairs):
            found[name] = pairing.compare(pairs, level, seed), pairing.turned(pairs), [*_notes(name, x, y, len(pairs))]
        else:
            skipped.append(f"{name}: {x.file} and {y.file} share no item: they are of other data, or asked otherwise")
    if not found:
        raise InputError(skipped)
    adjusted = pairing.holm([paired.p_value for paired, _, _ in found.values()])
    comparisons = [
        Comparison(name, paired, p, pairing.verdict(paired.difference, p, level, falls=name in down), items, notes)
        for (name, (paired, items, notes)), p in zip(found.items(), adjusted, strict=True)
    ]
    return Compared(first, second, level, comparisons, skipped)


def _shared(
    first: str, second: str, benchmarks: Sequence[str], answers: Answers, evaluated: Sequence[str]
) -> list[str]:
    """Return the benchmarks to compare.

    Raises:
        InputError: There are none, or answers of a model or to a benchmark are not known; every problem is named.
    """
    if first == second:
        raise InputError([f"{first} is named twice: name two models"])
    known = {model_id: answers.benchmarks(model_id) for model_id in (first, second)}
    raise_all([_unknown(model_id, answers.models(), evaluated) for model_id, names in known.items() if not names])
    raise_all(
        [
            f"{name}: no answers of {model_id} are known{Names(names).hint(name)}; it has {listed(names)}"
            for name in benchmarks
            for model_id, names in known.items()
            if name not in names
        ]
    )
    wanted = list(dict.fromkeys(benchmarks)) or [name for name in known[first] if name in known[second]]
    if not wanted:
        one, other = (f"{model_id} has {listed(names)}" for model_id, names in known.items())
        raise InputError([f"no benchmark in common: {one}; {other}"])
    return wanted


def _unknown(model_id: str, others: Sequence[str], evaluated: Sequence[str]) -> str:
    if model_id in evaluated:
        return f"{model_id}: its evaluation is not here: `dvc pull` fetches it, `dvc repro` makes it"
    has = f"answers of {listed(others)} are here" if others else "nor are those of any other model"
    return (
        f"{model_id}: its answers are not here{Names(others).hint(model_id)}; {has}: evaluate it, see evaluate.models"
    )


def _notes(name: str, first: Samples, second: Samples, n: int) -> Iterator[str]:
    """Yield what makes a comparison doubtful, or is worth knowing about it, one line each."""
    if first.falls or second.falls:
        yield f"{name}: lower values are better"
    if first.protocol != second.protocol:
        yield (
            f"{name}: measured under {first.protocol!r} and {second.protocol!r}: "
            "the difference is that of the protocols, too"
        )
    if first.data and second.data and first.data != second.data:
        yield f"{name}: the answers are to different files of data: only items with the same reference are compared"
    left = [len(one.table) - n for one in (first, second)]
    if any(left):
        yield f"{name}: {left[0]} items only the first model answered, {left[1]} only the second"
    if any(abs(one.table["value"].mean() - one.score) > SAME_SCORE for one in (first, second)):
        yield f"{name}: its score is not a mean over items: the items' own values are compared"


def _row(one: Comparison) -> tuple[str, ...]:
    paired = one.paired
    numbers = (paired.first, paired.second, paired.difference, paired.stderr)
    seen = "-" if pd.isna(paired.detectable) else f"{paired.detectable:.4f}"
    return (
        one.benchmark,
        str(paired.n),
        *("-" if pd.isna(number) else f"{number:.4f}" for number in numbers),
        str(paired.better),
        str(paired.worse),
        f"{one.adjusted:.2g}",
        seen,
        one.verdict,
    )
