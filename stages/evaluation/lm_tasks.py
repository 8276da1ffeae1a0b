"""Tasks of lm-eval besides the nineteen, by name: those that a study brings, and those that lm-eval has.

A task is identified by its YAML files, of a study's also by all other files of its folder; what lm-eval's own tasks
name in Python is that of its version, which every key holds.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.names import Names
from stages.contracts.study.own_tasks import TaskChoice
from stages.evaluation.code_digest import harness_digest
from stages.evaluation.model_source import digest_of
from stages.tasks.benchmark import Benchmark
from stages.tasks.registry import SEEDS
from stages.tasks.rows import DataRecord, FileRecord

DEFAULT_TOKENS = 256
"""Longest answer where a task states none: lm-eval's."""
_EXTRA = "install the extra `eval`: pip install -e '.[eval]'"
_KINDS = ("generate_until", "multiple_choice", "loglikelihood")
_FAULTS = (
    OSError, ValueError, LookupError, TypeError, AttributeError, ImportError, RuntimeError, AssertionError,
    SyntaxError, NameError, ArithmeticError,
)  # fmt: skip
"""What a study's own code, or data that are not there, can raise."""


@cache
def _manager(folder: str, *upstream: Path) -> Any:  # noqa: ANN401  lm-eval has no types
    """Return lm-eval's index of a study's folder, over that of some folders of its own tasks."""
    import yaml
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._yaml_loader import load_yaml

    problems = []
    for path in sorted(Path(folder).glob("**/*.yaml")) if folder else ():
        # lm-eval passes over what it cannot read
        try:
            load_yaml(path, resolve_func=False)
        except (yaml.YAMLError, ValueError, OSError) as error:
            problems.append(f"{path}: {_line(error)}")
    if problems:
        raise InputError(problems)
    return TaskManager(include_path=[*upstream, *([folder] if folder else [])], include_defaults=False)


def _upstream() -> Path:
    """Return the folder of lm-eval's own tasks."""
    import lm_eval.tasks

    return Path(lm_eval.tasks.__path__[0])


@cache
def _home(task: str) -> Path | None:
    """Return the folder in which lm-eval has a task or group: to index all of them takes many times as long."""
    named = re.compile(rf"^[\"']?(task|group)[\"']?:\s*[\"']?{re.escape(task)}[\"']?\s*$", re.MULTILINE)
    files = _upstream().rglob("*.yaml")
    return next((path.parent for path in files if named.search(path.read_text(encoding="utf-8"))), None)


def _found(choice: TaskChoice) -> tuple[Any, list[str]]:
    """Return an index that holds a task, and the names in it that the task consists of.

    Raises:
        InputError: There is no such task.
    """
    if find_spec("lm_eval") is None:
        raise InputError([f"task {choice.task}: lm_eval not installed here: {_EXTRA}"])
    own = _manager(choice.folder)
    home = None if choice.task in own.task_index else _home(choice.task)
    if home is not None or choice.task in own.task_index:
        # a group may have tasks of other folders
        for above in ([], [home] if home else [], [_upstream()]):
            manager = _manager(choice.folder, *above)
            parts = list(_parts(manager.task_index, choice.task))
            if all(name in manager.task_index for name in parts):
                return manager, parts
    names = Names(own.all_tasks)
    where = f"neither in {choice.folder} nor " if choice.folder else "not "
    raise InputError([f"benchmarks.csv: task {choice.task}: {where}among lm-eval's{names.hint(choice.task)}"])


