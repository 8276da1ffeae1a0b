"""`dvc plots diff`: one page that overlays two states, in a real browser without a network."""

import re
from collections.abc import Iterator

import pandas as pd
import pytest
import yaml
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import console, open_browser, overflow, requested
from tests.repository import ROOT, Repository

TITLES = [title for plot in yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["plots"] for title in plot]
SCORES = "reports/tables/pca_scores.csv"
NO_LAWS = "Correlations with training budgets"
MOVED, GONE = "cyberagent/calm2-7b", "01-ai/Yi-1.5-6B"


@pytest.fixture(scope="module")
def two_states(shipped: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """HEAD is the shipped state; in the workspace one model has moved, one is gone, and no law could be fitted."""
    repository = shipped.copy_to(tmp_path_factory.mktemp("plots") / "repo")
    scores = pd.read_csv(repository.path / SCORES, index_col="model_id").drop(GONE)
    scores.loc[MOVED, "PC1"] += 5
    (repository.path / SCORES).unlink()
    scores.to_csv(repository.path / SCORES)
    laws = repository.path / "reports/tables/stability_scaling.csv"
    header = laws.read_text(encoding="utf-8").splitlines()[0]
    laws.unlink()
    laws.write_text(f"{header}\n", encoding="utf-8")
    return repository


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with open_browser(tmp_path_factory.mktemp("profile"), 1400, 1000) as opened:
        yield opened


def show(browser: Chrome, repository: Repository, *command: str) -> dict[str, WebElement]:
    """Make the page, open it and return its plots by title once all are drawn."""
    printed = repository.dvc("plots", *command)
    requested(browser)
    browser.get((repository.path / "dvc_plots/index.html").as_uri())
    assert f"{repository.path}/dvc_plots/index.html" in printed
    places = {title: browser.find_element(By.ID, re.sub(r"\W", "_", title)) for title in TITLES}
    WebDriverWait(browser, 60).until(
        lambda _: all(p.find_elements(By.CSS_SELECTOR, "svg.marks") or "nothing" in p.text for p in places.values())
    )
    return places


def test_two_states_lie_over_each_other_without_a_network(browser: Chrome, two_states: Repository):
    plots = show(browser, two_states, "diff", "HEAD", "workspace")
    assert console(browser) == []
    assert {url.partition(":")[0] for url in requested(browser)} <= {"file", "data"}
    assert overflow(browser) == 0
    overlaid = {title for title, plot in plots.items() if {"HEAD", "workspace"} <= set(plot.text.split())}
    assert overlaid == set(TITLES) - {NO_LAWS}
    assert "HEAD" in plots[NO_LAWS].text
    assert not browser.find_elements(By.TAG_NAME, "img")


def test_a_model_is_named_where_it_is_touched(browser: Chrome, two_states: Repository):
    plot = show(browser, two_states, "diff", "HEAD", "workspace")["Models on the first two components"]
    points = plot.find_elements(By.CSS_SELECTOR, "[aria-roledescription=point]")
    assert len(points) == 35 + 34
    old, new = (
        next(p for p in points if MOVED in (label := p.get_attribute("aria-label") or "") and f"rev: {rev}" in label)
        for rev in ("HEAD", "workspace")
    )
    assert new.location["x"] > old.location["x"] + 50
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", new)
    ActionChains(browser).move_to_element(new).perform()
    shown = WebDriverWait(browser, 10).until(lambda b: b.find_element(By.CSS_SELECTOR, "#vg-tooltip-element.visible"))
    assert MOVED in shown.text
    assert "workspace" in shown.text


def test_a_fit_goes_through_the_models_of_each_budget(browser: Chrome, two_states: Repository):
    plot = show(browser, two_states, "show")["Training budgets and components"]
    points = pd.read_csv(two_states.path / "reports/tables/scaling_points.csv")
    laws = points.groupby(["response", "language"]).size()
    assert len(plot.find_elements(By.CSS_SELECTOR, "[aria-roledescription='line mark']")) == len(laws)
    assert len(plot.find_elements(By.CSS_SELECTOR, "[aria-roledescription=point]")) == laws.sum()


def test_a_table_without_rows_is_said_and_harms_no_other_plot(browser: Chrome, two_states: Repository):
    plots = show(browser, two_states, "show")
    empty = [title for title, plot in plots.items() if "nothing to show" in plot.text]
    assert empty == [NO_LAWS]
    assert console(browser) == []


def test_the_libraries_in_the_page_are_those_that_the_licences_name():
    page = (ROOT / ".dvc/plots/page.html").read_text(encoding="utf-8")
    licences = (ROOT / ".dvc/plots/LICENSES").read_text(encoding="utf-8")
    version = re.search(r"vl-convert-python==(\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert version
    assert f"vl-convert-python {version[1]} " in licences
    for name, number in re.findall(r"^    (vega|vega-lite) ([\d.]+)", licences, flags=re.MULTILINE):
        assert f'"{number}"' in page, name
    assert not re.search(r"<(script|link)[^>]+(src|href)=.http", page)
