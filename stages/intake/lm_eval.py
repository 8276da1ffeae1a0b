"""Results of lm-evaluation-harness: `results_<time>.json`, and `samples_<task>_<time>.jsonl` beside it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.contracts.study.own_tasks import DEFAULT_FILTER
from stages.intake.jsons import mapping, number, read_object, sequence, text
from stages.intake.results import Found, Kind, Result, SampleFile, chosen, moment, shots
from stages.intake.samples import Of

NAME = "lm-eval"
TEMPLATE = (
    "doc_to_text",
    "doc_to_target",
    "doc_to_choice",
    "description",
    "target_delimiter",
    "fewshot_delimiter",
    "fewshot_config",
    "fewshot_split",
    "process_docs",
    "generation_kwargs",
    "filter_list",
)
"""Keys of a task's configuration that decide what a model is asked and how its answer is read."""
KINDS: Mapping[str, Kind] = {
    "generate_until": "generation",
    "multiple_choice": "loglikelihood",
    "loglikelihood": "loglikelihood",
}
UNBOUNDED = ("perplexity", "bits_per_byte")
"""Ends of metrics that have no largest value."""
NOT_METRICS = ("alias", "name", "samples", "sample_len", "sample_count")


def is_results(content: Mapping[str, Any]) -> bool:
    """Return whether a JSON object holds results of lm-eval."""
    return isinstance(content.get("results"), dict) and "configs" in content and "config" in content


@dataclass(frozen=True)
class _File:
    """A file of results, and what all of its numbers share."""

    path: Path
    content: Mapping[str, Any]
    model: str

    def of(self, key: str, task: str) -> Any:  # noqa: ANN401 (JSON)
        """Return the entry of a task in one of the file's mappings from tasks, None where it has none."""
        return mapping(self.content.get(key)).get(task)

    @property
    def config(self) -> Mapping[str, Any]:
        """How the run was started."""
        return mapping(self.content.get("config"))

    @property
    def tool(self) -> str:
        """Name and version."""
        return " ".join([NAME, text(self.content.get("lm_eval_version")) or "of unknown version"])

    @property
    def stamp(self) -> str:
        """Time in the name of the file, which its samples share."""
        return self.path.stem.partition("_")[2]


def read(path: Path) -> Found:
    """Read a file of results.

    Raises:
        InputError: It is not a JSON object.
    """
    content = read_object(path)
    found = Found()
    model = _model(content)
    if not model:
        found.refused.append(f"{path}: names no model, neither as model_name nor in model_args: add model_name")
        return found
    results, groups = mapping(content.get("results")), mapping(content.get("groups"))
    if not results:
        found.refused.append(f"{path}: has no results: evaluate again")
        return found
    file = _File(path, content, model)
    for task, numbers in {**results, **groups}.items():
        found.parts |= {part: task for part in _parts(file, task)} if task in groups else {}
        found.add(_task(file, str(task), mapping(numbers)))
    return found


def _model(content: Mapping[str, Any]) -> str:
    """Return the name of the model; of a folder on the machine that ran it only its last part."""
    given = mapping(content.get("config")).get("model_args")
    if isinstance(given, str):
        given = dict(part.partition("=")[::2] for part in given.split(","))
    names = [
        text(content.get("model_name")),
        *(text(name) for _, name in chosen(mapping(given), ("pretrained", "model", "path"))),
    ]
    name = next(filter(None, names), "")
    local = name.startswith(("/", "./", "../", "~")) or "\\" in name
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] if local else name


def _parts(file: _File, group: str) -> list[str]:
    """Return the tasks and groups beneath a group."""
    direct = [str(name) for name in sequence(file.of("group_subtasks", group))]
    return [name for part in direct for name in (part, *_parts(file, part))]


def _leaves(file: _File, task: str) -> list[str]:
    """Return the tasks that were run for a task or group."""
    return [part for part in _parts(file, task) if not file.of("group_subtasks", part)] or [task]


