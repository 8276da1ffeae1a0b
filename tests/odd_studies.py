"""Two studies as public tables are: gaps, honest negatives, a column with a marker for what was not measured, names
in other scripts than Latin."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.planted import write_study

N_MODELS = 40


@dataclass(frozen=True)
class Odd:
    """How a study is odd.

    Attributes:
        languages: The two codes of the planted study to their names.
        model: Name of a model, with a place for its number.
        label: Label of a benchmark, likewise.
        group: Labels of the groups even and odd.
        marked: Benchmark with markers.
        marker: Raw score that stands for "not measured".
        share: Of the column's cells that are the marker.
        gaps: Benchmark to share of its cells that are blank.
    """

    languages: tuple[str, str]
    model: str
    label: str
    group: tuple[str, str]
    marked: str
    marker: float
    share: float
    gaps: dict[str, float]


STUDIES = {
    # a correlation in percent, -100 where the harness found no answer
    "japanese": Odd(
        languages=("ドイツ語", "フランス語"),
        model="大規模言語モデル {}",
        label="読解 {}",
        group=("日本語", "英語"),
        marked="task_5",
        marker=-100,
        share=0.2,
        gaps={"task_0": 0.15, "task_2": 0.1},
    ),
    # percent, 0 where a run failed; two scripts in one study
    "korean": Odd(
        languages=("한국어", "Русский"),
        model="모델 {}번",
        label="Чтение {}",
        group=("짝수", "нечётные"),
        marked="task_1",
        marker=0,
        share=0.25,
        gaps={"task_3": 0.2, "task_4": 0.05},
    ),
}


@dataclass(frozen=True)
class Written:
    """An odd study on disk.

    Attributes:
        truth: Every score before gaps and markers, raw (n_models, n_benchmarks).
        marked: Which cells hold the marker, bool of the same shape.
        blank: Which cells are blank.
    """

    truth: pd.DataFrame
    marked: pd.DataFrame
    blank: pd.DataFrame


def write_odd(folder: Path, name: str, *, blanked: bool = False) -> Written:
    """Write a study.

    Args:
        folder: Of the study.
        name: Of `STUDIES`.
        blanked: Whether the markers are blank, as the gate asks for.
    """
    odd = STUDIES[name]
    write_study(folder, n_models=N_MODELS, seed=11, noise=0.4)
    truth = pd.read_csv(folder / "scores.csv", index_col="model_id")
    rng = np.random.default_rng(3)
    marked = pd.DataFrame(data=False, index=truth.index, columns=truth.columns)
    marked[odd.marked] = rng.random(N_MODELS) < odd.share
    blank = pd.DataFrame(data=False, index=truth.index, columns=truth.columns)
    for benchmark, share in odd.gaps.items():
        blank[benchmark] = rng.random(N_MODELS) < share
    seen = truth.mask(marked, np.nan if blanked else odd.marker).mask(blank)
    seen.to_csv(folder / "scores.csv")
    rename(folder, odd)
    return Written(truth, marked, blank)


def rename(folder: Path, odd: Odd) -> None:
    """Give models, benchmarks, languages and groups their names."""
    models = pd.read_csv(folder / "models.csv", keep_default_na=False)
    models.assign(name=[odd.model.format(i) for i in range(len(models))]).to_csv(folder / "models.csv", index=False)
    facts = pd.read_csv(folder / "benchmarks.csv", keep_default_na=False)
    facts.assign(label=[odd.label.format(i) for i in range(len(facts))]).to_csv(folder / "benchmarks.csv", index=False)
    info = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    info |= {
        "languages": dict(zip(info["languages"], odd.languages, strict=True)),
        "groups": dict(zip(info["groups"], odd.group, strict=True)),
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(info, allow_unicode=True), encoding="utf-8")
