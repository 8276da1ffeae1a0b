"""Where the answers of models are known from, whoever evaluated them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stages.commands.imported_answers import ImportedAnswers
from stages.contracts.study.tables import IMPORTS
from stages.workspace import paths
from stages.workspace.parameters import load_params
from stages.workspace.samples import OwnAnswers, Samples


class Source(Protocol):
    """Where answers come from."""

    def models(self) -> list[str]:
        """Return the models that it has answers of, sorted."""

    def benchmarks(self, model_id: str) -> list[str]:
        """Return the benchmarks to which it has answers of a model, sorted."""

    def read(self, model_id: str, benchmark: str) -> Samples | None:
        """Return a model's answers to a benchmark, None when it has none."""


@dataclass(frozen=True)
class Answers:
    """All answers that are known.

    Attributes:
        sources: The more trusted first: a model's answers to a benchmark are those of the first that has some.
    """

    sources: Sequence[Source]

    def models(self) -> list[str]:
        """Return the models of which answers are known, sorted."""
        return sorted({model_id for source in self.sources for model_id in source.models()})

    def benchmarks(self, model_id: str) -> list[str]:
        """Return the benchmarks to which answers of a model are known, sorted."""
        return sorted({name for source in self.sources for name in source.benchmarks(model_id)})

    def read(self, model_id: str, benchmark: str) -> Samples:
        """Return a model's answers to one of its `benchmarks`."""
        found = (source.read(model_id, benchmark) for source in self.sources)
        return next(samples for samples in found if samples is not None)


def known_answers() -> Answers:
    """Return the answers that are known here: those of own evaluations, then imported ones.

    Raises:
        InputError: There is no such study as params.yaml names.
    """
    imports = paths.study_folder(load_params().study) / IMPORTS.file
    return Answers([OwnAnswers(), *([ImportedAnswers()] if imports.is_file() else [])])
