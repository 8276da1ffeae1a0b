"""Files are written as a whole or not at all."""

from pathlib import Path

import pytest

from stages.workspace.files import replacing, replacing_folder, write_text


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    write_text(Path("out/a.txt"), "old")

    def fail() -> None:
        with replacing(Path("out/a.txt")) as beside:
            beside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.txt"]
    assert (tmp_path / "out/a.txt").read_text() == "old"


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path):
    with replacing_folder(Path("figures")) as beside:
        (beside / "old.png").touch()

    def fail() -> None:
        with replacing_folder(Path("figures")) as beside:
            (beside / "new.png").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["figures"]
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["old.png"]


def test_outputs_are_readable_by_others():
    write_text(Path("a.txt"), "x")
    assert Path("a.txt").stat().st_mode & 0o044
