"""Which number of a task is its score, in which unit, and which of several scores of a cell counts."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from stages.contracts.names import Names, listed
from stages.intake.results import Result

PERCENT = 100.0
MIXED_SHARE = 0.2
"""Share of scores up to 1 beside others above 1 from which on a column mixes proportions and percent."""
NEWEST = "newest"
"""Rule by which the score counts that was evaluated last."""

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Return items by a key, keys and items in the order in which they come."""
    found: dict[Key, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


@dataclass(frozen=True)
class Wanted:
    """What the study or the user says about a task.

    Attributes:
        benchmark: Its name in the study.
        task: As files name it.
        metric: The metric that counts, "" for the only one.
        filter: The filter of lm-eval that counts, "" for the only one.
        scale: What scores are divided by to lie in [0, 1]; None to read it from the files.
        top: Largest score that the study declares, for files that state none.
    """

    benchmark: str
    task: str
    metric: str = ""
    filter: str = ""
    scale: float | None = None
    top: float = PERCENT

    def takes(self, result: Result) -> bool:
        """Return whether a number is by the metric and filter that count."""
        return self.metric in {"", result.metric} and self.filter in {"", result.filter}


def parse_choices(texts: Sequence[str]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Return task to metric and filter from `[TASK=]METRIC[,FILTER]`, and what is wrong with some.

    Args:
        texts: As the user gave them; one without a task holds for all, under the key "".
    """
    found: dict[str, tuple[str, str]] = {}
    problems = []
    for text in texts:
        task, _, key = text.rpartition("=")
        metric, _, name = key.partition(",")
        if not metric or task in found:
            problems.append(f"--metric {text}: expected [TASK=]METRIC[,FILTER], once for each task")
        found[task] = (metric, name)
    return found, problems


def by_score(results: Sequence[Result], wanted: Sequence[Wanted]) -> tuple[dict[str, list[Result]], list[str]]:
    """Return benchmark to its numbers, and a line for each benchmark for which the study does not declare them.

    Args:
        results: Numbers of all tasks.
        wanted: What is known of each task; several benchmarks may share one.
    """
    by_task = grouped(results, lambda result: result.task)
    kept, problems = {}, []
    for rule in wanted:
        taken = [result for result in by_task[rule.task] if rule.takes(result)]
        keys = list(dict.fromkeys(result.key for result in taken))
        if len(keys) == 1:
            kept[rule.benchmark] = taken
        elif keys:
            problems.append(
                f"{rule.task} has {len(keys)} scores, {listed(keys)}: say which counts, such as "
                f"--metric '{rule.task}={keys[0]}'"
            )
        else:
            known = list(dict.fromkeys(result.key for result in by_task[rule.task]))
            asked = ",".join(filter(None, (rule.metric, rule.filter)))
            problems.append(f"{rule.task} has no score {asked}{Names(known).hint(asked)}: it has {listed(known)}")
    return kept, problems


def scales(results: Sequence[Result], wanted: Wanted) -> tuple[list[float], list[str], list[str]]:
    """Return what each score of a benchmark is divided by to lie in [0, 1], with notes and problems.

    Args:
        results: All of one benchmark.
        wanted: What is known of the benchmark.
    """
    name = wanted.benchmark
    if wanted.scale is not None:
        return [wanted.scale] * len(results), [], []
    silent = [result.score for result in results if result.top is None]
    most = max(silent, default=0.0)
    above = sum(score > 1 for score in silent)
    small = sum(0 < score <= 1 for score in silent)
    assumed = 1.0 if not above else wanted.top if wanted.top > 1 else PERCENT
    notes, problems = [], []
    if above and small >= MIXED_SHARE * len(silent):
        problems.append(
            f"{name}: {small} scores lie in 0 to 1 and {above} above, up to {most:g}: proportions and percent in one "
            "column? Import each with a task_scale in benchmarks.csv that fits"
        )
    elif most > assumed:
        text = f"{name}: scores go up to {most:g}: write what they are divided by, task_scale in benchmarks.csv"
        problems.append(text)
    elif above:
        notes.append(f"{name}: scores go up to {most:g} and no file states a scale: divided by {assumed:g}")
    return [result.top or assumed for result in results], notes, problems


@dataclass(frozen=True)
class Candidate:
    """A score of a cell, from a file or from imports.csv.

    Attributes:
        model_id: As in models.csv.
        benchmark: As in benchmarks.csv.
        score: As a share of the largest possible.
        stderr: Likewise; None where it is not known.
        n_items: None where it is not known.
        protocol: How it was measured.
        tool: By what.
        time: When, ISO 8601, "" where that is not known.
        where: Its file and place, to show in messages.
        result: Where it was read; None for a row of imports.csv.
        row: That row, as it stands; None for a number of a file.
    """

    model_id: str
    benchmark: str
    score: float
    stderr: float | None
    n_items: int | None
    protocol: str
    tool: str
    time: str
    where: str
    result: Result | None = None
    row: Mapping[str, str] | None = None

    @property
    def has_answers(self) -> bool:
        """Whether the answers behind it are known."""
        return bool(self.row["samples"]) if self.row else bool(self.result and self.result.samples)

    @property
    def told(self) -> str:
        """The score and what distinguishes it from others."""
        return f"{self.score:.4g} ({self.protocol}{f', {self.time}' if self.time else ''}, {self.where})"


def deciding(rule: str) -> str:
    """Return the rule as messages name it."""
    return "the newest counts" if rule == NEWEST else f"that of {rule} counts"


def settle(candidates: Sequence[Candidate], rule: str) -> tuple[list[Candidate], list[str], list[str]]:
    """Return one score for each cell, with notes, and a line for each cell in which scores contradict each other.

    Two scores that are equal, of one protocol, are copies. Of others a rule decides.

    Args:
        candidates: Scores, those of imports.csv first.
        rule: `newest`, the name of a tool with or without its version, or "" for none.
    """
    kept, notes, problems = [], [], []
    for (model_id, benchmark), mine in grouped(candidates, lambda c: (c.model_id, c.benchmark)).items():
        different = list(grouped(mine, lambda c: (c.score, c.protocol)).values())
        if len(different) == 1:
            kept.append(_fullest(mine))
            continue
        left = _by_rule([_fullest(same) for same in different], rule)
        told = "; ".join(same[0].told for same in different[:3])
        more = f"; and {len(different) - 3} more" if len(different) > 3 else ""
        what = f"{benchmark} of {model_id} has {len(different)} scores: {told}{more}"
        if len(left) == 1:
            kept.append(left[0])
            notes.append(f"{what}: {deciding(rule)}, {left[0].score:.4g}")
        else:
            problems.append(what)
    return kept, notes, problems


def _fullest(copies: list[Candidate]) -> Candidate:
    """Return the first of some copies, or the first with answers where that has none."""
    return next((each for each in copies if each.has_answers), copies[0])


def _by_rule(candidates: list[Candidate], rule: str) -> list[Candidate]:
    if not rule:
        return candidates
    if rule != NEWEST:
        return [each for each in candidates if f"{each.tool} ".startswith(f"{rule} ")]
    if not all(each.time for each in candidates):
        return candidates
    last = max(each.time for each in candidates)
    return [each for each in candidates if each.time == last]
