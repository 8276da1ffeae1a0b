"""Prompts that depend on the length of the model's context: XL-Sum and MGSM.

Both follow lm-evaluation-harness-jp: one random generator shuffles nothing but draws the examples of all items
in the order in which they are evaluated.
"""

import random
from collections.abc import Sequence

from stages.tasks import prompts
from stages.tasks.readers import Row
from stages.tasks.tokenizer import Tokenizer

ANSWER_TOKENS = 256
"""Room for the answer, whatever the task asks for."""

SUMMARY_SLACK = 10
"""Tokens that XL-Sum leaves beyond those of the reference summary."""


def mgsm_prompts(
    rows: Sequence[Row], pool: Sequence[Row], k: int, generator: random.Random, budget: tuple[Tokenizer, int]
) -> list[str]:
    """Return a prompt for each row, with fewer than k examples where k do not fit.

    Args:
        rows: In the order of evaluation.
        pool: Examples.
        k: Examples of each prompt.
        generator: Draws anew for each number of examples that is tried.
        budget: The tokenizer, and the context in tokens, answer included.
    """
    tokenizer, context = budget
    return [_mgsm_prompt(row, pool, k, generator, tokenizer, context) for row in rows]


def _mgsm_prompt(
    row: Row, pool: Sequence[Row], k: int, generator: random.Random, tokenizer: Tokenizer, context: int
) -> str:
    for count in range(k, 0, -1):
        prompt = prompts.mgsm(generator.sample(pool, count), row)
        if _length(tokenizer, prompt) <= context - ANSWER_TOKENS:
            return prompt
    return prompts.mgsm([], row)


def xlsum_prompt(row: Row, shots: Sequence[Row], tokenizer: Tokenizer, context: int) -> str:
    """Return a prompt; when it is too long, every article is cut to its share of the context.

    Args:
        row: The article to summarise; its reference summary decides how much room the answer gets.
        shots: Articles with summaries.
        tokenizer: Of the evaluated model.
        context: In tokens, answer included.
    """
    limit = context - (_length(tokenizer, row["summary"]) + SUMMARY_SLACK)
    articles = [prompts.labelled_article(item["text"]) for item in [*shots, row]]
    summaries = [shot["summary"] for shot in shots]
    prompt = prompts.xlsum(articles, summaries)
    if _length(tokenizer, prompt) <= limit:
        return prompt
    share = limit // len(articles)
    return prompts.xlsum([cut_article(article, share, tokenizer) for article in articles], summaries)


def cut_article(article: str, limit: int, tokenizer: Tokenizer) -> str:
    """Return the longest run of whole sentences of at most `limit` tokens, ending in a newline.

    A first sentence that is longer alone is cut at a token.
    """
    sentences = article.split("。")
    for count in range(1, len(sentences) + 1):
        if _length(tokenizer, "。".join(sentences[:count])) > limit:
            if count > 1:
                return "。".join(sentences[: count - 1]) + "。\n"
            ids = tokenizer.encode(sentences[0], add_special_tokens=False)[: max(limit, 0)]
            return tokenizer.decode(ids, skip_special_tokens=True) + "\n"
    return article


def _length(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer.encode(text, add_special_tokens=False))
