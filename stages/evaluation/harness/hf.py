"""lm-eval's Hugging Face model, on a CPU, one GPU or several, asked as `Asking` says."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from stages.evaluation.harness.asking import Asking, continuation
from stages.evaluation.harness.finish import Drawn, Finite, RowStops, finish_of, without_lead

SAMPLING = ("temperature", "top_p", "top_k")
"""Options of sampling that are followed."""
LEAD = 8
"""Tokens of leading whitespace that a stripped answer may have beyond its limit."""


class ObservedModel(Asking, HFLM):  # type: ignore[misc]  # lm-eval has no types
    """A model of transformers.

    Args:
        **arguments: Those of `HFLM`.
    """

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401
        super().__init__(**arguments)
        self.origin = (arguments["pretrained"], bool(arguments.get("trust_remote_code")))
        self._longest = 0
        self._prompts: list[list[int]] = []
        self._texts: list[str] = []
        self._seeds: dict[str, deque[int]] = {}
        ends = self.model.generation_config.eos_token_id
        listed = ends if isinstance(ends, list) else [ends]
        self.ends = {token for token in (*listed, self.eot_token_id) if token is not None}
        # sampling, penalties and lengths that a model's author prefers are no part of a protocol
        self.model.generation_config = GenerationConfig(
            eos_token_id=sorted(self.ends), pad_token_id=self.tokenizer.pad_token_id
        )

    def _create_model(self, *arguments: Any, peft: str | None = None, **options: Any) -> None:  # noqa: ANN401
        """Load the weights, and keep in `loading` what transformers says of them; see lm-eval."""
        super()._create_model(*arguments, **options, output_loading_info=True, ignore_mismatched_sizes=True)
        self._model, self.loading = self._model  # type: ignore[has-type]
        if peft:
            from peft import PeftModel

            self._model = PeftModel.from_pretrained(self._model, peft)

    def prepare(self, requests: Sequence[Instance], seeds: Sequence[int]) -> None:
        """Take the length of the longest prompt with its answer, and the seeds of each prompt's samples in order."""
        self._seeds = {}
        for request, seed in zip(requests, seeds, strict=True):
            self._seeds.setdefault(request.args[0], deque()).append(seed)
        prompts = list(dict.fromkeys(request.args[0] for request in requests))
        answers = [int(request.args[1].get("max_gen_toks", self.max_gen_toks)) for request in requests]
        self._longest = max(self.count_tokens(prompts)) + max(answers) + LEAD

    def _detect_batch_size(self, requests: Sequence[Any] | None = None, pos: int = 0) -> int:
        """Return the largest batch that fits, for the longest actual request instead of the longest possible."""
        if requests:
            return int(super()._detect_batch_size(requests, pos))
        declared = self._max_length  # type: ignore[has-type]
        self._max_length = min(self.max_length, self._longest)
        try:
            return int(super()._detect_batch_size())
        finally:
            self._max_length = declared

    def tok_batch_encode(self, strings: list[str], *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Return token ids, and keep the texts: lm-eval does not say whose rows it generates; see lm-eval."""
        self._texts = list(strings)
        return super().tok_batch_encode(strings, *arguments, **options)

    def _drawn(self, options: dict[str, Any]) -> list[Drawn]:
        """Take the options of sampling out; return what draws for the rows of a batch, none where nothing is drawn."""
        sampling = {name: options.pop(name) for name in SAMPLING if name in options}
        if not options.get("do_sample"):
            return []
        options["do_sample"] = False
        return [Drawn([self._seeds[text].popleft() for text in self._texts], **sampling)]

    def _model_generate(
        self,
        context: torch.Tensor,
        max_length: int,
        stop: list[str],
        **options: Any,  # noqa: ANN401
    ) -> torch.Tensor:
        """Generate until each row of the batch has ended; see lm-eval."""
        output = self._generated(context, max_length, stop, options)
        self._prompts = []
        if self.continues:
            mask = options["attention_mask"].bool()
            self._prompts = [row[kept].tolist() for row, kept in zip(context, mask, strict=True)]
        return output

    def _generated(
        self, context: torch.Tensor, max_length: int, stop: list[str], options: dict[str, Any]
    ) -> torch.Tensor:
        """Return prompts and answers, and note how each answer ended."""
        rows, start = context.shape
        strip = self.setting.strip
        criterion = RowStops(self.tokenizer, stop, start, rows, strip=strip)
        finite = Finite(self.ends, start, rows)
        options = dict(options)
        drawn = self._drawn(options)
        budget = max_length - start
        output: torch.Tensor = self.model.generate(
            input_ids=context,
            max_length=max_length + (LEAD if strip else 0),
            stopping_criteria=StoppingCriteriaList([criterion]),
            logits_processor=LogitsProcessorList([finite, *drawn]),
            pad_token_id=self.tokenizer.pad_token_id,
            use_cache=True,
            **options,
        )
        generated = output[:, start:].tolist()
        how = zip(generated, criterion.lengths, finite.broken, strict=True)
        if strip:
            generated = [self._stripped(row, length, budget, broken=broken) for row, length, broken in how]
            return torch.cat([context, torch.tensor(generated, device=context.device, dtype=context.dtype)], dim=1)
        for row, length, broken in how:
            self.order.note(finish_of(row, length, budget, self.ends, broken=broken))
        return output

    def tok_decode(self, tokens: int | list[int], skip_special_tokens: bool = True) -> str:
        """Return the text of tokens, of an answer that goes on with its prompt as it does so; see lm-eval."""
        if self._prompts and isinstance(tokens, list):
            return continuation(self.tokenizer, self._prompts.pop(0), tokens)
        return str(super().tok_decode(tokens, skip_special_tokens=skip_special_tokens))

    def _stripped(self, row: Sequence[int], length: int, budget: int, *, broken: bool) -> list[int]:
        """Return an answer without its leading whitespace, within the limit, filled up with padding."""
        until = next((place for place, token in enumerate(row) if token in self.ends), len(row))
        lead = without_lead(row[:until], self.tok_decode)
        rest = list(row[lead : lead + budget])
        stopped_at = length - lead if 0 < length - lead <= budget else 0
        self.order.note(finish_of(rest, stopped_at, budget, self.ends, broken=broken))
        return rest + [self.tokenizer.pad_token_id] * (budget - len(rest))
