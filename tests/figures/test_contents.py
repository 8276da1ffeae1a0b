"""What the figures show: names, colours, lines, values."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.markers import TICKDOWN

from stages.figures.bars import draw_loadings, draw_scores
from stages.figures.benchmarks import bubble_area, draw_benchmarks
from stages.figures.components import draw_models
from stages.figures.heatmap import draw_correlation
from stages.figures.loo import draw_loo
from stages.figures.palette import LANGUAGE_COLOURS, group_colours, group_markers, language_colours
from stages.figures.parts import MOST_NAMED, short, two_decimals
from stages.figures.readings import correlations, draw_readings, readings_of
from stages.figures.scaling import draw_scaling
from tests.figures.results_factory import planted, shipped

STUDY = shipped(factors=0)
SMALL = planted()


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.axison]


def names_in(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("component", ["PC1", "PC2"])
def test_scaling_names_every_model_with_a_known_budget(component):
    for axes, language in zip(panels(draw_scaling(STUDY, component)), ["ja", "en", "total"], strict=True):
        known = STUDY.models[STUDY.models[f"nd_{language}"] > 0]
        assert sorted(names_in(axes)) == sorted(known["name"])


def test_names_cover_neither_names_nor_points_and_stay_inside():
    for draw in (draw_scaling, draw_readings):
        for component in ("PC1", "PC2"):
            figure = draw(STUDY, component)
            renderer = figure.canvas.get_renderer()
            for axes in panels(figure):
                boxes = np.array([text.get_window_extent(renderer).extents for text in axes.texts])
                markers = [c.get_offsets() for c in axes.collections if isinstance(c, PathCollection)]
                points = axes.transData.transform(np.vstack(markers))
                assert overlaps(boxes) == 0
                assert covered(points, boxes) == 0
                window = axes.get_window_extent().extents
                assert (boxes[:, :2] >= window[:2]).all()
                assert (boxes[:, 2:] <= window[2:]).all()


def overlaps(boxes: np.ndarray) -> int:
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    meets = (high - low > 1).all(axis=-1)
    return int(np.triu(meets, 1).sum())


def covered(points: np.ndarray, boxes: np.ndarray) -> int:
    inside = (points[:, None] > boxes[None, :, :2]) & (points[:, None] < boxes[None, :, 2:])
    return int(inside.all(axis=-1).sum())


def test_scaling_line_is_the_law():
    figure = draw_scaling(STUDY, "PC1")
    for axes, law in zip(panels(figure), STUDY.laws[STUDY.laws["response"] == "PC1"].itertuples(), strict=True):
        x, y = axes.lines[0].get_data()
        np.testing.assert_allclose(y, law.intercept + law.slope * np.asarray(x))
        assert x[0] < x[1]
        assert f"ρ = {law.rho:.3f} (n = {law.n})" in axes.get_title("left")


def test_scaling_shows_only_budgets_with_a_law():
    laws = SMALL.laws[SMALL.laws["language"] != "sv"]
    titles = [axes.get_title("left") for axes in panels(draw_scaling(replace(SMALL, laws=laws), "PC1"))]
    assert [title.split()[0] for title in titles] == ["Finnish", "English", "Total"]


def test_of_many_models_those_that_stand_out_are_named():
    at, beyond = planted(n_models=MOST_NAMED), planted(n_models=300)
    assert len(names_in(panels(draw_scaling(at, "PC1"))[0])) == MOST_NAMED
    axes = panels(draw_models(beyond))[0]
    named = set(names_in(axes))
    assert 8 < len(named) < MOST_NAMED
    scores = beyond.pc_scores[["PC1", "PC2"]] / beyond.pc_scores[["PC1", "PC2"]].std()
    farthest = scores.abs().max(axis=1).idxmax()
    assert beyond.models.loc[farthest, "name"] in named
    boxes = np.array([text.get_window_extent().extents for text in axes.texts])
    assert overlaps(boxes) == 0
    assert covered(axes.transData.transform(beyond.pc_scores[["PC1", "PC2"]]), boxes) == 0
    bars = panels(draw_scores(beyond, beyond.pc_scores, {"PC1": "PC1"}))[0]
    assert not bars.get_xticklabels()
    assert "300" in bars.get_xlabel()


def test_line_lies_above_a_crowd():
    for n, above in ((30, False), (300, True)):
        axes = panels(draw_scaling(planted(n_models=n), "PC1"))[0]
        highest = max(c.get_zorder() for c in axes.collections if isinstance(c, PathCollection))
        assert (axes.lines[0].get_zorder() > highest) == above


def test_groups_share_colour_and_marker_with_no_other():
    info = planted(n_models=40, n_groups=40).info
    looks = [(group_colours(info)[group], group_markers(info)[group]) for group in info.groups]
    assert len(set(looks)) == 40


@pytest.mark.parametrize("results", [STUDY, SMALL], ids=["shipped", "planted"])
def test_benchmark_names_have_the_colour_of_their_language(results):
    palette = language_colours(results.info)
    expected = [(row.label, palette[row.language]) for row in results.benchmarks.itertuples()]
    titles = dict(zip(results.loadings, results.loadings, strict=True))
    for figure in (
        draw_benchmarks(results),
        draw_correlation(results, results.pearson, "r"),
        draw_loadings(results, results.loadings, titles),
        draw_loo(results),
    ):
        ticks = [axes for axes in panels(figure) if len(axes.get_xticks()) == len(expected)][-1].get_xticklabels()
        assert [(tick.get_text(), to_hex(tick.get_color()).upper()) for tick in ticks] == expected


def test_languages_never_share_a_colour():
    for n in (2, len(LANGUAGE_COLOURS), len(LANGUAGE_COLOURS) + 4):
        codes = [f"l{i}" for i in range(n)]
        info = planted(n_benchmarks=3, languages=codes).info
        assert len(set(language_colours(info).values())) == n


def test_loading_bars_show_the_loadings_and_the_variance():
    figure = draw_loadings(STUDY, STUDY.loadings, {"PC1": "PC1 (65.2 % of the variance)", "PC2": "PC2"})
    first, second = panels(figure)
    assert [bar.get_height() for bar in first.patches] == pytest.approx(list(STUDY.loadings["PC1"]))
    assert names_in(second) == [two_decimals(value) for value in STUDY.loadings["PC2"]]
    assert first.get_title("left") == "PC1 (65.2 % of the variance)"


@pytest.mark.parametrize("draw", [draw_loadings, draw_scores])
def test_every_panel_of_a_stack_has_a_tick_below_each_bar(draw):
    table = STUDY.loadings if draw is draw_loadings else STUDY.pc_scores
    *above, last = draw(STUDY, table, {"PC1": "", "PC2": "", "PC3": ""}).axes
    assert len(last.get_xticks()) == len(table)
    for axes in above:
        (ticks,) = (line for line in axes.lines if line.get_marker() == TICKDOWN)
        drawn = ticks.get_transform().transform(ticks.get_xydata())
        expected = axes.transData.transform([(x, axes.get_ylim()[0]) for x in last.get_xticks()])
        np.testing.assert_allclose(drawn, expected)


def test_score_bars_carry_each_model_with_its_score_by_group():
    axes = panels(draw_scores(STUDY, STUDY.pc_scores, {"PC1": "PC1"}))[0]
    labels = [tick.get_text() for tick in axes.get_xticklabels()]
    by_name = dict(zip(STUDY.models["name"], STUDY.pc_scores["PC1"], strict=True))
    assert sorted(labels) == sorted(by_name)
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([by_name[label] for label in labels])
    groups = STUDY.models.set_index("name").loc[labels, "group"]
    assert list(dict.fromkeys(groups)) == list(STUDY.info.groups)
    assert (groups != groups.shift()).sum() == len(STUDY.info.groups)


def test_leave_one_out_shows_mean_spread_and_full_solution():
    axes = panels(draw_loo(STUDY))[0]
    table = STUDY.loo[STUDY.loo["component"] == "PC1"].set_index("benchmark")
    full = axes.collections[0].get_offsets()[:, 1]
    np.testing.assert_allclose(full, STUDY.loadings["PC1"])
    means = np.concatenate([c.lines[0].get_ydata() for c in axes.containers])
    assert sorted(means) == pytest.approx(sorted(table["mean"]))
    segments = np.concatenate([c.lines[2][0].get_segments() for c in axes.containers])
    assert sorted(segments[:, 1, 1] - segments[:, 0, 1]) == pytest.approx(sorted(2 * table["std"]))


def test_correlation_cells_show_their_value_in_any_order_of_benchmarks():
    backwards = STUDY.pearson.columns[::-1]
    turned = replace(STUDY, X=STUDY.X[backwards])
    axes = draw_correlation(turned, STUDY.pearson.loc[backwards, backwards], "r").axes[0]
    cell = {(t.get_position()): t.get_text() for t in axes.texts}
    # Saito et al. 2024, section 4.2: r of HumanEval and JHumanEval is 0.98
    x, y = list(backwards).index("humaneval"), list(backwards).index("jhumaneval")
    assert cell[(x, y)] == "0.98"


def test_bubble_area_is_proportional_to_parameters():
    assert bubble_area(35.0, 70.0, 10) == pytest.approx(bubble_area(70.0, 70.0, 10) / 2)
    assert bubble_area(35.0, 70.0, 500) < bubble_area(35.0, 70.0, 10)


def test_bubbles_show_every_score_once():
    axes = draw_benchmarks(STUDY).axes[0]
    drawn = np.concatenate([c.get_offsets()[:, 1] for c in axes.collections])
    assert sorted(drawn) == pytest.approx(sorted(STUDY.X.to_numpy().ravel()))


def test_readings_follow_the_study_else_the_largest_loadings():
    assert list(readings_of(STUDY, "PC2")) == ["NIILC", "JEMHopQA", "WMT20 en-ja"]
    largest = STUDY.loadings["PC4"].abs().nlargest(3).index
    assert [names for names in readings_of(STUDY, "PC4").values()] == [[name] for name in largest]
    partly = replace(STUDY, X=STUDY.X.drop(columns="niilc"))
    assert "NIILC" not in readings_of(partly, "PC2")


def test_a_reading_on_which_all_models_score_the_same_has_no_line():
    drawn = panels(draw_readings(replace(STUDY, X=STUDY.X * 0 + 0.5), "PC1"))
    assert all("r not computed" in axes.get_title("left") for axes in drawn)
    assert not any(axes.lines for axes in drawn)


def test_reading_is_the_mean_of_its_benchmarks():
    english = STUDY.benchmarks.index[STUDY.benchmarks["language"] == "en"]
    r = np.corrcoef(STUDY.X[english].mean(axis=1), STUDY.pc_scores["PC1"])[0, 1]
    assert correlations(STUDY, "PC1")["Mean of English benchmarks"] == pytest.approx(r)


def test_dollar_signs_and_long_names_are_text():
    models = SMALL.models.assign(name=[f"a$b$ {'x' * 60} {i}" for i in range(len(SMALL.models))])
    axes = panels(draw_scaling(replace(SMALL, models=models), "PC1"))[0]
    assert len(axes.texts) == len(models)
    assert not any(text.get_parse_math() for text in axes.texts)
    assert all(len(name) == len(short("x" * 100)) for name in names_in(axes))
    # a Japanese character is as wide as two Latin ones
    assert short("日" * 160) == "日" * 17 + "…"


def test_two_decimals_has_a_true_minus_and_no_negative_zero():
    assert [two_decimals(value) for value in (-0.126, -0.001, 0.5)] == ["−0.13", "0.00", "0.50"]
