"""A small OpenAI-compatible server over a model of transformers, for tests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAME = "tiny-v2"


@dataclass
class Behaviour:
    """How the server behaves.

    Attributes:
        key: That it asks for; "" asks for none.
        logprobs: Whether it gives the likelihoods of a prompt's tokens.
        failures: Answers that it gives first: status codes.
        seen: Path and content of every request that it answered.
        context: That it states; 0 states none.
    """

    key: str = ""
    logprobs: bool = True
    failures: list[int] = field(default_factory=list)
    seen: list[tuple[str, Any]] = field(default_factory=list)
    context: int = 0


class Model:
    """The answers of a model."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder).eval()
        self.lock = threading.Lock()

    def complete(self, ids: list[int], asked: dict[str, Any]) -> tuple[str, str, int]:
        """Return text, why it ended, and its tokens."""
        import torch

        sampled = asked.get("temperature", 0) > 0
        options = {"temperature": asked["temperature"], "top_p": asked.get("top_p", 1.0)} if sampled else {}
        with self.lock, torch.no_grad():
            torch.manual_seed(asked["seed"])
            context = torch.tensor([ids])
            output = self.model.generate(
                context,
                attention_mask=torch.ones_like(context),
                max_new_tokens=asked["max_tokens"],
                do_sample=sampled,
                top_k=0 if sampled else None,
                pad_token_id=self.tokenizer.pad_token_id,
                **options,
            )[0, len(ids) :].tolist()
        ended = "length"
        if self.tokenizer.eos_token_id in output:
            ended = "stop"
            output = output[: output.index(self.tokenizer.eos_token_id)]
        text = self.tokenizer.decode(output)
        for stop in (asked.get("stop") or [])[:4]:
            if stop in text:
                text, ended = text[: text.index(stop)], "stop"
        return text, ended, len(output)

    def likelihoods(self, ids: list[int]) -> tuple[list[float | None], list[dict[str, float] | None]]:
        """Return those of a prompt's tokens, and of one more."""
        import torch

        with self.lock, torch.no_grad():
            found = torch.log_softmax(self.model(torch.tensor([ids])).logits[0].float(), dim=-1)
        last = int(found[-1].argmax())
        of_tokens: list[float | None] = [None]
        best: list[dict[str, float] | None] = [None]
        for place, token in enumerate([*ids[1:], last]):
            of_tokens.append(float(found[place, token]))
            best.append({str(int(found[place].argmax())): float(found[place].max())})
        return of_tokens, best


class Handler(BaseHTTPRequestHandler):
    model: Model
    behaviour: Behaviour

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, content: Any) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refused(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.behaviour.key and given != f"Bearer {self.behaviour.key}":
            self.answer(401, {"error": f"not a key: {given.removeprefix('Bearer ')}"})
            return True
        if self.behaviour.failures:
            self.answer(self.behaviour.failures.pop(0), {"error": "busy"})
            return True
        return False

    def do_GET(self) -> None:
        if not self.refused():
            stated = {"max_model_len": self.behaviour.context} if self.behaviour.context else {}
            self.answer(200, {"data": [{"id": NAME, **stated}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.refused():
            return
        self.behaviour.seen.append((self.path, asked))
        if self.path == "/v1/chat/completions":
            text = "".join(f"[{m['role']}]{m['content']}" for m in asked["messages"])
            reply, ended, n = self.model.complete(self.model.tokenizer(text).input_ids, asked)
            choice = {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": ended}
            spent = {"prompt_tokens": len(text), "completion_tokens": n}
            self.answer(200, {"choices": [choice], "usage": spent})
            return
        prompt = asked["prompt"]
        prompts = prompt if isinstance(prompt, list) and not isinstance(prompt[0], int) else [prompt]
        ids = [p if isinstance(p, list) else self.model.tokenizer(p).input_ids for p in prompts]
        choices, spent = [], {"prompt_tokens": sum(map(len, ids)), "completion_tokens": 0}
        for place, row in enumerate(ids):
            if asked.get("echo") and self.behaviour.logprobs:
                of_tokens, best = self.model.likelihoods(row)
                told = {"token_logprobs": of_tokens, "top_logprobs": best}
                choices.append({"index": place, "text": "", "logprobs": told, "finish_reason": "length"})
                continue
            text, ended, n = self.model.complete(row, asked)
            spent["completion_tokens"] += n
            choices.append({"index": place, "text": text, "finish_reason": ended, "logprobs": None})
        self.answer(200, {"choices": choices, "usage": spent})


@contextmanager
def serving(model: Model, behaviour: Behaviour) -> Iterator[str]:
    """Serve a model; yield the address."""
    handler = type("Serving", (Handler,), {"model": model, "behaviour": behaviour})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
