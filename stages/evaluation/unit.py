"""The unit of evaluation, one model on one benchmark: plain data, with a key that names all its result depends on.

Two units with one key have one result, wherever and by whatever they are run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.study.workarounds import Setting
from stages.evaluation.code_digest import task_digest
from stages.evaluation.model_source import ModelSource, digest_of
from stages.tasks.registry import BENCHMARKS, SEEDS
from stages.tasks.rows import DataRecord

NEEDED = ("lm_eval", "torch", "transformers", "accelerate", "tokenizers", "datasets", "huggingface_hub")
"""What no evaluation does without; all from the extra `eval`."""
LIBRARIES = ("lm_eval", "torch", "transformers", "tokenizers")
SCORING = {
    "char_f1": ("rapidfuzz",),
    "rouge2": ("rouge_score", "fugashi", "unidic-lite"),
    "bleu": ("sacrebleu", "nagisa"),
}
"""Libraries that a metric is computed with."""


@dataclass(frozen=True)
class RunOptions:
    """How models are run; the first three decide results, the others only where and how fast.

    Attributes:
        backend: "hf" or "vllm".
        dtype: Number format of the weights, or "auto" for that of the files.
        limit: Items of each benchmark, from the first; None for all.
        batch_size: Prompts at a time, or "auto".
        device: "auto", "all", or as in torch.
        data_dir: Local folders of the benchmarks' files; "" reads the published ones.
    """

    backend: str = "hf"
    dtype: str = "auto"
    limit: int | None = None
    batch_size: int | str = "auto"
    device: str = "auto"
    data_dir: str = ""


@dataclass(frozen=True)
class Unit:
    """One model on one benchmark.

    Attributes:
        benchmark: A name of the registry.
        model: Files of the model.
        setting: What differs from the protocol.
        run: How models are run.
        data: What was read for the benchmark.
    """

    benchmark: str
    model: ModelSource
    setting: Setting
    run: RunOptions
    data: DataRecord

    @property
    def dtype(self) -> str:
        """Number format of the weights."""
        return self.setting.dtype or self.run.dtype

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the result depends on."""
        return {
            "benchmark": self.benchmark,
            "model": self.model.identity,
            "task": task_digest(self.benchmark, self.run.backend),
            "data": self.data.sha256,
            "workaround": self.setting.changes(),
            "backend": self.run.backend,
            "dtype": self.dtype,
            "limit": self.run.limit,
            "seeds": SEEDS,
            "libraries": libraries(self.benchmark, self.run.backend),
        }

    @property
    def key(self) -> str:
        """SHA-256 of the identity."""
        return digest_of(self.identity)


def libraries(benchmark: str, backend: str) -> dict[str, str]:
    """Return the versions of the libraries that a result depends on.

    Raises:
        InputError: One of them is not installed.
    """
    names = [*LIBRARIES, *SCORING.get(BENCHMARKS[benchmark].metric, ())]
    if backend == "vllm":
        names.append("vllm")
    return versions(names)


def versions(names: Sequence[str]) -> dict[str, str]:
    """Return name to version, builds for other devices not told apart.

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
