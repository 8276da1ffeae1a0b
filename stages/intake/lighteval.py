"""Results of lighteval: `results/<organisation>/<model>/results_<time>.json`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stages.intake.jsons import mapping, number, read_object, text
from stages.intake.results import Found, Kind, Result, moment, shots

NAME = "lighteval"
ALL = "all"
"""Entry that averages over all tasks."""
AVERAGE = ":_average"
"""End of the name of a task that averages over those with the same beginning."""
MARKER = -1.0
"""Score that a fork of it writes for a task that was not run."""
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d)")
ERROR = "_stderr"


class _Task(NamedTuple):
    key: str
    name: str
    n_shots: int | None


def is_results(content: Mapping[str, Any]) -> bool:
    """Return whether a JSON object holds results of lighteval."""
    return "config_general" in content and isinstance(content.get("results"), dict)


def read(path: Path) -> Found:
    """Read a file of results.

    Raises:
        InputError: It is not a JSON object.
    """
    content = read_object(path)
    general, results = mapping(content.get("config_general")), mapping(content.get("results"))
    model = text(mapping(general.get("model_config")).get("model_name")) or text(general.get("model_name"))
    if not model:
        return Found(refused=[f"{path}: names no model: add config_general.model_name"])
    if general.get("max_samples") is not None:
        line = f"{path}: a limited run, max_samples is {general['max_samples']}: evaluate again without it"
        return Found(refused=[line])
    found = Found()
    tasks = [task for task in map(_task_of, results) if task.name != ALL]
    groups = {task.name.removesuffix(AVERAGE) for task in tasks if task.name.endswith(AVERAGE)}
    for task in tasks:
        start = task.name.partition(":")[0]
        if start in groups and not task.name.endswith(AVERAGE):
            found.parts[task.name] = start
        found.add(_numbers(path, content, model, task))
    return found


def _task_of(key: str) -> _Task:
    """Return name and shots of `task|shots`, or of `suite|task|shots|truncation` as earlier versions write it."""
    parts = key.split("|")
    name, n_shots = (parts[1], parts[2]) if len(parts) > 2 else (parts[0], parts[-1])
    return _Task(key, name, int(n_shots) if n_shots.isdigit() else None)


def _numbers(path: Path, content: Mapping[str, Any], model: str, task: _Task) -> Found:
    """Return the numbers of a task, or why they cannot be used."""
    found = Found()
    config = mapping(mapping(content.get("config_tasks")).get(task.key))
    done, items = number(config.get("effective_num_docs")), number(config.get("original_num_docs"))
    if done is not None and items is not None and 0 <= done < items:
        line = f"{path}: {task.name} is a limited run, {done:g} of {items:g} items: evaluate again without a limit"
        return Found(refused=[line])
    written = mapping(mapping(content["results"])[task.key])
    for metric, value in written.items():
        if metric.endswith(ERROR):
            continue
        score = number(value)
        if score is None:
            found.refused.append(f"{path}: {metric} of {task.name} is {value!r}, no number: evaluate again")
        elif score == MARKER:
            found.notes.append(
                f"{model}: {metric} of {task.name} is -1, which marks a task that was not run: left out"
            )
        else:
            stderr = number(written.get(metric + ERROR))
            found.results.append(_result(path, content, model, task, (metric, score, stderr)))
    return found


def _result(
    path: Path, content: Mapping[str, Any], model: str, task: _Task, numbers: tuple[str, float, float | None]
) -> Result:
    metric, score, stderr = numbers
    general, config = mapping(content["config_general"]), mapping(mapping(content.get("config_tasks")).get(task.key))
    summary = mapping(mapping(content.get("summary_tasks")).get(task.key))
    cut, whole = number(summary.get("truncated")), number(summary.get("non_truncated"))
    done = number(config.get("effective_num_docs"))
    longest = number(config.get("generation_size"))
    answer: Kind = "" if not config else "generation" if longest is not None and longest > 0 else "loglikelihood"
    stamp = STAMP.search(path.stem)
    return Result(
        model=model,
        task=task.name.removesuffix(AVERAGE),
        metric=metric,
        score=score,
        file=path,
        place=f"results/{task.key}/{metric}",
        tool=f"{NAME} {text(general.get('lighteval_sha'))[:8] or 'of unknown version'}",
        setting=_setting(content, task, general, summary),
        stderr=stderr,
        n_items=int(done) if done is not None and done > 0 else None,
        time=moment(":".join(stamp.groups())) if stamp else "",
        n_shots=task.n_shots,
        answer=answer,
        truncated=cut / (cut + whole) if cut is not None and whole is not None and cut + whole > 0 else None,
    )


def _setting(
    content: Mapping[str, Any], task: _Task, general: Mapping[str, Any], summary: Mapping[str, Any]
) -> tuple[str, ...]:
    version = text(mapping(content.get("versions")).get(task.key))
    items = text(mapping(summary.get("hashes")).get("hash_examples"))
    model = mapping(general.get("model_config"))
    return (
        *([f"version {version}"] if version else []),
        *shots(task.n_shots),
        *([f"items {items[:8]}"] if items else []),
        *(["chat template"] if model.get("use_chat_template") or general.get("use_chat_template") else []),
        *(["system prompt"] if model.get("system_prompt") else []),
    )
