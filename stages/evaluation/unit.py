"""The unit of evaluation, one model on one benchmark: plain data, with a key that names all its result depends on.

Two units with one key have one result, wherever and by whatever they are run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import ServerParams
from stages.contracts.study.model_options import SERVERS
from stages.contracts.study.own_tasks import TaskChoice
from stages.contracts.study.prompts import Wording
from stages.contracts.study.workarounds import Setting
from stages.evaluation.code_digest import task_digest
from stages.evaluation.lm_tasks import own_task_digest
from stages.evaluation.loading import Loading
from stages.evaluation.model_source import ModelSource, digest_of
from stages.tasks.registry import BENCHMARKS, SEEDS
from stages.tasks.rows import DataRecord

NEEDED = ("lm_eval", "torch", "transformers", "accelerate", "tokenizers", "datasets", "huggingface_hub")
"""What every evaluation needs; all from the extra `eval`."""
LIBRARIES = ("lm_eval", "torch", "transformers", "tokenizers")
SCORING = {
    "char_f1": ("rapidfuzz",),
    "rouge2": ("rouge_score", "fugashi", "unidic-lite"),
    "bleu": ("sacrebleu", "nagisa"),
}
"""Libraries that a metric is computed with."""


@dataclass(frozen=True)
class RunOptions:
    """How models are run; the first three and `loading` decide results, the others only where and how fast.

    Attributes:
        backend: "hf" or "vllm".
        dtype: Data type of the weights, or "auto" for that of the files.
        limit: Items of each benchmark, from the first; None for all.
        batch_size: Batch size, or "auto".
        device: "auto", "all", or as in torch.
        data_dir: Local folders of the benchmarks' files; "" reads the published ones.
        loading: What the model is loaded with besides its own files.
        server: Where a served model is asked, and how fast.
    """

    backend: str = "hf"
    dtype: str = "auto"
    limit: int | None = None
    batch_size: int | str = "auto"
    device: str = "auto"
    data_dir: str = ""
    loading: Loading = field(default_factory=Loading)
    server: ServerParams = field(default_factory=ServerParams)


@dataclass(frozen=True)
class Unit:
    """One model on one benchmark.

    Attributes:
        benchmark: A name of the registry.
        model: Files of the model.
        setting: What differs from the protocol.
        run: How models are run.
        data: What was read for the benchmark.
        wording: Wording of its instruction, where the study brings its own.
        task: lm-eval's task that stands for the benchmark; None where it is one of the registry.
    """

    benchmark: str
    model: ModelSource
    setting: Setting
    run: RunOptions
    data: DataRecord
    wording: Wording = field(default_factory=dict)
    task: TaskChoice | None = None

    @property
    def metric(self) -> str:
        """lm-eval's name of the score."""
        return BENCHMARKS[self.benchmark].metric if self.task is None else self.task.metric

    @property
    def runs_code(self) -> bool:
        """Whether generated programs are run."""
        return self.task is None and BENCHMARKS[self.benchmark].runs_code

    @property
    def task_digest(self) -> str:
        """SHA-256 of the task, and of the code that runs it."""
        backend = self.run.backend
        return task_digest(self.benchmark, backend) if self.task is None else own_task_digest(self.task, backend)

    @property
    def dtype(self) -> str:
        """Data type of the weights."""
        return self.setting.dtype or self.run.dtype

    @property
    def _batch_size(self) -> int | str | None:
        """The size of batches where it can move an answer: 16-bit data types round differently in other batches."""
        return self.run.batch_size if self.run.backend == "hf" and self.dtype != "float32" else None

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the result depends on."""
        return {
            "benchmark": self.benchmark,
            "model": self.model.identity,
            "task": self.task_digest,
            "data": self.data.sha256,
            "workaround": self.setting.changes(),
            "wording": dict(self.wording),
            "backend": self.run.backend,
            "dtype": self.dtype,
            "loading": self.run.loading.identity,
            "batch_size": self._batch_size,
            "limit": self.run.limit,
            "seeds": SEEDS,
            "libraries": libraries(self.metric, self.run.backend),
        }

    @property
    def key(self) -> str:
        """SHA-256 of the identity."""
        return digest_of(self.identity)


def libraries(metric: str, backend: str) -> dict[str, str]:
    """Return the versions of the libraries that a result depends on.

    Raises:
        InputError: One of them is not installed.
    """
    # what runs behind a server is not of this machine
    names = [*(LIBRARIES[:1] if backend in SERVERS else LIBRARIES), *SCORING.get(metric, ())]
    if backend == "vllm":
        names.append("vllm")
    return versions(names)


def versions(names: Sequence[str]) -> dict[str, str]:
    """Return name to version, ignoring which device a library was built for.

    Raises:
        InputError: Some are not installed.
    """
    found, missing = {}, []
    for name in names:
        try:
            found[name] = version(name).partition("+")[0]
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        extra = "vllm" if missing == ["vllm"] else "the extra `eval`: pip install -e '.[eval]'"
        raise InputError([f"evaluate: {', '.join(missing)} not installed here: install {extra}"])
    return found
