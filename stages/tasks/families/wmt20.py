"""WMT20 between English and Japanese, as lm-evaluation-harness-jp asks for translations."""

import re
from collections.abc import Iterable, Sequence

from stages.contracts.errors import InputError
from stages.tasks import translations
from stages.tasks.benchmark import Benchmark, Doc, Metrics, Parts, Sample, Split, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, text_of
from stages.tasks.splits import draw_others, enough, reshuffled

_HARNESS = "lm-evaluation-harness-jp 0.3.0"


def read(file: File) -> Iterable[Row]:
    """Yield the lines of one side, from plain text or from the segments of WMT's own markup."""
    text = text_of(file)
    if file.path.suffix == ".sgm":
        # it is no SGML that could be parsed: sacrebleu takes it line by line, too
        found = re.findall(r"^<seg [^\n]*?>([^\n]*)</seg>", text, flags=re.MULTILINE)
        text = "\n".join(" ".join(segment.split()) for segment in found)
    for number, line in enumerate(text.removesuffix("\n").split("\n")):
        yield {"id": str(number), "text": line}


def _pairs(benchmark: str, sources: list[Row], references: list[Row]) -> list[Row]:
    if len(sources) != len(references):
        raise InputError([f"{benchmark}: {len(sources)} source lines, but {len(references)} reference lines"])
    return [
        {"id": source["id"], "source": source["text"], "reference": reference["text"]}
        for source, reference in zip(sources, references, strict=True)
    ]


def _split(benchmark: str, parts: Parts) -> Split:
    return _pairs(benchmark, parts["source"], parts["reference"]), []


def translation(languages: tuple[str, str], shots: Sequence[Row], row: Row) -> str:
    """Return pairs of phrases, then the phrase to translate; languages are source and target."""
    source, target = languages
    done = [f"{source} phrase: {shot['source']}\n{target} phrase: {shot['reference']}" for shot in shots]
    return "\n\n".join([*done, f"{source} phrase: {row['source']}\n{target} phrase:"])


def build(spec: Benchmark, data: Data, _: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    languages = ("English", "Japanese") if spec.name == "wmt20_en_ja" else ("Japanese", "English")
    k = spec.n_shots
    enough(spec.name, data.test, k + 1)
    rows, generator = reshuffled(data.test)
    drawn = [draw_others(row, data.test, k, generator) for row in rows]
    return [
        {**row, "prompt": translation(languages, shots, row), "target": row["reference"]}
        for row, shots in zip(rows, drawn, strict=True)
    ]


def _whole(_: Doc, text: str) -> str | None:
    return text.strip() or None


def into_japanese(doc: Doc, results: Sequence[str]) -> Metrics:
    """WMT20 en-ja: reference and hypothesis, split into words for BLEU."""
    pair = (doc["reference"], results[0])
    return {"bleu": tuple(translations.spaced(text) for text in pair), "chrf": pair}


def into_english(doc: Doc, results: Sequence[str]) -> Metrics:
    """WMT20 ja-en: reference and hypothesis."""
    pair = (doc["reference"], results[0])
    return {"bleu": pair, "chrf": pair}


def _value(sample: Sample) -> float:
    reference, hypothesis = sample["bleu"]
    return translations.sentence_bleu(reference, hypothesis)


def _stderr(samples: Sequence[Sample]) -> float:
    return translations.bleu_stderr([tuple(sample["bleu"]) for sample in samples])


TASKS = (
    Task(
        Benchmark(
            "wmt20_en_ja",
            "bleu",
            ("chrf",),
            f"{_HARNESS}: 4 examples drawn from the other items, one line; BLEU 13a on text split by nagisa",
            examples=r"Japanese phrase:(.*?)\n\n(?=English phrase: )",
            scale=100.0,
        ),
        read=read,
        build=build,
        answer=_whole,
        split=_split,
        value=_value,
        stderr=_stderr,
    ),
    Task(
        Benchmark(
            "wmt20_ja_en",
            "bleu",
            ("chrf",),
            f"{_HARNESS}: 4 examples drawn from the other items, one line; BLEU 13a",
            examples=r"English phrase:(.*?)\n\n(?=Japanese phrase: )",
            scale=100.0,
        ),
        read=read,
        build=build,
        answer=_whole,
        split=_split,
        value=_value,
        stderr=_stderr,
    ),
)
