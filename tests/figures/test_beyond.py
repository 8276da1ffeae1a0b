"""Figures on uncertainty, robustness and new models."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from stages.analysis.components.dimensionality import criteria, spectrum
from stages.analysis.scaling.laws import TOTAL, log_budgets
from stages.analysis.scores.families import family_codes
from stages.analysis.uncertainty.ranks import COLUMNS, measures, pairs_table, ranks_table
from stages.analysis.uncertainty.resampling import Data
from stages.analysis.uncertainty.tables import (
    Study,
    axes_table,
    explained_variance_table,
    loadings_table,
    resample,
    scaling_table,
)
from stages.figures.beyond import catalogue_beyond
from stages.figures.parts import MOST_NAMED
from stages.figures.placing import draw_newcomers, newcomers_words
from stages.figures.ranks import draw_ranks, ranked
from stages.figures.robustness import MOST_VARIATIONS, draw_robustness
from stages.figures.style import save
from tests.figures.results_factory import planted, shipped


@cache
def tables(name: str) -> dict[str, pd.DataFrame]:
    results = shipped() if name == "shipped" else planted()
    logs = log_budgets(results.models, list(results.info.languages), 5).to_numpy()
    data = Data(results.X.to_numpy(), logs, np.full(results.X.shape, 0.01), logs, logs, {})
    study = Study(
        data=data,
        codes=family_codes(results.models),
        reference=results.loadings.to_numpy(),
        models=list(results.X.index),
        benchmarks=list(results.X.columns),
        components=list(results.loadings.columns),
        budgets=[*results.info.languages, TOTAL],
        unit_variance=True,
    )
    rng = np.random.default_rng(0)
    found, _ = resample(study, 100, rng)
    values = spectrum(results.X, 100, 0.95, rng)
    ranked = measures(study, np.ones(results.X.shape, dtype=bool), {}, 0.01)
    return {
        "stability_explained_variance": explained_variance_table(study, found, 0.95),
        "stability_loadings": loadings_table(study, found, 0.95),
        "stability_scaling": scaling_table(study, found, 0.95),
        "stability_axes": axes_table(study, found),
        "stability_spectrum": values,
        "stability_components": criteria(values, 0.9),
        "stability_ranks": ranks_table(study, ranked, 200, 0.95, rng),
        "stability_rank_pairs": pairs_table(study, ranked, 0.95),
    }


def verdicts(n_variations: int) -> pd.DataFrame:
    rows = [
        ("one", f"without b{i}", "fails" if i == 1 else "holds", 0.1 * i, "benchmark") for i in range(n_variations)
    ]
    return pd.DataFrame(rows, columns=["conclusion", "variation", "verdict", "value", "kind"])


@pytest.mark.parametrize("name", ["shipped", "planted"])
def test_every_figure_that_the_tables_allow_is_drawn(name: str):
    results = shipped() if name == "shipped" else planted()
    everything = tables(name) | {"robustness": verdicts(5)}
    found = catalogue_beyond(results, everything, {"one": "A conclusion"}, 0.95)
    drawn = {drawing.description.name: drawing for drawing in found}
    ranks = ["stability_ranks", "stability_ranks_benchmarks"]
    assert list(drawn) == ["stability_components", "stability_loadings", "stability_scaling", *ranks, "robustness"]
    assert "4 of 5 cells hold" in drawn["robustness"].description.caption
    assert "95 % intervals" in drawn["stability_loadings"].description.caption
    panels = drawn["stability_loadings"].draw().axes
    assert [axes.get_title(loc="left") for axes in panels] == list(results.loadings.columns)


def test_nothing_is_drawn_of_nothing():
    empty = tables("planted") | {"stability_scaling": tables("planted")["stability_scaling"].iloc[:0]}
    names = [drawing.description.name for drawing in catalogue_beyond(planted(), empty, {}, 0.95)]
    assert names == ["stability_components", "stability_loadings", "stability_ranks", "stability_ranks_benchmarks"]
    del empty["stability_scaling"]
    assert [drawing.description.name for drawing in catalogue_beyond(planted(), empty, {}, 0.95)] == names
    assert not list(catalogue_beyond(planted(), {}, {}, 0.95))


def test_cells_show_their_number_and_a_mark():
    (axes,) = draw_robustness(verdicts(3), {"one": "A conclusion"}).axes
    assert [text.get_text() for text in axes.texts] == ["0.00", "0.10\n✗", "0.20"]


def test_a_large_table_shows_what_does_not_hold():
    (axes,) = draw_robustness(verdicts(MOST_VARIATIONS + 1), {"one": "A conclusion"}).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["without b1"]


def test_pairs_that_cannot_be_told_apart_have_a_square_each():
    results, found = planted(), tables("planted")
    left, right = draw_ranks(results, found["stability_ranks"], found["stability_rank_pairs"]).axes
    rows = ranked(found["stability_ranks"], "PC1")
    assert [label.get_text() for label in left.get_yticklabels()] == list(results.models["name"][rows.index])
    (squares,) = right.collections
    at = [list(rows.index).index(name) for name in found["stability_rank_pairs"].query("measure == 'PC1'")["other"]]
    assert sorted(squares.get_offsets()[:, 1]) == sorted(at)


def test_ranks_of_many_models_are_bands_without_names():
    results = planted(n_models=MOST_NAMED + 1)
    rows = [("PC1", name, i + 1, i + 1, i + 1, 1, 61, 60, 61) for i, name in enumerate(results.X.index)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    (axes,) = draw_ranks(results, table, table.iloc[:0]).axes
    assert list(axes.get_yticks()) == []
    assert axes.get_ylabel() == "61 models, the best on top"


def test_ranks_of_very_many_models_stay_small(tmp_path: Path):
    results = planted(n_models=500)
    rows = [("PC1", name, i + 1, i + 1, i + 1, 1, 500, 499, 500) for i, name in enumerate(results.X.index)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    everything = {"stability_ranks": pd.concat([table, table.assign(measure="bench_0")])}
    for drawing in catalogue_beyond(results, everything, {}, 0.95):
        save(drawing.draw(), drawing.description, tmp_path, 50)
        assert (tmp_path / f"{drawing.description.name}.svg").stat().st_size < 60_000
    assert len(list(tmp_path.iterdir())) == 2


def test_new_models_stand_inside_their_panels(tmp_path: Path):
    results = planted()
    names = list(results.pc_scores.columns)
    far = results.pc_scores.max() * 3
    placed = pd.DataFrame({name: [far[name]] for name in names}, ["lab/new"])
    for name in names:
        placed[f"{name}_low"], placed[f"{name}_high"] = far[name] - 1, far[name] + 1
    figure = draw_newcomers(results, placed, 0.95)
    for axes, other in zip(figure.axes, names[1:], strict=False):
        assert axes.get_xlim()[1] > far[names[0]] + 1
        assert axes.get_ylim()[1] > far[other] + 1
        assert "lab/new" in [text.get_text() for text in axes.texts]
    for name, own in (("first", figure), ("second", draw_newcomers(results, placed, 0.95))):
        (tmp_path / name).mkdir()
        save(own, newcomers_words(placed, 0.95, png=True), tmp_path / name, 80)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == ["newcomers.png", "newcomers.svg"]
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_many_new_models_have_numbers_and_a_key_that_names_each_once():
    results = planted()
    placed = pd.concat([results.pc_scores] * 6).set_axis([f"lab/new-{i}" for i in range(48)])
    for name in results.pc_scores:
        placed[f"{name}_low"], placed[f"{name}_high"] = placed[name] - 1, placed[name] + 1
    figure = draw_newcomers(results, placed, 0.95)
    numbers = [str(i) for i in range(1, 49)]
    for axes in figure.axes[: len(results.pc_scores.columns) - 1]:
        assert [text.get_text() for text in axes.texts] == numbers
    assert [text.get_text() for text in figure.texts] == [f"{i + 1}  lab/new-{i}" for i in range(48)]
    below = min(axes.get_tightbbox().y0 for axes in figure.axes)
    assert all(text.get_window_extent().y1 <= below for text in figure.texts)


def test_a_model_of_the_study_can_be_placed_too():
    results = planted()
    placed = results.pc_scores.iloc[:1].copy()
    for name in results.pc_scores:
        placed[f"{name}_low"], placed[f"{name}_high"] = placed[name] - 1, placed[name] + 1
    (first, *_) = draw_newcomers(results, placed, 0.95).axes
    names = [text.get_text() for text in first.texts]
    assert sorted(names) == sorted([*results.models["name"], str(placed.index[0])])


def retested() -> dict[str, pd.DataFrame]:
    verdicts = pd.DataFrame(
        [("one", "A conclusion", "§1", "holds", "cannot be told")],
        columns=["conclusion", "statement", "source", "earlier", "later"],
    )
    rows = [
        ("one", "old", "evr.PC1", "holds", 0.6, 0.5, 0.7, 0.5, 0.4, 35, 10, ""),
        (
            "one",
            "new",
            "evr.PC1",
            "cannot be told",
            0.45,
            0.2,
            0.9,
            0.5,
            0.4,
            50,
            12,
            "the interval covers both sides",
        ),
    ]
    columns = ["conclusion", "variation", "statistic", "verdict", "value", "low", "high", "holds_from", "weakens_from"]
    criteria = pd.DataFrame(rows, columns=[*columns, "n", "families", "reason"])
    ids = list(planted().X.index)
    places = pd.DataFrame({"study": ["old"] * 5 + ["new"] * len(ids), "model_id": [f"o{i}" for i in range(5)] + ids})
    for j, name in enumerate(("PC1", "PC2")):
        places[name] = np.arange(len(places)) * (1.0 - 2 * j)
        places[f"{name}_low"] = np.where(places["study"] == "new", places[name] - 1, np.nan)
        places[f"{name}_high"] = places[f"{name}_low"] + 2
    return {"retest": verdicts, "retest_criteria": criteria, "retest_places": places}


def test_conclusions_out_of_time_stand_on_one_scale():
    found = {drawing.description.name: drawing for drawing in catalogue_beyond(planted(), retested(), {}, 0.95)}
    assert list(found) == ["retest", "retest_places"]
    words = found["retest"].description
    assert words.title == "Conclusions of old on the models of new"
    assert "1 of 1 cannot be told" in words.caption
    assert "A conclusion: holds, now cannot be told" in words.alternative
    (axes,) = found["retest"].draw().axes
    points = [collection for collection in axes.collections if isinstance(collection, PathCollection)]
    # distances from the bound 0.5 in units of 0.1
    assert [float(point.get_offsets()[0, 0]) for point in points] == pytest.approx([1.0, -0.5])
    filled, hollow = (point.get_facecolors()[0].tolist() for point in points)
    assert hollow == [1.0, 1.0, 1.0, 1.0] != filled


def test_places_name_models_without_covering_one_another():
    (axes,) = [d.draw() for d in catalogue_beyond(planted(), retested(), {}, 0.95)][-1].axes
    shown = [text.get_text() for text in axes.texts]
    assert shown
    assert set(shown) <= set(planted().models["name"])
    assert len(set(shown)) == len(shown)
