"""Two cold runs from one state write the same bytes."""

from pathlib import Path

from tests.pipeline.test_bad_input import fingerprint
from tests.repository import Repository, new_repository


def test_two_cold_runs_write_identical_outputs(shipped: Repository, tmp_path: Path):
    elsewhere = new_repository(tmp_path / "a" / "deeper" / "folder")
    elsewhere.dvc("repro", env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": str(tmp_path)})
    first, second = fingerprint(shipped), fingerprint(elsewhere)
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []
    assert len([name for name in first if name.startswith("reports/figures/")]) > 20


def test_no_path_or_clock_of_this_machine_is_in_an_output(shipped: Repository):
    for name in fingerprint(shipped):
        content = (shipped.path / name).read_bytes()
        assert str(shipped.path).encode() not in content, name
