"""Section `evaluate` of params.yaml: what runs the models, where, and from which files."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from stages.contracts.yaml_models import Frozen


def _device(name: str) -> str:
    """Check the name of a device.

    Raises:
        ValueError: It is not the name of a device.
    """
    if not re.fullmatch(r"auto|all|cpu|mps|cuda(:\d+)?", name):
        raise ValueError("auto, all, cpu, mps, cuda or cuda:NUMBER")
    return name


class ServerParams(Frozen):
    """Section `evaluate.server`: an OpenAI-compatible server; its key is read from OPENAI_API_KEY."""

    url: Annotated[str, Field(pattern=r"^(https?://[^@?\s]+)?$")] = ""
    """Address of the server up to the version, such as `http://localhost:8000/v1`, without key or password; empty for
    none."""
    concurrent: Annotated[int, Field(ge=1, le=256)] = 8
    """Requests at a time."""
    requests_per_minute: Annotated[int, Field(ge=0)] = 0
    """Most requests per minute; 0 for as many as there are answers."""
    retries: Annotated[int, Field(ge=0)] = 6
    """Times that a request is sent again when the server is busy, fails or cannot be reached."""
    timeout: Annotated[float, Field(gt=0)] = 300.0
    """Seconds to wait for an answer."""


def _quoted(limit: object) -> object:
    """Return a time limit, which YAML takes for a number where it stands without quotes.

    Raises:
        ValueError: It did.
    """
    if isinstance(limit, int):
        raise ValueError('text in quotes, such as "24:00:00"')
    return limit


def _text(pattern: str, words: str) -> AfterValidator:
    """Return a check of a text that says in words what belongs there."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(words)
        return text

    return AfterValidator(check)


Option = Annotated[str, _text("[A-Za-z][A-Za-z0-9-]*", "the name of an option without the dashes before it")]
_LIMIT = _text(r"(\d+-)?\d{1,3}:\d\d:\d\d", "HH:MM:SS or DAYS-HH:MM:SS")
Word = Annotated[str, _text(r"[^\s#]*", "text without spaces and #")]


class SlurmParams(Frozen):
    """Section `evaluate.slurm`: how models are submitted to Slurm; empty values are left to the cluster."""

    partition: Word = ""
    """Partition, or several joined by commas."""
    account: Word = ""
    """Account that is charged."""
    time: Annotated[str, BeforeValidator(_quoted), _LIMIT] = "24:00:00"
    """Limit for one model, `HH:MM:SS` or `DAYS-HH:MM:SS`; what it cuts off is submitted again."""
    resubmissions: Annotated[int, Field(ge=0)] = 10
    """Times that a model is submitted again after its limit."""
    gres: Word = ""
    """Generic resources of one model, such as `gpu:h100:2`; empty asks for `evaluate.gpus_per_model` GPUs."""
    constraint: Word = ""
    """Features that a node must have."""
    setup: list[str] = Field(default_factory=list)
    """Shell lines that run before the evaluation, such as `module load cuda`."""
    options: dict[Option, Word | int] = Field(default_factory=dict)
    """More options of sbatch without their dashes, such as `mem: 64G`."""


class EvaluateParams(Frozen):
    """Section `evaluate`."""

    models: list[str]
    """Models to evaluate, as `model_id` in models.csv; their rows replace or join the published ones."""
    limit: Annotated[int, Field(ge=1)] | None
    """Items of each benchmark, from the first, for a trial; `null` for all. The gate refuses limited results."""
    data_dir: str
    """Folders with the benchmarks' files, joined by a colon; benchmarks that none of them has are fetched."""
    model_dir: str
    """Folder that holds models under their model_id; what it lacks, or all when empty, comes from the Hub."""
    backend: Literal["hf", "vllm", "local-completions", "local-chat-completions"]
    """What runs the models: `hf` (transformers), `vllm` where that is installed, or a server like OpenAI's, asked for
    `local-completions` or `local-chat-completions`."""
    device: Annotated[str, AfterValidator(_device)]
    """Where models run: `auto` (one GPU, else the CPU), `all` GPUs together, `cpu`, `cuda:1`, ..."""
    dtype: Literal["auto", "float32", "float16", "bfloat16"]
    """Data type of the weights; `auto` is that of the model's files."""
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"]
    """Prompts in a batch; `auto` is the largest batch that fits a GPU, 8 on a CPU."""
    server: ServerParams = ServerParams()
    """Section for served models."""
    engine: Literal["local", "slurm", "ray"] = "local"
    """Where `observatory evaluate` runs models: in processes of this machine, on a Slurm or on a Ray cluster."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Most models at a time; 0 for as many as there are GPUs for, one on a machine without."""
    gpus_per_model: Annotated[int, Field(ge=0)] = 1
    """GPUs that one model is spread over; none are asked for where `device` is `cpu` or a server runs the models."""
    ray_address: Annotated[str, _text(r"local|[^\s:/]+:\d+", "local or HOST:PORT")] = "local"
    """`local` starts Ray on this machine, `HOST:6379` joins a cluster."""
    slurm: SlurmParams = SlurmParams()
    """Section for Slurm."""
    store: Annotated[str, Field(min_length=1)] = "data/.evaluating"
    """Folder for finished benchmarks until `dvc repro` publishes them; every node of a cluster must reach it."""


PLACE = ("engine", "workers", "gpus_per_model", "ray_address", "slurm", "store")
"""Fields of `evaluate` that say where models run, and change no result."""
