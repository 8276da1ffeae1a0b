"""Files are written as a whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.workspace.files import move_folder, replacing, replacing_folder, write_text
from tests.repository import ROOT


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


def listing() -> list[str]:
    return sorted(path.as_posix() for path in Path().rglob("*") if path.is_file())


@pytest.mark.parametrize("existing", [True, False])
def test_an_interrupt_between_the_two_renames_puts_the_old_folder_back(
    existing: bool, monkeypatch: pytest.MonkeyPatch
):
    if existing:
        write_text(Path("figures/old.png"), "")
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise KeyboardInterrupt
        return replace(self, target)

    def draw() -> None:
        with replacing_folder(Path("figures")) as beside:
            (beside / "new.png").touch()

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        draw()
    assert listing() == ["figures/old.png"] * existing


def test_a_kill_between_the_two_renames_loses_no_folder():
    """Nothing is deleted before the new folder stands in its place."""
    write_text(Path("figures/old.png"), "")
    write_text(Path("drawn/new.png"), "")
    code = (
        "import os; from pathlib import Path; from stages.workspace import files\n"
        "move = Path.replace\n"
        "Path.replace = lambda self, to: os._exit(9) if self.name == 'drawn' else move(self, to)\n"
        "files.move_folder(Path('drawn'), Path('figures'))"
    )
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == 9
    assert [Path(path).name for path in listing()] == ["old.png", "new.png"]


def test_a_moved_folder_takes_the_place_of_another():
    write_text(Path("drawn/new.png"), "")
    write_text(Path("figures/old.png"), "")
    move_folder(Path("drawn"), Path("figures"))
    assert listing() == ["figures/new.png"]
    assert sorted(path.name for path in Path().iterdir()) == ["figures"]


def test_outputs_are_readable_by_others():
    write_text(Path("a.txt"), "x")
    assert Path("a.txt").stat().st_mode & 0o044
    with replacing_folder(Path("figures")):
        pass
    assert Path("figures").stat().st_mode & 0o055 == 0o055
