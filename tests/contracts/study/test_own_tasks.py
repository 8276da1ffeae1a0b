"""The columns of benchmarks.csv that name tasks of lm-eval."""

import pandas as pd
import pytest

from stages.contracts.study.own_tasks import TaskChoice, choice_problems, task_choices


def table(**row) -> pd.DataFrame:
    blank = {"benchmark": "b", "task": "", "task_metric": "", "task_filter": "", "task_scale": float("nan")}
    return pd.DataFrame([blank | row])


def test_a_named_task_is_a_choice_and_others_are_not():
    named = table(task="t", task_metric="acc").set_index("benchmark")
    assert task_choices(named, "f") == {"b": TaskChoice("t", "acc", "none", 1.0, "f")}
    full = table(task="t", task_metric="bleu", task_filter="first", task_scale=100.0).set_index("benchmark")
    assert task_choices(full, "") == {"b": TaskChoice("t", "bleu", "first", 100.0, "")}
    assert task_choices(table().set_index("benchmark"), "f") == {}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"task": "t"}, "b names the task t, but no task_metric"),
        ({"task_metric": "acc"}, "b has task_metric, task_filter or task_scale, but names no task"),
        ({"task_scale": 2.0}, "but names no task"),
    ],
)
def test_half_a_choice_is_one_line(row, told):
    [line] = choice_problems(table(**row), "benchmarks.csv")
    assert told in line
    assert not list(choice_problems(table(task="t", task_metric="acc"), ""))
