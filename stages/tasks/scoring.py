"""The `process_results` and aggregations that the tasks name: from one item's output to its metrics."""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

from stages.tasks import edit_ratio, extraction, reading, summaries, translations
from stages.tasks.tokenizer import load as load_tokenizer

Doc = Mapping[str, Any]
Metrics = dict[str, Any]


def choice_label(doc: Doc, results: Sequence[str]) -> Metrics:
    """JCommonsenseQA and JMMLU: the label, and nothing else."""
    return {"exact_match": float(extraction.first_paragraph(results[0]) == doc["target"])}


def short_answer(doc: Doc, results: Sequence[str]) -> Metrics:
    """JEMHopQA: edit ratio to the answer, and the F1 over characters."""
    prediction = extraction.first_paragraph(results[0])
    gold = extraction.first_paragraph(doc["target"])
    return {
        "char_f1": edit_ratio.token_sort_ratio(prediction, gold) / 100,
        "character_f1": edit_ratio.character_f1(prediction, gold),
    }


def accepted_answers(doc: Doc, results: Sequence[str]) -> Metrics:
    """NIILC and JSQuAD: as for short answers, and the edit ratio to the nearest accepted answer."""
    prediction = extraction.first_paragraph(results[0])
    answers = [extraction.first_paragraph(answer) for answer in doc["answers"]]
    return {**short_answer(doc, results), "char_f1_any": edit_ratio.best_ratio(prediction, answers)}


def summary(doc: Doc, results: Sequence[str]) -> Metrics:
    """XL-Sum: ROUGE-2 on the model's subwords, and on words."""
    own = load_tokenizer(doc["tokenizer"])
    return {
        "rouge2": summaries.rouge2(results[0], doc["summary"], own),
        "rouge2_mecab": summaries.rouge2(results[0], doc["summary"], summaries.Words()),
    }


def rouge2_mid(values: Sequence[float]) -> float:
    """Aggregate ROUGE-2 as the study did."""
    return summaries.bootstrap_mid(values)


def last_number(doc: Doc, results: Sequence[str]) -> Metrics:
    """MGSM: the last number, if it is whole."""
    return {"exact_match": float(extraction.mgsm_number(results[0]) == doc["number"])}


def into_japanese(doc: Doc, results: Sequence[str]) -> Metrics:
    """WMT20 en-ja: reference and hypothesis, split into words for BLEU."""
    pair = (doc["reference"], results[0])
    return {"bleu": tuple(translations.spaced(text) for text in pair), "chrf": pair}


def into_english(doc: Doc, results: Sequence[str]) -> Metrics:
    """WMT20 ja-en: reference and hypothesis."""
    pair = (doc["reference"], results[0])
    return {"bleu": pair, "chrf": pair}


def alias(doc: Doc, results: Sequence[str]) -> Metrics:
    """TriviaQA: any accepted answer, with one leading space forgiven, and with all white space around it."""
    accepted = {extraction.triviaqa_normalised(name) for name in doc["aliases"]}
    once, stripped = extraction.without_one_space(results[0]), results[0].strip()
    return {
        "exact_match": float(extraction.triviaqa_normalised(once) in accepted),
        "exact_match_stripped": float(extraction.triviaqa_normalised(stripped) in accepted),
    }


def passage_answer(doc: Doc, results: Sequence[Any]) -> Metrics:
    """SQuAD2: the answer, and the log-likelihood of "unanswerable" with whether it is the greedy continuation."""
    prediction, (log_likelihood, _) = results
    answers: list[str] = doc["answers"]
    exact, f1 = reading.exact(prediction, answers), reading.f1(prediction, answers)
    abstains = reading.normalised(prediction) in {"", "unanswerable"}
    openness = (exp(log_likelihood), bool(answers), not prediction)
    return {
        "exact": exact,
        "f1": f1,
        "best_exact": (exact, *openness),
        "best_f1": (f1, *openness),
        "exact_abstaining": exact if answers else float(abstains),
    }


def best_threshold(values: Sequence[tuple[float, float, bool, bool]]) -> float:
    """Aggregate SQuAD2 under the best threshold on the probability of no answer."""
    return reading.best([reading.Answered(*value) for value in values])


def strict_number(doc: Doc, results: Sequence[str]) -> Metrics:
    """GSM8K: the number after "####", and the last number."""
    gold = extraction.gsm8k_normalised(doc["target"])
    strict, flexible = extraction.gsm8k_strict(results[0]), extraction.gsm8k_flexible(results[0])
    return {
        "exact_match": float(strict is not None and extraction.gsm8k_normalised(strict) == gold),
        "exact_match_flexible": float(flexible is not None and extraction.gsm8k_normalised(flexible) == gold),
    }


def reasoned(doc: Doc, results: Sequence[str]) -> Metrics:
    """BBH: what follows "the answer is ", less one character, and whole."""
    return {
        "exact_match": float(extraction.bbh_answer(results[0]) == doc["target"]),
        "exact_match_whole": float(extraction.bbh_whole(results[0]) == doc["target"]),
    }


def program(doc: Doc, results: Sequence[Sequence[str]]) -> Metrics:
    """HumanEval and JHumanEval: the samples of a problem, run in the sandbox."""
    from stages.tasks.programs import pass_at_k, passed

    completions = list(results[0])
    n, c = len(completions), sum(passed(doc, completions))
    return {
        "pass@1": pass_at_k(n, c, 1),
        "pass@10": pass_at_k(n, c, min(10, n)),
        "answered@10": float(any(completion.strip() for completion in completions)),
    }
