"""Requests to an OpenAI-compatible server: limited in number at a time and per minute, repeated where that can help.

The key is read from the environment for each request, and appears in nothing that is written or printed.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from stages.contracts.errors import InputError
from stages.contracts.evaluate_params import ServerParams

KEY_VARIABLE = "OPENAI_API_KEY"
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504}
"""Answers after which the same request can succeed."""
_LONGEST_WAIT = 60.0
_REFUSED = {401: "the server refuses the key", 403: "the server refuses the key", 404: "the server has no such model"}


@dataclass
class Usage:
    """What an evaluation cost.

    Attributes:
        requests: Answered.
        retries: Requests sent again.
        prompt_tokens: As the server counts them.
        completion_tokens: Likewise.
    """

    requests: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass
class Transport:
    """Sends requests to one server.

    Attributes:
        options: `evaluate.server`.
        usage: Usage of all requests since it was last set.
    """

    options: ServerParams
    usage: Usage = field(default_factory=Usage)
    _lock: Any = field(default_factory=threading.Lock)
    _next: float = 0.0

    @property
    def url(self) -> str:
        """Address up to the version, without a slash at its end."""
        return self.options.url.rstrip("/")

    def get(self, path: str) -> dict[str, Any]:
        """Return what the server says at a path."""
        return self._send("GET", path, None)

    def post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the server's answer to a request, and count what it cost.

        Raises:
            InputError: The server cannot be reached, or refuses the request.
        """
        answer = self._send("POST", path, payload)
        spent = answer.get("usage") or {}
        with self._lock:
            self.usage.requests += 1
            self.usage.prompt_tokens += int(spent.get("prompt_tokens") or 0)
            self.usage.completion_tokens += int(spent.get("completion_tokens") or 0)
        return answer

    def _send(self, method: str, path: str, payload: Mapping[str, Any] | None) -> dict[str, Any]:
        problem = ""
        for attempt in range(self.options.retries + 1):
            self._wait_for_turn()
            if attempt:
                with self._lock:
                    self.usage.retries += 1
            try:
                answer = requests.request(
                    method,
                    f"{self.url}/{path}",
                    json=payload,
                    headers=_headers(),
                    timeout=self.options.timeout,
                    allow_redirects=False,
                )
            except (requests.ConnectionError, requests.Timeout) as error:
                problem = f"cannot be reached ({type(error).__name__})"
                _sleep(attempt, "", last=attempt == self.options.retries)
                continue
            if answer.ok:
                return self._content(answer)
            problem = self._told(answer)
            if answer.status_code not in _PASSING:
                break
            _sleep(attempt, answer.headers.get("Retry-After", ""), last=attempt == self.options.retries)
        raise InputError([f"{self.url}/{path}: {problem}"])

    def _content(self, answer: requests.Response) -> dict[str, Any]:
        try:
            content = answer.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise InputError(
                [f"{answer.url}: the response is not JSON: correct evaluate.server.url, or its server is another kind"]
            )
        return content

    def _told(self, answer: requests.Response) -> str:
        """Return what a refusal says, with the key masked should it be repeated there."""
        text = " ".join(answer.text.split())[:200]
        key = os.environ.get(KEY_VARIABLE, "")
        if key:
            text = text.replace(key, "***")
        told = _REFUSED.get(answer.status_code, "the server returned an error")
        hint = f", which {KEY_VARIABLE} holds" if answer.status_code in {401, 403} else ""
        return f"{told}{hint}: {answer.status_code} {text}"

    def _wait_for_turn(self) -> None:
        if not self.options.requests_per_minute:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + 60.0 / self.options.requests_per_minute
        time.sleep(start - now)


def _headers() -> dict[str, str]:
    key = os.environ.get(KEY_VARIABLE, "")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _sleep(attempt: int, asked: str, *, last: bool) -> None:
    """Wait as long as the server asks for, or twice as long each time; not after the last attempt."""
    if last:
        return
    try:
        seconds = float(asked)
    except ValueError:
        seconds = 0.5 * 2.0**attempt
    time.sleep(min(max(seconds, 0.0), _LONGEST_WAIT))
