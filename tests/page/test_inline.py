"""Figures in one page draw what their files draw."""

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from stages.figures.bars import draw_loadings, draw_scores
from stages.figures.style import save
from stages.page.inline import share
from tests.figures.results_factory import planted, words


@pytest.fixture(scope="module")
def svgs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder, results = tmp_path_factory.mktemp("figures"), planted()
    titles = {"PC1": "PC1 (one)", "PC2": "PC2 (two)"}
    save(draw_scores(results, results.pc_scores, titles), words("scores", png=False), folder, 60)
    save(draw_loadings(results, results.loadings, titles), words("loadings", png=False), folder, 60)
    return [(folder / f"{name}.svg").read_text(encoding="utf-8") for name in ("scores", "loadings")]


def drawn(element: Element, defined: dict[str, Element]) -> list[object]:
    """Return what an element draws, what it refers to in the place of the reference."""
    given = {name: value for name, value in element.attrib.items() if name not in ("id", "href", "clip-path")}
    parts = [*element, *([defined[element.attrib["href"][1:]]] if "href" in element.attrib else [])]
    inside = [one for part in parts if not part.tag.endswith("defs") for one in drawn(part, defined)]
    kind = element.tag.rpartition("}")[2]
    # a group without attributes draws what is in it, and so does a reference without any
    return inside if kind in ("g", "use") and not given else [[kind, sorted(given.items()), element.text, inside]]


def tree(svg: str, definitions: str = "") -> list[object]:
    root = ElementTree.fromstring(svg)
    roots = [root, ElementTree.fromstring(f"<defs>{definitions}</defs>")]
    return drawn(root, {one.get("id", ""): one for each in roots for one in each.iter() if one.get("id")})


def test_a_figure_in_the_page_draws_what_its_file_draws(svgs: list[str]):
    definitions, inline = share(svgs)
    assert [tree(svg, definitions) for svg in inline] == [tree(svg) for svg in svgs]


def test_what_figures_have_in_common_is_written_once(svgs: list[str]):
    definitions, inline = share(svgs)
    page = definitions + "".join(inline)
    assert len(page) < 0.9 * sum(map(len, svgs))
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len(set(names))
    # the title of a panel stands in both
    assert "<g id=" in definitions
    shapes = re.findall(r'<path [^<>]*? id="[^"]+"/>', page)
    assert len(shapes) == len({re.sub(' id="[^"]+"', "", shape) for shape in shapes})


def test_no_figures_share_nothing():
    assert share([]) == ("", [])
    assert share(["", "<svg/>"]) == ("", ["", "<svg/>"])
