"""What each model is to be evaluated on, and with what code: one file per model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from stages.contracts.errors import InputError
from stages.contracts.study.model_options import ModelOptions
from stages.contracts.study.model_record import ModelRecord, record_of
from stages.contracts.study.own_tasks import FOLDER, TaskChoice, task_choices
from stages.contracts.study.workarounds import Setting, Workaround
from stages.workspace import paths
from stages.workspace.files import read_text, replacing_folder

if TYPE_CHECKING:
    from stages.contracts.study.facts import Facts


def write_records(facts: "Facts", study: str, models: Sequence[str], digests: Mapping[str, str]) -> None:
    """Write a file for each model to evaluate, with what its evaluation depends on and nothing else.

    Args:
        facts: Tables of the study, as read from metadata/.
        study: Its name.
        models: To be evaluated.
        digests: Benchmark to the digest of the code that evaluates it.
    """
    tasks = {str(name): digests.get(str(name), "") for name in facts.benchmarks.index}
    with replacing_folder(paths.RECORDS) as beside:
        for model_id in models:
            record = full_record(model_id, facts, study, tasks, facts.workarounds)
            path = beside / f"{model_id}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(record.to_json(), encoding="utf-8", newline="\n")


def full_record(
    model_id: str, facts: "Facts", study: str, tasks: Mapping[str, str], workarounds: Sequence[Workaround]
) -> ModelRecord:
    """Return the record of a model under some workarounds, with all else that the study says about its evaluation.

    Args:
        model_id: In models.csv.
        facts: Tables of the study, as read from metadata/.
        study: Its name.
        tasks: Benchmark, in the study's order, to the digest of the code that evaluates it.
        workarounds: Those to follow.
    """
    own = {name: choice.as_record() for name, choice in own_choices(facts, study).items() if name in tasks}
    prompts = {name: dict(parts) for name, parts in facts.prompts.items() if name in tasks}
    record = record_of(model_id, facts.models, tasks, workarounds)
    options = facts.options.get(model_id, ModelOptions())
    settings = {name: Setting(**changes).over(options.setting).changes() for name, changes in record.settings.items()}
    return replace(
        record,
        settings=settings,
        prompts=prompts,
        own_tasks=own,
        arguments=options.arguments,
        served_as=options.served_as,
    )


def own_choices(facts: "Facts", study: str) -> dict[str, TaskChoice]:
    """Return benchmark to the task of lm-eval that the study names for it.

    Args:
        facts: Tables of the study.
        study: Its name.
    """
    folder = paths.study_folder(study) / FOLDER
    return task_choices(facts.benchmarks, folder.as_posix() if folder.is_dir() else "")


def read_record(model_id: str) -> ModelRecord:
    """Read what `write_records` wrote of a model.

    Raises:
        InputError: It is not to be evaluated.
    """
    path = paths.RECORDS / f"{model_id}.json"
    if not path.is_file():
        raise InputError([f"{path} is missing: name {model_id} in evaluate.models, then run `dvc repro ingest`"])
    return ModelRecord.from_json(read_text(path))
