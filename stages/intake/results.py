"""What a reader returns: the numbers of a file, each with what is known of how it was measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from stages.contracts.study.own_tasks import DEFAULT_FILTER
from stages.intake.samples import Of

Kind = Literal["generation", "loglikelihood", ""]


class SampleFile(NamedTuple):
    """Where the answers behind a score are, and which answers of the file."""

    path: Path
    of: Of


@dataclass(frozen=True)
class Result:
    """One number of a file: a model's score on a task by a metric.

    Attributes:
        model: As the file names it.
        task: As the file names it.
        metric: As the file names it.
        score: In the unit of the file.
        file: Where it stands.
        place: JSON keys that lead to it, separated by `/`; for one object per line, `line N/` before them.
        tool: Name and version of what measured it.
        setting: What belongs to the protocol besides tool, task and metric, in the order in which to show it.
        filter: lm-eval's filter, "none" where there is no such thing.
        stderr: In the unit of the score; None where it is not known.
        n_items: Items behind it; None where that is not known.
        top: The largest possible score that the file states; None where it states none.
        higher_is_better: None where the file does not say.
        time: When it was evaluated, ISO 8601; "" where that is not known.
        n_shots: Worked examples in the prompt; None where that is not stated.
        answer: Kind of answer, "" where that is not known.
        language: Language code that the file states; "" where it states none.
        parameters: Parameters of the model that the file states, in plain units; None where it states none. Tools
            write -1 where they do not know it.
        failed: Share of items without an answer that the file states; None where it states none.
        truncated: Share of prompts whose beginning was cut that the file states; None where it states none.
        samples: Files of the answers.
    """

    model: str
    task: str
    metric: str
    score: float
    file: Path
    place: str
    tool: str
    setting: tuple[str, ...] = ()
    filter: str = DEFAULT_FILTER
    stderr: float | None = None
    n_items: int | None = None
    top: float | None = None
    higher_is_better: bool | None = None
    time: str = ""
    n_shots: int | None = None
    answer: Kind = ""
    language: str = ""
    parameters: float | None = None
    failed: float | None = None
    truncated: float | None = None
    samples: tuple[SampleFile, ...] = ()

    @property
    def key(self) -> str:
        """Metric and filter as lm-eval writes them, without the filter where there is none."""
        return self.metric if self.filter == DEFAULT_FILTER else f"{self.metric},{self.filter}"

    @property
    def protocol(self) -> str:
        """How it was measured, in a line: scores that share a column must share it."""
        return ", ".join([self.tool, self.task, self.key, *self.setting])


@dataclass
class Found:
    """What was read of some files.

    Attributes:
        results: The numbers.
        refused: One line for each number or file that cannot be used, with the reason.
        notes: One line for each thing that was decided or left out.
        parts: Task to the group whose score it is a part of.
    """

    results: list[Result] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Found") -> None:
        """Add what was read of another file."""
        self.results += other.results
        self.refused += other.refused
        self.notes += other.notes
        self.parts |= other.parts


def moment(value: object) -> str:
    """Return seconds since 1970, or ISO 8601 in any writing, as ISO 8601 in UTC to the second; "" for anything else.

    A time without a zone stays without one.
    """
    raw = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    try:
        at = datetime.fromtimestamp(float(raw), UTC)
    except (ValueError, OverflowError, OSError):
        try:
            at = datetime.fromisoformat(raw)
        except ValueError:
            return ""
    at = at.astimezone(UTC) if at.tzinfo else at
    return at.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def shots(count: int | None) -> tuple[str, ...]:
    """Return the words for the number of worked examples, none where it is not known."""
    return () if count is None else (f"{count}-shot",)


def chosen(given: Mapping[str, object], names: tuple[str, ...]) -> list[tuple[str, object]]:
    """Return the entries of a mapping that exist under some names, in the order of the names."""
    return [(name, given[name]) for name in names if given.get(name) not in (None, "", [], {})]
