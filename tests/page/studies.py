"""What pages are made of in tests: the shipped study with a few conclusions, intervals and hand-made figures."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from stages.analysis.claims import compare
from stages.analysis.scores.incomplete import COLUMNS as LEFT_OUT
from stages.analysis.scores.results import Results
from stages.contracts.study.conclusions import Conclusion
from stages.figures.description import Description
from stages.lineage.graph import Graph
from stages.lineage.pipeline import Entry, LockedStage
from stages.page.page import Figure, GateSummary, Origin, Page, Study, page_from
from tests.figures.results_factory import SHIPPED

COUNTS: Mapping[str, int | bool] = {"success": True, "checks": 89, "failures": 0, "warnings": 1, "waived": 1}
FINDINGS = pd.DataFrame(
    [
        ("token_rules", "warning", "01-ai/Yi-1.5-6B", None, "tokens_en_b is printed as 2170, derived as 2520"),
        ("zero", "waived", "cyberagent/calm2-7b", "humaneval", "waived: <b>suspected</b> failure"),
    ],
    columns=["check", "severity", "model_id", "benchmark", "message"],
)
FILES = ("scaling", "pca_loadings", "claims")
DIGEST = "0123456789abcdef"
LOADINGS, MATRIX = Entry("reports/tables/pca_loadings.csv", "1" * 32), Entry("data/score_matrix.parquet", "2" * 32)
DECOMPOSE = LockedStage("decompose", "python -m <decompose>", (MATRIX,), {}, (LOADINGS,))
ORIGIN = Origin(DIGEST, Graph({"decompose": DECOMPOSE}, {}))
NOTHING_LEFT_OUT = pd.DataFrame(columns=LEFT_OUT)

CONCLUSIONS = [
    Conclusion.model_validate({"id": name, "statement": statement, "source": "§4", "criteria": criteria})
    for name, statement, criteria in (
        (
            "general",
            "PC1 is general",
            [
                {"statistic": "evr.PC1", "holds": 0.5, "weakens": 0.4},
                {"statistic": "rho.PC1.en", "holds": 0.7, "weakens": 0.5},
            ],
        ),
        ("pair", "GSM8K and MGSM go together", [{"statistic": "r.gsm8k.mgsm_ja", "holds": 0.8, "weakens": 0.6}]),
        ("local", "PC2 scales with Japanese", [{"statistic": "rho.PC2.ja", "holds": 0.7, "weakens": 0.5}]),
    )
]


def verdicts(*rows: tuple[str, str, str, float, str]) -> pd.DataFrame:
    """Return robustness.csv from conclusion, variation, verdict, value, detail."""
    frame = pd.DataFrame(rows, columns=["conclusion", "variation", "verdict", "value", "detail"])
    return frame.assign(statistic="evr.PC1", kind="subset", n_models=35, n_benchmarks=19, holds_from=0.5)


VERDICTS = verdicts(
    ("general", "all", "holds", 0.652, "evr.PC1 0.652; rho.PC1.en 0.916"),
    ("general", "factor analysis", "fails", 0.23, "evr.PC1 0.230; rho.PC1.en 0.900"),
    ("pair", "all", "holds", 0.939, "r.gsm8k.mgsm_ja 0.939"),
    ("pair", "factor analysis", "cannot be told", float("nan"), "no"),
    ("local", "all", "holds", 0.779, "rho.PC2.ja 0.779"),
    ("local", "factor analysis", "holds", 0.79, "rho.PC2.ja 0.790"),
)
CRITERIA = pd.DataFrame(
    [
        ("general", "all", "evr.PC1", "holds", 0.652, 0.55, 0.74, 35, 10, None),
        ("general", "all", "rho.PC1.en", "holds", 0.916, 0.75, 0.97, 27, 8, None),
        ("pair", "all", "r.gsm8k.mgsm_ja", "holds", 0.939, 0.87, 0.97, 35, 10, None),
        ("local", "all", "rho.PC2.ja", "holds", 0.779, 0.6, 0.95, 25, 7, None),
    ],
    columns=["conclusion", "variation", "statistic", "verdict", "value", "low", "high", "n", "families", "reason"],
)
COUNTED = pd.DataFrame(
    [
        ("general", "PC1 is general", 1, 0, 1, 0),
        ("pair", "GSM8K and MGSM go together", 1, 0, 0, 1),
        ("local", "PC2 scales with Japanese", 2, 0, 0, 0),
    ],
    columns=["conclusion", "statement", "holds", "weakens", "fails", "cannot_be_told"],
)


def beyond(results: Results) -> dict[str, pd.DataFrame]:
    """Return tables as the stages stability and robustness write them, with intervals of a fixed width."""
    loadings = results.loadings.rename_axis("benchmark").reset_index()
    long = loadings.melt("benchmark", var_name="component", value_name="estimate").assign(resampling="families")
    ratio = results.explained_variance_ratio
    return {
        "robustness": VERDICTS,
        "robustness_counts": COUNTED,
        "robustness_criteria": CRITERIA,
        "stability_loadings": long.assign(low=long["estimate"] - 0.1, high=long["estimate"] + 0.1),
        "stability_explained_variance": pd.DataFrame(
            {"component": ratio.index, "low_families": ratio - 0.05, "high_families": ratio + 0.05}
        ),
        "stability_scaling": pd.DataFrame(
            [("PC1", "en", "models", 0.82, 0.96), ("PC1", "en", "families", 0.75, 0.97)],
            columns=["response", "language", "resampling", "low", "high"],
        ),
        "stability_ranks": pd.DataFrame(
            [(name, i + 1, max(i, 1), i + 2) for i, name in enumerate(results.X.index[1:])],
            columns=["model_id", "rank", "low", "high"],
        ).assign(measure="PC1", models=34),
    }


def study_of(results: Results, claims: pd.DataFrame, **more: Any) -> Study:
    study = Study(results, CONCLUSIONS, beyond(results), claims, NOTHING_LEFT_OUT, 0.95)
    return replace(study, **more)


def page_of(study: Study, figures: tuple[Figure, ...] = (), counts: Mapping[str, int | bool] = COUNTS) -> Page:
    return page_from(study, GateSummary(counts, FINDINGS), figures, FILES, ORIGIN)


def claims_of(results: Results) -> pd.DataFrame:
    claims = pd.read_csv(SHIPPED / "claims.csv").fillna({"note": ""})
    return compare(claims[claims["claim_id"].str.match("corr|pca.*evr|scaling.pc|std|models")], results)


def figure(name: str, section: str, marks: str = "") -> Figure:
    """Return a figure as the room of figures draws them, with these marks in it."""
    words = Description(
        name,
        f"Figure {name}",
        section,
        caption=f"What {name} shows.",
        reading="How to read it.",
        n="35 models",
        alternative="Points.",
    )
    root = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 80 60" width="80pt" height="60pt" role="img" '
    return Figure(words, f'{root}aria-label="{words.label}">{marks}</svg>')


def model_mark(model_id: str, x: int, text: str) -> str:
    return f'<circle class="mark" data-model="{model_id}" cx="{x}" cy="30" r="6"><title>{text}</title></circle>'
