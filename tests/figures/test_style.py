"""Figures become the same bytes everywhere and leave no trace in matplotlib."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.image import imread
from matplotlib.text import Text

from stages.figures.catalog import catalogue
from stages.figures.palette import GROUP_COLOURS, LANGUAGE_COLOURS, darker
from stages.figures.scaling import draw_scaling
from stages.figures.style import freeze_layout, look, new_figure, save
from tests.figures.results_factory import planted, shipped, words

WRITE_TWO = """
import sys
from pathlib import Path
import matplotlib
{setting}
from stages.figures.scaling import draw_scaling
from stages.figures.heatmap import draw_correlation
from stages.figures.style import save
from tests.figures.results_factory import planted, words
results = planted()
save(draw_scaling(results, "PC1"), words("scaling"), Path(sys.argv[1]), 80)
save(draw_correlation(results, results.pearson, "r"), words("correlation"), Path(sys.argv[1]), 80)
"""


def test_bytes_depend_on_neither_process_hash_seed_nor_user_settings(tmp_path):
    settings = ["", "matplotlib.rcParams.update({'svg.hashsalt': 'x', 'xtick.direction': 'in', 'lines.linewidth': 9})"]
    root = Path(__file__).parents[2]
    for seed, setting in enumerate(settings):
        folder = tmp_path / str(seed)
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(root)}
        command = [sys.executable, "-c", WRITE_TWO.format(setting=setting), str(folder)]
        subprocess.run(command, check=True, cwd=root, env=environment)
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("0", "1"))
    assert sorted(first) == ["correlation.png", "correlation.svg", "scaling.png", "scaling.svg"]
    assert first == second


def test_files_name_no_software_date_or_font(tmp_path):
    save(draw_scaling(planted(), "PC1"), words("a"), tmp_path, 80)
    svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert b"Software" not in (tmp_path / "a.png").read_bytes()
    assert "dc:date" not in svg
    assert "matplotlib.org" not in svg
    # text is drawn as paths, so that it looks the same without the font
    assert "<text" not in svg


def test_resolution_is_dots_per_inch(tmp_path):
    for dpi in (50, 100):
        figure = new_figure(4, 3)
        figure.subplots()
        save(figure, words("a"), tmp_path, dpi)
        assert imread(tmp_path / "a.png").shape[:2] == (3 * dpi, 4 * dpi)


def test_stem_may_hold_dots(tmp_path):
    figure = new_figure(2, 2)
    figure.subplots()
    save(figure, words("a.b"), tmp_path, 50)
    assert {path.name for path in tmp_path.iterdir()} == {"a.b.png", "a.b.svg"}


def test_title_leaves_room_for_the_power_of_ten_of_its_panel():
    with look():
        figure = new_figure(4, 3)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1e-9])
        axes.set(title="Title")
        freeze_layout(figure)
        figure.draw_without_rendering()
        title, power = (
            next(text for text in axes.findobj(Text) if text.get_text() == words).get_window_extent()
            for words in ("Title", "1e−9")
        )
    assert not title.overlaps(power)


def test_drawing_changes_no_setting_and_keeps_no_figure(tmp_path):
    from matplotlib import pyplot as plt

    mpl.rcParams["font.size"] = 11.0
    before = dict(mpl.rcParams)
    for drawing in catalogue(planted(n_models=6, n_benchmarks=3, languages=("fi",))):
        save(drawing.draw(), drawing.description, tmp_path, 50)
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_settings_return_when_drawing_fails():
    before = dict(mpl.rcParams)
    without = shipped(factors=0).models.drop(columns="nd_ja")
    with pytest.raises(KeyError, match="nd_ja"):
        draw_scaling(replace(shipped(factors=0), models=without), "PC1")
    assert dict(mpl.rcParams) == before


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour)]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


@pytest.mark.parametrize("colour", [*LANGUAGE_COLOURS[:6], *(darker(c) for c in GROUP_COLOURS[:4])])
def test_text_colours_can_be_read_on_white(colour):
    # WCAG 2.1, success criterion 1.4.3: 4.5 to 1
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5
