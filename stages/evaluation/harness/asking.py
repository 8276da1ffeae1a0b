"""What lm-eval's models lack: to be asked under a setting that differs by benchmark, and to say how answers ended."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import configure_pad_token
from tqdm import tqdm
from transformers import AutoTokenizer

from stages.contracts.errors import InputError
from stages.contracts.study.workarounds import PROTOCOL, Setting
from stages.evaluation.harness.finish import Finish
from stages.evaluation.harness.seeds import seeds_of
from stages.tasks.rows import Turns

ENDS = {"newline": "\n", "space": " ", "bare": ""}

Finishes = dict[tuple[str, int], list[Finish]]
"""Task and number of an item to how its answers ended, one for each sample."""


def messages_of(setting: Setting, text: str, turns: Turns | None) -> list[dict[str, str]]:
    """Return a prompt as messages.

    Args:
        setting: Names the system message, and whether examples are messages of their own.
        text: The whole prompt.
        turns: The same in parts; None where it has none.
    """
    messages = [{"role": "system", "content": setting.system_prompt}] if setting.system_prompt else []
    if not setting.fewshot_as_turns or turns is None:
        return [*messages, {"role": "user", "content": text}]
    for place, (question, answer) in enumerate(turns):
        messages.append({"role": "user", "content": question if place else f"{setting.example}{question}"})
        messages += [{"role": "assistant", "content": answer}] if answer else []
    return messages


class Order:
    """Puts the ends of answers beside the answers: lm-eval computes them in another order than that of the requests.

    It stands in for lm-eval's cache hook, which hears of every answer as soon as it is there.

    Args:
        bar: Moves with every answer.
    """

    def __init__(self, bar: Any = None) -> None:  # noqa: ANN401
        self._bar = bar
        self._waiting: list[Finish] = []
        self._by_answer: dict[tuple[str, str], list[Finish]] = defaultdict(list)

    def note(self, finish: Finish) -> None:
        """Take the end of an answer, before the answer itself."""
        self._waiting.append(finish)

    def add_partial(self, kind: str, request: Sequence[Any], answer: Any) -> None:  # noqa: ANN401
        """Take the next answer; called by lm-eval."""
        if self._bar is not None:
            self._bar.update()
        if kind == "generate_until":
            self._by_answer[request[0], answer].append(self._waiting.pop(0))

    def take(self, prompt: str, answer: str) -> Finish:
        """Return how an answer to a prompt ended."""
        return self._by_answer[prompt, answer].pop(0)


class Asking(TemplateLM):  # type: ignore[misc]  # lm-eval has no types
    """Mix-in for a model of lm-eval; it has to be loaded without add_bos_token, which changes with the benchmark."""

    setting: Setting = PROTOCOL
    label: str = ""
    """Prefix of progress bars; those of lm-eval name no benchmark."""
    continues: bool = False
    """Whether answers go on with the text of their prompts."""
    finishes: Finishes
    origin: tuple[str, bool] = ("", False)
    """Folder of the tokenizer, and whether its code may run."""
    order: Order
    turns: Mapping[str, Turns] = {}
    """Prompt to its examples and its question, where examples are messages of their own."""

    def ask_under(self, setting: Setting, add_bos: bool | None, *, continues: bool = False) -> None:
        """Follow a setting from now on.

        Args:
            setting: What differs from the protocol.
            add_bos: The protocol's rule: False, or None for the tokenizer's own.
            continues: Whether answers go on with the text of their prompts, so that they are decoded after them.

        Raises:
            InputError: The model has no token, template or tokenizer that the setting needs.
        """
        self.tokenizer = self._tokenizer(slow=setting.slow_tokenizer)
        if setting.bos == "always" and not self.tokenizer.bos_token:
            raise InputError(["bos: the tokenizer has no BOS token"])
        if setting.chat_template and not self.tokenizer.chat_template:
            raise InputError(["chat_template: the tokenizer has no chat template"])
        self.setting = setting
        self.continues = continues
        self.add_bos_token = False if setting.bos == "never" else add_bos

    def _tokenizer(self, *, slow: bool) -> Any:  # noqa: ANN401
        known: dict[bool, Any] = self.__dict__.setdefault("_tokenizers", {False: self.tokenizer})
        if slow not in known:
            path, trusted = self.origin
            try:
                loaded = AutoTokenizer.from_pretrained(path, use_fast=False, trust_remote_code=trusted)
            except (OSError, ValueError, ImportError) as error:
                raise InputError([f"slow_tokenizer: {' '.join(str(error).split())[:160]}"]) from None
            if loaded.is_fast:
                raise InputError(["slow_tokenizer: this model has no slow tokenizer"])
            known[slow] = configure_pad_token(loaded, model_config=self.config)
        return known[slow]

    def sent(self, prompt: str, *, generates: bool = True) -> str:
        """Return a prompt as it is sent under the setting."""
        text = f"{self.setting.example}{prompt}"
        if self.setting.chat_template:
            text = self.apply_chat_template(messages_of(self.setting, text, self.turns.get(prompt)))
        if self.setting.prompt_end and generates:
            text = text.rstrip() + ENDS[self.setting.prompt_end]
        bos = self.tokenizer.bos_token
        if self.setting.bos == "always" and not text.startswith(bos):
            text = f"{bos}{text}"
        return text

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each prompt as sent, special tokens included."""
        if self.add_bos_token is None:
            return [len(self.tok_encode(text)) for text in texts]
        return [len(ids) for ids in self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]]

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Return log-likelihoods; see lm-eval."""
        asked = [
            replace(request, arguments=(self.sent(request.args[0], generates=False), *request.args[1:]))
            for request in requests
        ]
        with self._bar(len(asked), disable_tqdm=disable_tqdm) as bar:
            self.cache_hook = Order(bar)
            answers: list[tuple[float, bool]] = super().loglikelihood(asked, disable_tqdm=True)
        return answers

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return answers, and keep how they ended in `finishes`; see lm-eval."""
        seeds = seeds_of(requests)
        asked = [
            replace(request, arguments=self._generation(request.args, seed))
            for request, seed in zip(requests, seeds, strict=True)
        ]
        self.prepare(asked, seeds)
        with self._bar(len(asked), disable_tqdm=disable_tqdm) as bar:
            self.order = self.cache_hook = Order(bar)
            answers: list[str] = super().generate_until(asked, disable_tqdm=True)
        self.finishes = {}
        for request, answer in zip(asked, answers, strict=True):
            self.finishes.setdefault((request.task_name, request.doc_id), []).append(
                self.order.take(request.args[0], answer)
            )
        return answers

    def _bar(self, total: int, *, disable_tqdm: bool) -> Any:  # noqa: ANN401
        # without a word tqdm does as TQDM_DISABLE says
        return tqdm(total=total, desc=self.label or None, **({"disable": True} if disable_tqdm else {}))

    def prepare(self, requests: Sequence[Instance], seeds: Sequence[int]) -> None:
        """Look at the requests before they are computed, and at their seeds."""

    def _generation(self, arguments: tuple[str, Mapping[str, Any]], seed: int) -> tuple[str, dict[str, Any]]:
        prompt, options = arguments[0], dict(arguments[1])
        if self.setting.stops is not None:
            options["until"] = list(self.setting.stops)
        return self.sent(prompt), options


