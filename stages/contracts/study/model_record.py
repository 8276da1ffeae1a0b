"""What the evaluation of a model depends on, of all that a study says: its record, its workarounds, the benchmarks.

One file for each model to evaluate, so that a change of another model's row evaluates nothing again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stages.contracts.kinds import OfKind, one_line_each
from stages.contracts.study.workarounds import Workaround, setting_for

if TYPE_CHECKING:
    import pandas as pd

Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class ModelRecord:
    """A model to evaluate.

    Attributes:
        model_id: In models.csv.
        revision: Commit on the Hugging Face Hub; "" for a local folder.
        trust_remote_code: Whether code that comes with the model may run.
        trust_reason: Why it may.
        settings: Each benchmark of the study to what differs from the protocol there.
        tasks: Each benchmark to the digest of the code that evaluates it; "" where there is none.
        prompts: The study's wording of instructions, by benchmark.
        arguments: lm-eval's arguments that the model is loaded with.
        served_as: Name of the model on a server; "" is its model_id.
        own_tasks: Benchmark to the task of lm-eval that stands for it; those of the registry are not here.
        expected_weights: Patterns of weights by which the files may differ from config.json, joined by spaces.
    """

    model_id: str
    revision: str
    trust_remote_code: bool
    trust_reason: str
    settings: Settings
    tasks: dict[str, str]
    prompts: dict[str, dict[str, str]] = field(default_factory=dict)
    own_tasks: Settings = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    served_as: str = ""
    expected_weights: str = ""

    def to_json(self) -> str:
        """Return the record as text, the same for the same record."""
        return json.dumps(vars(self), indent=1, ensure_ascii=False) + "\n"

    @staticmethod
    def from_json(text: str) -> "ModelRecord":
        """Return the record that `to_json` wrote."""
        return ModelRecord(**json.loads(text))


def record_of(
    model_id: str, models: "pd.DataFrame", tasks: Mapping[str, str], workarounds: Sequence[Workaround]
) -> ModelRecord:
    """Return the record of a model.

    Args:
        model_id: In the index of models.
        models: models.csv, indexed by model_id.
        tasks: Benchmark, in the study's order, to the digest of the code that evaluates it.
        workarounds: workarounds.yaml.
    """
    row = models.loc[model_id]
    return ModelRecord(
        model_id=model_id,
        revision=str(row["revision"]),
        trust_remote_code=bool(row["trust_remote_code"]),
        trust_reason=str(row["trust_reason"]),
        settings={name: setting_for(workarounds, model_id, name).changes() for name in tasks},
        tasks=dict(tasks),
        expected_weights=str(row["expected_weights"]),
    )


def trust_problems(models: "pd.DataFrame", where: str) -> list[str]:
    """Name the models whose own code may run, or whose weights may differ from their configuration, without a reason.

    Args:
        models: models.csv, with a column model_id.
        where: Path to show in messages.
    """
    problems = []
    for row in models.itertuples():
        if row.trust_remote_code and not row.trust_reason:
            text = (
                f"{where}: trust_remote_code of {row.model_id} is true without a trust_reason: the model's own code "
                "would run with your rights: say why it may, or write false"
            )
            problems.append(OfKind(text, "code", str(row.model_id)))
        if row.expected_weights and not row.weights_reason:
            text = (
                f"{where}: expected_weights of {row.model_id} stands without a weights_reason: missing weights are "
                "random numbers: say why these decide no answer, or leave the cell blank"
            )
            problems.append(OfKind(text, "weights", str(row.model_id)))
    return one_line_each(problems)
