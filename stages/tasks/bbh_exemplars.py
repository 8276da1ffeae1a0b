"""The three worked examples and the description of each BBH subtask, as the lm-eval package brings them.

They are read from the installed package, where they are data of its own task `bbh_cot_fewshot`.
"""

import functools
from dataclasses import dataclass
from importlib import resources

import yaml

from stages.contracts.errors import InputError

SPACED = "sports_understanding"
"""In the paper's harness the worked answers of this subtask follow their questions after a space, not a newline."""


@dataclass(frozen=True)
class Subtask:
    """A subtask's line of description, its question form and its worked examples.

    Attributes:
        name: Name of the subtask.
        description: One line, without a newline.
        form: The question with "{{input}}" for the item; ends without a newline.
        shots: Three pairs of input and worked answer.
    """

    name: str
    description: str
    form: str
    shots: tuple[tuple[str, str], ...]

    def prompt(self, question: str) -> str:
        """Return description, examples and the question.

        The paper's harness dropped the last newline of every template, so one newline follows the description
        and none the question.
        """
        gap = " " if self.name == SPACED else "\n"
        done = [f"{self.form.replace('{{input}}', shot)}{gap}{answer}" for shot, answer in self.shots]
        parts = "\n\n".join([*done, self.form.replace("{{input}}", question)])
        return f"{self.description}\n{parts}"


@functools.cache
def subtask(name: str) -> Subtask:
    """Return a subtask.

    Raises:
        InputError: lm-eval is not installed, or another version brings another form.
    """
    try:
        text = resources.files("lm_eval").joinpath(f"tasks/bbh/cot_fewshot/{name}.yaml").read_text(encoding="utf-8")
        config = yaml.safe_load(text)
        shots = tuple((str(s["input"]), str(s["target"])) for s in config["fewshot_config"]["samples"])
        return Subtask(name, str(config["description"]).rstrip("\n"), str(config["doc_to_text"]).rstrip("\n"), shots)
    except (ModuleNotFoundError, OSError, KeyError, TypeError) as error:
        raise InputError([f"bbh: no examples of {name!r} in the installed lm-eval: install lm-eval 0.4.13"]) from error
