import os

import pytest

from stages.contracts.errors import InputError
from stages.tasks import sources
from stages.tasks.registry import BENCHMARKS
from tests.tasks.places import ITEMS


def test_every_benchmark_of_the_registry_has_files():
    assert set(sources.SOURCES) == set(BENCHMARKS)


def test_file_names_are_unique_within_the_folder():
    names = [source.name for files in sources.SOURCES.values() for source in files]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("benchmark", sorted(BENCHMARKS))
def test_addresses_are_pinned_to_a_revision(benchmark):
    for source in sources.SOURCES[benchmark]:
        assert source.url.startswith(("https://raw.githubusercontent.com/", "hf://datasets/", "sacrebleu:"))
        assert not any(moving in source.url for moving in ("/main/data", "/master/", "@main", "/HEAD/"))


@pytest.mark.parametrize("benchmark", sorted(BENCHMARKS))
def test_locate_finds_the_projects_own_items(benchmark):
    files = sources.locate(benchmark, ITEMS)
    assert [file.source for file in files] == list(sources.SOURCES[benchmark])
    assert all(file.origin == str(ITEMS) and len(file.sha256) == 64 for file in files)


def test_locate_names_every_missing_file_with_its_address(tmp_path):
    with pytest.raises(InputError) as caught:
        sources.locate("gsm8k", tmp_path)
    assert len(caught.value.problems) == 2
    assert f"gsm8k: gsm8k/train.jsonl is missing in {tmp_path}" in caught.value.problems[0]
    assert "https://raw.githubusercontent.com/openai/grade-school-math/" in caught.value.problems[0]


def test_locate_takes_each_file_from_the_first_folder_that_has_it(tmp_path):
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "test.jsonl").write_text('{"question": "q", "answer": "#### 1"}\n')
    train, test = sources.locate("gsm8k", os.pathsep.join([str(tmp_path), str(ITEMS)]))
    assert train.origin == str(ITEMS)
    assert test.origin == str(tmp_path)


def test_folders_come_from_the_environment_unless_named(monkeypatch, tmp_path):
    monkeypatch.setenv(sources.DATA_DIR_VARIABLE, str(tmp_path))
    assert sources.folders(None) == [tmp_path]
    assert sources.folders(str(ITEMS)) == [ITEMS]
    monkeypatch.delenv(sources.DATA_DIR_VARIABLE)
    assert sources.folders(None) == []


def test_locate_refuses_an_unknown_benchmark():
    with pytest.raises(InputError, match="'mgsm' is not known"):
        sources.locate("mgsm", ITEMS)


def test_published_file_with_other_content_is_refused(monkeypatch, tmp_path):
    changed = tmp_path / "changed"
    changed.write_text("other")
    monkeypatch.delenv(sources.DATA_DIR_VARIABLE, raising=False)
    monkeypatch.setattr(sources, "_fetch_web", lambda rest: changed)
    with pytest.raises(InputError, match="expected 9b55fae5ecb3"):
        sources.locate("jcommonsenseqa", None)


def test_published_file_without_known_checksum_is_recorded(monkeypatch, tmp_path):
    found = tmp_path / "found.parquet"
    found.write_bytes(b"")
    monkeypatch.delenv(sources.DATA_DIR_VARIABLE, raising=False)
    monkeypatch.setattr(sources, "_fetch_hub", lambda rest: found)
    files = sources.locate("openbookqa", None)
    assert [file.origin for file in files] == [source.url for source in sources.SOURCES["openbookqa"]]


def test_failed_fetch_says_where_the_file_may_be_put(monkeypatch):
    def fail(rest):
        raise OSError("no route\nto host")

    monkeypatch.delenv(sources.DATA_DIR_VARIABLE, raising=False)
    monkeypatch.setattr(sources, "_fetch_web", fail)
    with pytest.raises(InputError, match=r"cannot fetch .*\(no route to host\); put it at humaneval/HumanEval"):
        sources.locate("humaneval", None)
