"""The report page in a real browser: hover, highlight, filters, sorting, narrow screens, print, contrast."""

from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from stages.page.page import render_page
from tests.browser import console, low_contrast, overflow, requested, set_width, unnamed_pictures
from tests.figures.results_factory import shipped
from tests.page.studies import FILES, claims_of, figure, model_mark, page_of, study_of

RESULTS = shipped(factors=0)
CLAIMS = claims_of(RESULTS)
FIRST, SECOND = RESULTS.models.index[:2]
NAMES = RESULTS.models["name"]
FIGURES = (
    figure(
        "benchmarks",
        "Scores",
        model_mark(FIRST, 20, "MMLU 0.61") + model_mark(SECOND, 50, f"{NAMES[SECOND]}: MMLU 0.28"),
    ),
    figure("pca_loadings", "Principal components"),
    figure("scaling_pc1", "Scaling laws", model_mark(FIRST, 20, "PC1 −0.71")),
    figure("scaling_pc2", "Scaling laws", model_mark(FIRST, 20, "PC2 −4.07")),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site with space")
    html = render_page(page_of(study_of(RESULTS, CLAIMS), FIGURES))
    (folder / "index.html").write_text(html, encoding="utf-8")
    return folder


@pytest.fixture
def page(chrome: Chrome, site: Path) -> Chrome:
    console(chrome), requested(chrome)
    set_width(chrome, 1280)
    chrome.get("about:blank")
    chrome.get((site / "index.html").as_uri())
    return chrome


def one(page: Chrome, selector: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, selector)


def into_view(page: Chrome, element: WebElement) -> WebElement:
    # the event of the scrolling comes with the next frame: it would hide a box that is shown before
    page.execute_async_script(
        "for (let d = arguments[0].closest('details'); d; d = d.parentElement.closest('details')) d.open = true;"
        "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'});"
        "requestAnimationFrame(() => requestAnimationFrame(arguments[1]))",
        element,
    )
    return element


def drawn(page: Chrome, panel: int = 0) -> list[str]:
    """Return the models that a panel of the main picture shows."""
    script = "return [...arguments[0].querySelectorAll('.pt')].map(p => p.dataset.model)"
    return page.execute_script(script, page.find_elements(By.CSS_SELECTOR, "#answer .scatter")[panel])


def lit(page: Chrome, selector: str) -> set[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map(e => e.dataset.model)"
    return set(page.execute_script(script, f"{selector}.lit"))


def find(page: Chrome, text: str) -> None:
    box = one(page, "#find")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(Keys.BACKSPACE, text)


def test_opens_from_disk_without_errors_or_other_files(page, site):
    assert RESULTS.info.title in page.title
    assert console(page) == []
    assert [url for url in requested(page) if not url.startswith(("data:", "about:"))] == [
        (site / "index.html").as_uri()
    ]


@pytest.mark.parametrize("width", [1280, 400])
def test_fits_the_window(page, width):
    set_width(page, width)
    assert overflow(page) == 0
    assert console(page) == []


def test_the_first_screen_holds_question_answer_picture_and_verdict(page):
    for selector in ("h1", ".lead", "#answer .scatter svg .pt", ".gate"):
        box = one(page, selector).rect
        assert box["height"] > 0
        assert box["y"] + box["height"] <= 900, selector


def test_a_point_tells_name_group_and_values(page):
    point = one(page, f'#answer .scatter .pt[data-model="{FIRST}"]')
    ActionChains(page).move_to_element(point).perform()
    lines = one(page, "#tip").text.splitlines()
    # Table 1: Yi-1.5 6B has 6e9 parameters and 2,170e9 English tokens: log10 of 1.302e22 is 22.11
    assert lines[0] == "Yi-1.5 6B"
    assert lines[1].startswith("English, family ")
    assert lines[2] == "log₁₀ ND English budget: 22.11"
    assert lines[3] == f"PC1: {RESULTS.pc_scores.loc[FIRST, 'PC1']:.2f}".replace("-", "−")
    ActionChains(page).move_to_element(one(page, "h1")).perform()
    assert not one(page, "#tip").is_displayed()


def test_a_mark_of_a_figure_tells_what_its_title_says(page):
    mark = into_view(page, one(page, f'#figure-benchmarks [data-model="{SECOND}"]'))
    ActionChains(page).move_to_element(mark).perform()
    lines = one(page, "#tip").text.splitlines()
    assert (lines[0], lines[-1]) == (NAMES[SECOND], "MMLU 0.28")
    assert page.find_elements(By.CSS_SELECTOR, ".picture title") == []


def test_a_model_is_highlighted_everywhere_at_once(page):
    find(page, NAMES[FIRST])
    for place in (".scatter .pt", "#figure-benchmarks .mark", "#table-score-matrix tr", "#figure-scaling_pc1 .mark"):
        assert lit(page, place) == {FIRST}, place
    find(page, "")
    assert lit(page, ".pt") == set()


def test_a_family_is_highlighted_at_once_and_escape_ends_it(page):
    family = RESULTS.models["family"]
    members = set(family.index[family == "yi"])
    find(page, "family yi")
    assert len(members) > 1
    assert lit(page, "#table-score-matrix tr") == members
    one(page, "#find").send_keys(Keys.ESCAPE)
    assert lit(page, "#table-score-matrix tr") == set()


def test_a_group_is_filtered_out_of_pictures_figures_and_tables(page):
    label = RESULTS.info.groups[RESULTS.models.loc[FIRST, "group"]]
    before = drawn(page)
    assert FIRST in before
    one(page, "#choice").find_element(By.XPATH, f".//label[contains(., '{label}')]/input").click()
    gone = set(RESULTS.models.index[RESULTS.models["group"] == RESULTS.models.loc[FIRST, "group"]])
    assert set(drawn(page)) == set(before) - gone
    assert not one(page, f'#figure-benchmarks [data-model="{FIRST}"]').is_displayed()
    rows = page.execute_script(
        "return [...document.querySelectorAll('#table-score-matrix tbody tr:not(.off)')].map(r => r.dataset.model)"
    )
    assert set(rows) == set(RESULTS.X.index) - gone
    assert f"{len(before) - len(gone & set(before))} models" in one(page, "#answer .scatter .now").text


def test_components_are_picked_for_the_axes(page):
    lists = page.find_elements(By.CSS_SELECTOR, "#answer .scatter select")
    lists[0].send_keys("PC3")
    lists[1].send_keys("PC2")
    label = one(page, "#answer .scatter svg").get_attribute("aria-label")
    assert label.startswith("PC3 against PC2, 35 models")
    assert len(drawn(page)) == 35
    point = one(page, f'#answer .scatter .pt[data-model="{FIRST}"]')
    assert f"PC2: {RESULTS.pc_scores.loc[FIRST, 'PC2']:.2f}".replace("-", "−") in point.get_attribute("data-told")


def test_loadings_are_shown_with_and_without_intervals(page):
    box = into_view(page, one(page, ".loadings input"))
    count = "return document.querySelectorAll('.loadings .interval').length"
    assert page.execute_script(count) == RESULTS.loadings.size
    box.click()
    assert page.execute_script(count) == 0
    assert page.execute_script("return document.querySelectorAll('.loadings .pt').length") == RESULTS.loadings.size


def test_the_score_matrix_is_sorted_by_keyboard(page):
    head = into_view(page, one(page, "#table-score-matrix thead th:nth-child(2)"))
    column = RESULTS.X.iloc[:, 0]
    for order, first in (("ascending", column.idxmin()), ("descending", column.idxmax())):
        head.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
        assert head.get_attribute("aria-sort") == order
        assert one(page, "#table-score-matrix tbody tr").get_attribute("data-model") == first
    other = one(page, "#table-score-matrix thead th:first-child button")
    other.send_keys(Keys.ENTER)
    assert head.get_attribute("aria-sort") is None
    first = one(page, "#table-score-matrix tbody tr th").text
    assert first == min(NAMES, key=str.lower)


def test_the_score_matrix_is_searched(page):
    box = into_view(page, one(page, "#table-score-matrix input[type=search]"))
    box.send_keys("swallow")
    found = {name for name in NAMES if "swallow" in name.lower()}
    rows = page.find_elements(By.CSS_SELECTOR, "#table-score-matrix tbody tr:not(.unmatched)")
    assert {row.find_element(By.TAG_NAME, "th").text for row in rows} == found
    assert one(page, "#table-score-matrix output").text == f"{len(found)} of 35 rows"


def test_claims_open_on_what_differs_and_are_filtered_by_status(page):
    def shown() -> set[str]:
        rows = "[...document.querySelectorAll('.claims tbody tr')].filter(row => row.offsetHeight)"
        return [text.strip() for text in page.execute_script(f"return {rows}.map(row => row.cells[6].innerText)")]

    counts = CLAIMS["status"].value_counts()
    assert shown() == ["not reproduced"] * counts["not reproduced"]
    for status in ("reproduced", "not in this subset"):
        label = page.find_element(By.XPATH, f"//label[normalize-space()='{status} ({counts[status]})']")
        into_view(page, label).click()
        assert shown() == [status] * counts[status]
    one(page, "#show-all").click()
    assert len(shown()) == len(CLAIMS)


def test_every_figure_and_claim_leads_to_its_trace(page):
    known = {e.get_attribute("id") for e in page.find_elements(By.CSS_SELECTOR, "#lineage pre")}
    for place in ("figure[id] figcaption", ".claims tbody tr"):
        script = f"""return [...document.querySelectorAll('{place}')].map(
            e => [...e.querySelectorAll('a[href^="#trace-"]')].map(a => a.getAttribute('href').slice(1)))"""
        links = page.execute_script(script)
        assert links, place
        assert all(links), place
        assert {link for group in links for link in group} <= known


def test_a_trace_opens_when_it_is_followed(page):
    chain = one(page, "#trace-reports-tables-pca-loadings-csv")
    assert not chain.is_displayed()
    into_view(page, one(page, '#figure-pca_loadings a[href^="#trace-reports-tables-pca-loadings"]')).click()
    assert chain.is_displayed()
    assert chain.text.splitlines() == [
        "$ observatory trace reports/tables/pca_loadings.csv",
        f"reports/tables/pca_loadings.csv  md5 {'1' * 32}",
        "└─ stage decompose: python -m <decompose>",
        f"   └─ data/score_matrix.parquet  md5 {'2' * 32}",
    ]


def test_contents_lead_to_every_section(page):
    targets = [a.get_attribute("href").split("#")[1] for a in page.find_elements(By.CSS_SELECTOR, "nav a")]
    sections = [s.get_attribute("id") for s in page.find_elements(By.CSS_SELECTOR, "main > section")]
    assert ["answer", *targets] == sections
    assert len(set(sections)) == len(sections)


def test_ids_are_unique(page):
    ids = page.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_links_are_relative_and_name_the_outputs(page, site):
    links = [a.get_attribute("href") for a in page.find_elements(By.TAG_NAME, "a")]
    beside = {link.removeprefix(site.as_uri() + "/") for link in links}
    assert {f"tables/{name}.csv" for name in FILES} <= beside
    assert {f"figures/{one.words.name}.svg" for one in FIGURES} <= beside
    assert {"data_docs/budget/index.html", "data_docs/validate/index.html"} <= beside
    assert all(link.startswith(site.as_uri()) for link in links)


def test_every_picture_has_a_text_alternative(page):
    assert unnamed_pictures(page) == []


def test_every_text_can_be_read(page):
    page.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert low_contrast(page) == []


def test_folded_figures_are_printed_and_fold_again(page):
    printed = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert printed["data"]
    opened = "return [...document.querySelectorAll('details.more')].map(d => d.open)"
    assert not any(page.execute_script(opened))
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert all(page.execute_script(opened))
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not any(page.execute_script(opened))
