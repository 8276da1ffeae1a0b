"""Names in any script: drawn where a font has them, named in one line where none has."""

import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from stages.figures import fonts
from stages.figures.components import draw_models
from stages.figures.files import draw_files, undrawable
from stages.figures.fonts import BASE, cover, lacking_line
from tests.figures.results_factory import planted, shipped

# no font has characters of the private use area
NOWHERE = "\U0010fffd"


def named(*names: str):
    results = planted(n_models=len(names), n_benchmarks=3, languages=("fi",))
    return replace(results, models=results.models.assign(name=list(names)))


def test_shipped_study_needs_no_font_of_the_machine():
    results = shipped(factors=0)
    texts = [*results.models["name"], *results.benchmarks["label"], *results.info.groups.values(), "ρ₁₀×−✗≈–±…"]
    assert cover(texts).families == (BASE,)


def test_japanese_names_take_the_font_that_is_installed_with_the_package():
    found = cover(["スワロー 7B", "理化学研究所"])
    assert found.families == (BASE, "Noto Sans JP")
    assert not found.lacking


def test_japanese_names_are_drawn_as_shapes_without_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    results = named(*(f"日本語モデル{i}" for i in range(5)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(draw_files(results, {}, {}, 0.95, tmp_path, 50))
    svg = (tmp_path / "models.svg").read_text(encoding="utf-8")
    # a box would be the same shape for each character
    glyphs = {path.split('"')[0] for path in svg.split('<path d="')[1:]}
    assert len(glyphs) > 6
    assert not caplog.records
    assert undrawable(results, {}) is None


def test_what_no_font_has_is_said_in_one_line_with_the_names():
    results = named("plain", f"a {NOWHERE}", f"b {NOWHERE}", "日本")
    line = undrawable(results, {})
    assert line is not None
    assert "\n" not in line
    assert f"a {NOWHERE}, b {NOWHERE}" in line
    assert "plain" not in line
    assert "install" in line
    draw_models(results)


def test_line_is_bounded():
    line = lacking_line([f"{i} {NOWHERE}" for i in range(400)], cover([NOWHERE]))
    assert line is not None
    assert "and 395 more" in line
    assert len(line) < 400


def test_without_the_package_fonts_of_the_machine_are_searched(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fonts, "PACKAGED", ("no_such_package", "none.otf"))
    assert cover(["plain"]).families == (BASE,)
    assert NOWHERE in cover([NOWHERE]).lacking
