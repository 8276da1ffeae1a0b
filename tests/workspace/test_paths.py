"""Where a study lies."""

from pathlib import Path

import pytest

from stages.contracts.errors import InputError
from stages.workspace.paths import study_folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def test_a_study_is_a_folder_of_that_very_name():
    Path("metadata/one").mkdir(parents=True)
    Path("metadata/one/study.yaml").touch()
    for name in ("two", "../metadata/one", "one/", ""):
        with pytest.raises(InputError, match="studies here: one"):
            study_folder(name)
    assert study_folder("one") == Path("metadata/one")
