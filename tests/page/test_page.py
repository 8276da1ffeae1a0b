"""The report page, as text and in a real browser."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from stages.analysis.claims import COLUMNS, compare
from stages.analysis.scores.results import Results
from stages.figures.catalog import catalogue
from stages.figures.style import save
from stages.lineage.graph import Graph
from stages.lineage.pipeline import Entry, LockedStage
from stages.page.page import Chart, GateSummary, Origin, Page, page_from, render_page
from tests.browser import broken_images, console, open_browser, overflow, requested, set_width
from tests.figures.results_factory import SHIPPED, planted, shipped

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


def claims_of(results: Results) -> pd.DataFrame:
    claims = pd.read_csv(SHIPPED / "claims.csv").fillna({"note": ""})
    return compare(claims[claims["claim_id"].str.match("corr|pca.*evr|scaling.pc|std|models")], results)


def page_of(results: Results, claims: pd.DataFrame, charts: tuple[Chart, ...] = (), **more: Any) -> Page:
    return page_from(results, claims, GateSummary(COUNTS, FINDINGS), charts, files=FILES, origin=ORIGIN, **more)


NO_CLAIMS = pd.DataFrame(columns=COLUMNS)
STUDY = shipped(factors=0)
CLAIMS = claims_of(STUDY)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site with space")
    (folder / "figures").mkdir()
    charts = []
    for drawing in catalogue(planted(n_models=4, n_benchmarks=3, languages=("fi",))):
        words = drawing.description
        save(drawing.draw(), words, folder / "figures", 50)
        charts.append(Chart(words.name, words.title, words.caption, words.section))
    html = render_page(page_of(STUDY, CLAIMS, tuple(charts)))
    (folder / "index.html").write_text(html, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(chrome: Chrome, site: Path) -> Chrome:
    console(chrome), requested(chrome)
    set_width(chrome, 1280)
    chrome.get((site / "index.html").as_uri())
    return chrome


def test_opens_from_disk_without_errors_or_other_hosts(page, site):
    assert STUDY.info.title in page.title
    assert console(page) == []
    assert broken_images(page) == []
    asked = [url for url in requested(page) if not url.startswith("data:")]
    figures = {path.as_uri() for path in (site / "figures").glob("*.svg")}
    assert set(asked) == figures | {(site / "index.html").as_uri()}


def test_every_figure_is_described(page):
    images = page.find_elements(By.CSS_SELECTOR, "figure img")
    captions = [caption.text for caption in page.find_elements(By.TAG_NAME, "figcaption")]
    assert len(images) == len(captions) > 5
    for image, caption in zip(images, captions, strict=True):
        assert caption.startswith(image.get_attribute("alt"))
        assert "SVG. Traced to " in caption


def test_every_figure_and_claim_leads_to_its_trace(page):
    known = {e.get_attribute("id") for e in page.find_elements(By.CSS_SELECTOR, "#lineage pre")}
    for place in ("figcaption", ".claims tbody tr"):
        script = f"""return [...document.querySelectorAll('{place}')].map(
            e => [...e.querySelectorAll('a[href^="#trace-"]')].map(a => a.getAttribute('href').slice(1)))"""
        links = page.execute_script(script)
        assert all(links), place
        assert {link for group in links for link in group} <= known
    assert len(known) > 5


def test_a_trace_opens_when_it_is_followed(page):
    chain = page.find_element(By.ID, "trace-reports-tables-pca-loadings-csv")
    assert not chain.is_displayed()
    link = page.find_element(By.CSS_SELECTOR, '#figure-pca_loadings a[href^="#trace-reports-tables-pca-loadings"]')
    page.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", link)
    link.click()
    assert chain.is_displayed()
    assert chain.text.splitlines() == [
        "$ observatory trace reports/tables/pca_loadings.csv",
        f"reports/tables/pca_loadings.csv  md5 {'1' * 32}",
        "└─ stage decompose: python -m <decompose>",
        f"   └─ data/score_matrix.parquet  md5 {'2' * 32}",
    ]


@pytest.mark.parametrize("width", [1280, 400])
def test_fits_the_window(page, width):
    set_width(page, width)
    assert overflow(page) == 0
    wide = page.execute_script("return [...document.images].filter(i => i.clientWidth > innerWidth).length")
    assert wide == 0


def test_claims_are_filtered_by_status(page):
    def shown() -> list[str]:
        rows = "[...document.querySelectorAll('.claims tbody tr')].filter(row => row.offsetHeight)"
        script = f"return {rows}.map(row => row.cells[6].innerText)"
        return page.execute_script(script)

    counts = CLAIMS["status"].value_counts()
    assert len(shown()) == len(CLAIMS)
    for status in ("reproduced", "not reproduced", "not in this subset"):
        label = page.find_element(By.XPATH, f"//label[normalize-space()='{status} ({counts[status]})']")
        page.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", label)
        label.click()
        assert len(shown()) == counts[status] > 0
        assert {text.strip() for text in shown()} == {status}
    page.find_element(By.ID, "show-all").click()
    assert len(shown()) == len(CLAIMS)


def test_contents_lead_to_every_section(page):
    targets = [a.get_attribute("href").split("#")[1] for a in page.find_elements(By.CSS_SELECTOR, "nav a")]
    sections = [s.get_attribute("id") for s in page.find_elements(By.CSS_SELECTOR, "main > section")]
    assert targets == sections
    assert len(set(sections)) == len(sections)


def test_ids_are_unique(page):
    ids = page.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_statuses_differ_in_colour(page):
    script = "return getComputedStyle(document.querySelector(arguments[0])).color"
    kinds = ("reproduced", "not-reproduced", "not-in-this-subset")
    assert len({page.execute_script(script, f"tr.{kind} td.status") for kind in kinds}) == 3


def test_links_are_relative_and_name_the_outputs(page, site):
    links = [a.get_attribute("href") for a in page.find_elements(By.TAG_NAME, "a")]
    beside = {link.removeprefix(site.as_uri() + "/") for link in links}
    assert {f"tables/{name}.csv" for name in FILES} <= beside
    assert {"data_docs/budget/index.html", "data_docs/validate/index.html"} <= beside
    assert all(link.startswith(site.as_uri()) for link in links)


def test_page_states_the_published_numbers():
    html = render_page(page_of(STUDY, CLAIMS))
    # Saito et al. 2024, sections 4.2 to 4.4
    for number in ("65.15 %", "15.42 %", "6.97 %", "3.23 %", "0.916 (n = 27)", "0.779 (n = 25)", "0.938 (n = 27)"):
        assert number in html
    assert '<td>HumanEval – JHumanEval</td><td class="number">0.980</td>' in html


def test_page_states_gate_digest_and_licence():
    html = render_page(page_of(STUDY, CLAIMS))
    assert "Checks: 89, failures: 0, warnings: 1, waived: 1, corrected: 0" in html
    assert "passed" in html
    assert DIGEST in html
    assert "CC BY 4.0" in html
    assert "arXiv:2412.14471" in html
    assert "nan" not in [cell.split("<")[0] for cell in html.split("<td>")]


def test_token_disagreement_stands_beside_its_model():
    table = next(t for t in page_of(STUDY, CLAIMS).tables if t.title == "Models and budgets")
    row = dict(zip(table.columns, next(r for r in table.rows if r[0] == "Yi-1.5 6B"), strict=False))
    assert row["Note"] == "tokens_en_b is printed as 2170, derived as 2520"
    assert row["English tokens, 10⁹"] == "2,170"
    # 6e9 parameters x 2170e9 tokens
    assert row["ND English"] == "1.3e+22"
    assert row["ND Japanese"] == "–"


def test_text_from_tables_cannot_become_markup():
    html = render_page(page_of(STUDY, CLAIMS))
    assert "<b>suspected" not in html
    assert "&lt;b&gt;suspected" in html


def test_page_depends_on_its_arguments_alone():
    assert render_page(page_of(STUDY, CLAIMS)) == render_page(page_of(shipped(factors=0), claims_of(STUDY)))


def test_study_without_claims_laws_or_pairs_has_a_page():
    bare = replace(planted(), laws=pd.DataFrame(), skipped=("no scaling law: no <budgets>",))
    page = page_of(bare, NO_CLAIMS)
    html = render_page(page)
    assert 'id="claims"' not in html
    assert "no scaling law: no &lt;budgets&gt;" in html
    assert [table.title for table in page.headlines] == ["Explained variance"]


def test_closed_gate_is_said():
    verdict = GateSummary({**COUNTS, "success": False, "failures": 2}, FINDINGS)
    html = render_page(page_from(STUDY, NO_CLAIMS, verdict, (), files=FILES, origin=ORIGIN))
    assert "not passed" in html
    assert "failures: 2" in html


def test_missing_numbers_are_dashes():
    claims = pd.DataFrame([["x", "Table 9", "q", 1.0, np.nan, np.nan, "not in this subset", None]], columns=COLUMNS)
    claim = page_of(STUDY, claims).claims[0]
    assert (claim.published, claim.reproduced, claim.difference, claim.note) == ("1", "–", "–", "")
