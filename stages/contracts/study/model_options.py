"""models.yaml: how a model is loaded and asked, where that is not its whole weights and plain text.

A mapping of model_id to what differs; a study may do without the file:

    org/model-instruct:
      chat_template: true
      system_prompt: Answer briefly.
      fewshot_as_turns: true
    org/model-lora:
      arguments: {peft: adapters/lora}
    org/model-served:
      served_as: model-v2
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from stages.contracts.errors import InputError
from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.names import Names
from stages.contracts.study.workarounds import Setting
from stages.contracts.yaml_models import Frozen, parse_yaml, validation_lines

FILE = "models.yaml"
SERVERS = ("local-completions", "local-chat-completions")
"""Backends that ask a server with an interface like OpenAI's, by lm-eval's names."""
ADAPTERS = ("peft", "delta", "lora_local_path")
"""Arguments that name a folder with more weights, below `evaluate.model_dir` or anywhere."""
GGUF = "gguf_file"
"""Argument that names a file of the model's folder that holds its weights."""
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "hf": (
        *ADAPTERS[:2], GGUF, "load_in_8bit", "load_in_4bit", "bnb_4bit_compute_dtype", "bnb_4bit_quant_type",
        "bnb_4bit_use_double_quant", "gptqmodel", "autogptq", "max_length", "softmax_dtype", "attn_implementation",
    ),
    "vllm": (
        ADAPTERS[2], "max_lora_rank", "quantization", "max_model_len", "gpu_memory_utilization", "enforce_eager",
        "kv_cache_dtype",
    ),
    **dict.fromkeys(SERVERS, ("max_length", "eos_string")),
}  # fmt: skip
"""Backend to those of lm-eval's arguments that a study can give; params.yaml and the protocol set the others."""

REFUSED = {
    "data_parallel_size": "is refused: lm-eval loads the model anew for every benchmark and ends Ray after each; "
    "evaluate.workers spreads models over GPUs, evaluate.gpus_per_model one model over several"
}
"""Arguments that lm-eval has and that do more harm than good, with the reason."""
Value = bool | int | float | str


class ModelOptions(Frozen):
    """What is particular to one model."""

    chat_template: bool = False
    """Prompts are sent as messages in the model's own chat format."""
    system_prompt: str = ""
    """Text of a system message before them."""
    fewshot_as_turns: bool = False
    """Each example is a question of the user and an answer of the model."""
    served_as: str = ""
    """Name of the model on a server; by default its model_id."""
    arguments: dict[str, Value] = Field(default_factory=dict)
    """Arguments of lm-eval that decide which weights answer, and how."""

    @property
    def setting(self) -> Setting:
        """How it is asked."""
        return Setting(
            chat_template=self.chat_template,
            system_prompt=self.system_prompt,
            fewshot_as_turns=self.fewshot_as_turns,
        )


_MODELS = TypeAdapter(dict[str, ModelOptions])


def parse_model_options(text: str, where: str, models: Iterable[str]) -> dict[str, ModelOptions]:
    """Parse models.yaml.

    Args:
        text: Contents of the file.
        where: Path to show in messages.
        models: Known model_ids.

    Raises:
        InputError: A model, field or argument is unknown or of the wrong type; all are named.
    """
    raw = parse_yaml(text, where)
    try:
        found = _MODELS.validate_python(raw)
    except ValidationError as error:
        raise InputError(validation_lines(error, where, _known(raw))) from None
    names, known = Names(models), dict.fromkeys(name for each in ARGUMENTS.values() for name in each)
    phrases = [(name, f"no such model in models.csv{names.hint(name)}") for name in found if name not in names]
    for name, options in found.items():
        phrases += [
            (name, f"argument {key} {REFUSED.get(key) or 'is not one of ' + ', '.join(known)}")
            for key in options.arguments
            if key not in known
        ]
        if (options.system_prompt or options.fewshot_as_turns) and not options.chat_template:
            phrases.append((name, "messages need a chat format: write chat_template: true"))
    if phrases:
        raise InputError(one_line_each(OfKind(f"{where}: {name}: {text}", text, name) for name, text in phrases))
    return found


def _known(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): list(ModelOptions.model_fields) for name in raw}
