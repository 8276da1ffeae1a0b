"""The `custom_dataset` of every task: items with their complete prompts.

lm-eval asks no more of a task than the columns "prompt" and "target", or "choices" and "gold": examples are part
of the prompt, so they do not depend on seeds of the command line, on --limit or on the number of processes.
"""

from typing import Any

from stages.tasks import data as source
from stages.tasks.registry import TASKS
from stages.tasks.rows import Data, Metadata, Row


def load(benchmark: str, data_dir: str | None = None, data_sha256: str | None = None, **metadata: Any) -> Any:  # noqa: ANN401  lm-eval's interface
    """Return a `datasets.DatasetDict` with the split "test".

    Args:
        benchmark: Given by the task's YAML file.
        data_dir: Local folders; see `stages.tasks.data.load`.
        data_sha256: SHA-256 of the files that are expected there, None where any will do.
        **metadata: What lm-eval collects: the task's version, the model's arguments.

    Raises:
        InputError: The data or the tokenizer are missing, or the data are others.
    """
    from datasets import Dataset, DatasetDict

    rows = build(benchmark, source.load(benchmark, data_dir, data_sha256), metadata)
    return DatasetDict({"test": Dataset.from_list(rows)})


def build(benchmark: str, data: Data, metadata: Metadata) -> list[Row]:
    """Return the items of a benchmark, each with its prompt.

    Args:
        benchmark: A name of the registry.
        data: Its rows.
        metadata: For XL-Sum and MGSM the model's arguments: "pretrained" or "tokenizer", "max_length".

    Raises:
        InputError: There are too few examples, or no tokenizer.
    """
    task = TASKS[benchmark]
    return task.build(task.benchmark, data, metadata)
