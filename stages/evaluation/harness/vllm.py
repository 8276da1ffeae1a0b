"""lm-eval's vLLM model, asked as `Asking` says. vLLM is not a dependency: it needs a GPU that it supports."""

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval.models.vllm_causallms import VLLM

from stages.contracts.errors import InputError
from stages.contracts.study.workarounds import Setting
from stages.evaluation.harness.asking import Asking, continuation
from stages.evaluation.harness.finish import Finish


class ObservedVLLM(Asking, VLLM):  # type: ignore[misc]  # lm-eval has no types
    """A model of vLLM.

    Args:
        **arguments: Those of `VLLM`.
    """

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401
        super().__init__(**arguments)
        self.origin = (arguments["pretrained"], bool(arguments.get("trust_remote_code")))
        self.config = self._config

    def ask_under(self, setting: Setting, add_bos: bool | None, *, continues: bool = False) -> None:
        """Follow a setting from now on; see `Asking`.

        Raises:
            InputError: vLLM cannot follow it.
        """
        if setting.strip:
            raise InputError(["strip: vLLM stops at whitespace before an answer: set evaluate.backend to hf"])
        super().ask_under(setting, add_bos, continues=continues)

    def _generation(self, arguments: tuple[str, Mapping[str, Any]], seed: int) -> tuple[str, dict[str, Any]]:
        prompt, options = super()._generation(arguments, seed)
        # the engine draws each request from a stream of its own where it has a seed
        return prompt, {**options, "seed": seed} if options.get("do_sample") else options

    def _model_generate(
        self,
        requests: list[list[int]],
        generate: bool = False,
        sampling_params: Sequence[Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Generate, and note how each answer ended; see lm-eval.

        vLLM decodes every answer after its prompt. The text of an answer is to be the same on both backends, so it
        is decoded again, stop string included: lm-eval cuts there.
        """
        outputs = super()._model_generate(requests, generate=generate, sampling_params=sampling_params)
        if generate:
            for prompt, output in zip(requests, outputs, strict=True):
                answer = output.outputs[0]
                self.order.note(finish_of(answer, self.eot_token_id, self.tokenizer.eos_token))
                ids = list(answer.token_ids)
                if self.continues:
                    answer.text = continuation(self.tokenizer, prompt, ids)
                else:
                    answer.text = self.tokenizer.decode(ids, skip_special_tokens=True)
        return outputs


def finish_of(answer: Any, end: int, end_text: str) -> Finish:  # noqa: ANN401
    """Return how an answer of vLLM ended.

    Args:
        answer: With finish_reason, stop_reason (the stop string, None at the end of text) and token_ids.
        end: Token of the end of a text.
        end_text: The same, as a string.
    """
    tokens = len(answer.token_ids)
    if answer.finish_reason == "length":
        return Finish("length", tokens)
    if answer.stop_reason in {None, end, end_text}:
        return Finish("eos", tokens - (tokens > 0 and answer.token_ids[-1] == end))
    return Finish("stop", tokens)
