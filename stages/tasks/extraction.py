"""How an answer is found in generated text. Each function returns None where there is no answer."""

import ast
import re
import string
import unicodedata
from collections.abc import Sequence

_MGSM_NUMBER = re.compile(r"-?[0-9.,]+")
_GSM8K_STRICT = re.compile(r"#### (-?[0-9.,]+)")
_GSM8K_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
_BBH_ANSWER = re.compile(r"(?<=the answer is )(.*)(?=.)")
_BBH_WHOLE = re.compile(r"the answer is (.*)")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def first_paragraph(text: str) -> str:
    """Return the text up to the first blank line, NFKC-normalised and stripped: llm-jp-eval's answer."""
    return unicodedata.normalize("NFKC", text.split("\n\n")[0]).strip()


def label(text: str, labels: Sequence[str]) -> str | None:
    """Return the answer where it is one of the labels, as a whole."""
    answer = first_paragraph(text)
    return answer if answer in labels else None


def mgsm_number(text: str) -> int | None:
    """Return the last number of the text, where it is whole."""
    found = _MGSM_NUMBER.findall(text)
    if not found:
        return None
    try:
        number = float(found[-1].strip(".").replace(",", ""))
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def gsm8k_strict(text: str) -> str | None:
    """Return the first number after "#### "."""
    found = _GSM8K_STRICT.search(text)
    return found[1].strip() if found else None


def gsm8k_flexible(text: str) -> str | None:
    """Return the last thing that looks like a number."""
    found = _GSM8K_FLEXIBLE.findall(text)
    return next(part for part in found[-1] if part).strip() if found else None


def gsm8k_normalised(text: str) -> str:
    """Return an answer as it is compared: what follows "#### ", no comma, dollar sign or final period."""
    return re.sub(r"\.$", "", text.rpartition("#### ")[2].replace(",", "").replace("$", "")).lower()


def bbh_answer(text: str) -> str | None:
    """Return what follows "the answer is ", without the last character of the line, whatever that is."""
    found = _BBH_ANSWER.search(text)
    return found[0].strip() if found else None


def bbh_whole(text: str) -> str | None:
    """Return what follows "the answer is ", without a final period if there is one."""
    found = _BBH_WHOLE.search(text)
    return found[1].strip().removesuffix(".") if found else None


def without_one_space(text: str) -> str:
    """Return the text without one leading space."""
    return text.removeprefix(" ")


def triviaqa_normalised(text: str) -> str:
    """Return an answer as it is compared: lower case, no ASCII punctuation."""
    return text.lower().translate(_NO_PUNCTUATION)


def is_program(text: str) -> bool:
    """Return whether a text is Python that can be parsed."""
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
