"""Names in result files against those of a study."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from stages.contracts.names import folded
from stages.contracts.rows import is_missing, texts
from stages.contracts.study.own_tasks import DEFAULT_FILTER
from stages.intake.choice import Wanted, grouped
from stages.intake.results import Result


def same_models(names: Iterable[str], models: pd.DataFrame) -> dict[str, str]:
    """Return the names that mean a model of a study, to its model_id.

    That is its model_id or display name, but for case and whitespace, or the last part of its model_id where that is
    one model's only and the file names no organisation.

    Args:
        names: As files name models.
        models: models.csv, indexed by model_id.
    """
    ids = texts(models.index)
    last = grouped(ids, lambda name: folded(name.rpartition("/")[2]))
    known = {part: mine[0] for part, mine in last.items() if len(mine) == 1}
    known |= {folded(str(name)): model_id for model_id, name in zip(ids, models["name"], strict=True)}
    known |= {folded(model_id): model_id for model_id in ids}
    return {name: known[folded(name)] for name in names if folded(name) in known}


def wanted_by(
    results: Sequence[Result], benchmarks: pd.DataFrame | None, choices: Mapping[str, tuple[str, str]]
) -> tuple[list[Wanted], list[str], list[str]]:
    """Return what is known of each task that is a benchmark of a study, the other tasks, and contradictions.

    Args:
        results: Numbers of all tasks.
        benchmarks: benchmarks.csv, indexed by benchmark; None for a study that has none yet.
        choices: Task to metric and filter, as the user gave them; "" for all tasks.
    """
    tasks = grouped(results, lambda result: result.task)
    by_name = {folded(task): task for task in tasks}
    wanted, problems = [], []
    for name, row in benchmarks.iterrows() if benchmarks is not None else ():
        task = str(row["task"]) if row["task"] in tasks else by_name.get(folded(str(name)), "")
        if not task:
            continue
        rule = _declared(str(name), task, row, tasks[task]) or _undeclared(str(name), task, tasks[task], choices)
        wanted.append(Wanted(rule.benchmark, task, rule.metric, rule.filter, rule.scale, float(row["max_score"])))
        asked = choices.get(task, ("", ""))
        if asked[0] not in {"", rule.metric} or asked[1] not in {"", rule.filter}:
            problems.append(f"--metric {task}={','.join(filter(None, asked))}: benchmarks.csv has {rule.metric}")
    known = {rule.task for rule in wanted}
    return wanted, [task for task in tasks if task not in known], problems


def _declared(name: str, task: str, row: pd.Series, results: Sequence[Result]) -> Wanted | None:
    """Return which number benchmarks.csv says is the score, None where it does not say."""
    if row["task"] == task:
        scale = None if is_missing(row["task_scale"]) else float(row["task_scale"])
        return Wanted(name, task, str(row["task_metric"]), str(row["task_filter"]) or DEFAULT_FILTER, scale)
    for result in results:
        if row["metric"] == result.key:
            return Wanted(name, task, result.metric, result.filter)
    return None


def _undeclared(name: str, task: str, results: Sequence[Result], choices: Mapping[str, tuple[str, str]]) -> Wanted:
    """Return which number of a task the user says is the score; what holds for all tasks counts where there is one."""
    if task in choices:
        return Wanted(name, task, *choices[task])
    general = Wanted(name, task, *choices.get("", ("", "")))
    return general if any(map(general.takes, results)) else Wanted(name, task)


def new_benchmarks(
    tasks: Iterable[str], results: Sequence[Result], choices: Mapping[str, tuple[str, str]]
) -> list[Wanted]:
    """Return what is known of tasks that become benchmarks under their own names."""
    mine = grouped(results, lambda result: result.task)
    return [_undeclared(task, task, mine[task], choices) for task in tasks]
