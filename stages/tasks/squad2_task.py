"""SQuAD2 asks a model twice: for an answer, and how likely it holds the question to be unanswerable."""

from collections.abc import Mapping
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from stages.tasks.families.squad2 import UNANSWERABLE


class SQuAD2(ConfigurableTask):  # type: ignore[misc]  # lm-eval has no types
    """A configured task with a second request for each item."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config={name: value for name, value in config.items() if name != "class"})

    def construct_requests(self, doc: dict[str, Any], ctx: str, **kwargs: Any) -> list[Instance]:  # noqa: ANN401
        """Return the request for an answer and that for the likelihood of "unanswerable"."""
        answer = super().construct_requests(doc, ctx, **kwargs)
        kept = {name: value for name, value in kwargs.items() if name == "metadata"}
        unanswerable = Instance("loglikelihood", doc, (ctx, f" {UNANSWERABLE}"), 1, **kept)
        return [answer, unanswerable]
