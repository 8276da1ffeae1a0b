import math

import pytest

from stages.tasks import translations
from stages.tasks.families import wmt20

pytestmark = pytest.mark.evaluation


def test_corpus_bleu_of_a_worked_example():
    # 13a splits off the period: 6 tokens each; common n-grams 5/6, 3/5, 2/4, 1/3; equal lengths.
    pair = ("the ferry leaves at noon .", "the ferry leaves by noon .")
    precisions = [5 / 6, 3 / 5, 1 / 4]
    assert translations.corpus_bleu([pair]) < 100 * math.prod(precisions) ** (1 / 3)
    same = [("a b c d e", "a b c d e")]
    assert translations.corpus_bleu(same) == pytest.approx(100)


def test_japanese_is_split_by_nagisa_before_13a():
    reference, hypothesis = "図書館は九時に開く。", "図書館は十時に開く。"
    metrics = wmt20.into_japanese({"reference": reference}, [hypothesis])
    spaced_reference, spaced_hypothesis = metrics["bleu"]
    assert spaced_reference.replace(" ", "") == reference
    assert spaced_reference.split(" ")[0] == "図書"
    # Unsplit, 13a sees a single token on each side, and nothing in common.
    assert translations.corpus_bleu([(reference, hypothesis)]) == 0.0
    assert translations.corpus_bleu([(spaced_reference, spaced_hypothesis)]) > 20


def test_english_is_not_split():
    assert wmt20.into_english({"reference": "A b."}, ["A c."])["bleu"] == ("A b.", "A c.")


def test_corpus_bleu_equals_the_aggregation_that_the_task_names():
    from lm_eval.api.metrics import bleu, chrf

    pairs = [("The library opens at nine.", "The library opens at ten."), ("Close the window.", "Close the door.")]
    assert translations.corpus_bleu(pairs) == pytest.approx(bleu(pairs))
    assert translations.corpus_chrf(pairs) == pytest.approx(chrf(pairs))


def test_bleu_stderr_is_zero_for_equal_items_and_repeatable():
    pair = ("The library opens at nine today.", "The library opens at ten today.")
    assert translations.bleu_stderr([pair] * 5) == pytest.approx(0.0, abs=1e-9)
    mixed = [
        pair,
        ("Close the window quietly please.", "Open a door."),
        ("It rains in the hills.", "It rains in the hills."),
    ]
    assert 0 < translations.bleu_stderr(mixed) == translations.bleu_stderr(mixed)


def test_bleu_stderr_resamples_what_corpus_bleu_scores():
    # With one item there is one resample: its scores are corpus BLEU of that item, without spread.
    from sacrebleu.metrics import BLEU

    pair = ("The library opens at nine today.", "The library opens at ten today.")
    item = BLEU(effective_order=True).sentence_score(pair[1], [pair[0]])
    again = BLEU.compute_bleu(item.counts, item.totals, item.sys_len, item.ref_len)
    assert again.score == pytest.approx(translations.corpus_bleu([pair]))
