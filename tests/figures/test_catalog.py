"""Which figures a study gets, and what their captions say."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pandas as pd
import pytest

from stages.analysis.scores.results import Results
from stages.figures.catalog import Drawing, catalogue
from tests.figures.results_factory import planted, shipped

NO_COLUMNS = pd.DataFrame()


@cache
def drawn(make: Callable[[], Results]) -> dict[str, Drawing]:
    return {drawing.description.name: drawing for drawing in catalogue(make())}


def tiny() -> Results:
    return planted(n_models=6, n_benchmarks=3, languages=("fi",))


def names(results: Results) -> list[str]:
    return [drawing.description.name for drawing in catalogue(results)]


def test_shipped_study_gets_every_figure():
    components = [f"pc{i}" for i in range(1, 5)]
    factors = [f"factor{i}" for i in range(1, 5)]
    expected = [
        *(
            "models",
            "benchmarks",
            "correlation_pearson",
            "correlation_spearman",
            "pc_scores",
            "pca_loadings",
            "pca_loo",
        ),
        *(f"{name}_raw" for name in components),
        *("factor_scores", "factor_loadings"),
        *(f"scaling_{name}" for name in [*components, *factors]),
    ]
    assert sorted(drawn(shipped)) == sorted(expected)


def test_study_without_factors_gets_no_factor_figure():
    assert not [name for name in names(tiny()) if "factor" in name]


def test_study_without_budgets_gets_no_scaling_figure():
    results = tiny()
    for laws in (results.laws.iloc[:0], NO_COLUMNS):
        found = names(replace(results, laws=laws))
        assert "pc_scores" in found
        assert not [name for name in found if name.startswith("scaling")]


def test_study_without_components_gets_scores_and_correlations_only():
    results = tiny()
    bare = replace(
        results,
        loadings=NO_COLUMNS,
        pc_scores=NO_COLUMNS,
        explained_variance_ratio=pd.Series(dtype=float),
        loo=pd.DataFrame(columns=results.loo.columns),
        laws=results.laws.iloc[:0],
    )
    assert names(bare) == ["benchmarks", "correlation_pearson", "correlation_spearman"]


def test_three_models_get_two_components():
    found = names(planted(n_models=3, n_benchmarks=4, languages=("fi",)))
    assert "pc2_raw" in found
    assert "pc3_raw" not in found


def test_leave_one_out_is_left_out_where_it_was_not_computed():
    results = tiny()
    assert "pca_loo" not in names(replace(results, loo=results.loo.iloc[:0]))


def test_two_hundred_models_on_sixty_benchmarks_are_drawn():
    results = planted(n_models=200, n_benchmarks=60, languages=("fi",))
    found = {drawing.description.name: drawing for drawing in catalogue(results)}
    assert len(found["models"].draw().axes[0].texts) < 60
    assert not found["correlation_pearson"].draw().axes[0].texts


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        # Saito et al. 2024, sections 4.3 and 4.4
        ("scaling_pc1", ["English ρ = 0.916 (n = 27)", "Total ρ = 0.938 (n = 27)"]),
        ("scaling_pc2", ["Japanese ρ = 0.779 (n = 25)", "English ρ = 0.164 (n = 27)"]),
        ("pca_loadings", ["90.8 %"]),
        ("correlation_pearson", ["JHumanEval and HumanEval, 0.98"]),
        ("benchmarks", ["35 models on 19 benchmarks"]),
    ],
)
def test_captions_carry_the_published_numbers(name: str, numbers: list[str]):
    caption = drawn(shipped)[name].description.caption
    for number in numbers:
        assert number in caption


def test_sections_are_not_interrupted():
    sections = [drawing.description.section for drawing in drawn(shipped).values()]
    changes = sum(a != b for a, b in pairwise(sections))
    assert changes == len(set(sections)) - 1


def test_main_picture_comes_first():
    assert names(shipped(factors=0))[0] == "models"
    one = planted(n_models=6, n_benchmarks=3, languages=("fi",))
    single = replace(one, loadings=one.loadings[["PC1"]], pc_scores=one.pc_scores[["PC1"]])
    assert names(single)[0] == "benchmarks"


def test_every_figure_says_its_n_how_to_read_it_and_what_it_shows():
    for drawing in drawn(shipped).values():
        words = drawing.description
        assert "models" in words.n
        assert words.reading.endswith(".")
        assert len(words.alternative) > 30
        assert "35 models" in words.caption or "n = " in words.caption


def test_captions_count_only_models_that_have_both_scores():
    results = tiny()
    X = results.X.copy()
    X.iloc[:2, 0] = float("nan")
    found = {d.description.name: d.description for d in catalogue(replace(results, X=X))}
    assert "over 4 to 6 models" in found["correlation_pearson"].caption
    assert "2 missing" in found["benchmarks"].caption
