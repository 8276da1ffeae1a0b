"""Where the answers of a model are known from, whoever evaluated it."""

from collections.abc import Callable
from typing import NamedTuple

from stages.workspace.samples import Samples, own_benchmarks, own_models, own_samples


class Source(NamedTuple):
    """Where answers come from.

    Attributes:
        models: Returns the models that it has answers of.
        benchmarks: Returns the benchmarks that it has a model's answers to.
        read: Returns a model's answers to a benchmark, None when it has none.
    """

    models: Callable[[], list[str]]
    benchmarks: Callable[[str], list[str]]
    read: Callable[[str, str], Samples | None]


SOURCES = (Source(own_models, own_benchmarks, own_samples),)
"""All of them, the more trusted first: a model's answers to a benchmark are those of the first that has some."""


def models_with_samples() -> list[str]:
    """Return the models of which answers are known, sorted."""
    return sorted({model_id for source in SOURCES for model_id in source.models()})


def benchmarks_of(model_id: str) -> list[str]:
    """Return the benchmarks to which answers of a model are known, sorted."""
    return sorted({name for source in SOURCES for name in source.benchmarks(model_id)})


def samples_of(model_id: str, benchmark: str) -> Samples | None:
    """Return a model's answers to a benchmark, None when none are known."""
    return next((found for source in SOURCES if (found := source.read(model_id, benchmark)) is not None), None)
