"""What a user's model, machine or disk can cause, reported in one line."""

import contextlib
import errno
from collections.abc import Iterator
from pickle import UnpicklingError
from typing import Any

from stages.contracts.errors import InputError
from stages.evaluation.unit import RunOptions

SMALLER = "set evaluate.dtype to bfloat16, lower evaluate.batch_size, or spread it over more GPUs (device: all)"
_OTHER_VOCABULARY = (
    "the tokenizer has tokens that the model does not have: use the tokenizer and the weights of the same model"
)
_CORRECT = "correct config.json or the tokenizer's files, or download them again"
_FILES = (OSError, ValueError, ImportError, LookupError, TypeError, AttributeError, EOFError)
"""What transformers raises for files that are not as it expects them; its own bugs mostly raise other errors."""


@contextlib.contextmanager
def memory_explained(what: str, run: RunOptions) -> Iterator[None]:
    """Turn a lack of memory into one line on what to change."""
    import torch

    try:
        yield
    except (torch.cuda.OutOfMemoryError, MemoryError):
        torch.cuda.empty_cache()
        raise InputError([f"{what}: out of memory with batch size {run.batch_size}: {SMALLER}"]) from None
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise InputError([f"{what}: out of memory with batch size {run.batch_size}: {SMALLER}"]) from None


@contextlib.contextmanager
def loading_explained(model_id: str, run: RunOptions) -> Iterator[None]:
    """Turn an error in a model's files, or a lack of memory, into one line."""
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        with memory_explained(model_id, run):
            yield
    except SafetensorError as error:
        reason = f"its safetensors files are incomplete or damaged ({_line(error)}): download them again"
    except UnpicklingError:
        reason = "its weights are pickled with code, which is not run: save them as safetensors"
    except (*_FILES, StrictDataclassError) as error:
        reason = _line(error)
        if "trust_remote_code" in reason:
            reason = "the model brings its own code: to run it, write trust_remote_code and trust_reason in models.csv"
        elif not isinstance(error, OSError | ImportError) and type(error) is not ValueError:
            reason = f"{type(error).__name__}: {reason}: {_CORRECT}"
    else:
        return
    raise InputError([f"{model_id}: {reason}"])


@contextlib.contextmanager
def running_explained(what: str, run: RunOptions) -> Iterator[None]:
    """Turn an error of a loaded model into one line."""
    try:
        with memory_explained(what, run):
            yield
    except IndexError as error:
        if "index out of range in self" not in str(error):
            raise
        raise InputError([f"{what}: {_OTHER_VOCABULARY}"]) from None


@contextlib.contextmanager
def disk_explained(kept: str) -> Iterator[None]:
    """Turn a full disk, or an interruption, into one line.

    Args:
        kept: What is not lost.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise InputError([f"interrupted: {kept}; run the same command again to continue"]) from None
    except OSError as error:
        if not is_full(error):
            raise
        raise InputError(
            [f"no space left on the disk: {kept}; free some space, then run the same command again"]
        ) from None


def is_full(error: OSError) -> bool:
    """Return whether an error means that nothing more can be written."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def unfit(loaded: Any) -> list[str]:  # noqa: ANN401  lm-eval has no types
    """Name what a model of transformers that was loaded lacks in order to be asked."""
    problems = []
    if not loaded.ends:
        problems.append("the tokenizer has no EOS token: set eos_token in tokenizer_config.json")
    if loaded.tokenizer.vocab_size > loaded.model.get_input_embeddings().weight.shape[0]:
        problems.append(_OTHER_VOCABULARY)
    return problems


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
