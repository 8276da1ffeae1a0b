"""What the pictures that the page draws itself need besides the tables, whose numbers they read from the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stages.analysis.scaling.laws import Law
from stages.analysis.scaling.stand_ins import PARAMETERS
from stages.analysis.scores.families import family_codes, family_names
from stages.analysis.scores.results import Results
from stages.contracts.rows import rows_of, texts
from stages.contracts.study.info import StudyInfo
from stages.figures.palette import group_colours, group_markers, language_colours
from stages.page.tables import axis_title, number, predictor_names


@dataclass(frozen=True)
class Panel:
    """A scatter of models.

    Attributes:
        x: Column of the tables, by its key.
        y: Likewise.
        words: What it shows, for readers who cannot see it.
    """

    x: str
    y: str
    words: str


def named(info: StudyInfo, models: pd.DataFrame, benchmarks: pd.DataFrame) -> dict[str, Any]:
    """Return names, groups, families and languages of models and benchmarks, with colours and markers.

    Args:
        info: study.yaml.
        models: Indexed by model_id.
        benchmarks: Indexed by benchmark.
    """
    colours, markers, tints = group_colours(info), group_markers(info), language_colours(info)
    codes = family_codes(models)
    families = family_names(models, codes)
    groups, languages = list(info.groups), list(info.languages)
    return {
        "groups": [[info.groups[name], colours[name], markers[name]] for name in groups],
        "languages": [[info.languages[code], tints[code]] for code in languages],
        "models": [
            [model_id, str(row["name"]), groups.index(row["group"]), families[code]]
            for model_id, row, code in zip(texts(models.index), models.to_dict("records"), codes, strict=True)
        ],
        "benchmarks": [
            [name, str(row["label"]), languages.index(row["language"])]
            for name, row in zip(texts(benchmarks.index), benchmarks.to_dict("records"), strict=True)
        ],
    }


def axes(results: Results) -> list[list[str]]:
    """Return key and title of everything that a scatter can have on an axis, in the order to pick from."""
    budgets = [[f"nd_{code}", axis_title(code, f"{name} budget")] for code, name in predictor_names(results).items()]
    responses = [[name, name] for name in texts([*results.pc_scores, *results.factor_scores])]
    labels = results.benchmarks["label"]
    return [*responses, *budgets, *([name, str(labels[name])] for name in texts(results.X))]


def _against(language: str, name: str) -> str:
    return axis_title(language, name) if language == PARAMETERS else f"log₁₀ of the {name} training budget"


def main_panels(results: Results, laws: Sequence[tuple[str, str]]) -> tuple[Panel, ...]:
    """Return the scatters of the main picture: the first two laws that the study is about, or what there is instead.

    A law of fewer than half of the models does not represent the study: the law of its component in what stands in for
    budgets is, where there is one.

    Args:
        results: Results of the state shown.
        laws: Component and budget of the laws that the conclusions are about.
    """
    fitted = {(law.response, law.language): law for law in rows_of(results.laws, Law)}
    whole = {pair for pair, law in fitted.items() if 2 * law.n >= len(results.X)}
    wished = [next((p for p in (pair, (pair[0], PARAMETERS)) if p in whole), pair) for pair in laws]
    chosen = [pair for pair in dict.fromkeys(wished) if pair in whole][:2]
    names = predictor_names(results)
    panels = [
        Panel(
            f"nd_{language}",
            response,
            f"{response} against {_against(language, names[language])}: "
            f"ρ = {number(fitted[response, language].rho, '.3f')} over {fitted[response, language].n} models",
        )
        for response, language in chosen
    ]
    if len(panels) == 2:
        return tuple(panels)
    components = texts(results.pc_scores)
    if len(components) > 1:
        x, y = components[:2]
        words = f"{len(results.X)} models by their scores on {x} and {y}"
        panels.insert(0, Panel(x, y, words))
    return tuple(panels)
