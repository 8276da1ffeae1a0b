"""XL-Sum in Japanese: a summary in one line, after one example, as lm-evaluation-harness-jp asks for it.

That harness cut prompts at the left to leave room for an answer, but took answers from where the uncut prompt would
have ended: after a longer prompt the first tokens of the answer were lost. The score is of the whole answer; what the
accident would have made of it is recorded beside it.
"""

from collections.abc import Iterable, Sequence

from stages.contracts.study.prompts import Wording
from stages.tasks import summaries, wording
from stages.tasks.benchmark import Benchmark, Doc, Metrics, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records
from stages.tasks.splits import enough, reshuffled
from stages.tasks.tokenizer import Tokenizer, context_length, length, spec_of
from stages.tasks.tokenizer import load as load_tokenizer

_HARNESS = "lm-evaluation-harness-jp 0.3.0"


ARTICLE_LABEL = "ニュース記事:"


SUMMARY_LABEL = "要約:"


SUMMARY_SLACK = 10
"""Tokens that XL-Sum leaves beyond those of the reference summary."""


def read(file: File) -> Iterable[Row]:
    """Yield articles with summaries."""
    for number, row in enumerate(records(file)):
        yield {"id": str(row.get("id", number)), "text": str(row["text"]), "summary": str(row["summary"])}


def prompt_of(words: Wording, articles: Sequence[str], summaries: Sequence[str]) -> str:
    """Return articles with summaries, then the last article, which has none.

    Args:
        words: Words of the instruction.
        articles: One more than summaries, each beginning with its label and ending in a newline.
        summaries: Summaries of the first articles.
    """
    done = [f"{text}{SUMMARY_LABEL}{summary}" for text, summary in zip(articles[:-1], summaries, strict=True)]
    return "\n\n".join([words["instruction"], *done, f"{articles[-1]}{SUMMARY_LABEL}"])


def labelled_article(text: str) -> str:
    """Return an article with its label."""
    return f"{ARTICLE_LABEL}{text}\n"


def xlsum_prompt(words: Wording, row: Row, shots: Sequence[Row], tokenizer: Tokenizer, context: int) -> str:
    """Return a prompt; when it is too long, every article is cut to its share of the context.

    Args:
        words: Words of the instruction.
        row: The article to summarise; its reference summary decides how much room the answer gets.
        shots: Articles with summaries.
        tokenizer: Tokenizer of the evaluated model.
        context: In tokens, answer included.
    """
    limit = context - (length(tokenizer, row["summary"]) + SUMMARY_SLACK)
    articles = [labelled_article(item["text"]) for item in [*shots, row]]
    summaries = [shot["summary"] for shot in shots]
    prompt = prompt_of(words, articles, summaries)
    if length(tokenizer, prompt) <= limit:
        return prompt
    share = limit // len(articles)
    return prompt_of(words, [cut_article(article, share, tokenizer) for article in articles], summaries)


def cut_article(article: str, limit: int, tokenizer: Tokenizer) -> str:
    """Return the longest run of whole sentences of at most `limit` tokens, ending in a newline.

    A first sentence that is longer alone is cut at a token.
    """
    sentences = article.split("。")
    for count in range(1, len(sentences) + 1):
        if length(tokenizer, "。".join(sentences[:count])) > limit:
            if count > 1:
                return "。".join(sentences[: count - 1]) + "。\n"
            ids = tokenizer.encode(sentences[0], add_special_tokens=False)[: max(limit, 0)]
            return tokenizer.decode(ids, skip_special_tokens=True) + "\n"
    return article


def build(spec: Benchmark, data: Data, metadata: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    own = spec_of(metadata, spec.name)
    tokenizer, context = load_tokenizer(own.to_json()), context_length(own)
    k = spec.n_shots
    enough(spec.name, data.pool, k)
    rows, generator = reshuffled(data.test)
    words = wording.of(spec.name, metadata)
    drawn = [generator.sample(data.pool, k) for _ in rows]
    prompts = [xlsum_prompt(words, row, shots, tokenizer, context) for row, shots in zip(rows, drawn, strict=True)]
    return [
        {
            **row,
            "prompt": prompt,
            "target": row["summary"],
            "tokenizer": own.to_json(),
            "lost": max(0, length(tokenizer, prompt) - (context - spec.max_gen_toks)),
        }
        for row, prompt in zip(rows, prompts, strict=True)
    ]


def _whole(_: Doc, text: str) -> str | None:
    return text.strip() or None


def summary(doc: Doc, results: Sequence[str]) -> Metrics:
    """XL-Sum: ROUGE-2 on the model's subwords, the same as the study's accident had it, and on words."""
    own = load_tokenizer(doc["tokenizer"])
    return {
        "rouge2_cut_answer": summaries.rouge2(without_first(results[0], doc["lost"], own), doc["summary"], own),
        "rouge2": summaries.rouge2(results[0], doc["summary"], own),
        "rouge2_mecab": summaries.rouge2(results[0], doc["summary"], summaries.Words()),
    }


def without_first(answer: str, tokens: int, tokenizer: Tokenizer) -> str:
    """Return an answer without its first tokens."""
    ids = tokenizer.encode(answer, add_special_tokens=False)
    return tokenizer.decode(ids[tokens:], skip_special_tokens=True) if tokens else answer


def rouge2_mid(values: Sequence[float]) -> float:
    """Aggregate ROUGE-2 as the study did."""
    return summaries.bootstrap_mid(values)


TASKS = (
    Task(
        Benchmark(
            "xlsum_ja",
            "rouge2",
            ("rouge2_mecab", "rouge2_cut_answer"),
            f"{_HARNESS}: 1 drawn example, articles cut to the context; score is ROUGE-2 on the model's own subwords",
            examples=r"要約:(.*?)\n\n(?=ニュース記事:)",
            n_shots=1,
            needs_tokenizer=True,
        ),
        read=read,
        build=build,
        answer=_whole,
    ),
)
