"""An SVG that stands inline in a page: what its shapes say, and what it may not hold."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from stages.figures.bars import draw_scores
from stages.figures.benchmarks import draw_benchmarks
from stages.figures.catalog import catalogue
from stages.figures.heatmap import draw_correlation
from stages.figures.loo import draw_loo
from stages.figures.picture import Mark, name_shapes
from stages.figures.style import new_figure, save
from stages.figures.svg import prefix
from tests.figures.results_factory import planted, words

STUDY = planted(n_models=7, n_benchmarks=4, languages=("fi", "sv"), factors=1)


@cache
def drawn() -> dict[str, str]:
    with TemporaryDirectory() as folder:
        for drawing in catalogue(STUDY):
            save(drawing.draw(), drawing.description, Path(folder), 50)
        return {path.stem: path.read_text(encoding="utf-8") for path in Path(folder).glob("*.svg")}


def elements(name: str, kind: str) -> Iterator[Element]:
    return (element for element in ElementTree.fromstring(drawn()[name]).iter() if element.get("class") == kind)


def title(mark: Element) -> str:
    return "".join(mark.itertext())


def test_every_model_is_one_mark_per_panel_and_says_its_values():
    for name, panels in (("models", 1), ("scaling_pc1", 3), ("pc_scores", len(STUDY.pc_scores.columns))):
        found = Counter(mark.get("data-model") for mark in elements(name, "mark"))
        assert found == dict.fromkeys(STUDY.models.index, panels)
        assert sum(1 for _ in elements(name, "panel")) == panels
    first = STUDY.models.index[0]
    (mark,) = (mark for mark in elements("models", "mark") if mark.get("data-model") == first)
    x, y = (f"{STUDY.pc_scores.loc[first, pc]:.2f}".replace("-", "−") for pc in ("PC1", "PC2"))
    assert title(mark) == f"{STUDY.models.loc[first, 'name']}: PC1 {x}, PC2 {y}"


def test_every_score_and_correlation_is_one_mark():
    scores = {
        (mark.get("data-model"), mark.get("data-benchmark")): title(mark) for mark in elements("benchmarks", "mark")
    }
    assert set(scores) == {(model, benchmark) for model in STUDY.X.index for benchmark in STUDY.X.columns}
    assert all(text.endswith(f"{STUDY.X.loc[key]:.3f}") for key, text in scores.items())
    cells = {(mark.get("data-benchmark"), mark.get("data-other")) for mark in elements("correlation_pearson", "mark")}
    assert len(cells) == 16


def test_names_labels_and_lines_can_be_found():
    assert {label.get("data-model") for label in elements("models", "label")} == set(STUDY.models.index)
    assert [tick.get("data-benchmark") for tick in elements("pca_loadings", "tick")] == list(STUDY.X.columns)
    assert sum(1 for _ in elements("scaling_pc1", "law")) == 3


@pytest.mark.parametrize(
    "unwanted", ["<?xml", "<!", "<style", "<metadata", "<script", "xlink", "<text", "http://www.w3.org/1999"]
)
def test_nothing_disturbs_the_page_around(unwanted: str):
    assert not [name for name, svg in drawn().items() if unwanted in svg]


def test_identifiers_of_no_two_figures_collide_and_all_references_are_met():
    owned = {name: set(re.findall(r' id="([^"]+)"', svg)) for name, svg in drawn().items()}
    assert sum(map(len, owned.values())) == len(set().union(*owned.values()))
    for name, svg in drawn().items():
        used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg))
        assert used == owned[name]
        assert all(one.startswith(prefix(name)) for one in used)


def test_root_tells_what_a_reader_who_does_not_see_it_should_know():
    for drawing in catalogue(STUDY):
        root = ElementTree.fromstring(drawn()[drawing.description.name])
        assert root.get("role") == "img"
        assert root.get("aria-label") == drawing.description.label


def test_colours_survive():
    assert "fill:#cc3311" in drawn()["models"]
    assert "fill:#ffffff" in drawn()["models"]


def test_too_many_marks_become_an_image(tmp_path: Path):
    figure = new_figure(3, 3)
    points = figure.subplots().scatter(range(3001), range(3001), s=1)
    name_shapes(points, [Mark({}, "")] * 3001)
    save(figure, words("many", png=False), tmp_path, 50)
    svg = (tmp_path / "many.svg").read_text(encoding="utf-8")
    assert svg.count("<image") == 1
    assert 'data-rasterised="true"' in svg
    assert 'class="mark"' not in svg
    assert not (tmp_path / "many.png").exists()


def test_what_is_missing_is_no_mark(tmp_path: Path):
    results = planted(n_models=6, n_benchmarks=3, languages=("fi",))
    loo = results.loo.assign(mean=results.loo["mean"].where(results.loo["benchmark"] != "bench_1"))
    correlation, X = results.pearson.copy(), results.X.copy()
    correlation.iloc[0, 1] = correlation.iloc[1, 0] = X.iloc[0, 0] = float("nan")
    scores = results.pc_scores.copy()
    scores.iloc[0, 0] = float("nan")
    figures = {
        "loo": draw_loo(replace(results, loo=loo)),
        "correlation": draw_correlation(results, correlation, "r"),
        "benchmarks": draw_benchmarks(replace(results, X=X)),
        "bars": draw_scores(results, scores, {"PC1": "PC1"}),
    }
    for name, figure in figures.items():
        save(figure, words(name, png=False), tmp_path, 50)
    svg = {name: (tmp_path / f"{name}.svg").read_text(encoding="utf-8") for name in figures}
    assert svg["loo"].count('class="mark"') == 3 * (3 + 2)
    assert svg["benchmarks"].count('class="mark"') == 6 * 3 - 1


def test_a_mark_too_few_is_an_error(tmp_path: Path):
    figure = new_figure(3, 3)
    name_shapes(figure.subplots().scatter([1, 2], [1, 2]), [Mark({}, "")])
    with pytest.raises(ValueError, match="2 shapes for 1 marks"):
        save(figure, words("few"), tmp_path, 50)
