"""The answers behind imported scores, as two models are compared on them."""

from functools import cached_property
from pathlib import Path

import pandas as pd

from stages.analysis.scores.cells import falling
from stages.commands.trace.imported import record_at
from stages.contracts.errors import raise_all
from stages.contracts.study.facts import Facts
from stages.contracts.study.own_tasks import DEFAULT_FILTER
from stages.intake import every_eval_ever, inspect_logs
from stages.intake.jsons import mapping, number, sequence
from stages.intake.samples import Of, read_samples
from stages.workspace.facts import load_study_facts
from stages.workspace.imports import SEPARATOR, dvc_file
from stages.workspace.parameters import load_params
from stages.workspace.samples import Samples


class ImportedAnswers:
    """The answers of evaluations of others, in the raw files of the study that params.yaml names."""

    @cached_property
    def _facts(self) -> Facts:
        return load_study_facts(load_params())

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """Rows of imports.csv with answers, by model and benchmark."""
        imports = self._facts.imports
        return imports[imports["samples"] != ""].set_index(["model_id", "benchmark"])

    def models(self) -> list[str]:
        """Return the models of which answers were imported, sorted."""
        return sorted({model_id for model_id, _ in self._rows.index})

    def benchmarks(self, model_id: str) -> list[str]:
        """Return the benchmarks to which answers of a model were imported, sorted."""
        return sorted(name for known, name in self._rows.index if known == model_id)

    def read(self, model_id: str, benchmark: str) -> Samples | None:
        """Return a model's answers to a benchmark, None when none were imported.

        Raises:
            InputError: Their raw files are not here.
        """
        if (model_id, benchmark) not in self._rows.index:
            return None
        row = {str(key): value for key, value in self._rows.loc[[(model_id, benchmark)]].to_dict("records")[0].items()}
        file, place = Path(str(row["file"])), str(row["place"])
        answers = [Path(name) for name in str(row["samples"]).split(SEPARATOR)]
        missing = [path for path in (file, *answers) if not path.is_file()]
        raise_all([f"{path} is not here: `dvc pull {dvc_file(load_params().study)}` gets it" for path in missing])
        of = of_place(str(row["tool"]), file, place)
        table = pd.concat([read_samples(path, of) for path in answers], ignore_index=True)
        score = float(row["score"])
        table["value"] = scaled(table["value"], score, number(record_at(file, place)))
        falls = benchmark in falling(self._facts.benchmarks)
        return Samples(table, score, str(row["protocol"]), "", str(row["samples"]), falls)


def scaled(values: pd.Series, score: float, written: float | None) -> pd.Series:
    """Return the values of items as shares of the largest score.

    A file may have a score in percent and the items behind it as 0 and 1: of the two scales that the values may be
    on, that is taken which brings their mean closer to the score.

    Args:
        values: As written in the file.
        score: As a share of the largest one.
        written: The score as written in the file.
    """
    if not written or not score:
        return values
    shares, mean = values * (score / written), values.mean()
    return shares if abs(shares.mean() - score) < abs(mean - score) else values


def of_place(tool: str, file: Path, place: str) -> Of:
    """Return which numbers of the samples belong to a score.

    Args:
        tool: The tool that measured it.
        file: The raw file that the score is in.
        place: Where it is there.
    """
    if place.startswith("evaluation_results/"):
        entries = sequence(record_at(file, "evaluation_results"))
        return every_eval_ever.of_entry(mapping(entries[int(place.split("/")[1])]), several=len(entries) > 1)
    if tool.startswith(f"{inspect_logs.NAME} "):
        score = mapping(record_at(file, place.partition("/metrics/")[0]))
        return Of("inspect", inspect_logs.scorer_of(score))
    metric, _, name = place.rpartition("/")[2].partition(",")
    return Of("lm-eval", metric, name or DEFAULT_FILTER)
