"""Logs of inspect, as `.eval` or as `.json`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.intake.archives import read_log
from stages.intake.jsons import mapping, number, sequence, text
from stages.intake.results import Found, Result, SampleFile, moment
from stages.intake.samples import Of

NAME = "inspect"
PROVIDERS = ("hf/", "vllm/", "sglang/", "ollama/", "together/", "openrouter/", "hf-inference-providers/")
"""Beginnings of names that say how a model was run and not which one it is."""
ERROR = "stderr"


def is_log(content: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is a log of inspect."""
    return {"version", "status", "eval"} <= content.keys()


def read(path: Path) -> Found:
    """Read a log.

    Raises:
        InputError: It cannot be read.
    """
    log = read_log(path)
    about, results = mapping(log.get("eval")), mapping(log.get("results"))
    task, status = text(about.get("task")).rpartition("/")[2], text(log.get("status"))
    if status != "success":
        return Found(refused=[f"{path}: {task} ended with status {status}: run it again"])
    config = mapping(about.get("config"))
    epochs = number(config.get("epochs")) or 1
    total, done = number(results.get("total_samples")), number(results.get("completed_samples"))
    items = None if total is None else int(total / epochs)
    known = number(mapping(about.get("dataset")).get("samples"))
    if config.get("limit") is not None and known is not None and (items or 0) < known:
        line = f"{path}: {task} is a limited run, {items} of {known:g} items: run it again without --limit"
        return Found(refused=[line])
    found = Found()
    failed = None if not total or done is None else 1 - done / total
    if failed:
        found.notes.append(f"{path}: {failed:.1%} of the samples of {task} were not scored: they count as failed")
    found.results += _results(path, log, task, items, failed)
    return found


def _results(
    path: Path, log: Mapping[str, Any], task: str, items: int | None, failed: float | None
) -> Iterator[Result]:
    about = mapping(log["eval"])
    scores = [mapping(score) for score in sequence(mapping(log.get("results")).get("scores"))]
    version = text(mapping(about.get("packages")).get("inspect_ai")) or "of unknown version"
    for place, score in enumerate(scores):
        metrics = mapping(score.get("metrics"))
        stderr = number(mapping(metrics.get(ERROR)).get("value"))
        scorer = scorer_of(score)
        for key, entry in metrics.items():
            value = number(mapping(entry).get("value"))
            if key == ERROR or value is None:
                continue
            yield Result(
                model=_model(text(about.get("model"))),
                task=task,
                metric=key if len(scores) == 1 else f"{scorer}/{key}",
                score=value,
                file=path,
                place=f"results/scores/{place}/metrics/{key}/value",
                tool=f"{NAME} {version}",
                setting=(f"version {text(about.get('task_version'))}", f"scorer {scorer}"),
                stderr=stderr,
                n_items=items,
                time=moment(about.get("created")),
                answer="generation",
                failed=failed,
                samples=(SampleFile(path, Of("inspect", scorer)),),
            )


def scorer_of(score: Mapping[str, Any]) -> str:
    """Return the name of the scorer of an entry of `results.scores`."""
    return text(score.get("scorer")) or text(score.get("name"))


def _model(name: str) -> str:
    return next((name.removeprefix(start) for start in PROVIDERS if name.startswith(start)), name)
