"""The nineteen benchmarks, gathered from the modules of their families.

The names are those of the study's benchmarks.csv.
"""

from pathlib import Path

from stages.tasks.benchmark import Benchmark, Task
from stages.tasks.families import (
    bbh,
    gsm8k,
    hellaswag,
    humaneval,
    llm_jp_eval,
    mgsm,
    mmlu,
    openbookqa,
    squad2,
    triviaqa,
    wmt20,
    xlsum,
    xwino,
)

TASKS_DIR = Path(__file__).parent
"""What lm-eval is given as --include_path."""

SEEDS = {
    "random_seed": 42,
    "numpy_random_seed": 42,
    "torch_random_seed": 0,
    "fewshot_random_seed": 1234,
}
"""Arguments of `lm_eval.simple_evaluate`: the study's seeds. Only sampled programs depend on one, that of torch."""

FAMILIES = (
    llm_jp_eval, xlsum, mgsm, wmt20, humaneval, openbookqa, triviaqa, hellaswag, squad2, xwino, mmlu, gsm8k, bbh
)  # fmt: skip

_ORDER = (
    "jcommonsenseqa jemhopqa niilc jsquad xlsum_ja mgsm_ja wmt20_en_ja wmt20_ja_en jmmlu jhumaneval openbookqa"
    " triviaqa hellaswag squad2 xwino mmlu gsm8k bbh humaneval"
).split()
_GATHERED = {task.benchmark.name: task for family in FAMILIES for task in family.TASKS}

TASKS: dict[str, Task] = {name: _GATHERED[name] for name in _ORDER}
"""By name, in the order of benchmarks.csv."""
BENCHMARKS: dict[str, Benchmark] = {name: task.benchmark for name, task in TASKS.items()}
"""The facts of each, in the same order."""
