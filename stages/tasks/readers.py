"""From the publishers' files to rows of plain values, one function for each format.

A row has an "id" and the columns that prompts and metrics need; nothing is shuffled, split or dropped here but
what the benchmark itself leaves out.
"""

import ast
import csv
import gzip
import io
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from stages.contracts.errors import InputError
from stages.tasks.sources import File

Row = dict[str, Any]

_NO_ANSWER = "-"
"""How NIILC marks a question that has no answer."""


def read(benchmark: str, file: File) -> list[Row]:
    """Return the rows of one file of a benchmark.

    Raises:
        InputError: The file is not in the publisher's format.
    """
    reader = _READERS[benchmark]
    try:
        return list(reader(file))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, SyntaxError, OSError, StopIteration) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            [f"{benchmark}: {file.path} is not as published at {file.source.url} ({reason[:120]})"]
        ) from error


def _text(file: File) -> str:
    content = file.path.read_bytes()
    if file.source.name.endswith(".gz"):
        content = gzip.decompress(content)
    return content.decode("utf-8-sig")


def _lines(file: File) -> list[str]:
    # Not str.splitlines: that also breaks at U+2028 and U+0085, which occur within items.
    return [line for line in _text(file).split("\n") if line.strip()]


def _records(file: File) -> list[Row]:
    """Return the rows of JSON lines, or of the parquet or CSV file that the same set is published as."""
    if file.path.suffix == ".parquet":
        import pyarrow.parquet

        return list(pyarrow.parquet.read_table(file.path).to_pylist())
    if file.path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(_text(file), newline="")))
    return [dict(json.loads(line)) for line in _lines(file)]


def _jcommonsenseqa(file: File) -> Iterable[Row]:
    for row in _records(file):
        choices = ",".join(f"{n}.{row[f'choice{n}']}" for n in range(5))
        label = str(int(row["label"]))
        text = f"質問：{row['question']}\n選択肢：{choices}"
        yield {"id": str(row["q_id"]), "input": text, "output": label, "answers": [label]}


def _jemhopqa(file: File) -> Iterable[Row]:
    for row in json.loads(_text(file)):
        yield _question(row["qid"], row["question"], [row["answer"]], row["answer"])


def _niilc(file: File) -> Iterable[Row]:
    for question in ElementTree.fromstring(_text(file).encode("utf-8")).iter("question"):
        answers = [answer.text for answer in question.iter("answer") if answer.text]
        if answers != [_NO_ANSWER]:
            yield _question(question.attrib["id"], str(question.findtext("text")), answers, ",".join(answers))


def _question(name: str, question: str, answers: Sequence[str], gold: str) -> Row:
    return {"id": str(name), "input": f"質問：{question}", "output": gold, "answers": list(answers)}


def _jsquad(file: File) -> Iterable[Row]:
    for article in json.loads(_text(file))["data"]:
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
    for number, row in enumerate(csv.reader(io.StringIO(_text(file), newline=""))):
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


def _xlsum_ja(file: File) -> Iterable[Row]:
    for number, row in enumerate(_records(file)):
        yield {"id": str(row.get("id", number)), "text": str(row["text"]), "summary": str(row["summary"])}


def _mgsm_ja(file: File) -> Iterable[Row]:
    if file.source.key == "train":
        yield from _exemplars(_text(file))
        return
    for number, line in enumerate(_lines(file)):
        question, answer = line.split("\t")
        yield {"id": str(number), "question": question, "number": int(answer.replace(",", ""))}


def _exemplars(program: str) -> Iterable[Row]:
    """Yield the Japanese examples of MGSM's exemplars.py, which is read as literals and never run."""
    tables = [
        ast.literal_eval(node.value)
        for node in ast.parse(program).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MGSM_EXEMPLARS"
    ]
    for name, exemplar in tables[0]["ja"].items():
        yield {"id": f"exemplar/{name}", "question": exemplar["q"], "answer": exemplar["a"]}


def _wmt20(file: File) -> Iterable[Row]:
    for number, line in enumerate(_text(file).removesuffix("\n").split("\n")):
        yield {"id": str(number), "text": line}


