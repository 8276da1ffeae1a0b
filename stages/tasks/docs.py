"""The `custom_dataset` of every task: items with their complete prompts.

lm-eval asks no more of a task than the columns "prompt" and "target", or "choices" and "gold": examples are part
of the prompt, so they do not depend on seeds of the command line, on --limit or on the number of processes.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stages.tasks import data as source
from stages.tasks import fitting, prompts
from stages.tasks.bbh_exemplars import subtask
from stages.tasks.data import Data
from stages.tasks.readers import Row
from stages.tasks.registry import BENCHMARKS
from stages.tasks.splits import DRAW_SEED, SHUFFLE_SEED, draw_each, draw_others, enough
from stages.tasks.tokenizer import context_length, spec_of
from stages.tasks.tokenizer import load as load_tokenizer

Metadata = Mapping[str, Any]


def load(benchmark: str, data_dir: str | None = None, **metadata: Any) -> Any:  # noqa: ANN401  lm-eval's interface
    """Return a `datasets.DatasetDict` with the split "test".

    Args:
        benchmark: Given by the task's YAML file.
        data_dir: Local folders; see `stages.tasks.data.load`.
        **metadata: What lm-eval collects: the task's version, the model's arguments.

    Raises:
        InputError: The data or the tokenizer are missing.
    """
    from datasets import Dataset, DatasetDict

    return DatasetDict({"test": Dataset.from_list(build(benchmark, source.load(benchmark, data_dir), metadata))})


def build(benchmark: str, data: Data, metadata: Metadata) -> list[Row]:
    """Return the items of a benchmark, each with its prompt.

    Args:
        benchmark: A name of the registry.
        data: Its rows.
        metadata: For XL-Sum and MGSM the model's arguments: "pretrained" or "tokenizer", "max_length".

    Raises:
        InputError: There are too few examples, or no tokenizer.
    """
    return _BUILDERS[benchmark](benchmark, data, metadata)


def _instructed(benchmark: str, data: Data, _: Metadata) -> list[Row]:
    shots = _first(benchmark, data.pool)
    return [{**row, "prompt": prompts.instructed(benchmark, shots, row), "target": row["output"]} for row in data.test]


def _first(benchmark: str, pool: Sequence[Row]) -> Sequence[Row]:
    k = BENCHMARKS[benchmark].n_shots
    enough(benchmark, pool, k)
    return pool[:k]


def _xlsum_ja(benchmark: str, data: Data, metadata: Metadata) -> list[Row]:
    spec = spec_of(metadata, benchmark)
    tokenizer, context = load_tokenizer(spec.to_json()), context_length(spec)
    k = BENCHMARKS[benchmark].n_shots
    enough(benchmark, data.pool, k)
    rows, generator = _evaluated(data)
    drawn = [generator.sample(data.pool, k) for _ in rows]
    return [
        {
            **row,
            "prompt": fitting.xlsum_prompt(row, shots, tokenizer, context),
            "target": row["summary"],
            "tokenizer": spec.to_json(),
        }
        for row, shots in zip(rows, drawn, strict=True)
    ]


def _mgsm_ja(benchmark: str, data: Data, metadata: Metadata) -> list[Row]:
    spec = spec_of(metadata, benchmark)
    k = BENCHMARKS[benchmark].n_shots
    enough(benchmark, data.pool, k)
    rows, generator = _evaluated(data)
    budget = (load_tokenizer(spec.to_json()), context_length(spec))
    texts = fitting.mgsm_prompts(rows, data.pool, k, generator, budget)
    return [{**row, "prompt": text, "target": str(row["number"])} for row, text in zip(rows, texts, strict=True)]


def _evaluated(data: Data) -> tuple[list[Row], random.Random]:
    """Return the items in the order of lm-evaluation-harness-jp, and the generator that has shuffled them."""
    generator = random.Random(SHUFFLE_SEED)
    rows = list(data.test)
    generator.shuffle(rows)
    return rows, generator


def _wmt20(benchmark: str, data: Data, _: Metadata) -> list[Row]:
    languages = ("English", "Japanese") if benchmark == "wmt20_en_ja" else ("Japanese", "English")
    k = BENCHMARKS[benchmark].n_shots
    enough(benchmark, data.test, k + 1)
    rows, generator = _evaluated(data)
    drawn = [draw_others(row, data.test, k, generator) for row in rows]
    return [
        {**row, "prompt": prompts.translation(languages, shots, row), "target": row["reference"]}
        for row, shots in zip(rows, drawn, strict=True)
    ]


def _code(_: str, data: Data, __: Metadata) -> list[Row]:
    return [{**row, "target": row["canonical_solution"]} for row in data.test]


def _drawn(
    benchmark: str, data: Data, question: Callable[[Row], str], answer: Callable[[Row], str], extra: int
) -> list[str]:
    """Return chained prompts with examples drawn for each item."""
    k = BENCHMARKS[benchmark].n_shots
    enough(benchmark, data.pool, k + extra)
    return [
        prompts.chained([f"{question(shot)} {answer(shot)}" for shot in shots], question(row))
        for row, shots in zip(data.test, draw_each(len(data.test), data.pool, k, extra), strict=True)
    ]


def _openbookqa(benchmark: str, data: Data, _: Metadata) -> list[Row]:
    texts = _drawn(benchmark, data, lambda row: str(row["question"]), lambda row: str(row["choices"][row["gold"]]), 0)
    return [{**row, "prompt": text} for row, text in zip(data.test, texts, strict=True)]


def _triviaqa(benchmark: str, data: Data, _: Metadata) -> list[Row]:
    texts = _drawn(
        benchmark, data, lambda row: prompts.triviaqa(row["question"]), lambda row: str(row["aliases"][0]), 1
    )
    return [{**row, "prompt": text, "target": row["aliases"][0]} for row, text in zip(data.test, texts, strict=True)]


def _hellaswag(benchmark: str, data: Data, _: Metadata) -> list[Row]:
    cleaned = Data([_clean(row) for row in data.test], [_clean(row) for row in data.pool], data.record)
    texts = _drawn(benchmark, cleaned, lambda row: str(row["query"]), lambda row: str(row["choices"][row["gold"]]), 1)
    return [{**row, "prompt": text} for row, text in zip(cleaned.test, texts, strict=True)]


def _clean(row: Row) -> Row:
    query = prompts.without_brackets(f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}")
    return {
        "id": row["id"],
        "query": query,
        "choices": [prompts.without_brackets(ending) for ending in row["endings"]],
        "gold": row["gold"],
    }


def _squad2(benchmark: str, data: Data, _: Metadata) -> list[Row]:
    def answer(row: Row) -> str:
        return f" {row['answers'][0] if row['answers'] else prompts.UNANSWERABLE}"

    texts = _drawn(benchmark, data, prompts.squad2, answer, 1)
    return [
        {**row, "prompt": text, "target": row["answers"][0] if row["answers"] else ""}
        for row, text in zip(data.test, texts, strict=True)
    ]


def _xwino(benchmark: str, data: Data, _: Metadata) -> list[Row]:
    k = BENCHMARKS[benchmark].n_shots
    enough(benchmark, data.test, k + 1)
    generator = random.Random(DRAW_SEED)
    items = []
    for row in data.test:
        shots = draw_others(row, data.test, k, generator)
        done = [f"{_filled(shot, shot['gold'])} {shot['after']}" for shot in shots]
        contexts = [prompts.chained(done, _filled(row, option)) for option in range(len(row["options"]))]
        items.append({**row, "contexts": contexts})
    return items


def _filled(row: Row, option: int) -> str:
    return f"{row['before']}{row['options'][option]}"


def _mmlu(benchmark: str, data: Data, _: Metadata) -> list[Row]:
    k = BENCHMARKS[benchmark].n_shots
    headers: dict[str, str] = {}
    for subject in dict.fromkeys(row["subject"] for row in data.test):
        pool = [row for row in data.pool if row["subject"] == subject]
        enough(f"{benchmark}, subject {subject}", pool, k)
        done = [f"{prompts.mmlu(shot)} {'ABCD'[shot['gold']]}" for shot in pool[:k]]
        headers[subject] = prompts.mmlu_header(subject) + prompts.chained(done, "")
    return [
        {
            **row,
            "texts": row["choices"],
            "choices": list("ABCD"),
            "prompt": headers[row["subject"]] + prompts.mmlu(row),
        }
        for row in data.test
    ]


def _gsm8k(benchmark: str, data: Data, _: Metadata) -> list[Row]:
    texts = _drawn(benchmark, data, lambda row: prompts.gsm8k(row["question"]), lambda row: str(row["answer"]), 0)
    return [{**row, "prompt": text, "target": row["answer"]} for row, text in zip(data.test, texts, strict=True)]


def _bbh(_: str, data: Data, __: Metadata) -> list[Row]:
    return [{**row, "prompt": subtask(row["subtask"]).prompt(row["input"])} for row in data.test]


_BUILDERS: dict[str, Callable[[str, Data, Metadata], list[Row]]] = {
    "jcommonsenseqa": _instructed,
    "jemhopqa": _instructed,
    "niilc": _instructed,
    "jsquad": _instructed,
    "jmmlu": _instructed,
    "xlsum_ja": _xlsum_ja,
    "mgsm_ja": _mgsm_ja,
    "wmt20_en_ja": _wmt20,
    "wmt20_ja_en": _wmt20,
    "jhumaneval": _code,
    "humaneval": _code,
    "openbookqa": _openbookqa,
    "triviaqa": _triviaqa,
    "hellaswag": _hellaswag,
    "squad2": _squad2,
    "xwino": _xwino,
    "mmlu": _mmlu,
    "gsm8k": _gsm8k,
    "bbh": _bbh,
}