def _task(file: _File, task: str, numbers: Mapping[str, Any]) -> Found:
    """Return the numbers of a task, or why they cannot be used."""
    found, where = Found(), f"{file.path}: {task}"
    leaves = _leaves(file, task)
    counts = [mapping(file.of("n-samples", leaf)) for leaf in leaves]
    done, all_items = (_total(counts, key) for key in ("effective", "original"))
    limit = file.config.get("limit")
    if done is None and limit is not None:
        return Found(refused=[f"{where} is a limited run, --limit {limit}: evaluate again without it"])
    if done is not None and all_items is not None and done < all_items:
        line = f"{where} is a limited run, {done} of {all_items} items: evaluate again without --limit"
        return Found(refused=[line])
    for key, score in _numbers(numbers):
        metric, _, name = key.partition(",")
        if metric.endswith(UNBOUNDED):
            found.notes.append(f"{task}: {metric} has no largest value and is left out: no share can be made of it")
            continue
        value = number(score)
        if value is None:
            found.refused.append(f"{where}: {key} is {json.dumps(score)}, no number: evaluate again")
            continue
        found.results.append(_result(file, task, (metric, name or DEFAULT_FILTER), value, done))
    return found


def _numbers(numbers: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield metric and score of a task; a group without a score of its own has none."""
    for key, value in numbers.items():
        metric = key.partition(",")[0]
        if key.strip() and metric not in NOT_METRICS and not metric.endswith("_stderr"):
            yield key, value


def _total(counts: list[Mapping[str, Any]], key: str) -> int | None:
    known = [number(count.get(key)) for count in counts]
    return int(sum(filter(None, known))) if None not in known else None


def _result(file: _File, task: str, key: tuple[str, str], score: float, n_items: int | None) -> Result:
    metric, name = key
    leaves = _leaves(file, task)
    config = mapping(file.of("configs", leaves[0]))
    better = mapping(file.of("higher_is_better", task)).get(metric)
    n_shots = number(file.of("n-shot", leaves[0]))
    section = "groups" if task in mapping(file.content.get("groups")) else "results"
    written = mapping(file.content[section])[task]
    suffix = f",{name}" if f"{metric},{name}" in written else ""
    return Result(
        model=file.model,
        task=task,
        metric=metric,
        score=score,
        file=file.path,
        place=f"{section}/{task}/{metric}{suffix}",
        tool=file.tool,
        setting=_setting(file, task, leaves, None if n_shots is None else int(n_shots)),
        filter=name,
        # "N/A" where none was computed
        stderr=number(written.get(f"{metric}_stderr{suffix}")),
        n_items=n_items,
        higher_is_better=better if isinstance(better, bool) else None,
        time=moment(file.content.get("date")),
        n_shots=None if n_shots is None else int(n_shots),
        answer=KINDS.get(text(config.get("output_type")), ""),
        parameters=number(file.config.get("model_num_parameters")),
        samples=_samples(file, leaves, metric, name),
    )


def _setting(file: _File, task: str, leaves: list[str], n_shots: int | None) -> tuple[str, ...]:
    """Return what else decides what the model was asked.

    The hash is that of the task's template, not of the prompts: with a chat template those differ between models.
    """
    version = text(file.of("versions", task)) or text(file.of("versions", leaves[0]))
    templates = [dict(chosen(mapping(file.of("configs", leaf)), TEMPLATE)) for leaf in leaves]
    known = json.dumps(templates, sort_keys=True, ensure_ascii=False)
    content = file.content
    return (
        *([f"version {version}"] if version else []),
        *shots(n_shots),
        *([f"prompt {hashlib.sha256(known.encode()).hexdigest()[:8]}"] if any(templates) else []),
        *(["chat template"] if content.get("chat_template") or content.get("chat_template_sha") else []),
        *(["examples as turns"] if content.get("fewshot_as_multiturn") else []),
        *(
            [f"system prompt {text(content.get('system_instruction_sha'))[:8]}"]
            if content.get("system_instruction")
            else []
        ),
        *([f"generation {json.dumps(kwargs, sort_keys=True)}"] if (kwargs := file.config.get("gen_kwargs")) else []),
    )


def _samples(file: _File, leaves: list[str], metric: str, name: str) -> tuple[SampleFile, ...]:
    """Return the files of samples of all tasks behind a score; none where one is missing."""
    of = Of("lm-eval", metric, name)
    paths = [file.path.with_name(f"samples_{leaf}_{file.stamp}.jsonl") for leaf in leaves]
    return tuple(SampleFile(path, of) for path in paths) if all(path.is_file() for path in paths) else ()
