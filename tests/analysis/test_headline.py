"""The numbers that stand for a study in `dvc metrics diff` and in MLflow: few, whatever the study."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.analysis import claims
from stages.analysis.components import pca
from stages.analysis.conclusions import verdicts
from stages.analysis.scaling import laws
from stages.analysis.scores import correlation
from stages.analysis.uncertainty import report
from stages.contracts.study.conclusions import Conclusion, Conclusions
from stages.lineage.pipeline import flatten

MOST = 40
GATE = 6
"""Counts of the gate in validate.json."""


def budgets(languages: list[str]) -> list[laws.Law]:
    named = [*languages, laws.TOTAL]
    return [laws.Law(f"PC{k}", name, 300, 0.5, 1.0, 0.0) for k in range(1, 9) for name in named]


def conclusion(name: str) -> Conclusion:
    criterion = {"statistic": "evr.PC1", "holds": 1, "weakens": 0}
    return Conclusion.model_validate({"id": name, "statement": "s", "criteria": [criterion]})


def intervals(fitted: list[laws.Law], kinds: list[str]) -> pd.DataFrame:
    rows = [(law.response, law.language, kind, 0.4, 0.6) for law in fitted for kind in kinds]
    return pd.DataFrame(rows, columns=["response", "language", "resampling", "low", "high"])


@settings(deadline=None, max_examples=25)
@given(
    n_languages=st.integers(1, 12),
    n_models=st.integers(3, 300),
    n_pairs=st.integers(0, 60),
    k=st.integers(1, 30),
    n_conclusions=st.integers(0, 50),
    named=st.lists(st.tuples(st.sampled_from(["PC1", "PC2", "PC9"]), st.sampled_from(["l0", "l5", "total"]))),
)
def test_any_study_has_at_most_40_numbers(
    n_languages: int, n_models: int, n_pairs: int, k: int, n_conclusions: int, named: list[tuple[str, str]]
):
    names = [f"b{i:03}" for i in range(2 * n_pairs + 1)]
    r = pd.DataFrame(1.0, names, names)
    precision = pd.DataFrame({"noisy": True}, names)
    pairs = list(zip(names[::2], names[1::2], strict=False))
    ratio = pd.Series(np.full(k, 1 / k), [f"PC{i + 1}" for i in range(k)])
    fitted = budgets([f"l{i}" for i in range(n_languages)])
    scale = laws.headline(fitted, named)
    listed = [conclusion(f"c{i}") for i in range(n_conclusions)]
    judged = pd.DataFrame([(one.id, "holds", 0.5) for one in listed], columns=["conclusion", "verdict", "value"])
    found = {
        "correlate": correlation.headline(r, precision, pairs),
        "decompose": pca.headline((n_models, len(names)), ratio),
        "scale": scale,
        "stability": report.headline(intervals(fitted, ["models", "families", "items"]), scale),
        "robustness": verdicts.headline(judged, listed),
        "compare": claims.counts(pd.DataFrame({"status": ["reproduced"] * n_models})),
    }
    leaves = [leaf for content in found.values() for leaf in flatten("", content)]
    assert len(leaves) + GATE <= MOST
    # `dvc exp show` adds the file to a name that two files have
    assert len({name for name, _ in leaves}) == len(leaves)


def test_the_laws_that_a_study_names_come_first():
    listed = [{"statistic": name, "holds": 1, "weakens": 0} for name in ("evr.PC1", "rho.PC2.ja", "r.mmlu.jmmlu")]
    concluded = Conclusions.model_validate({"conclusions": [{"id": "c", "statement": "s", "criteria": listed}]}).laws
    assert concluded == [("PC2", "ja")]
    claim_ids = ["models.n", "scaling.all.pc1.en.rho", "scaling.scratch.pc2.ja.n", "scaling.all.factor4.ja.slope"]
    claimed = claims.claimed_laws(claim_ids)
    assert claimed == [("PC1", "en"), ("PC2", "ja"), ("Factor4", "ja")]
    found = laws.headline(budgets(["ja", "en"]), [*concluded, *claimed])
    assert found == {
        "PC2": {"ja": {"rho": 0.5, "n": 300}},
        "PC1": {"en": {"rho": 0.5, "n": 300}, "total": {"rho": 0.5, "n": 300}},
    }


def test_a_study_that_names_no_law_shows_those_of_its_first_component():
    assert list(laws.headline(budgets(["de", "fr", "it"]), [])["PC1"]) == ["total", "de", "fr"]
    assert laws.headline([], [("PC1", "de")]) == {}


@pytest.mark.parametrize(("kinds", "shown"), [(["models", "families"], "families"), (["models", "items"], "models")])
def test_intervals_are_those_over_families_where_there_are_any(kinds: list[str], shown: str):
    table = intervals(budgets(["de"]), kinds)
    found = report.headline(table, {"PC1": {"de": {}}, "Factor1": {"de": {}}})
    assert found == {"PC1": {"de": {shown: {"low": 0.4, "high": 0.6}}}}
    assert report.headline(table[:0], {"PC1": {"de": {}}}) == {}
