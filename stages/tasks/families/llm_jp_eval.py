"""The family of llm-jp-eval: JCommonsenseQA, JEMHopQA, NIILC, JSQuAD, JMMLU.

Labels, separators and the order of the parts follow the protocol of the study; `stages.tasks.wording` has the words of
the instructions. A prompt ends in a newline.
"""

import csv
import io
import json
import random
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence

from stages.contracts.study.prompts import Wording
from stages.tasks import edit_ratio, wording
from stages.tasks.benchmark import Benchmark, Doc, Metrics, Parts, Split, Task
from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row, records, text_of
from stages.tasks.splits import (
    SHUFFLE_SEED,
    enough,
    shuffled,
)

_HARNESS = "llm-jp-eval 1.3.0"
_DTYPE = "bfloat16"
_EXAMPLES = r"### 応答:\n(.*?)\n\n(?=### 入力:\n)"
_EDIT = "score is a rounded token-sorted edit ratio"


_NO_ANSWER = "-"
"""How NIILC marks a question that has no answer."""


JMMLU_MOVED = 16
"""Rows of each half of JMMLU that llm-jp-eval moves to its training file."""


_DIGITS = tuple("01234")


_LETTERS = tuple("ABCD")


def _jcommonsenseqa(file: File) -> Iterable[Row]:
    for row in records(file):
        choices = ",".join(f"{n}.{row[f'choice{n}']}" for n in range(5))
        label = str(int(row["label"]))
        text = f"質問：{row['question']}\n選択肢：{choices}"
        yield {"id": str(row["q_id"]), "input": text, "output": label, "answers": [label]}


def _jemhopqa(file: File) -> Iterable[Row]:
    for row in json.loads(text_of(file)):
        yield _question(row["qid"], row["question"], [row["answer"]], row["answer"])


def _niilc(file: File) -> Iterable[Row]:
    for question in ElementTree.fromstring(text_of(file).encode("utf-8")).iter("question"):
        answers = [answer.text for answer in question.iter("answer") if answer.text]
        if answers != [_NO_ANSWER]:
            yield _question(question.attrib["id"], str(question.findtext("text")), answers, ",".join(answers))


def _question(name: str, question: str, answers: Sequence[str], gold: str) -> Row:
    return {"id": str(name), "input": f"質問：{question}", "output": gold, "answers": list(answers)}


def _jsquad(file: File) -> Iterable[Row]:
    for article in json.loads(text_of(file))["data"]:
        for paragraph in article["paragraphs"]:
            for item in paragraph["qas"]:
                answers = [answer["text"] for answer in item["answers"]]
                yield {
                    "id": str(item["id"]),
                    "input": f"文章：{paragraph['context']}\n質問：{item['question']}",
                    "output": answers[0],
                    "answers": answers,
                }


def _jmmlu(file: File) -> Iterable[Row]:
    subject = file.source.key
    for number, row in enumerate(csv.reader(io.StringIO(text_of(file), newline=None))):
        question, a, b, c, d, letter = row
        if letter not in "ABCD" or len(letter) != 1:
            raise ValueError(f"row {number + 1} has answer {letter!r}")
        text = f"質問：{question}\n選択肢：A.{a},B.{b},C.{c},D.{d}"
        yield {
            "id": f"{subject}/{number}",
            "input": text,
            "output": letter,
            "answers": [letter],
            "subject": subject,
        }


def fixed_pool(train: Sequence[Row]) -> list[Row]:
    """Return llm-jp-eval's training file: the first 90 % of the shuffled source; its first rows are the shots."""
    return shuffled(train)[: int(len(train) * 0.9)]


def _fixed(_: str, parts: Parts) -> Split:
    return parts["test"], fixed_pool(parts["train"])


def _halves(_: str, parts: Parts) -> Split:
    pool, test = jmmlu_split(parts)
    return test, pool


