"""How many parameters a model has, where its name states it.

    Llama-2-70b, SmolLM2-135M, stablelm-2-1_6b, bloom-7b1, Ling-1T     one size: all parameters, and those active
    Qwen3-30B-A3B, granite-3.0-1b-a400m, Qwen1.5-MoE-A2.7B             a mixture: all, then those active per token
    OLMoE-1B-7B                                                        likewise; the smaller of two is the active one
    Mixtral-8x7B                                                       at most 8 times 7: experts share some layers
    Llama-4-Scout-17B-16E, gemma-3n-E4B                                only what is active
    deepseek-moe-16b, gpt-oss-120b                                     only what there is in all

Digits that follow a letter are part of a word (`m2m100`, `k2m`), what stands before the last `/` is not part of the
name, and of several sizes the first counts (`Qwen2.5-7B-Instruct-1M` has a context of a million tokens).
"""

import re
from dataclasses import dataclass

UNITS = {"m": 1e-3, "b": 1.0, "t": 1e3}
"""Billions of parameters to a unit."""

ACTIVE = {"gpt-oss-120b": 5.1, "gpt-oss-20b": 3.6}
"""Parameters active per token, in billions, of mixtures whose names state all they have. Source: their model cards."""

_BEFORE, _AFTER = r"(?<![a-z0-9.])", r"(?![a-z0-9])"
_NUMBER = r"\d+(?:\.\d+)?"
EXPERTS = re.compile(rf"{_BEFORE}(\d+)x({_NUMBER})([mb]){_AFTER}")
STATED = re.compile(rf"{_BEFORE}({_NUMBER})([mbt]){_AFTER}")
TENTHS = re.compile(rf"(?:(?<=-)|(?<=\s)|^)(\d)_(\d+)b{_AFTER}|{_BEFORE}(\d+)b(\d){_AFTER}")
"""`1_6b` and `7b1`; but `llama_2_7b` is the second version with seven billion."""
NAMED_ACTIVE = re.compile(rf"{_BEFORE}[ae]({_NUMBER})([mb]){_AFTER}")
ACTIVE_OF_EXPERTS = re.compile(rf"{_BEFORE}({_NUMBER})([mb])[-_ ]\d+e{_AFTER}")
MIXTURE = re.compile(r"moe")


@dataclass(frozen=True)
class Sizes:
    """Parameters that a name states, in billions; None where it states nothing.

    Attributes:
        total: All of them; for `8x7B` an upper bound.
        active: Those active per token.
    """

    total: float | None = None
    active: float | None = None


def sizes_from_name(name: str) -> Sizes:
    """Return the parameters that the name of a model states.

    Args:
        name: A model_id such as `org/model-7b`, or a display name.
    """
    text = name.rsplit("/", 1)[-1].lower()
    if (experts := EXPERTS.search(text)) is not None:
        return Sizes(total=float(experts[1]) * _billions(experts[2], experts[3]))
    if (active := ACTIVE_OF_EXPERTS.search(text)) is not None:
        return Sizes(active=_billions(active[1], active[2]))
    plain = TENTHS.sub(_with_point, text)
    stated = [_billions(number, unit) for number, unit in STATED.findall(plain)]
    if (active := NAMED_ACTIVE.search(text)) is not None:
        return Sizes(stated[0] if stated else None, _billions(active[1], active[2]))
    if not stated:
        return Sizes()
    if MIXTURE.search(text):
        return Sizes(max(stated), min(stated) if len(stated) > 1 else None)
    return Sizes(stated[0], next((known for key, known in ACTIVE.items() if text.startswith(key)), stated[0]))


def _billions(number: str, unit: str) -> float:
    """Return a number of millions, billions or trillions in billions, rounded to what was written."""
    return float(f"{float(number) * UNITS[unit]:.12g}")


def _with_point(match: re.Match[str]) -> str:
    whole, tenths = (match[1], match[2]) if match[1] else (match[3], match[4])
    return f"{whole}.{tenths}b"
