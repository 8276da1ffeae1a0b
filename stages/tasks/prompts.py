"""The prompts' wording, and how their parts are put together.

Instructions are the project's own; labels, separators and the order of the parts follow the protocol of the
study. A prompt is complete: instruction, examples, question. Line ends matter: a Japanese question-answering
prompt ends in a newline, a BBH prompt does not, and a program's beginning is shown exactly as published.
"""

import re
from collections.abc import Sequence

from stages.tasks.readers import Row

PREAMBLE = "「指示」は課題を、「入力」はその材料を示します。指示に従い、「応答」に入る文字列だけを書いてください。"

INSTRUCTIONS = {
    "jcommonsenseqa": "質問に最もふさわしい答えを選択肢から一つ選び、その番号だけを書いてください。",
    "jemhopqa": "質問の答えを短い語句で書いてください。はいかいいえで答える質問には、YESまたはNOと書いてください。",
    "niilc": "質問の答えだけを書いてください。説明は要りません。",
    "jsquad": "質問の答えとなる語句を、文章からそのまま抜き出して書いてください。",
    "jmmlu": "正しい答えを選択肢から一つ選び、その記号（A、B、C、Dのいずれか）だけを書いてください。",
}

XLSUM_INSTRUCTION = "ニュース記事の要点を一文か二文にまとめてください。"

ARTICLE_LABEL = "ニュース記事:"
SUMMARY_LABEL = "要約:"
PROBLEM_LABEL = "問題："
STEPS_LABEL = "ステップごとの答え："
UNANSWERABLE = "unanswerable"


def instructed(benchmark: str, shots: Sequence[Row], row: Row) -> str:
    """Return a prompt of the llm-jp-eval family: sections for instruction, input and response."""
    parts = [PREAMBLE, f"### 指示:\n{INSTRUCTIONS[benchmark]}"]
    parts += [f"### 入力:\n{shot['input']}\n\n### 応答:\n{shot['output']}" for shot in shots]
    return "\n\n".join([*parts, f"### 入力:\n{row['input']}\n\n### 応答:\n"])


def problem(question: str) -> str:
    """Return an MGSM problem without its answer; its label is put back where the set already has it."""
    return f"{PROBLEM_LABEL}{question.replace(PROBLEM_LABEL, '')}\n{STEPS_LABEL}"


def mgsm(shots: Sequence[Row], row: Row) -> str:
    """Return problems with worked answers, then the problem."""
    worked = [problem(shot["question"]) + shot["answer"].replace(STEPS_LABEL, "") for shot in shots]
    return "\n\n".join([*worked, problem(row["question"])])


def translation(languages: tuple[str, str], shots: Sequence[Row], row: Row) -> str:
    """Return pairs of phrases, then the phrase to translate; languages are source and target."""
    source, target = languages
    done = [f"{source} phrase: {shot['source']}\n{target} phrase: {shot['reference']}" for shot in shots]
    return "\n\n".join([*done, f"{source} phrase: {row['source']}\n{target} phrase:"])


def xlsum(articles: Sequence[str], summaries: Sequence[str]) -> str:
    """Return articles with summaries, then the last article, which has none.

    Args:
        articles: One more than summaries, each beginning with its label and ending in a newline.
        summaries: Of the first articles.
    """
    done = [f"{text}{SUMMARY_LABEL}{summary}" for text, summary in zip(articles[:-1], summaries, strict=True)]
    return "\n\n".join([XLSUM_INSTRUCTION, *done, f"{articles[-1]}{SUMMARY_LABEL}"])


def labelled_article(text: str) -> str:
    """Return an article with its label."""
    return f"{ARTICLE_LABEL}{text}\n"


def chained(shots: Sequence[str], question: str) -> str:
    """Return examples and the question, with blank lines between."""
    return "\n\n".join([*shots, question])


def gsm8k(question: str) -> str:
    """Return a word problem."""
    return f"Question: {question}\nAnswer:"


def triviaqa(question: str) -> str:
    """Return a question; a question mark is added even where there is one."""
    return f"Question: {question}?\nAnswer:"


def squad2(row: Row) -> str:
    """Return title, passage and question."""
    return f"Title: {row['title']}\n\nBackground: {row['context']}\n\nQuestion: {row['question']}\n\nAnswer:"


def mmlu(row: Row) -> str:
    """Return a question with its lettered choices."""
    choices = "".join(f"\n{letter}. {choice}" for letter, choice in zip("ABCD", row["choices"], strict=True))
    return f"{row['question'].strip()}{choices}\nAnswer:"


def mmlu_header(subject: str) -> str:
    """Return the line above the examples of a subject; exactly one newline follows it."""
    return f"Each of these multiple choice questions on {subject.replace('_', ' ')} is followed by its answer.\n"


def without_brackets(text: str) -> str:
    """Return a HellaSwag text without the marks that WikiHow left in it: "[title]" ends a sentence, others go."""
    titled = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", titled).replace("  ", " ")
