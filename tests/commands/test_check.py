"""Which study `observatory check` judges, and by which choices."""

import shutil
from pathlib import Path

import pytest

from stages.commands.check import choices, params_for
from stages.contracts.errors import InputError
from tests.commands.study import set_params
from tests.repository import ROOT, Repository


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two studies, that of params.yaml in part and with an evaluated model."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for name in ("japanese-2024", "other"):
        (tmp_path / "metadata" / name).mkdir(parents=True)
        (tmp_path / "metadata" / name / "study.yaml").touch()
    set_params(Repository(tmp_path), subset="scratch", evaluate={"models": ["org/model"]})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_another_study_is_checked_whole_and_as_published_and_that_is_said(folder: Path):
    params = params_for(Path("metadata/other"))
    assert (params.study, params.subset, params.evaluate.models) == ("other", "all", [])
    line = choices(params, whole=True)
    assert line.startswith("other, whole and as published, by the choices of params.yaml: ")
    assert 'assemble.missing "refuse"' in line


@pytest.mark.parametrize("given", [None, "metadata/japanese-2024/", "metadata/other/../japanese-2024"])
def test_the_study_of_the_parameters_is_checked_as_they_say(folder: Path, given: str | None):
    params = params_for(given and Path(given))
    assert (params.study, params.subset, params.evaluate.models) == ("japanese-2024", "scratch", ["org/model"])
    assert choices(params, whole=False).startswith("japanese-2024, subset scratch, by the choices of params.yaml: ")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("metadata/NOPE", "no such folder"),
        ("metadata", "not a folder under metadata/"),
        ("elsewhere/japanese-2024", "not a folder under metadata/"),
        ("metadata/japanese-2024/study.yaml", "not a folder under metadata/"),
    ],
)
def test_a_folder_that_is_none_of_a_study_is_named_as_it_was_given(folder: Path, given: str, problem: str):
    with pytest.raises(InputError) as caught:
        params_for(Path(given))
    assert caught.value.problems == (f"{given}: {problem}; studies here: japanese-2024, other",)
