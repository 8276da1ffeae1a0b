"""What an evaluation takes, before it is run: tokens, memory for weights, hours on a GPU.

Measured numbers of earlier evaluations count, wherever they were made; what was never measured is typical.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.evaluation.model_source import ModelSource

TYPICAL: Mapping[str, tuple[float, float]] = {
    "jcommonsenseqa": (500, 1), "jemhopqa": (400, 10), "niilc": (300, 10), "jsquad": (1500, 10),
    "xlsum_ja": (2500, 100), "mgsm_ja": (800, 120), "wmt20_en_ja": (500, 60), "wmt20_ja_en": (500, 60),
    "jmmlu": (900, 1), "jhumaneval": (250, 2500), "openbookqa": (400, 0), "triviaqa": (120, 10),
    "hellaswag": (1800, 0), "squad2": (1800, 10), "xwino": (260, 0), "mmlu": (2600, 0), "gsm8k": (600, 130),
    "bbh": (1100, 250), "humaneval": (150, 2500),
}  # fmt: skip
"""Benchmark to tokens of an item: of all its prompts, and generated. Of the order of those of Llama 2's tokenizer."""
OTHER = (500.0, 50.0)
"""The same for any other benchmark."""
ASSUMED_RATE, ASSUMED_PARAMS = 8000.0, 7e9
"""Tokens per second of a model with this many parameters on one large GPU, prompts included; used until measured."""
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
GPU_BYTES = 80e9
WORKING = 1.25
"""Memory that a model takes while it runs, as a multiple of its weights."""


@dataclass(frozen=True)
class Measured:
    """What earlier evaluations took.

    Attributes:
        tokens: Benchmark to tokens of an item, of prompts and generated.
        rates: Model to tokens per second.
    """

    tokens: Mapping[str, tuple[float, float]]
    rates: Mapping[str, float]


def measured(parts: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Measured:
    """Return what earlier evaluations took.

    Args:
        parts: Model, benchmark and provenance of each of their units.
    """
    items: dict[str, list[tuple[float, float]]] = {}
    spent: dict[str, tuple[float, float]] = {}
    for model_id, benchmark, part in parts:
        n_items = part.get("limit") or part.get("data", {}).get("n_items")
        if not n_items or "prompt_tokens" not in part or not part.get("seconds"):
            continue
        prompt, output = part["prompt_tokens"], part["output_tokens"]
        items.setdefault(benchmark, []).append((prompt / n_items, output / n_items))
        tokens, seconds = spent.get(model_id, (0.0, 0.0))
        spent[model_id] = tokens + prompt + output, seconds + part["seconds"]
    means = {
        name: (math.fsum(a for a, _ in found) / len(found), math.fsum(b for _, b in found) / len(found))
        for name, found in items.items()
    }
    return Measured(means, {name: tokens / seconds for name, (tokens, seconds) in spent.items()})


def tokens_of(benchmark: str, n_items: int, known: Measured) -> float:
    """Return the tokens of a number of items, prompts and answers."""
    return n_items * math.fsum(known.tokens.get(benchmark) or TYPICAL.get(benchmark) or OTHER)


def rate_of(model_id: str, params: float, sizes: Mapping[str, float], known: Measured) -> tuple[float, str]:
    """Return the tokens per second that a model is expected to reach, and what that comes from.

    Args:
        model_id: The model.
        params: Its active parameters.
        sizes: Model to active parameters, for those that were measured.
        known: What earlier evaluations took.
    """
    if model_id in known.rates:
        return known.rates[model_id], "measured"
    others = {name: sizes[name] for name in known.rates if name in sizes}
    if not others:
        return ASSUMED_RATE * ASSUMED_PARAMS / params, "assumed"
    nearest = min(others, key=lambda name: abs(math.log(others[name] / params)))
    return known.rates[nearest] * others[nearest] / params, f"from {nearest}"


def parameters_of(source: ModelSource) -> float | None:
    """Return how many parameters the weights of a model have; None where they are not safetensors."""
    names: Sequence[str] = sorted(name for name in source.weights if name.endswith(".safetensors"))
    return sum(_parameters(Path(source.path) / name) for name in names) if names else None


def _parameters(path: Path) -> float:
    with path.open("rb") as file:
        header: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return float(sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__"))


def gpus_for(params: float, dtype: str) -> int:
    """Return how many GPUs of 80 GB a model is spread over, a power of two; `auto` is two bytes per parameter."""
    least = WORKING * params * BYTES.get(dtype, 2) / GPU_BYTES
    return 1 << max(math.ceil(math.log2(least)), 0)
