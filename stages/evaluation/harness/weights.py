"""Whether a checkpoint filled a model: transformers fills what is missing with random numbers, and only logs it."""

import re
from collections.abc import Collection, Mapping
from typing import Any

SHOWN = 3
"""Names of weights that a message shows of each kind."""

_BUFFERS = re.compile(r"(^|\.)(rotary_emb\.inv_freq|(attn|attention)\.(masked_)?bias|position_ids)$")
"""Constants that older versions of transformers saved with the weights: the model computes them itself."""


def weight_problems(model_id: str, loading: Mapping[str, Collection[Any]]) -> list[str]:
    """Name the weights by which checkpoint and model differ, in one line; tied weights are not missing.

    Args:
        model_id: In models.csv.
        loading: What transformers returns with `output_loading_info`: missing_keys, unexpected_keys, and
            mismatched_keys as (name, shape of the checkpoint, shape of the model).
    """
    parts = [
        _counted("missing", list(loading["missing_keys"])),
        _counted("unexpected", [name for name in loading["unexpected_keys"] if not _BUFFERS.search(name)]),
        _counted(
            "of another shape",
            [f"{name} {_shape(found)} instead of {_shape(made)}" for name, found, made in loading["mismatched_keys"]],
        ),
    ]
    told = "; ".join(part for part in parts if part)
    if not told:
        return []
    return [
        f"{model_id}: the weights do not fit config.json: {told}: the model would answer with random numbers; "
        "get the complete files, or correct model_type and sizes in config.json"
    ]


def _counted(kind: str, names: list[str]) -> str:
    shown = [*sorted(names)[:SHOWN], *(["..."] if len(names) > SHOWN else [])]
    return f"{len(names)} {kind} ({', '.join(shown)})" if names else ""


def _shape(sizes: Collection[int]) -> str:
    return "x".join(map(str, sizes))
