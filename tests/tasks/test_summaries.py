import numpy as np
import pytest

from stages.tasks import summaries

pytestmark = pytest.mark.evaluation


class Letters:
    def tokenize(self, text):
        return list(text)


def test_rouge2_counts_common_bigrams_of_the_tokenizers_units():
    # Bigrams of "abcd": ab bc cd; of "abxd": ab bx xd. One of three is common.
    assert summaries.rouge2("abxd", "abcd", Letters()) == pytest.approx(1 / 3)


def test_rouge2_depends_on_the_tokenizer():
    prediction, reference = "図書館が開いた", "図書館は開いた"
    # Letters: 図書 書館 館が が開 開い いた against 図書 書館 館は は開 開い いた: four of six.
    assert summaries.rouge2(prediction, reference, Letters()) == pytest.approx(4 / 6)
    # Words: 図書 館 が 開い た against 図書 館 は 開い た: bigrams 図書館 and 開いた of four.
    assert summaries.Words().tokenize(reference) == ["図書", "館", "は", "開い", "た"]
    assert summaries.rouge2(prediction, reference, summaries.Words()) == pytest.approx(2 / 4)


def test_rouge2_of_nothing_is_nothing():
    assert summaries.rouge2("", "図書館", Letters()) == 0.0
    assert summaries.rouge2("図", "図", Letters()) == 0.0  # no bigram


def test_bootstrap_mid_is_what_the_aggregator_calls_mid():
    from rouge_score.scoring import BootstrapAggregator, Score

    values = np.random.default_rng(1).beta(1, 6, size=200).tolist()
    np.random.seed(0)  # noqa: NPY002  the aggregator draws from the global generator
    aggregator = BootstrapAggregator()
    for value in values:
        aggregator.add_scores({"rouge2": Score(0.0, 0.0, value)})
    mid = aggregator.aggregate()["rouge2"].mid.fmeasure
    # Both are medians of 1,000 means; a median of 1,000 has standard error 1.25 sd / √1000.
    error = 1.25 * np.std(values) / np.sqrt(len(values)) / np.sqrt(1000)
    assert abs(summaries.bootstrap_mid(values) - mid) < 5 * error


def test_bootstrap_mid_is_repeatable_and_exact_for_a_constant():
    values = [0.1, 0.4, 0.2]
    assert summaries.bootstrap_mid(values) == summaries.bootstrap_mid(values)
    assert summaries.bootstrap_mid([0.25] * 9) == pytest.approx(0.25)
