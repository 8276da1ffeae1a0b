"""What a benchmark is: facts about how it is run and read, and the functions of its family that do so."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stages.tasks.files import File
from stages.tasks.rows import Data, Metadata, Row

FILTER = "none"
"""lm-eval's filter of every task: answers are found by the task's family in the whole output."""

Doc = Mapping[str, Any]
"""An item as lm-eval hands it back: the row with its prompt."""
Sample = Mapping[str, Any]
"""An item with its answers and metrics, as lm-eval logs it."""
Metrics = dict[str, Any]
Parts = Mapping[str, list[Row]]
"""The rows of each file, by the key of its source."""
Split = tuple[list[Row], list[Row]]
"""Evaluated rows, and those that examples are taken from."""


@dataclass(frozen=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: Name of the task, and in benchmarks.csv.
        metric: lm-eval's name of the score.
        secondary: Names of the other scores that are recorded.
        protocol: In a line.
        answer: What the model does.
        n_shots: Examples in each prompt.
        add_bos: For lm-eval's `add_bos_token`: False, or None for the tokenizer's own rule.
        max_gen_toks: Longest answer in tokens; 0 where nothing is generated.
        repeats: Samples of each item.
        scale: What the score is divided by to lie in [0, 1].
        needs_tokenizer: The prompt or the score depends on the evaluated model's tokenizer.
        runs_code: Generated programs are run; lm-eval wants `confirm_run_unsafe_code`.
        continues_prompt: The answer goes on with the prompt's text, so it is decoded after it, as the study's harness
            did. Elsewhere the study decoded the answer alone, and some tokenizers dropped its first space.
        examples: Pattern whose group 1 is the answer of an example in a prompt, and which ends where the next question
            begins; "" where examples are not questions and answers.
        dtype: Data type of the weights in the study; "auto" is that of the model's files.
    """

    name: str
    metric: str
    secondary: tuple[str, ...]
    protocol: str
    answer: Literal["generation", "loglikelihood"] = "generation"
    n_shots: int = 4
    add_bos: bool | None = False
    max_gen_toks: int = 256
    repeats: int = 1
    scale: float = 1.0
    needs_tokenizer: bool = False
    runs_code: bool = False
    continues_prompt: bool = False
    examples: str = ""
    dtype: str = "auto"
    higher_is_better: bool = True

    @property
    def metric_key(self) -> str:
        """The score's key in lm-eval's results of the task."""
        return f"{self.metric},{FILTER}"


def as_published(_: str, parts: Parts) -> Split:
    """Return the published split."""
    return parts["test"], parts.get("train", [])


@dataclass(frozen=True)
class Task:
    """A benchmark and the functions of its family.

    Attributes:
        benchmark: The facts.
        read: Returns the rows of a file; nothing is shuffled, split or dropped but what the benchmark leaves out.
        build: Returns the items, each with its complete prompt.
        answer: Returns the answer in a generated text, None where there is none; None itself for likelihoods.
        split: Returns evaluated rows and examples, from a benchmark's name and the rows of its files.
        value: Returns an item's share of the score before scaling, where the logged metric is not it.
        stderr: Returns the standard error of the score before scaling, where the score is not a mean over items.
    """

    benchmark: Benchmark
    read: Callable[[File], Iterable[Row]]
    build: Callable[[Benchmark, Data, Metadata], list[Row]]
    answer: Callable[[Doc, str], str | None] | None = None
    split: Callable[[str, Parts], Split] = as_published
    value: Callable[[Sample], float] | None = None
    stderr: Callable[[Sequence[Sample]], float] | None = None
