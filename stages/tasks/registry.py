"""The nineteen benchmarks: how each is run, which number is its score, what is recorded beside it.

The names are those of the study's benchmarks.csv. "Protocol" says in a line how the study asked, and where its
score is not what its name promises.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TASKS_DIR = Path(__file__).parent
"""What lm-eval is given as --include_path."""

FILTER = "none"
"""lm-eval's filter of every task: answers are extracted by `stages.tasks.extraction` from the whole output."""

SEEDS = {
    "random_seed": 42,
    "numpy_random_seed": 42,
    "torch_random_seed": 0,
    "fewshot_random_seed": 1234,
}
"""Arguments of `lm_eval.simple_evaluate`: the study's seeds. Only sampled programs depend on one, that of torch."""


@dataclass(frozen=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: Of the task and in benchmarks.csv.
        metric: lm-eval's name of the score.
        secondary: Of what is recorded beside it.
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
    higher_is_better: bool = True

    @property
    def metric_key(self) -> str:
        """The score's key in lm-eval's results of the task."""
        return f"{self.metric},{FILTER}"


_JP_EVAL = "llm-jp-eval 1.3.0"
_HARNESS_JP = "lm-evaluation-harness-jp 0.3.0"
_HARNESS = "lm-evaluation-harness 0.4.2"
_BIGCODE = "bigcode-evaluation-harness 0261c52"
_EDIT = "score is a rounded token-sorted edit ratio"
_CODE = (
    f"{_BIGCODE}: prompt as published, 10 samples at T 0.2, top-p 0.95, cut at the next top-level statement;"
    " pass@1 over the samples, programs run in a sandbox"
)

_ALL = (
    Benchmark(
        "jcommonsenseqa",
        "exact_match",
        (),
        f"{_JP_EVAL}: 4 fixed examples, one generated token must be the number of the right choice",
        max_gen_toks=1,
    ),
    Benchmark(
        "jemhopqa",
        "char_f1",
        ("character_f1",),
        f"{_JP_EVAL}: 4 fixed examples, 15 tokens; {_EDIT}",
        max_gen_toks=15,
    ),
    Benchmark(
        "niilc",
        "char_f1",
        ("character_f1", "char_f1_any"),
        f"{_JP_EVAL}: 4 fixed examples, 180 tokens; {_EDIT} to all accepted answers joined by commas",
        max_gen_toks=180,
    ),
    Benchmark(
        "jsquad",
        "char_f1",
        ("character_f1", "char_f1_any"),
        f"{_JP_EVAL}: 4 fixed examples, 25 tokens; {_EDIT} to the first accepted answer",
        max_gen_toks=25,
    ),
    Benchmark(
        "xlsum_ja",
        "rouge2",
        ("rouge2_mecab",),
        f"{_HARNESS_JP}: 1 drawn example, articles cut to the context; score is ROUGE-2 on the model's own subwords",
        n_shots=1,
        needs_tokenizer=True,
    ),
    Benchmark(
        "mgsm_ja",
        "exact_match",
        (),
        f"{_HARNESS_JP}: 4 drawn of 8 worked examples, one line of answer, its last number",
        needs_tokenizer=True,
    ),
    Benchmark(
        "wmt20_en_ja",
        "bleu",
        ("chrf",),
        f"{_HARNESS_JP}: 4 examples drawn from the other items, one line; BLEU 13a on text split by nagisa",
        scale=100.0,
    ),
    Benchmark(
        "wmt20_ja_en",
        "bleu",
        ("chrf",),
        f"{_HARNESS_JP}: 4 examples drawn from the other items, one line; BLEU 13a",
        scale=100.0,
    ),
    Benchmark(
        "jmmlu",
        "exact_match",
        (),
        f"{_JP_EVAL}: 5 fixed examples for all subjects, one generated token must be the letter of the right choice",
        n_shots=5,
        max_gen_toks=1,
    ),
    Benchmark(
        "jhumaneval",
        "pass@1",
        ("pass@10", "answered@10"),
        _CODE,
        n_shots=0,
        add_bos=None,
        max_gen_toks=1024,
        repeats=10,
        runs_code=True,
        continues_prompt=True,
    ),
    Benchmark(
        "openbookqa",
        "acc",
        ("acc_norm",),
        f"{_HARNESS}: 4 drawn examples, most likely choice, not normalised by length",
        answer="loglikelihood",
        max_gen_toks=0,
    ),
    Benchmark(
        "triviaqa",
        "exact_match",
        ("exact_match_stripped",),
        f"{_HARNESS}: 4 drawn examples, text up to a newline, period or comma must be an accepted answer",
    ),
    Benchmark(
        "hellaswag",
        "acc",
        ("acc_norm",),
        f"{_HARNESS}: 4 drawn examples, most likely ending, not normalised by length",
        answer="loglikelihood",
        max_gen_toks=0,
    ),
    Benchmark(
        "squad2",
        "exact",
        ("f1", "best_exact", "best_f1", "exact_abstaining"),
        f"{_HARNESS}: 4 drawn examples, one line; exact match in which answering 'unanswerable' never counts",
    ),
    Benchmark(
        "xwino",
        "acc",
        (),
        f"{_HARNESS}: 4 examples drawn from the other items, likelihood of the rest after either candidate",
        answer="loglikelihood",
        max_gen_toks=0,
    ),
    Benchmark(
        "mmlu",
        "acc",
        (),
        f"{_HARNESS}: 5 fixed examples of the subject, most likely letter; mean over all questions",
        answer="loglikelihood",
        n_shots=5,
        max_gen_toks=0,
    ),
    Benchmark(
        "gsm8k",
        "exact_match",
        ("exact_match_flexible",),
        f"{_HARNESS}: 4 drawn examples; the number after '####'",
    ),
    Benchmark(
        "bbh",
        "exact_match",
        ("exact_match_whole",),
        f"{_HARNESS}: 3 worked examples; what follows 'the answer is ' less one character; mean over all questions",
        n_shots=3,
        max_gen_toks=1024,
    ),
    Benchmark(
        "humaneval",
        "pass@1",
        ("pass@10", "answered@10"),
        _CODE,
        n_shots=0,
        add_bos=None,
        max_gen_toks=1024,
        repeats=10,
        runs_code=True,
        continues_prompt=True,
    ),
)

BENCHMARKS: dict[str, Benchmark] = {benchmark.name: benchmark for benchmark in _ALL}
"""By name, in the order of benchmarks.csv."""
