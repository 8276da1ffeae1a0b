"""BLEU of translations: into Japanese the study splits both sides by nagisa before sacrebleu's 13a tokenizer."""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 1000
BOOTSTRAP_SEED = 42


def spaced(text: str) -> str:
    """Return Japanese text as words with spaces between."""
    import nagisa

    return " ".join(nagisa.tagging(text).words)


def corpus_bleu(pairs: Sequence[tuple[str, str]]) -> float:
    """Return sacrebleu's corpus BLEU with its defaults, in [0, 100].

    Args:
        pairs: Reference and hypothesis of each item.
    """
    import sacrebleu

    return float(sacrebleu.corpus_bleu([pair[1] for pair in pairs], [[pair[0] for pair in pairs]]).score)


def sentence_bleu(reference: str, hypothesis: str) -> float:
    """Return sacrebleu's BLEU of one item, in [0, 100], over the orders of n-grams that the item has."""
    import sacrebleu

    return float(sacrebleu.sentence_bleu(hypothesis, [reference]).score)


def corpus_chrf(pairs: Sequence[tuple[str, str]]) -> float:
    """Return sacrebleu's chrF2, in [0, 100].

    Args:
        pairs: Reference and hypothesis of each item.
    """
    import sacrebleu

    return float(sacrebleu.corpus_chrf([pair[1] for pair in pairs], [[pair[0] for pair in pairs]]).score)


def bleu_stderr(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the standard deviation of corpus BLEU over 1,000 resamples of the items, in [0, 100].

    Koehn (2004), ACL W04-3250. n-gram counts are added up over the items of a resample.

    Args:
        pairs: Reference and hypothesis of each item, at least one.
    """
    from sacrebleu.metrics import BLEU

    metric = BLEU(effective_order=True)
    items = [metric.sentence_score(hypothesis, [reference]) for reference, hypothesis in pairs]
    counts = np.array([[*item.counts, *item.totals, item.sys_len, item.ref_len] for item in items], dtype=np.int64)
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    scores = []
    for _ in range(RESAMPLES):
        total = counts[generator.integers(len(counts), size=len(counts))].sum(axis=0)
        result = BLEU.compute_bleu(
            correct=total[:4].tolist(), total=total[4:8].tolist(), sys_len=int(total[8]), ref_len=int(total[9])
        )
        scores.append(result.score)
    return float(np.std(scores, ddof=1))
