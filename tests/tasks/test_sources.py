import os
import re

import pytest

from stages.contracts.errors import InputError
from stages.tasks import files, sources
from stages.tasks.registry import BENCHMARKS
from tests.tasks.places import ITEMS


def test_every_benchmark_of_the_registry_has_files():
    assert set(sources.SOURCES) == set(BENCHMARKS)


@pytest.mark.parametrize("attribute", ["name", "published"])
def test_file_names_are_unique_within_the_folder(attribute):
    names = [getattr(source, attribute) for files in sources.SOURCES.values() for source in files]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("benchmark", sorted(BENCHMARKS))
def test_addresses_are_pinned_to_a_commit(benchmark):
    for source in sources.SOURCES[benchmark]:
        archive, _, member = source.url.partition("#")
        if member:
            assert re.fullmatch("[0-9a-f]{32}", sources.ARCHIVES[archive])
        else:
            assert source.url.startswith(("https://raw.githubusercontent.com/", "hf://datasets/"))
            assert re.search("[/@][0-9a-f]{40}/", source.url), source.url


def test_a_benchmark_of_parquet_files_is_read_as_published():
    for source in sources.SOURCES["mmlu"]:
        assert source.published.endswith(".parquet")
        assert source.name.endswith(".jsonl")


@pytest.mark.parametrize("benchmark", sorted(BENCHMARKS))
def test_locate_finds_the_projects_own_items(benchmark):
    found = files.locate(benchmark, ITEMS)
    assert [file.source for file in found] == list(sources.SOURCES[benchmark])
    assert all(file.origin == str(ITEMS) and len(file.sha256) == 64 for file in found)


def test_locate_names_missing_files_in_one_line_with_an_address(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError) as caught:
        files.locate("gsm8k", tmp_path)
    (told,) = caught.value.problems
    assert told.startswith(f"gsm8k: gsm8k/train.jsonl is missing in {tmp_path}")
    assert "https://raw.githubusercontent.com/openai/grade-school-math/" in told
    assert told.endswith("; 1 more of this kind: gsm8k/test.jsonl")


def test_locate_takes_each_file_from_the_first_folder_that_has_it(tmp_path):
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "test.jsonl").write_text('{"question": "q", "answer": "#### 1"}\n')
    train, test = files.locate("gsm8k", os.pathsep.join([str(tmp_path), str(ITEMS)]))
    assert train.origin == str(ITEMS)
    assert test.origin == str(tmp_path)


def test_folders_come_from_the_environment_unless_named(monkeypatch, tmp_path):
    monkeypatch.setenv(files.DATA_DIR_VARIABLE, str(tmp_path))
    assert files.folders(None) == [tmp_path]
    assert files.folders(str(ITEMS)) == [ITEMS]
    monkeypatch.delenv(files.DATA_DIR_VARIABLE)
    assert files.folders(None) == []


def test_locate_refuses_an_unknown_benchmark():
    with pytest.raises(InputError, match="'mgsm' is not known"):
        files.locate("mgsm", ITEMS)
