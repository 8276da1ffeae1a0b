"""`observatory init`: a new study under metadata/, from a table or from nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.commands.studies import ENGLISH, Study, open_study
from stages.contracts.errors import InputError
from stages.contracts.study.tables import benchmarks_table, models_table
from stages.intake.drafts import TO_DECIDE, WORD, extended, model_rows, plain, study_yaml
from stages.intake.wide import read_grid, read_wide, unit_notes


@dataclass(frozen=True)
class Begun:
    """Result of `init`.

    Attributes:
        study: Its name.
        models: Models that it has.
        benchmarks: Benchmarks that it has.
        notes: What was derived or assumed.
        decisions: What is left to a person.
    """

    study: str
    models: int
    benchmarks: int
    notes: Sequence[str] = ()
    decisions: Sequence[str] = ()
    ok: bool = field(default=True, init=False)

    def text(self) -> Iterator[str]:
        """Yield what was decided, what is there, and what to do next."""
        yield from (f"note: {line}" for line in self.notes)
        yield from (f"decide: {line}" for line in self.decisions)
        yield f"metadata/{self.study}: {self.models} models, {self.benchmarks} benchmarks"
        if self.models:
            yield f"next: dvc exp run -S study={self.study}"
        else:
            yield f"next: fill its tables in, or observatory import PATH --study {self.study}"

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        return {name: value for name, value in vars(self).items() if name != "ok"}


def init(name: str, table: Path | None, models: str | None, languages: Sequence[str]) -> Begun:
    """Write the tables of a new study.

    Args:
        name: Name of its folder under metadata/.
        table: Table with one score per cell; None for a study without any.
        models: Where the table has its models, `rows` or `columns`; None to tell by the names.
        languages: `CODE=NAME`, none for English.

    Raises:
        InputError: There is such a study, or the table cannot be used; every problem is named.
    """
    codes = dict(text.partition("=")[::2] for text in languages) or dict(ENGLISH)
    wrong = [text for text in languages if not all(text.partition("=")[::2])]
    if wrong:
        raise InputError([f"--language {text}: expected CODE=NAME, such as ja=Japanese" for text in wrong])
    here = open_study(name, codes)
    if here.files:
        raise InputError([f"{here.folder}: there is such a study: choose another name, or import into it"])
    if table is None:
        return _empty(here)
    wide = read_wide(read_grid(table), str(table), models)
    stated = {model: size * 1e9 for model, size in wide.parameters.items()}
    here.draft.models, notes = model_rows(wide.models, stated)
    here.draft.benchmarks = [
        _benchmark(here, column, wide.tops[column], wide.lows.get(column)) for column in wide.scores
    ]
    cells = {column: dict(zip(wide.models, texts, strict=True)) for column, texts in wide.scores.items()}
    here.draft.scores = {model: {column: cells[column][model] for column in cells} for model in wide.models}
    files, facts = here.grown({})
    here.write(files)
    told = [*wide.notes, *unit_notes(wide, str(table)), *notes]
    decisions = [
        "study.yaml: citation and licence of the scores",
        *here.draft.decisions,
        *_directions(list(wide.scores)),
    ]
    return Begun(name, len(facts.models), len(facts.benchmarks), told, decisions)


def _empty(here: Study) -> Begun:
    """Write study.yaml, and tables that have their columns and no rows."""
    languages = list(here.languages)
    here.write(
        {
            "study.yaml": study_yaml(here.name, here.languages).encode(),
            "models.csv": extended(None, models_table(languages, []), []),
            "benchmarks.csv": extended(None, benchmarks_table(languages), []),
            "scores.csv": b"model_id\n",
        }
    )
    return Begun(here.name, 0, 0, decisions=["study.yaml: title, citation, licence, languages and groups"])


def _benchmark(here: Study, name: str, top: float, low: float | None) -> dict[str, str]:
    return {
        "benchmark": name,
        "label": name,
        "language": next(iter(here.languages)),
        "ability": TO_DECIDE,
        "metric": TO_DECIDE,
        "max_score": plain(top),
        "min_score": plain(low),
        "answer": "generation",
    }


FALLING = {"error", "perplexity", "ppl", "wer", "cer", "loss", "toxicity", "hallucination"}


def _directions(names: Sequence[str]) -> Iterator[str]:
    """Yield the benchmarks whose names say that lower is better."""
    several = [name for name in names if not FALLING.isdisjoint(WORD.findall(name.lower()))]
    if several:
        yield f"benchmarks.csv: write higher_is_better false where lower scores are better: {', '.join(several)}?"
