"""conclusions.yaml: what a study concludes, as numbers with bounds. A study may do without the file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, model_validator

from stages.contracts.errors import InputError, raise_all
from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import Names
from stages.contracts.yaml_models import Frozen, Text, parse_yaml, validation_lines

FILE = "conclusions.yaml"
COMPONENT = re.compile(r"PC[1-9][0-9]*")
FORMS: Mapping[str, tuple[str, ...]] = {
    "evr": ("component",),
    "evenness": ("component",),
    "share": ("component",),
    "least": ("component",),
    "rho": ("component", "budget"),
    "r": ("benchmark", "benchmark"),
    "outside_r": (),
}
"""Statistic to what its dotted parts name."""
GROUPED = ("share", "least", "outside_r")
"""Statistics of a group of benchmarks."""


def _plain(name: str) -> str:
    """Check the id of a conclusion.

    Raises:
        ValueError: It has other characters than a file name needs.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError("small letters, digits and underscores")
    return name


class Criterion(Frozen):
    """One number with bounds.

    Attributes:
        statistic: Its dotted name, see `FORMS`.
        benchmarks: The group that a statistic of `GROUPED` is about.
        holds: Bound from which on it holds.
        weakens: Bound from which on it still holds in part.
    """

    statistic: Text
    benchmarks: list[str] = Field(default_factory=list)
    holds: float
    weakens: float

    @model_validator(mode="after")
    def _bounds_differ(self) -> "Criterion":
        if self.holds == self.weakens:
            raise ValueError("holds and weakens are equal: a large value is wanted when holds is above weakens")
        return self

    @property
    def parts(self) -> tuple[str, ...]:
        """The dotted parts of the statistic."""
        return tuple(self.statistic.split("."))


class Conclusion(Frozen):
    """One conclusion; it holds where all its criteria hold."""

    id: Annotated[str, AfterValidator(_plain)]
    statement: Text
    source: str = ""
    criteria: Annotated[list[Criterion], Field(min_length=1)]


class Conclusions(Frozen):
    """Contents of conclusions.yaml.

    Attributes:
        subsets: Values of construction or group that the analysis is repeated on.
        min_models: Fewest models that a number must be computed from to say anything.
        min_families: Fewest families that these must be of.
        conclusions: In the order of the table.
    """

    subsets: list[str] = Field(default_factory=list)
    min_models: Annotated[int, Field(ge=4)] = 8
    min_families: Annotated[int, Field(ge=2)] = 5
    conclusions: Annotated[list[Conclusion], Field(min_length=1)]

    @property
    def laws(self) -> list[tuple[str, str]]:
        """Component and budget, `("PC1", "en")`, of the laws that criteria are about."""
        parts = [criterion.parts for conclusion in self.conclusions for criterion in conclusion.criteria]
        return [(rest[0], rest[1]) for kind, *rest in parts if kind == "rho"]


def parse_conclusions(
    text: str, where: str, benchmarks: Sequence[str], budgets: Sequence[str], subsets: Sequence[str]
) -> Conclusions:
    """Parse conclusions.yaml and check its names against the study.

    Args:
        text: Contents of the file.
        where: Path to show in messages.
        benchmarks: Benchmarks of the study.
        budgets: Languages, and `total`.
        subsets: Values that the parameter `subset` can take.

    Raises:
        InputError: A field is missing, unknown or wrong, or a name is unknown; all are named.
    """
    try:
        found = Conclusions.model_validate(parse_yaml(text, where))
    except ValidationError as error:
        raise InputError(validation_lines(error, where, {"": list(Conclusions.model_fields)})) from None
    kinds = {"benchmark": Names(benchmarks), "budget": Names(budgets), "subset": Names(subsets)}
    problems = [
        f"{where}: subsets: {name}{_hint(kinds['subset'], name)}"
        for name in found.subsets
        if name not in kinds["subset"]
    ]
    ids = [conclusion.id for conclusion in found.conclusions]
    problems += [f"{where}: {name} stands twice: keep one" for name in sorted({i for i in ids if ids.count(i) > 1})]
    problems += one_line_each(
        OfKind(f"{where}: {conclusion.id}: {line}", line, conclusion.id)
        for conclusion in found.conclusions
        for criterion in conclusion.criteria
        for line in _problems(criterion, kinds)
    )
    raise_all(problems)
    return found


def _problems(criterion: Criterion, kinds: Mapping[str, Names]) -> Iterator[str]:
    """Yield what is wrong with the names in a criterion."""
    kind, *rest = criterion.parts
    form = FORMS.get(kind)
    if form is None or len(rest) != len(form):
        forms = ", ".join(".".join([name, *(part.upper() for part in parts)]) for name, parts in FORMS.items())
        yield f"{criterion.statistic} is not a statistic; the forms are {forms}"
        return
    for name, what in zip(rest, form, strict=True):
        if what == "component":
            if not COMPONENT.fullmatch(name):
                yield f"{criterion.statistic}: {name} is not a component: PC1, PC2, ..."
        elif name not in kinds[what]:
            yield f"{criterion.statistic}: {name}{_hint(kinds[what], name)}"
    if (kind in GROUPED) != bool(criterion.benchmarks):
        needs = "needs benchmarks" if kind in GROUPED else "takes no benchmarks"
        yield f"{criterion.statistic} {needs}"
    for name in criterion.benchmarks:
        if name not in kinds["benchmark"]:
            yield f"{criterion.statistic}: {name}{_hint(kinds['benchmark'], name)}"


def _hint(names: Names, name: str) -> str:
    return names.hint(name) or f": unknown; known: {', '.join(names.known)}"
