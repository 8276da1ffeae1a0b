"""The columns of benchmarks.csv that name a task of lm-eval for a benchmark, besides the nineteen.

pandas is imported where the table is read: stage `lock`, which DVC starts once for each model, reads none.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from stages.contracts.kinds import OfKind, one_line_each

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "tasks"
"""Folder of a study that holds tasks of its own: YAML files, and the Python and data that they name."""
DEFAULT_FILTER = "none"


@dataclass(frozen=True)
class TaskChoice:
    """The task that a benchmark is evaluated by.

    Attributes:
        task: lm-eval's name of the task or group.
        metric: lm-eval's name of the score.
        filter: lm-eval's name of the filter that finds the answer.
        scale: What the score is divided by to lie in [0, 1].
        folder: The study's folder of tasks, relative to the repository; "" where it has none.
    """

    task: str
    metric: str
    filter: str
    scale: float
    folder: str

    def as_record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def task_choices(benchmarks: "pd.DataFrame", folder: str) -> dict[str, TaskChoice]:
    """Return benchmark to task, for those that name one.

    Args:
        benchmarks: benchmarks.csv, indexed by benchmark.
        folder: The study's folder of tasks; "" where it has none.
    """
    from stages.contracts.rows import is_missing

    return {
        str(name): TaskChoice(
            task=str(row["task"]),
            metric=str(row["task_metric"]),
            filter=str(row["task_filter"]) or DEFAULT_FILTER,
            scale=1.0 if is_missing(row["task_scale"]) else float(row["task_scale"]),
            folder=folder,
        )
        for name, row in benchmarks.iterrows()
        if row["task"]
    }


def choice_problems(benchmarks: "pd.DataFrame", where: str) -> list[str]:
    """Name the benchmarks that name a task without its metric, or say something of a task that they do not name.

    Args:
        benchmarks: benchmarks.csv, with a column benchmark.
        where: Path to show in messages.
    """
    from stages.contracts.rows import is_missing

    problems = []
    for row in benchmarks.to_dict("records"):
        name, task = row["benchmark"], row["task"]
        if task and not row["task_metric"]:
            text = f"{where}: {name} names the task {task}, but no task_metric: say which one counts"
            problems.append(OfKind(text, "metric", name))
        if not task and (row["task_metric"] or row["task_filter"] or not is_missing(row["task_scale"])):
            text = f"{where}: {name} has task_metric, task_filter or task_scale, but names no task"
            problems.append(OfKind(text, "task", name))
    return one_line_each(problems)
