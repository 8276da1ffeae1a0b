"""`observatory fetch`: everything that an evaluation reads, fetched once, so that it can run without internet."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.commands.shown import Grid
from stages.contracts.errors import InputError
from stages.contracts.names import Names
from stages.contracts.study.facts import Facts
from stages.contracts.study.model_record import ModelRecord, record_of
from stages.evaluation import model_source
from stages.evaluation.unit import versions
from stages.tasks.fetching import SUMS, Fetched, bring
from stages.tasks.files import fetched_folder
from stages.tasks.sources import SOURCES
from stages.workspace.facts import load_study_facts
from stages.workspace.parameters import load_params

MODELS = "models"
"""Folder for models beside those of the benchmarks."""


@dataclass(frozen=True)
class Brought:
    """Result of `fetch`.

    Attributes:
        folder: Where the benchmarks are.
        models: Where the models are, None for the Hub's own cache.
        named: Whether the user named the folder: then params.yaml has to name it, too.
        files: Benchmark or model to its files.
        apart: Benchmarks of which no publisher is known.
        problems: What could not be fetched.
    """

    folder: Path
    models: Path | None
    named: bool
    files: Mapping[str, Sequence[Fetched]]
    apart: Sequence[str]
    problems: Sequence[str]

    @property
    def ok(self) -> bool:
        """Whether everything is here."""
        return not self.problems

    def text(self) -> Iterator[str | Grid]:
        """Yield a row for each benchmark and model, then what to do with them, and what is missing."""
        columns = ("what", "files", "new", "MB", "checksums")
        yield Grid(columns, [_row(name, files) for name, files in self.files.items()], frozenset(columns[1:4]))
        recorded = sum(file.known_from == "first fetch" for files in self.files.values() for file in files)
        if recorded:
            yield (
                f"{recorded} files have no checksum that their publisher states: that of their first fetch stands in "
                f"{SUMS} beside them, and later fetches have to agree"
            )
        if self.apart:
            yield f"no publisher is known of {', '.join(self.apart)}: their own tasks bring what they need"
        if self.named and self.ok:
            models = f" and evaluate.model_dir: {self.models}" if self.models and any(self.models.glob("*")) else ""
            yield f"params.yaml: evaluate.data_dir: {self.folder}{models}"
        yield from (f"missing: {problem}" for problem in self.problems)
        if not self.ok:
            yield "what was downloaded is kept: run the same command again for the rest"

    def content(self) -> Mapping[str, Any]:
        """Return the same as plain data."""
        return {
            "folder": self.folder,
            "models": self.models,
            "files": {name: [vars(file) for file in files] for name, files in self.files.items()},
            "no_publisher": self.apart,
            "problems": self.problems,
        }


def fetch(benchmarks: Sequence[str], models: Sequence[str], to: str | None, tell: Callable[[str], None]) -> Brought:
    """Fetch the files of benchmarks and models, as many as can be fetched.

    Args:
        benchmarks: Names; none for all of the study.
        models: In models.csv.
        to: Folder; None for where every evaluation of this user looks.
        tell: Called with what is being fetched.

    Raises:
        InputError: A benchmark or a model is not known.
    """
    params = load_params()
    facts = load_study_facts(params)
    wanted = list(benchmarks) or [str(name) for name in facts.benchmarks.index]
    records = _known(facts, wanted if benchmarks else [], models)
    if models:
        versions(["huggingface_hub"])
    folder = Path(to).expanduser().resolve() if to else fetched_folder()
    model_folder = folder / MODELS if to else None
    files: dict[str, list[Fetched]] = {}
    problems: list[str] = []
    for name in [name for name in wanted if name in SOURCES]:
        tell(f"{name}: {len(SOURCES[name])} files")
        files[name] = []
        for source in SOURCES[name]:
            try:
                files[name].append(bring(folder, source.published, source.url, source.sha256))
            except InputError as error:
                problems += [f"{name}: {problem}" for problem in error.problems]
            except OSError as error:
                raise InputError([f"{error.filename or folder}: {error.strerror or error}"]) from None
    for record in records:
        tell(record.model_id)
        try:
            files[record.model_id] = model_source.fetch(record, model_folder)
        except InputError as error:
            problems += error.problems
        except OSError as error:
            raise InputError([f"{error.filename or record.model_id}: {error.strerror or error}"]) from None
    apart = [name for name in wanted if name not in SOURCES]
    return Brought(folder, model_folder, to is not None, files, apart, problems)


def _known(facts: Facts, benchmarks: Sequence[str], models: Sequence[str]) -> list[ModelRecord]:
    """Return the records of models.

    Raises:
        InputError: A name stands in none of the tables; all are named.
    """
    problems = [f"{name}: no such model in models.csv{Names(facts.models.index).hint(name)}" for name in models
                if name not in facts.models.index]  # fmt: skip
    known = Names([*SOURCES, *map(str, facts.benchmarks.index)])
    wrong = [name for name in benchmarks if name not in known]
    problems += [f"{name}: no such benchmark{known.hint(name)}" for name in wrong]
    problems += [f"known benchmarks: {', '.join(known.known)}"] if wrong else []
    if problems:
        raise InputError(problems)
    return [record_of(name, facts.models, {}, ()) for name in models]


def _row(name: str, files: Sequence[Fetched]) -> tuple[str, ...]:
    size = sum(file.path.stat().st_size for file in files)
    kinds = Counter(file.known_from for file in files)
    return (
        name,
        str(len(files)),
        str(sum(file.new for file in files)),
        f"{size / 1e6:.1f}",
        ", ".join(f"{number} {kind}" for kind, number in kinds.items()),
    )