def _parts(index: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield the names of a task or group and all that it consists of."""
    yield name
    members = (index[name].cfg or {}).get("task") if name in index else None
    for member in members if isinstance(members, list) else ():
        below = member if isinstance(member, str) else member.get("task") or member.get("group")
        if isinstance(below, str) and below != name:
            yield from _parts(index, below)


def task_files(choice: TaskChoice) -> dict[str, str]:
    """Return name to SHA-256 of the files that decide what a task is.

    Raises:
        InputError: There is no such task.
    """
    manager, names = _found(choice)
    paths = {manager.task_index[name].yaml_path for name in names}
    found = {path for start in paths if start is not None for path in _with_includes(Path(start))}
    folder = Path(choice.folder).resolve() if choice.folder else None
    if folder is not None and any(path.is_relative_to(folder) for path in found):
        others = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".yaml")
        found |= {path for path in others if "__pycache__" not in path.parts}
    return {_name(path, folder): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found)}


def _name(path: Path, folder: Path | None) -> str:
    if folder is not None and path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return f"lm_eval/{'/'.join(path.parts[-2:])}"


def _with_includes(path: Path) -> Iterator[Path]:
    """Yield a YAML file and those that it includes."""
    from lm_eval.tasks._yaml_loader import load_yaml

    yield path.resolve()
    included = load_yaml(path, resolve_func=False, recursive=False).get("include", [])
    for name in [included] if isinstance(included, str) else included:
        yield from _with_includes(path.parent / name)


def load(choice: TaskChoice) -> Any:  # noqa: ANN401
    """Load a task with its data, as `lm_eval.simple_evaluate` does.

    Raises:
        InputError: There is no such task, it cannot be loaded, or it cannot give a score in [0, 1].
    """
    manager, _ = _found(choice)
    try:
        loaded = manager.load([choice.task])
    except _FAULTS as error:
        raise InputError([f"task {choice.task}: {type(error).__name__}: {_line(error)}"]) from error
    problems = [f"task {choice.task}: {line}" for line in _problems(choice, loaded)]
    if problems:
        raise InputError(problems)
    for task in loaded["tasks"].values():
        if task.get_config("num_fewshot") is None:
            task.set_config(key="num_fewshot", value=0)
        task.set_fewshot_seed(seed=SEEDS["fewshot_random_seed"])
    return loaded


def _problems(choice: TaskChoice, loaded: Mapping[str, Any]) -> Iterator[str]:
    tasks = loaded["tasks"]
    if choice.task not in tasks and choice.task not in loaded.get("groups", {}):
        yield f"it is a tag of several tasks: name one of {', '.join(sorted(tasks)[:5])}, or a group"
        return
    for name, task in tasks.items():
        metrics = task.aggregation()
        if choice.metric not in metrics:
            yield f"{name} has no metric {choice.metric}; its metrics are {', '.join(metrics)}"
        elif not task.higher_is_better().get(choice.metric, True):
            yield f"less of {choice.metric} is better, which no benchmark of a study can have"
        filters = [each.name for each in getattr(task, "_filters", [])]
        if choice.filter not in filters:
            yield f"{name} has no filter {choice.filter}; its filters are {', '.join(filters)}"
        if task.OUTPUT_TYPE not in _KINDS:
            yield f"{name} asks for {task.OUTPUT_TYPE}, which gives no score in [0, 1]"
        if getattr(task, "UNSAFE_CODE", False):
            yield f"{name} runs generated code outside the sandbox: score by stages.tasks.programs in a task of yours"
        if getattr(task, "MULTIMODAL", False):
            yield f"{name} asks about images or sound"


def data_record(benchmark: str, choice: TaskChoice, loaded: Mapping[str, Any]) -> DataRecord:
    """Return what was read for a task: its items and those that examples are taken from.

    Args:
        benchmark: In benchmarks.csv.
        choice: Its task.
        loaded: From `load`.
    """
    digest = hashlib.sha256()
    sources = []
    for name, task in sorted(loaded["tasks"].items()):
        docs = list(task.eval_docs)
        shots = list(task.fewshot_docs() or []) if task.config.num_fewshot else []
        content = json.dumps([name, docs, shots], sort_keys=True, ensure_ascii=False, default=repr)
        digest.update(content.encode("utf-8") + b"\n")
        sources.append(f"{task.DATASET_PATH or 'data'}{f' {task.DATASET_NAME}' if task.DATASET_NAME else ''}")
    source = "lm-eval: " + ", ".join(dict.fromkeys(sources))
    sha256 = digest.hexdigest()
    return DataRecord(benchmark, source, "", sha256, (FileRecord("items", "items", source, sha256),))


def describe(benchmark: str, choice: TaskChoice) -> DataRecord:
    """Return what `load` reads for a benchmark."""
    return data_record(benchmark, choice, load(choice))


def benchmark_of(name: str, choice: TaskChoice, loaded: Mapping[str, Any]) -> Benchmark:
    """Return the facts of a benchmark, as its task states them.

    Args:
        name: In benchmarks.csv.
        choice: Its task.
        loaded: From `load`.
    """
    tasks = list(loaded["tasks"].values())
    generates = tasks[0].OUTPUT_TYPE == "generate_until"
    options = [task.config.generation_kwargs or {} for task in tasks]
    tokens = [int(each.get("max_gen_toks", each.get("max_tokens", DEFAULT_TOKENS))) for each in options]
    return Benchmark(
        name=name,
        metric=choice.metric,
        secondary=(),
        protocol=f"lm-eval's task {choice.task}: {choice.metric}, filter {choice.filter}",
        answer="generation" if generates else "loglikelihood",
        n_shots=max(int(task.config.num_fewshot or 0) for task in tasks),
        add_bos=None,
        max_gen_toks=max(tokens) if generates else 0,
        repeats=max(int(task.config.repeats or 1) for task in tasks),
        scale=choice.scale,
    )


def own_task_digest(choice: TaskChoice, backend: str) -> str:
    """Return a SHA-256 of a task's files, metric, filter and scale, and of the code that runs it.

    Args:
        choice: The task.
        backend: A key of `code_digest.BACKENDS`.

    Raises:
        InputError: There is no such task.
    """
    content = choice.as_record()
    del content["folder"]
    return digest_of({**content, "files": task_files(choice), "code": harness_digest(backend)})


def digests(choices: Mapping[str, TaskChoice], backend: str) -> dict[str, str]:
    """Return benchmark to `own_task_digest`.

    Raises:
        InputError: Some tasks are not there; all are named.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for name, choice in choices.items():
        try:
            found[name] = own_task_digest(choice, backend)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return found


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
