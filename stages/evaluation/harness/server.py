"""lm-eval's models behind an OpenAI-compatible server, asked under the settings of a study.

lm-eval makes the requests and reads the answers. Where the tokenizer lies beside the study's models a prompt is sent
as tokens, with the protocol's rule for the BOS token; else as text, and the server has its own rule.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from lm_eval.api.instance import Instance
from lm_eval.models.api_models import JsonChatStr, TemplateAPI
from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import ServerParams
from stages.contracts.study.workarounds import PROTOCOL, Setting
from stages.evaluation.harness.asking import ENDS, Finishes, messages_of
from stages.evaluation.harness.finish import Finish, Reason
from stages.evaluation.harness.seeds import seeds_of
from stages.evaluation.harness.transport import Transport, Usage
from stages.tasks.rows import Turns

DEFAULT_CONTEXT = 2048
"""Tokens of a context that neither server nor study state: lm-eval's."""
_NOT_HERE = ("bos", "strip", "slow_tokenizer", "dtype")
"""Settings that only a model on this machine can follow."""
_SAMPLING = ("temperature", "top_p")
"""Options of generation that such servers have; temperature 0 is the most likely token."""


class Served(TemplateAPI):  # type: ignore[misc]  # lm-eval has no types
    """Mix-in for a model of lm-eval behind a server.

    Args:
        name: Name of the model on the server.
        options: `evaluate.server`.
        folder: Folder of its tokenizer on this machine; "" where there is none.
        batch_size: Prompts in a request for likelihoods.
        arguments: lm-eval's arguments, given by the study.
    """

    path: str
    chat: bool
    setting: Setting = PROTOCOL
    continues: bool = False
    turns: Mapping[str, Turns]
    finishes: Finishes
    device = "server"
    tokenizer: Any

    def __init__(
        self, name: str, options: ServerParams, folder: str, batch_size: int, arguments: Mapping[str, Any]
    ) -> None:
        self.transport = Transport(options)
        self.turns, self.finishes = {}, {}
        self._spent: dict[str, int] = {}
        self._begins: bool | None = False
        tokenizer = "" if self.chat else folder
        stated = arguments.get("max_length") or _context(self.transport, name, folder)
        super().__init__(
            model=name,
            base_url=f"{self.transport.url}/{self.path}",
            tokenizer=tokenizer or None,
            tokenizer_backend="huggingface" if tokenizer else None,
            tokenized_requests=bool(tokenizer),
            batch_size=batch_size,
            max_retries=1,
            max_length=int(stated) + 1,
            eos_string=arguments.get("eos_string"),
        )

    @property
    def usage(self) -> dict[str, int]:
        """What was spent since `ask_under`."""
        return asdict(self.transport.usage)

    def ask_under(self, setting: Setting, add_bos: bool | None, *, continues: bool = False) -> None:
        """Follow a setting from now on; see `stages.evaluation.harness.asking`.

        Raises:
            InputError: A server cannot follow it.
        """
        beyond = [name for name in _NOT_HERE if name in setting.changes()]
        if beyond:
            raise InputError([f"{', '.join(beyond)}: decided by the server: remove from workarounds.yaml"])
        if setting.chat_template and not self.chat:
            raise InputError(["chat_template: set evaluate.backend to local-chat-completions"])
        self.setting, self.continues = setting, continues
        self._begins = add_bos
        self.add_bos_token = add_bos is None and self.tokenizer is not None and bool(self.tokenizer("").input_ids)
        self.transport.usage = Usage()

    def sent(self, prompt: Any, *, generates: bool = True) -> str:  # noqa: ANN401
        """Return a prompt as it is sent: text, or messages in JSON."""
        if isinstance(prompt, JsonChatStr):
            return str(prompt.prompt)
        text = f"{self.setting.example}{prompt}"
        if self.setting.prompt_end and generates:
            text = text.rstrip() + ENDS[self.setting.prompt_end]
        if not self.chat:
            return text
        return json.dumps(messages_of(self.setting, text, self.turns.get(str(prompt))), ensure_ascii=False)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each prompt as sent: as the server counted them, or its tokenizer here."""
        return [self._spent.get(text) or len(self._encoded(text) or ()) for text in texts]

    def _encoded(self, text: str) -> list[int] | None:
        """Return a prompt as tokens; None where it is sent as it is."""
        if self.tokenizer is None or self.chat:
            return None
        return list(self.tokenizer(text, add_special_tokens=self._begins is None).input_ids)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return answers, and keep how they ended in `finishes`; see lm-eval."""
        jobs = list(zip(requests, seeds_of(requests), strict=True))
        with ThreadPoolExecutor(self.transport.options.concurrent) as pool:
            answers = list(pool.map(lambda job: self._answer(*job), jobs))
        self.finishes = {}
        for request, (_, finish) in zip(requests, answers, strict=True):
            self.finishes.setdefault((str(request.task_name), int(request.doc_id)), []).append(finish)
        return [text for text, _ in answers]

    def _answer(self, request: Instance, seed: int) -> tuple[str, Finish]:
        prompt, given = self.sent(request.args[0]), cast("dict[str, Any]", request.args[1])
        stops = given["until"] if self.setting.stops is None else list(self.setting.stops)
        limit = int(given["max_gen_toks"] if "max_gen_toks" in given else self._max_gen_toks)
        options = {"until": list(stops), "max_gen_toks": limit}
        if given.get("do_sample"):
            options |= {name: given[name] for name in _SAMPLING if name in given}
        payload = self._create_payload(
            self._message(prompt, limit), generate=True, gen_kwargs=options, seed=seed, eos=self.eos_string
        )
        answer = self.transport.post(self.path, payload)
        text, reason = self._read(answer)
        spent = answer.get("usage") or {}
        if spent.get("prompt_tokens"):
            self._spent[prompt] = int(spent["prompt_tokens"])
        end = min((text.index(stop) for stop in stops if stop and stop in text), default=None)
        if end is not None:
            # servers pass over stop strings beyond the fourth
            text, reason = text[:end], "stop"
        tokens = int(spent.get("completion_tokens", self._length(text)))
        return text, Finish(reason, tokens)

    def _message(self, prompt: str, limit: int) -> Any:  # noqa: ANN401
        if self.chat:
            return json.loads(prompt)
        ids = self._encoded(prompt)
        return prompt if ids is None else ids[-(self.max_length - limit) :]

    def _length(self, text: str) -> int:
        return len(self.tokenizer(text, add_special_tokens=False).input_ids) if self.tokenizer is not None else 0

    def _read(self, answer: dict[str, Any]) -> tuple[str, Reason]:
        try:
            [text] = self.parse_generations(outputs=answer)
            ended = answer["choices"][0].get("finish_reason")
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            shown = json.dumps(answer)[:120]
            raise InputError([f"{self.base_url}: the response has no choices: {shown}"]) from None
        return str(text or ""), "length" if ended == "length" else "stop"

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Return log-likelihoods; see lm-eval.

        Raises:
            InputError: The server does not give those of a prompt's tokens, or its tokenizer is not here.
        """
        if self.chat:
            raise InputError(
                [f"{self.base_url}: cannot score log-likelihoods: a chat API returns none for the tokens of a prompt"]
            )
        if self.tokenizer is None:
            raise InputError(
                [f"{self.base_url}: log-likelihoods need the tokenizer: put its files into MODEL_DIR/{self.model}"]
            )
        for request in requests:
            context, *rest = request.args
            request.arguments = (self.sent(context, generates=False), *rest)
        answers: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=disable_tqdm)
        return answers

    def model_call(self, messages: Any, *, generate: bool = True, **_: Any) -> dict[str, Any]:  # noqa: ANN401
        """Ask for the likelihoods of prompts; called by lm-eval."""
        answer = self.transport.post(self.path, self._create_payload(self.create_message(messages), generate=generate))
        choices = answer.get("choices") or [{}]
        for choice, ids in zip(choices, messages, strict=False):
            told = (choice.get("logprobs") or {}).get("token_logprobs") or []
            if len(told) < len(ids):
                raise InputError(
                    [
                        f"{self.base_url}: cannot score log-likelihoods: asked with echo and logprobs, it returned "
                        f"{len(told)} for the {len(ids)} tokens of a prompt"
                    ]
                )
        return answer


class ServedCompletions(Served, LocalCompletionsAPI):  # type: ignore[misc]  # lm-eval has no types
    """A model that goes on with a text."""

    path = "completions"
    chat = False


class ServedChat(Served, LocalChatCompletion):  # type: ignore[misc]  # lm-eval has no types
    """A model that answers messages."""

    path = "chat/completions"
    chat = True


BACKENDS = {"local-completions": ServedCompletions, "local-chat-completions": ServedChat}


def _context(transport: Transport, name: str, folder: str) -> int:
    """Return the tokens of a context, as the server states them, or a configuration on this machine."""
    try:
        listed = transport.get("models").get("data") or []
    except InputError as error:
        if "cannot be reached" in error.problems[0] or "refuses the key" in error.problems[0]:
            raise
        listed = []
    known = {str(model.get("id")): model for model in listed if isinstance(model, dict)}
    if known and name not in known:
        raise InputError(
            [f"{transport.url} serves {', '.join(sorted(known)[:5])}, not {name}: write served_as in models.yaml"]
        )
    stated = known.get(name, {}).get("max_model_len")
    config = Path(folder) / "config.json"
    if not stated and folder and config.is_file():
        stated = json.loads(config.read_text(encoding="utf-8")).get("max_position_embeddings")
    return int(stated or DEFAULT_CONTEXT)
