"""Whether a checkpoint filled a model: transformers fills what is missing with random numbers, and only logs it."""

import re
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

SHOWN = 3
"""Names of weights that a message shows of each kind."""

_BUFFERS = re.compile(r"(^|\.)(rotary_emb\.inv_freq|(attn|attention)\.(masked_)?bias|position_ids)$")
"""Constants that older versions of transformers saved with the weights: the model computes them itself."""


def weight_problems(
    model_id: str, loading: Mapping[str, Collection[Any]], expected: Collection[str] = ()
) -> list[str]:
    """Name the weights by which checkpoint and model differ, in one line; tied weights are not missing.

    Args:
        model_id: In models.csv.
        loading: What transformers returns with `output_loading_info`: missing_keys, unexpected_keys, and
            mismatched_keys as (name, shape of the checkpoint, shape of the model).
        expected: Patterns of names that the model's record lets differ, as in a shell.
    """

    def is_told(name: str) -> bool:
        return not any(fnmatchcase(name, pattern) for pattern in expected)

    parts = [
        _counted("missing", filter(is_told, loading["missing_keys"])),
        _counted("unexpected", [n for n in loading["unexpected_keys"] if is_told(n) and not _BUFFERS.search(n)]),
        _counted(
            "of another shape",
            [
                f"{name} {_shape(found)} instead of {_shape(made)}"
                for name, found, made in loading["mismatched_keys"]
                if is_told(name)
            ],
        ),
    ]
    told = "; ".join(part for part in parts if part)
    if not told:
        return []
    return [
        f"{model_id}: the weights do not match config.json: {told}: the model would answer with random numbers; "
        "get the complete files, or correct model_type and sizes in config.json; weights that do not affect answers "
        "may be named in expected_weights of models.csv"
    ]


def _counted(kind: str, found: Iterable[str]) -> str:
    names = sorted(found)
    shown = [*names[:SHOWN], *(["..."] if len(names) > SHOWN else [])]
    return f"{len(names)} {kind} ({', '.join(shown)})" if names else ""


def _shape(sizes: Collection[int]) -> str:
    return "x".join(map(str, sizes))
