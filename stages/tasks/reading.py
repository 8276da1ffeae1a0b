"""SQuAD 2.0: exact match and F1 over words, and the best a threshold on "no answer" could make of them.

Rajpurkar, Jia and Liang (2018), arXiv:1806.03822. An answer to an unanswerable question is right when it is empty.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Answered(NamedTuple):
    """One question's result.

    Attributes:
        value: Score of the answer, in [0, 1].
        no_answer: Probability that the model gives to there being no answer.
        answerable: Whether there is one.
        empty: Whether the model's answer is the empty string.
    """

    value: float
    no_answer: float
    answerable: bool
    empty: bool


def normalised(text: str) -> str:
    """Return a text in lower case, without punctuation, articles and superfluous whitespace."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact(prediction: str, answers: Sequence[str]) -> float:
    """Return 1 if the prediction is one of the answers after normalisation, else 0."""
    return float(normalised(prediction) in {normalised(answer) for answer in _accepted(answers)})


def f1(prediction: str, answers: Sequence[str]) -> float:
    """Return the best F1 over words between the prediction and an answer."""
    return max(_f1(normalised(prediction).split(), normalised(answer).split()) for answer in _accepted(answers))


def _accepted(answers: Sequence[str]) -> Sequence[str]:
    """Return the answers that something of is left after normalisation; the empty one where there is none."""
    return [answer for answer in answers if normalised(answer)] or [""]


def _f1(predicted: list[str], gold: list[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    common = (Counter(predicted) & Counter(gold)).total()
    return 2 * common / (len(predicted) + len(gold))


def best(results: Sequence[Answered]) -> float:
    """Return the highest mean score over all thresholds on the probability of no answer.

    Questions above the threshold count as left open, which is right where there is no answer. Questions of equal
    probability are taken in their order, as the official script does.

    Args:
        results: At least one.
    """
    kept = float(sum(not result.answerable for result in results))
    highest = kept
    for result in sorted(results, key=lambda result: result.no_answer):
        if result.answerable:
            kept += result.value
        elif not result.empty:
            kept -= 1
        highest = max(highest, kept)
    return highest / len(results)
