"""params.yaml as frozen models: one section per stage, each field with its bounds and one sentence.

The README's table of parameters is rendered from these descriptions and tested against them.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from stages.contracts.errors import InputError
from stages.contracts.study.info import Frozen, parse_yaml, validation_lines

Fraction = Annotated[float, Field(ge=0, le=1)]


def _renamed(missing: object) -> object:
    """Return the name of today for a choice of assemble.missing that an older state may bear."""
    return "model" if missing == "ppca" else missing


class BudgetParams(Frozen):
    """Section `budget`."""

    tolerance: Annotated[float, Field(ge=0, lt=1)]
    """Relative difference up to which a printed and a derived token count are called equal."""
    typical_factor: Annotated[float, Field(gt=1)]
    """A count this many times above or below the median of the study is refused as a slip of unit."""


class EvaluateParams(Frozen):
    """Section `evaluate`."""

    models: list[str]
    """Models to evaluate, as `model_id` in models.csv; their rows replace or join the published ones."""
    limit: Annotated[int, Field(ge=1)] | None
    """Items of each benchmark, from the first, for a trial; `null` for all. The gate refuses limited results."""
    data_dir: str
    """Folders with the benchmarks' files, joined by a colon; empty fetches the published files."""
    model_dir: str
    """Folder that holds models under their model_id; what it lacks, or all when empty, comes from the Hub."""
    backend: Literal["hf", "vllm"]
    """Library that runs the models: `hf` (transformers), or `vllm` where that is installed."""
    device: Annotated[str, Field(pattern=r"^(auto|all|cpu|mps|cuda(:\d+)?)$")]
    """Where models run: `auto` (one GPU, else the CPU), `all` GPUs together, `cpu`, `cuda:1`, ..."""
    dtype: Literal["auto", "float32", "float16", "bfloat16"]
    """Number format of the weights; `auto` is that of the model's files."""
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"]
    """Prompts at a time; `auto` is the most that fits a GPU, 8 on a CPU."""


class AssembleParams(Frozen):
    """Section `assemble`."""

    corrections: bool
    """Whether the corrected scores of corrections.csv replace the published ones."""
    mixed_protocols: bool
    """Whether cells measured under different protocols may share a benchmark column."""
    missing: Annotated[Literal["refuse", "drop_models", "drop_benchmarks", "model"], BeforeValidator(_renamed)]
    """What missing scores do: `refuse` closes the gate, `drop_models` and `drop_benchmarks` leave out those that lack
    one, `model` predicts them from the others by a hierarchical factor model (`ppca`, its former name, means it)."""


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
            raise ValueError(f"shown is {self.shown}, more than the n_factors {self.n_factors} fitted")
        return self


class ScaleParams(Frozen):
    """Section `scale`."""

    min_models: Annotated[int, Field(ge=3)]
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


class CompareParams(Frozen):
    """Section `compare`."""

    tolerance_factor: Annotated[float, Field(gt=0)]
    """Multiple of each claim's tolerance within which it counts as reproduced."""


class ReportParams(Frozen):
    """Section `report`."""

    dpi: Annotated[int, Field(ge=50, le=600)]
    """Resolution of the PNG figures, dots per inch."""


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
    compare: CompareParams
    report: ReportParams
    track: TrackParams


def sections() -> dict[str, type[Frozen]]:
    """Return section name to its model, in the order of the pipeline."""
    found = {}
    for name, field in Params.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Frozen):
            found[field.alias or name] = field.annotation
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
    """Return (parameter, description) for every parameter, for the README's table."""
    rows: list[tuple[str, str]] = []
    for name in ("study", "subset"):
        rows.append((name, describe(Params.model_fields[name])))
    for section, model in sections().items():
        rows += [(f"{section}.{name}", describe(field)) for name, field in model.model_fields.items()]
    return rows


def describe(field: Any) -> str:  # noqa: ANN401 (pydantic's FieldInfo)
    """Return a field's description.

    Raises:
        ValueError: It has none.
    """
    if not field.description:
        raise ValueError("every parameter carries a description")
    return str(field.description)