def jmmlu_split(subjects: Mapping[str, Sequence[Row]]) -> tuple[list[Row], list[Row]]:
    """Return the examples and the evaluated rows of JMMLU.

    One random stream shuffles each subject, in the order given; the first half of each goes to the examples.
    Both halves are shuffled again. The first 16 rows of the test half are not evaluated.
    """
    generator = random.Random(SHUFFLE_SEED)
    examples: list[Row] = []
    test: list[Row] = []
    for rows in subjects.values():
        copy = list(rows)
        generator.shuffle(copy)
        examples += copy[: len(copy) // 2]
        test += copy[len(copy) // 2 :]
    generator.shuffle(examples)
    generator.shuffle(test)
    return examples, test[JMMLU_MOVED:]


def instructed(words: Wording, shots: Sequence[Row], row: Row) -> str:
    """Return a prompt of the llm-jp-eval family: sections for instruction, input and response."""
    parts = [words["preamble"], f"### 指示:\n{words['instruction']}"]
    parts += [f"### 入力:\n{shot['input']}\n\n### 応答:\n{shot['output']}" for shot in shots]
    return "\n\n".join([*parts, f"### 入力:\n{row['input']}\n\n### 応答:\n"])


def build(spec: Benchmark, data: Data, metadata: Metadata) -> list[Row]:
    """Return the items, each with its complete prompt."""
    enough(spec.name, data.pool, spec.n_shots)
    shots = data.pool[: spec.n_shots]
    words = wording.of(spec.name, metadata)
    return [{**row, "prompt": instructed(words, shots, row), "target": row["output"]} for row in data.test]


def first_paragraph(text: str) -> str:
    """Return the text up to the first blank line, NFKC-normalised and stripped: llm-jp-eval's answer."""
    return unicodedata.normalize("NFKC", text.split("\n\n")[0]).strip()


def label(text: str, labels: Sequence[str]) -> str | None:
    """Return the answer where it is one of the labels, as a whole."""
    answer = first_paragraph(text)
    return answer if answer in labels else None


def _short(_: Doc, text: str) -> str | None:
    answer = first_paragraph(text)
    return None if edit_ratio.is_empty(answer) else answer


def _digit(_: Doc, text: str) -> str | None:
    return label(text, _DIGITS)


def _letter(_: Doc, text: str) -> str | None:
    return label(text, _LETTERS)


def choice_label(doc: Doc, results: Sequence[str]) -> Metrics:
    """JCommonsenseQA and JMMLU: the label, and nothing else."""
    return {"exact_match": float(first_paragraph(results[0]) == doc["target"])}


def short_answer(doc: Doc, results: Sequence[str]) -> Metrics:
    """JEMHopQA: edit ratio to the answer, and the F1 over characters."""
    prediction = first_paragraph(results[0])
    gold = first_paragraph(doc["target"])
    return {
        "char_f1": edit_ratio.token_sort_ratio(prediction, gold) / 100,
        "character_f1": edit_ratio.character_f1(prediction, gold),
    }


def accepted_answers(doc: Doc, results: Sequence[str]) -> Metrics:
    """NIILC and JSQuAD: as for short answers, and the edit ratio to the nearest accepted answer."""
    prediction = first_paragraph(results[0])
    answers = [first_paragraph(answer) for answer in doc["answers"]]
    return {**short_answer(doc, results), "char_f1_any": edit_ratio.best_ratio(prediction, answers)}


TASKS = (
    Task(
        Benchmark(
            "jcommonsenseqa",
            "exact_match",
            (),
            f"{_HARNESS}: 4 fixed examples, one generated token must be the number of the right choice",
            max_gen_toks=1,
            examples=_EXAMPLES,
            dtype=_DTYPE,
        ),
        read=_jcommonsenseqa,
        build=build,
        answer=_digit,
        split=_fixed,
    ),
    Task(
        Benchmark(
            "jemhopqa",
            "char_f1",
            ("character_f1",),
            f"{_HARNESS}: 4 fixed examples, 15 tokens; {_EDIT}",
            max_gen_toks=15,
            examples=_EXAMPLES,
            dtype=_DTYPE,
        ),
        read=_jemhopqa,
        build=build,
        answer=_short,
        split=_fixed,
    ),
    Task(
        Benchmark(
            "niilc",
            "char_f1",
            ("character_f1", "char_f1_any"),
            f"{_HARNESS}: 4 fixed examples, 180 tokens; {_EDIT} to all accepted answers joined by commas",
            max_gen_toks=180,
            examples=_EXAMPLES,
            dtype=_DTYPE,
        ),
        read=_niilc,
        build=build,
        answer=_short,
        split=_fixed,
    ),
    Task(
        Benchmark(
            "jsquad",
            "char_f1",
            ("character_f1", "char_f1_any"),
            f"{_HARNESS}: 4 fixed examples, 25 tokens; {_EDIT} to the first accepted answer",
            max_gen_toks=25,
            examples=_EXAMPLES,
            dtype=_DTYPE,
        ),
        read=_jsquad,
        build=build,
        answer=_short,
        split=_fixed,
    ),
    Task(
        Benchmark(
            "jmmlu",
            "exact_match",
            (),
            f"{_HARNESS}: 5 fixed examples for all subjects, one generated token must be the letter of the right"
            " choice",
            n_shots=5,
            max_gen_toks=1,
            examples=_EXAMPLES,
            dtype=_DTYPE,
        ),
        read=_jmmlu,
        build=build,
        answer=_letter,
        split=_halves,
    ),
)
