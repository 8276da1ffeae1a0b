"""params.yaml as frozen models: one section per stage, each field with its bounds and one sentence.

The reference of parameters in docs/ is rendered from these descriptions and bounds.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import EvaluateParams
from stages.contracts.yaml_models import Frozen, parse_yaml, validation_lines

Fraction = Annotated[float, Field(ge=0, le=1)]


def _renamed(missing: object) -> object:
    """Return the current name for a choice of assemble.missing that an older state may have."""
    return "model" if missing == "ppca" else missing


class BudgetParams(Frozen):
    """Section `budget`."""

    tolerance: Annotated[float, Field(ge=0, lt=1)]
    """Relative difference up to which a printed and a derived token count are called equal."""
    typical_factor: Annotated[float, Field(gt=1)]
    """A count this many times above or below the median of the study is rejected as a likely unit error."""


class AssembleParams(Frozen):
    """Section `assemble`."""

    corrections: bool
    """Whether the corrected scores of corrections.csv replace the published ones."""
    mixed_protocols: bool
    """Whether cells measured under different protocols may share a benchmark column."""
    missing: Annotated[Literal["refuse", "drop_models", "drop_benchmarks", "model"], BeforeValidator(_renamed)]
    """What missing scores do: `refuse` closes the gate, `drop_models` and `drop_benchmarks` leave out those that lack
    one, `model` predicts them from the others by a hierarchical factor model (`ppca`, its former name, means it)."""


class SuspicionParams(Frozen):
    """Section `validate.suspicion`: what counts as far below the rest of the matrix. Scores run from 0 to 1."""

    far_z: Annotated[float, Field(gt=0)] = 4.0
    """Robust standard deviations below its prediction from which a score is far below it; with few models the number
    grows as Student's t does."""
    far_share: Fraction = 0.5
    """Share of the predicted distance from chance that a score far below prediction keeps at most."""
    zero_level: Annotated[float, Field(gt=0)] = 0.1
    """Scores near zero of honest models, expected in a whole matrix, that are taken for failures."""
    zero_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the prediction, and of the benchmark's upper quartile, up to which a score is near zero."""
    linked_z: Annotated[float, Field(gt=0)] = 1.5
    """Robust standard deviations that suffice for a second score near zero of one model."""
    min_drop: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Smallest gap between prediction and score."""
    neighbours: Annotated[int, Field(ge=2)] = 8
    """Models predicted nearest to a cell, and models of no better level, with which it is compared."""
    min_better: Annotated[int, Field(ge=1)] = 2
    """Models of no better level that must score more than a third of the way up to the prediction."""
    better_share: Fraction = 0.5
    """Share of the models of no better level that must do so too."""
    ordered: Fraction = 0.7
    """Share of pairs of one model near zero and one not, the former predicted lower, from which models near zero are a
    comparison: 0.5 means no relation to ability, 1 a perfect one."""
    free_form_count: Annotated[int, Field(ge=1)] = 3
    """Free-form benchmarks near zero that put a whole model in doubt."""
    free_form_share: Fraction = 0.75
    """Share of a model's free-form benchmarks that these must be."""
    silent_share: Annotated[float, Field(ge=0, lt=1)] = 0.03
    """Share of the median up to which a model counts as silent, not weak: it is at chance elsewhere and keeps no more
    than this on any free-form benchmark."""
    chance_share: Fraction = 0.5
    """Share of chance below which a score is below chance."""
    chance_errors: Annotated[float, Field(gt=0)] = 4.0
    """Standard errors of guessing within which a score is at chance."""
    components: Annotated[int, Field(ge=1)] = 4
    """Factors of the prediction; fewer where models or benchmarks do not allow as many."""
    min_models: Annotated[int, Field(ge=3)] = 8
    """Fewest models, and fewest scores on a benchmark, for a prediction."""
    min_scores: Annotated[int, Field(ge=1)] = 3
    """Fewest other scores of a model for a prediction."""
    min_spread: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """Smallest standard deviation of a prediction."""


class ValidateParams(Frozen):
    """Section `validate`."""

    suspicious: Literal["warn", "fail"]
    """What a score far below the rest of the matrix does: `warn`, or `fail` the gate."""
    max_empty_rate: Fraction
    """Largest share of empty answers in an evaluated cell."""
    max_failed_rate: Fraction
    """Largest share of answers from which nothing could be extracted in an evaluated cell."""
    max_capped_rate: Fraction
    """Largest share of answers cut by the token limit in an evaluated cell."""
    max_refused_rate: Fraction
    """Largest share of answers that decline to answer in an evaluated cell."""
    max_truncated_rate: Fraction = 0.1
    """Largest share of prompts whose beginning was cut to fit the model's context in an evaluated cell."""
    suspicion: SuspicionParams = SuspicionParams()
    """Thresholds of `suspicious`."""


class CorrelateParams(Frozen):
    """Section `correlate`."""

    se_share: Fraction
    """A benchmark whose standard error exceeds this share of the spread between models is called noisy."""


class DecomposeParams(Frozen):
    """Section `decompose`."""

    n_components: Annotated[int, Field(ge=1)]
    """Components kept; fewer when the models or benchmarks do not allow as many."""
    standardize: bool
    """Whether each benchmark is scaled to unit variance (ddof 0) before PCA."""


