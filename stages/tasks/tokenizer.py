"""The evaluated model's tokenizer, for the two tasks whose protocol needs it.

XL-Sum cuts articles to the model's context and scores summaries on the model's own subwords; MGSM drops examples
until the prompt fits.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from stages.contracts.errors import InputError

CONTEXT_CAP = 4096
"""lm-evaluation-harness-jp used no more context than this, whatever the model has."""


class Tokenizer(Protocol):
    """What is used of a Hugging Face tokenizer."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Return token ids."""

    def decode(self, ids: list[int], *, skip_special_tokens: bool) -> str:
        """Return text."""

    def tokenize(self, text: str) -> list[str]:
        """Return subwords."""


@dataclass(frozen=True)
class TokenizerSpec:
    """Names a tokenizer and the context of its model, in the words of lm-eval's model arguments.

    Attributes:
        name: Folder or repository of the tokenizer.
        model: Folder or repository of the model, whose configuration states the context.
        revision: Revision of both.
        trust_remote_code: Run code that the repository brings.
        use_fast: The fast tokenizer where there is one.
        max_length: Context in tokens; 0 asks the model's configuration.
    """

    name: str
    model: str
    revision: str = "main"
    trust_remote_code: bool = False
    use_fast: bool = True
    max_length: int = 0

    def to_json(self) -> str:
        """Return the specification as text, to travel with an item."""
        return json.dumps(asdict(self), sort_keys=True)


def spec_of(metadata: Mapping[str, Any], task: str) -> TokenizerSpec:
    """Return the tokenizer that the task's metadata name: lm-eval puts the model's arguments there.

    Raises:
        InputError: They do not name a tokenizer.
    """
    model = metadata.get("pretrained")
    name = metadata.get("tokenizer") or model
    if not isinstance(name, str):
        raise InputError(
            [f"{task}: needs the tokenizer: pass --model_args pretrained=... or --metadata '{{\"tokenizer\": ...}}'"]
        )
    return TokenizerSpec(
        name=name,
        model=model if isinstance(model, str) else name,
        revision=str(metadata.get("revision") or "main"),
        trust_remote_code=bool(metadata.get("trust_remote_code", False)),
        use_fast=bool(metadata.get("use_fast_tokenizer", True)),
        max_length=int(metadata.get("max_length") or 0),
    )


@functools.lru_cache(maxsize=4)
def load(spec_json: str) -> Tokenizer:
    """Return the tokenizer that `TokenizerSpec.to_json` names.

    Raises:
        InputError: It cannot be loaded.
    """
    from transformers import AutoTokenizer

    spec = TokenizerSpec(**json.loads(spec_json))
    try:
        tokenizer: Tokenizer = AutoTokenizer.from_pretrained(
            spec.name, revision=spec.revision, trust_remote_code=spec.trust_remote_code, use_fast=spec.use_fast
        )
    except (OSError, ValueError) as error:
        raise InputError([f"tokenizer {spec.name!r}: {' '.join(str(error).split())[:160]}"]) from error
    return tokenizer


def context_length(spec: TokenizerSpec) -> int:
    """Return the context of the model in tokens, at most `CONTEXT_CAP`.

    Raises:
        InputError: The configuration does not state it.
    """
    length = spec.max_length
    if not length:
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(
            spec.model, revision=spec.revision, trust_remote_code=spec.trust_remote_code
        )
        names = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
        length = next((int(value) for name in names if (value := getattr(config, name, None))), 0)
    if not length:
        raise InputError([f"model {spec.model!r} does not tell its context: pass max_length in its arguments"])
    return min(length, CONTEXT_CAP)


def length(tokenizer: Tokenizer, text: str) -> int:
    """Return the number of tokens of a text, without special ones."""
    return len(tokenizer.encode(text, add_special_tokens=False))