def _code(file: File) -> Iterable[Row]:
    for row in _records(file):
        columns = ("prompt", "test", "entry_point", "canonical_solution")
        yield {"id": str(row["task_id"]), **{name: str(row[name]) for name in columns}}


def _openbookqa(file: File) -> Iterable[Row]:
    for row in _records(file):
        labels = list(row["choices"]["label"])
        yield {
            "id": str(row["id"]),
            "question": str(row["question_stem"]),
            "choices": [str(text) for text in row["choices"]["text"]],
            "gold": labels.index(row["answerKey"].strip()),
        }


def _triviaqa(file: File) -> Iterable[Row]:
    for row in _records(file):
        aliases = [str(alias) for alias in row["answer"]["aliases"]]
        yield {"id": str(row["question_id"]), "question": str(row["question"]), "aliases": aliases}


def _hellaswag(file: File) -> Iterable[Row]:
    for row in _records(file):
        columns = ("activity_label", "ctx_a", "ctx_b")
        yield {
            "id": str(row["ind"]),
            **{name: str(row[name]) for name in columns},
            "endings": [str(ending) for ending in row["endings"]],
            "gold": int(row["label"]),
        }


def _squad2(file: File) -> Iterable[Row]:
    for row in _records(file):
        columns = ("id", "title", "context", "question")
        answers = [str(text) for text in row["answers"]["text"]]
        yield {**{name: str(row[name]) for name in columns}, "answers": answers}


def _xwino(file: File) -> Iterable[Row]:
    number = 0
    for line in _lines(file):
        columns = line.split("\t")
        if columns[0] == "en":
            yield _schema(str(number), columns[3], *(json.loads(column) for column in columns[4:7]))
            number += 1


def _schema(name: str, sentence: str, tokens: list[str], pronoun: list[Any], options: list[list[Any]]) -> Row:
    """Return a Winograd schema: the sentence around its pronoun, the two candidates, which of them is right."""
    start, end = _span(sentence, tokens, pronoun[1])
    right = [bool(option[3]) for option in options]
    if len(options) != 2 or sum(right) != 1:
        raise ValueError(f"{sentence!r} has {sum(right)} right candidates of {len(options)}")
    return {
        "id": name,
        "before": sentence[:start],
        "after": sentence[end:].strip(),
        "options": [str(option[0]) for option in options],
        "gold": right.index(True),
    }


def _span(sentence: str, tokens: list[str], place: list[int]) -> tuple[int, int]:
    """Return the characters of the tokens place[0] to place[1] - 1."""
    spans: list[tuple[int, int]] = []
    position = 0
    for token in tokens:
        shown = '"' if token in {"``", "''"} else token  # as the tokenizer of the publishers writes quotation marks
        start = sentence.index(shown, position)
        position = start + len(shown)
        spans.append((start, position))
    return spans[place[0]][0], spans[place[1] - 1][1]


def _mmlu(file: File) -> Iterable[Row]:
    for number, row in enumerate(_records(file)):
        yield {
            "id": f"{row['subject']}/{number}",
            "subject": str(row["subject"]),
            "question": str(row["question"]),
            "choices": [str(choice) for choice in row["choices"]],
            "gold": int(row["answer"]),
        }


def _gsm8k(file: File) -> Iterable[Row]:
    for number, row in enumerate(_records(file)):
        yield {"id": str(number), "question": str(row["question"]), "answer": str(row["answer"])}


def _bbh(file: File) -> Iterable[Row]:
    subtask = file.source.key
    for number, row in enumerate(_records(file)):
        columns = {name: str(row[name]) for name in ("input", "target")}
        yield {"id": f"{subtask}/{number}", "subtask": subtask, **columns}


_READERS: dict[str, Callable[[File], Iterable[Row]]] = {
    "jcommonsenseqa": _jcommonsenseqa,
    "jemhopqa": _jemhopqa,
    "niilc": _niilc,
    "jsquad": _jsquad,
    "jmmlu": _jmmlu,
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
