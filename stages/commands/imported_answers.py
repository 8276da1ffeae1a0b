"""The answers behind imported scores, as two models are compared on them."""

from functools import cached_property
from pathlib import Path

import pandas as pd

from stages.commands.trace.imported import record_at
from stages.contracts.study.facts import Facts
from stages.intake import every_eval_ever, inspect_logs, lm_eval
from stages.intake.jsons import mapping, number
from stages.intake.samples import Of, read_samples
from stages.workspace.facts import load_params, load_study_facts
from stages.workspace.imports import SEPARATOR
from stages.workspace.samples import Samples

SCORE = "score_details/score"


class ImportedAnswers:
    """The answers of evaluations of others, in the raw files of the study that params.yaml names."""

    @cached_property
    def _facts(self) -> Facts:
        return load_study_facts(load_params())

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """Rows of imports.csv whose answers are here."""
        imports = self._facts.imports
        here = [
            bool(names) and all(map(Path.is_file, map(Path, names.split(SEPARATOR)))) for names in imports["samples"]
        ]
        return imports[pd.Series(here, imports.index, dtype=bool)]

    def models(self) -> list[str]:
        """Return the models of which answers are here, sorted."""
        return sorted(set(self._rows["model_id"]))

    def benchmarks(self, model_id: str) -> list[str]:
        """Return the benchmarks to which answers of a model are here, sorted."""
        return sorted(self._rows.loc[self._rows["model_id"] == model_id, "benchmark"])

    def read(self, model_id: str, benchmark: str) -> Samples | None:
        """Return a model's answers to a benchmark, None when none are here."""
        rows = self._rows
        found = rows[(rows["model_id"] == model_id) & (rows["benchmark"] == benchmark)].to_dict("records")
        if not found:
            return None
        row = {str(key): value for key, value in found[0].items()}
        file, place = Path(str(row["file"])), str(row["place"])
        of = of_place(str(row["tool"]), file, place)
        table = pd.concat([read_samples(Path(name), of) for name in str(row["samples"]).split(SEPARATOR)])
        written = number(record_at(file, place))
        scale = written / float(row["score"]) if written and row["score"] else 1.0
        answers = table[["item", "prompt_hash", "value", "item_hash"]].reset_index(drop=True)
        answers["value"] /= scale
        return Samples(answers, float(row["score"]), str(row["protocol"]), "", str(row["samples"]))


def of_place(tool: str, file: Path, place: str) -> Of:
    """Return which numbers of the samples belong to a score.

    Args:
        tool: That measured it.
        file: The raw file that the score is in.
        place: Where it is there.
    """
    if place.startswith("evaluation_results/"):
        return every_eval_ever.of_entry(mapping(record_at(file, place.removesuffix(f"/{SCORE}"))), several=True)
    if tool.startswith(f"{inspect_logs.NAME} "):
        score = mapping(record_at(file, place.partition("/metrics/")[0]))
        return Of("inspect", inspect_logs.scorer_of(score))
    metric, _, name = place.rpartition("/")[2].partition(",")
    return Of("lm-eval", metric, name or lm_eval.NO_FILTER)