class FactorizeParams(Frozen):
    """Section `factorize`."""

    n_factors: Annotated[int, Field(ge=1)]
    """Maximum-likelihood factors fitted."""
    shown: Annotated[int, Field(ge=1)]
    """Factors, largest first, that are written, scaled and drawn."""
    power: Annotated[int, Field(ge=2)]
    """Exponent of the promax target."""

    @model_validator(mode="after")
    def _shown_at_most_fitted(self) -> "FactorizeParams":
        if self.shown > self.n_factors:
            raise ValueError(f"shown is {self.shown}, more than the n_factors {self.n_factors} fitted: lower it")
        return self


class ScaleParams(Frozen):
    """Section `scale`."""

    min_models: Annotated[int, Field(ge=4)]
    """Fewest models with a known budget for which a law is fitted."""
    factor_models: Literal["common", "available"]
    """Models in the laws of factors: those whose budgets are `common`ly known in all languages, as in Saito et al.
    2024, Appendix C.1, or all `available` ones for each language, as for components."""


class StabilityParams(Frozen):
    """Section `stability`."""

    draws: Annotated[int, Field(ge=100)]
    """Bootstrap samples of models, of families, of test items and of token counts."""
    seed: Annotated[int, Field(ge=0)]
    """Seed of all samples."""
    level: Annotated[float, Field(gt=0.5, lt=1)]
    """Coverage of the intervals."""
    parallel_draws: Annotated[int, Field(ge=100)]
    """Most random matrices for the parallel analysis."""
    cumulative: Annotated[float, Field(gt=0, lt=1)]
    """Share of the variance that the plainest criterion for the number of components asks for."""
    token_error: Annotated[float, Field(ge=0, lt=1)]
    """Relative error of a token count that was derived by rule."""
    protocol_error: Annotated[float, Field(ge=0, lt=1)]
    """Standard deviation of a score, as a share of its benchmark's range, between wordings of prompts and harnesses,
    besides what the test items leave open. An assumption that the ranks of models rest on; 0 leaves it out."""


class RetestParams(Frozen):
    """Section `retest`."""

    study: str
    """Folder under metadata/ of an earlier study, whose conclusions are tested on the models of `study`; that study
    itself, or nothing, for none."""


class CompareParams(Frozen):
    """Section `compare`."""

    tolerance_factor: Annotated[float, Field(gt=0)]
    """Multiple of each claim's tolerance within which it counts as reproduced."""


class ReportParams(Frozen):
    """Section `report`."""

    dpi: Annotated[int, Field(ge=50, le=600)]
    """Resolution of the main picture as PNG and of images in the SVG figures, dots per inch."""


class TrackParams(Frozen):
    """Section `track`."""

    experiment: Annotated[str, Field(min_length=1)]
    """Name of the MLflow experiment that receives the runs."""


class Params(Frozen):
    """The whole of params.yaml."""

    study: Annotated[str, Field(min_length=1)]
    """Folder under metadata/ to analyse."""
    subset: Annotated[str, Field(min_length=1)]
    """`all`, or a value of the columns `construction` or `group` of models.csv."""
    budget: BudgetParams
    evaluate: EvaluateParams
    assemble: AssembleParams
    # a field named `validate` would hide a method of pydantic's BaseModel
    gate: Annotated[ValidateParams, Field(alias="validate")]
    correlate: CorrelateParams
    decompose: DecomposeParams
    factorize: FactorizeParams
    scale: ScaleParams
    stability: StabilityParams
    retest: RetestParams = RetestParams(study="")
    compare: CompareParams
    report: ReportParams
    track: TrackParams


def sections(model: type[Frozen] = Params, within: str = "") -> dict[str, type[Frozen]]:
    """Return the dotted name of each section to its model, in the order of the pipeline, each before those in it."""
    found: dict[str, type[Frozen]] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Frozen):
            section = within + (field.alias or name)
            found |= {section: field.annotation, **sections(field.annotation, f"{section}.")}
    return found


def known_names() -> dict[str, list[str]]:
    """Return the names allowed at the top level (key "") and in each section."""
    top = [field.alias or name for name, field in Params.model_fields.items()]
    return {"": top} | {name: list(model.model_fields) for name, model in sections().items()}


def parse_params(text: str, where: str = "params.yaml") -> Params:
    """Parse params.yaml.

    Args:
        text: Contents of the file.
        where: Path to show in messages.

    Raises:
        InputError: A parameter is missing, unknown, of the wrong type or out of bounds; all are named.
    """
    raw = parse_yaml(text, where)
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise InputError(validation_lines(error, where, known_names())) from None


def section_rows() -> list[tuple[str, str]]:
    """Return (parameter, description) for every parameter, for the reference, defaults at the end."""
    rows: list[tuple[str, str]] = []
    models: dict[str, type[Frozen]] = {"": Params, **sections()}
    for section, model in models.items():
        dot = f"{section}." if section else ""
        for name, field in model.model_fields.items():
            if dot + (field.alias or name) not in models:
                default = "" if field.is_required() else field.get_default(call_default_factory=True)
                told = "" if default in ("", [], {}) else f" Default {default}."
                rows.append((dot + name, " ".join(describe(field).split()) + told))
    return rows


def describe(field: Any) -> str:  # noqa: ANN401 (pydantic's FieldInfo)
    """Return a field's description.

    Raises:
        ValueError: The field has no description.
    """
    if not field.description:
        raise ValueError("every parameter carries a description")
    return str(field.description)
