"""All figures of a state as files: each once, the main picture as PNG too."""

from pathlib import Path

from stages.figures.files import draw_files
from tests.figures.results_factory import planted


def test_each_figure_is_one_svg_and_the_first_a_png_too(tmp_path: Path):
    results = planted(n_models=6, n_benchmarks=3, languages=("fi",))
    drawn = list(draw_files(results, {}, {}, 0.95, tmp_path, 50))
    expected = sorted([*(f"{words.name}.svg" for words in drawn), "models.png"])
    assert sorted(path.name for path in tmp_path.iterdir()) == expected
    assert [words.name for words in drawn if words.png] == ["models"]
    assert drawn[0].png
    contents = [path.read_bytes() for path in tmp_path.glob("*.svg")]
    assert len(set(contents)) == len(contents)


def test_same_bytes_twice(tmp_path: Path):
    results = planted(n_models=6, n_benchmarks=3, languages=("fi",))
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        list(draw_files(results, {}, {}, 0.95, tmp_path / name, 50))
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
