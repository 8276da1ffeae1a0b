"""workarounds.yaml of a study: what a model needs in order to answer at all, as data with evidence.

A list of records. Each names a model, a benchmark or none for all of them, at least one setting that differs from
the protocol, the reason, and the scores before and after on the same items:

    - model_id: org/model
      benchmark: niilc
      reason: every answer begins with a newline, at which the protocol stops
      source: observatory diagnose
      strip: true
      evidence:
        n_items: 8
        before: {score: 0.0, empty_rate: 1.0, failed_rate: 1.0}
        after: {score: 0.31, empty_rate: 0.0, failed_rate: 0.0}
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import Names
from stages.contracts.yaml_models import Frozen, Text, validation_lines

FILE = "workarounds.yaml"

Dtype = Literal["float32", "float16", "bfloat16"]
Share = Annotated[float, Field(ge=0, le=1)]


class Setting(Frozen):
    """How one model is asked on one benchmark, where that differs from the protocol; by default nothing does."""

    bos: Literal["always", "never"] | None = None
    """Whether a prompt begins with the BOS token."""
    prompt_end: Literal["newline", "space", "bare"] | None = None
    """Whitespace that every prompt ends with: one newline, one space, or none; no effect on likelihoods."""
    stops: list[str] | None = None
    """Strings that end an answer, instead of the benchmark's."""
    strip: bool = False
    """Whitespace at the beginning of an answer neither counts as tokens nor stops it."""
    slow_tokenizer: bool = False
    """The tokenizer's implementation in Python instead of the one in Rust."""
    dtype: Dtype | None = None
    """Data type of the weights; None is that of `evaluate.dtype`."""
    example: str = ""
    """Text put before every prompt: one more example."""
    chat_template: bool = False
    """The prompt is sent as a message in the model's own chat format."""
    system_prompt: str = ""
    """Text of a system message before it; needs chat_template."""
    fewshot_as_turns: bool = False
    """Each example of the prompt is a message of its own, its answer one of the model; needs chat_template."""

    def changes(self) -> dict[str, Any]:
        """Return what differs from the protocol, by name."""
        return self.model_dump(exclude_defaults=True)

    def over(self, base: "Setting") -> "Setting":
        """Return this setting where it says something, and the base elsewhere."""
        return Setting(**(base.changes() | self.changes()))


PROTOCOL = Setting()
WHOLE_MODEL = ("dtype",)
"""Settings of the model as loaded; a benchmark cannot have its own."""


class Outcome(Frozen):
    """The result on a few items."""

    score: float
    empty_rate: Share
    failed_rate: Share


class Evidence(Frozen):
    """The same items without and with a workaround."""

    n_items: Annotated[int, Field(ge=1)]
    before: Outcome
    after: Outcome


class Workaround(Setting):
    """One record of workarounds.yaml."""

    model_id: Text
    benchmark: Text | None = None
    reason: Text
    source: Text
    evidence: Evidence

    @property
    def setting(self) -> Setting:
        """What it changes."""
        return Setting(**self.model_dump(include=set(Setting.model_fields), exclude_defaults=True))

    @property
    def label(self) -> str:
        """Name of the record in messages."""
        return f"{self.model_id} / {self.benchmark}" if self.benchmark else self.model_id


_RECORDS = TypeAdapter(list[Workaround])


def read_workarounds(
    content: bytes, where: str, models: Iterable[str], benchmarks: Iterable[str]
) -> tuple[list[Workaround], list[str]]:
    """Read workarounds.yaml strictly.

    Args:
        content: Content of the file.
        where: Path to show in messages.
        models: Known model_ids.
        benchmarks: Known benchmarks.

    Returns:
        The records, and one line for each problem; no records when there are problems.
    """
    try:
        raw = yaml.safe_load(content.decode("utf-8"))
    except UnicodeDecodeError:
        return [], [f"{where}: not UTF-8 text: save it as UTF-8"]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return [], [f"{where}:{f' line {mark.line + 1}' if mark else ''} is not valid YAML"]
    if not isinstance(raw, list):
        return [], [f"{where}: expected a list of records, each beginning with `- model_id:`"]
    try:
        records = _RECORDS.validate_python(raw)
    except ValidationError as error:
        known = {str(place): list(Workaround.model_fields) for place in range(len(raw))}
        return [], validation_lines(error, where, known)
    problems = one_line_each(_problems(records, where, Names(models), Names(benchmarks)))
    return ([], problems) if problems else (records, [])


def _problems(records: Sequence[Workaround], where: str, models: Names, benchmarks: Names) -> Iterator[OfKind]:
    seen: set[str] = set()
    for record in records:
        for phrase in _record_problems(record, seen, models, benchmarks):
            yield OfKind(f"{where}: {record.label}: {phrase}", phrase, record.label)
        seen.add(record.label)


def _record_problems(record: Workaround, seen: set[str], models: Names, benchmarks: Names) -> Iterator[str]:
    if record.model_id not in models:
        yield f"no such model in models.csv{models.hint(record.model_id)}"
    if record.benchmark and record.benchmark not in benchmarks:
        yield f"no such benchmark in benchmarks.csv{benchmarks.hint(record.benchmark)}"
    if record.label in seen:
        yield "stands twice: keep one record for each model and benchmark"
    if not record.setting.changes():
        yield f"changes nothing: give one of {', '.join(Setting.model_fields)}"
    whole = [name for name in WHOLE_MODEL if record.benchmark and name in record.setting.changes()]
    if whole:
        yield f"{', '.join(whole)} holds for a model as a whole: leave benchmark out"
    if (record.system_prompt or record.fewshot_as_turns) and not record.chat_template:
        yield "messages need a chat format: write chat_template: true"


def setting_for(records: Iterable[Workaround], model_id: str, benchmark: str) -> Setting:
    """Return how a model is asked on a benchmark: its record for the benchmark over that for all of them."""
    mine = [record for record in records if record.model_id == model_id]
    general = next((record.setting for record in mine if record.benchmark is None), PROTOCOL)
    special = next((record.setting for record in mine if record.benchmark == benchmark), PROTOCOL)
    return special.over(general)


def as_yaml(record: Workaround) -> str:
    """Return a record as it stands in workarounds.yaml."""
    content = record.model_dump(exclude_defaults=True)
    first = ("model_id", "benchmark", "reason", "source")
    ordered = {name: content.pop(name) for name in first if name in content} | content
    # line ends that are not ASCII become spaces where they are written as they are
    plain = not set("\x85\u2028\u2029") & set(json.dumps(ordered, ensure_ascii=False))
    text: str = yaml.safe_dump([ordered], sort_keys=False, allow_unicode=plain, width=100)
    return text
