"""How each generated answer ended, and stopping each answer by itself.

lm-eval's own criterion ends a batch only when all of its answers hold one and the same stop string, and until then
every answer goes on; what follows its stop string is cut afterwards. Here an answer ends where its first stop string
is complete, so the text is the same and fewer tokens are computed.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import LogitsProcessor, StoppingCriteria

Reason = Literal["stop", "eos", "length", "broken"]


@dataclass(frozen=True)
class Finish:
    """How one generated answer ended.

    Attributes:
        reason: "stop" at a stop string, "eos" at the model's end of text, "length" at the limit on tokens, "broken"
            where the model no longer gave finite numbers.
        tokens: Generated, stop string included, end of text and leading whitespace that is not counted excluded.
    """

    reason: Reason
    tokens: int


class RowStops(StoppingCriteria):  # type: ignore[misc]  # transformers has no types
    """Ends each row of a batch at its first stop string.

    Args:
        tokenizer: Tokenizer of the model.
        stops: Strings.
        start: Tokens of the padded prompt.
        rows: Rows of the batch.
        strip: Whether whitespace at the beginning of an answer is ignored when stops are looked for.
    """

    def __init__(self, tokenizer: Any, stops: Sequence[str], start: int, rows: int, *, strip: bool = False) -> None:  # noqa: ANN401
        self.tokenizer = tokenizer
        self.stops = [stop for stop in stops if stop]
        self.start = start
        self.strip = strip
        self.lengths = [0] * rows
        """Tokens of each row when its stop string was complete; 0 before."""
        longest = max((len(tokenizer.encode(stop, add_special_tokens=False)) for stop in self.stops), default=0)
        # a stop string can be spread over other tokens than those it is encoded to
        self.window = longest + 2

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:
        """Return which rows are done; input_ids is (rows, tokens)."""
        done = [length > 0 for length in self.lengths]
        generated = input_ids.shape[1] - self.start
        open_rows = [row for row, is_done in enumerate(done) if not is_done]
        if self.stops and generated > 0 and open_rows:
            begin = self.start if self.strip else max(self.start, input_ids.shape[1] - self.window)
            texts = self.tokenizer.batch_decode(input_ids[open_rows, begin:])
            for row, text in zip(open_rows, texts, strict=True):
                seen = text.lstrip() if self.strip else text
                if any(stop in seen for stop in self.stops):
                    self.lengths[row] = generated
                    done[row] = True
        return torch.tensor(done, device=input_ids.device)


class Finite(LogitsProcessor):  # type: ignore[misc]  # transformers has no types
    """Ends each row of a batch where its logits are no longer finite: the most likely of them is not an answer.

    Args:
        ends: Token ids that mean the end of a text.
        start: Tokens of the padded prompt.
        rows: Rows of the batch.
    """

    def __init__(self, ends: Collection[int], start: int, rows: int) -> None:
        self.ends = set(ends)
        self.start = start
        self.broken = [False] * rows

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the logits, of broken rows such that they end; scores is (rows, vocabulary)."""
        # the largest of a row tells: NaN and infinity are passed on, -inf for some tokens is a rule of sampling
        bad = ~torch.isfinite(scores.amax(dim=-1))
        if not bool(bad.any()):
            return scores
        for row in bad.nonzero().flatten().tolist():
            self.broken[row] |= self.ends.isdisjoint(input_ids[row, self.start :].tolist())
        ended = torch.full_like(scores, -torch.inf)
        ended[:, min(self.ends)] = 0
        return torch.where(bad[:, None], ended, scores)


class Drawn(LogitsProcessor):  # type: ignore[misc]  # transformers has no types
    """Draws the next token of each row of a batch with random numbers of its own, whatever the other rows are.

    transformers draws all rows from one stream, so that answers depend on the size of the batch.

    Args:
        seeds: Seeds of the rows.
        temperature: What logits are divided by.
        top_p: Share of the probability that the most likely tokens are drawn from.
        top_k: Most tokens that are drawn from; 0 for no such limit.
    """

    def __init__(self, seeds: Sequence[int], *, temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0) -> None:
        self.streams = [random.Random(seed) for seed in seeds]
        self.temperature = temperature
        self.top_p = top_p
        self.top_k = top_k

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return logits that only the drawn tokens can come from; scores is (rows, vocabulary)."""
        shares, tokens = torch.softmax(scores.float() / self.temperature, dim=-1).sort(
            dim=-1, descending=True, stable=True
        )
        if self.top_k:
            shares[:, self.top_k :] = 0
        total = shares.cumsum(dim=-1)
        # the token by which the share is reached still counts
        shares = shares.masked_fill(total - shares >= self.top_p, 0)
        total = shares.cumsum(dim=-1)
        numbers = torch.tensor([stream.random() for stream in self.streams], device=scores.device, dtype=total.dtype)
        places = (total <= numbers[:, None] * total[:, -1:]).sum(dim=-1, keepdim=True)
        places = places.clamp(max=(shares > 0).sum(dim=-1, keepdim=True) - 1)
        drawn = torch.full_like(scores, -torch.inf)
        return drawn.scatter(1, tokens.gather(1, places), 0)


def finish_of(
    row: Sequence[int], stopped_at: int, budget: int, ends: Collection[int], *, broken: bool = False
) -> Finish:
    """Return how a row ended.

    Args:
        row: Generated token ids, filled up with padding.
        stopped_at: Tokens when a stop string was complete, 0 when none was.
        budget: Largest number of tokens.
        ends: Token ids that mean the end of a text.
        broken: Whether the end is there because logits of the row were not finite.
    """
    ended_at = next((place for place, token in enumerate(row) if token in ends), None)
    if ended_at is not None and (not stopped_at or ended_at < stopped_at):
        return Finish("broken" if broken else "eos", ended_at)
    if stopped_at:
        return Finish("stop", stopped_at)
    return Finish("length", min(len(row), budget))


def without_lead(row: Sequence[int], decode: Any) -> int:  # noqa: ANN401
    """Return how many tokens at the beginning of a row are whitespace and nothing else.

    Args:
        row: Generated token ids.
        decode: From token ids to text, special tokens left out.
    """
    for count in range(len(row)):
        if decode(row[: count + 1]).strip():
            return count
    return len(row)
