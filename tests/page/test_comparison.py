"""Two states as one page: as text and in a real browser."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By

from stages.commands.diff_page import NO_BENCHMARKS, NO_MODELS
from stages.page.comparison import Changes, State, conclusions_table, render_comparison, turned_table
from tests.browser import console, low_contrast, overflow, set_width, unnamed_pictures
from tests.figures.results_factory import planted
from tests.page.studies import verdicts

RESULTS = planted(n_models=6, n_benchmarks=5, languages=("fi", "sv"))
MODEL = RESULTS.models.index[1]
GONE, NEW = RESULTS.models.index[4], RESULTS.models.index[5]
MOVE = 2.5

FIRST = State(
    name="v1 (0123abcd)",
    study="planted, all",
    info=RESULTS.info,
    models=RESULTS.models.drop(index=NEW),
    benchmarks=RESULTS.benchmarks,
    loadings=RESULTS.loadings,
    scores=RESULTS.pc_scores.drop(index=NEW),
    verdicts=verdicts(("one", "all", "holds", 0.61, ""), ("one", "without fi", "holds", 0.55, "")),
    statements={"one": "One ability explains most"},
)
MOVED = RESULTS.pc_scores.drop(index=GONE)
MOVED.loc[MODEL, "PC1"] += MOVE
SECOND = replace(
    FIRST,
    name="workspace",
    models=RESULTS.models,
    scores=MOVED,
    loadings=RESULTS.loadings * 0.9,
    verdicts=verdicts(("one", "all", "holds", 0.6, ""), ("one", "without fi", "fails", 0.3, "")),
)
CHANGES = Changes(
    params=[("assemble.corrections", "False", "True")],
    facts=[("scores.csv: lab/model-1 bench_0", "0.5", "<i>0.6")],
    code=[],
    numbers=[("reports/tables/pca_scores.csv", f"{MODEL} PC1", "1.0", "3.5", "assemble.corrections")],
    missing=[],
)
NOTHING = Changes([], [], [], [], [])


def test_what_changed_is_counted_in_one_sentence():
    html = render_comparison(FIRST, SECOND, CHANGES)
    told = "1 parameter, 1 fact and no files of code changed; 1 number moved; 1 of 1 conclusions turned"
    assert told in html
    assert "&lt;i&gt;0.6" in html
    assert "<i>0.6" not in html
    assert render_comparison(FIRST, SECOND, CHANGES) == html


def test_the_same_state_twice_says_so():
    html = render_comparison(FIRST, FIRST, NOTHING)
    assert "no numbers moved; none of 1 conclusions turned" in html
    assert "Verdicts that turned" not in html


def test_verdicts_that_turned_are_named_with_both_numbers():
    turned = turned_table(FIRST, SECOND)
    assert turned is not None
    assert turned.rows == (("One ability explains most", "without fi", "holds 0.550", "fails 0.300"),)
    table = conclusions_table(FIRST, SECOND)
    assert table is not None
    assert table.rows[0][-3:] == ("2 of 2", "1 of 2", "same")
    assert conclusions_table(replace(FIRST, statements={}), replace(SECOND, statements={})) is None


def test_a_state_whose_tables_are_gone_is_compared_by_what_is_left():
    nothing = pd.DataFrame()
    bare = replace(FIRST, loadings=nothing, scores=nothing, verdicts=nothing, statements={})
    html = render_comparison(bare, SECOND, replace(CHANGES, missing=["pca_scores.csv is not in the cache"]))
    assert "no positions to compare" in html
    assert "pca_scores.csv is not in the cache" in html
    gone = replace(bare, models=NO_MODELS, benchmarks=NO_BENCHMARKS)
    assert "1 parameter, 1 fact" in render_comparison(gone, gone, CHANGES)


@pytest.fixture
def page(chrome: Chrome, tmp_path: Path) -> Chrome:
    (tmp_path / "diff.html").write_text(render_comparison(FIRST, SECOND, CHANGES), encoding="utf-8")
    console(chrome)
    set_width(chrome, 1280)
    chrome.get((tmp_path / "diff.html").as_uri())
    return chrome


def test_models_that_moved_have_an_arrow_and_others_none(page):
    arrows = page.find_elements(By.CSS_SELECTOR, ".scatter .arrow")
    assert [arrow.get_attribute("data-model") for arrow in arrows] == [MODEL]
    point = page.find_element(By.CSS_SELECTOR, f'.scatter .pt[data-model="{MODEL}"]')
    ActionChains(page).move_to_element(point).perform()
    lines = page.find_element(By.ID, "tip").text.splitlines()
    assert f"PC1: {MOVED.loc[MODEL, 'PC1']:.2f}".replace("-", "−") in lines


def test_a_model_of_one_state_only_is_drawn_where_it_stands(page):
    former = page.find_elements(By.CSS_SELECTOR, f'.scatter .former[data-model="{GONE}"]')
    assert [mark.get_attribute("data-told") for mark in former] == ["only in the first state"]
    assert len(page.find_elements(By.CSS_SELECTOR, f'.scatter .pt[data-model="{NEW}"]')) == 1
    assert page.find_elements(By.CSS_SELECTOR, f'.scatter .former[data-model="{NEW}"]') == []


def test_loadings_of_both_states_are_overlaid(page):
    n = RESULTS.loadings.size
    assert len(page.find_elements(By.CSS_SELECTOR, ".loadings .former")) == n
    assert len(page.find_elements(By.CSS_SELECTOR, ".loadings .pt")) == n


@pytest.mark.parametrize("width", [1280, 400])
def test_it_opens_without_errors_fits_and_can_be_read(page, width):
    set_width(page, width)
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert console(page) == []
    assert overflow(page) == 0
    assert unnamed_pictures(page) == []
    assert low_contrast(page) == []
