"""ROUGE-2 of summaries, on the evaluated model's own subwords as in the study, and on words."""

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

RESAMPLES = 1000
BOOTSTRAP_SEED = 42


class Splitter(Protocol):
    """What splits a text into units."""

    def tokenize(self, text: str) -> list[str]:
        """Return the units of a text."""


class Words:
    """Japanese words by MeCab with the dictionary UniDic."""

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text, as written."""
        return [word.surface for word in _tagger()(text)]


@functools.cache
def _tagger() -> Any:  # noqa: ANN401  fugashi has no types
    from fugashi import Tagger

    return Tagger()


def rouge2(prediction: str, reference: str, splitter: Splitter) -> float:
    """Return the F-measure of common bigrams, in [0, 1]; Lin (2004), as google-research's rouge_score computes it."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge2"], tokenizer=splitter)
    return float(scorer.score(reference, prediction)["rouge2"].fmeasure)


def bootstrap_mid(values: Sequence[float]) -> float:
    """Return the median of the means of 1,000 resamples: what rouge_score's BootstrapAggregator calls "mid".

    Args:
        values: Scores of the items, at least one.

    Returns:
        Differs from the plain mean by chance only; the resamples are always the same.
    """
    scores = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(BOOTSTRAP_SEED).integers(len(scores), size=(RESAMPLES, len(scores)))
    return float(np.median(scores[drawn].mean(axis=1)))