def continuation(tokenizer: Any, prompt: Sequence[int], answer: Sequence[int]) -> str:  # noqa: ANN401
    """Return the text by which an answer goes on with its prompt.

    Alone it can be another one: a SentencePiece tokenizer of the Llama 2 or Mistral kind drops the space at the
    beginning of a text, and a WordPiece tokenizer keeps the mark of a word's later part there.

    Args:
        tokenizer: Tokenizer of the model.
        prompt: Token ids of the prompt as sent, without padding.
        answer: Token ids generated after it.
    """
    before, whole = (
        tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        for ids in (prompt, [*prompt, *answer])
    )
    if whole.startswith(before):
        return str(whole[len(before) :])
    # bytes that are no character spoil those before them too; a space is never among them
    return str(tokenizer.decode(list(answer), skip_special_tokens=True, clean_up_tokenization_spaces=False))


def round_trip_problems(tokenizer: Any, prompts: Sequence[str]) -> list[tuple[str, str]]:  # noqa: ANN401
    """Return the prompts that a tokenizer does not give back, each with what it gives instead.

    Args:
        tokenizer: Tokenizer of the model.
        prompts: As sent.
    """
    found = []
    for prompt in prompts:
        ids = tokenizer.encode(prompt, add_special_tokens=False)
        back = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        if back != prompt:
            found.append((prompt, back))
    return found
