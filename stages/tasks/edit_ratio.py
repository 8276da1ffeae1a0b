"""The study's "char F1", which is a rounded edit similarity, and a character F1 that deserves the name."""

import re
from collections import Counter
from collections.abc import Sequence

_LATIN_1 = {code: None for code in range(0x80, 0x100)}
_NOT_WORD = re.compile(r"\W")


def token_sort_ratio(prediction: str, gold: str) -> int:
    """Return the similarity in percent, rounded half to even: `fuzz.token_sort_ratio` of fuzzywuzzy 0.18.0.

    Characters U+0080 to U+00FF are deleted, every other non-word character becomes a space, letters lose their
    case, tokens are sorted; then 1 - d / (m + n), where d counts insertions and deletions between the strings
    and m and n are their lengths. Two strings that are equal after cleaning score 100, also two empty ones; one
    empty string scores 0.
    """
    from rapidfuzz.distance import Indel

    left, right = _cleaned(prediction), _cleaned(gold)
    if left == right:
        return 100
    if not left or not right:
        return 0
    similarity = float(Indel.normalized_similarity(left, right))
    return round(100 * similarity)


def _cleaned(text: str) -> str:
    words = _NOT_WORD.sub(" ", text.translate(_LATIN_1)).lower().split()
    return " ".join(sorted(words))


def is_empty(text: str) -> bool:
    """Return whether nothing of a text is left to be compared."""
    return not _cleaned(text)


def best_ratio(prediction: str, answers: Sequence[str]) -> float:
    """Return the best `token_sort_ratio` over several accepted answers, in [0, 1]."""
    return max(token_sort_ratio(prediction, answer) for answer in answers) / 100


def character_f1(prediction: str, gold: str) -> float:
    """Return the harmonic mean of precision and recall over the multiset of characters, whitespace left out.

    Rajpurkar et al. (2016), arXiv:1606.05250, section 6.1, with characters for words. In [0, 1]; 1 when both
    are empty.
    """
    left, right = (Counter("".join(text.split())) for text in (prediction, gold))
    if not left or not right:
        return float(left == right)
    return 2 * (left & right).total() / (left.total() + right.total())
