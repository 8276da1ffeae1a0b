"""Files from a real server: cut, gone on with, checked, and not asked for again."""

import hashlib
import io
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.contracts.errors import InputError
from stages.tasks import data, downloading, fetching, files, sources
from stages.tasks.fetching import bring
from tests.publisher import Publisher, published
from tests.tasks.places import ITEMS

WEB = "https://raw.githubusercontent.com/a/b/file.txt"
PATH = "/raw.githubusercontent.com/a/b/file.txt"
CONTENT = bytes(range(256)) * 8192
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(downloading, "_WAITS", (0, 0))
    monkeypatch.setattr(downloading, "_unreachable", set())
    with published() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        server.files[PATH] = CONTENT
        yield server


def test_a_cut_connection_goes_on_where_it_ended(publisher, tmp_path):
    publisher.cut[PATH] = 1_500_000
    fetched = bring(tmp_path, "x/file.txt", WEB, SHA256)
    assert (fetched.known_from, fetched.new, fetched.path.read_bytes()) == ("published", True, CONTENT)
    (_, first), (_, second) = publisher.asked
    assert first == 0
    assert 0 < second <= 1_500_000


def test_another_process_goes_on_with_what_one_left(publisher, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/.file.txt.part").write_bytes(CONTENT[:1000])
    bring(tmp_path, "x/file.txt", WEB, SHA256)
    assert publisher.asked == [(PATH, 1000)]
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["file.txt"]


def test_a_part_that_is_whole_is_not_fetched_again(publisher, tmp_path):
    (tmp_path / ".file.txt.part").write_bytes(CONTENT)
    assert bring(tmp_path, "file.txt", WEB, SHA256).sha256 == SHA256


def test_a_part_longer_than_the_file_is_none_of_it(publisher, tmp_path):
    (tmp_path / ".file.txt.part").write_bytes(CONTENT + b"more")
    assert bring(tmp_path, "file.txt", WEB, SHA256).path.read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(publisher, tmp_path):
    publisher.busy.add(PATH)
    assert bring(tmp_path, "file.txt", WEB, SHA256).path.read_bytes() == CONTENT


def test_a_server_that_always_cuts_keeps_what_came(publisher, tmp_path, monkeypatch):
    get = downloading._get

    def cut_again(url, part, carried):
        publisher.cut[PATH] = 1_100_000 if not part.is_file() else 0
        return get(url, part, carried)

    monkeypatch.setattr(downloading, "_get", cut_again)
    with pytest.raises(InputError, match=r"cannot fetch https://raw.*; 1[01]\d{5} bytes are kept"):
        bring(tmp_path, "file.txt", WEB, SHA256)
    assert not (tmp_path / "file.txt").exists()


def test_what_is_there_is_not_asked_for(publisher, tmp_path):
    bring(tmp_path, "file.txt", WEB, SHA256)
    asked = len(publisher.asked)
    again = bring(tmp_path, "file.txt", WEB, SHA256)
    assert (again.new, len(publisher.asked)) == (False, asked)


def test_another_content_than_published_is_refused_and_not_kept(publisher, tmp_path):
    publisher.files[PATH] = b"other"
    with pytest.raises(InputError, match=f"has SHA-256 .*, expected {SHA256}: the publisher changed it"):
        bring(tmp_path, "file.txt", WEB, SHA256)
    assert not list(tmp_path.glob("*file*"))


def test_the_first_fetch_records_what_was_not_known_and_later_ones_agree(publisher, tmp_path):
    assert bring(tmp_path, "file.txt", WEB, None).known_from == "first fetch"
    done = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "file.txt: OK\n"
    (tmp_path / "file.txt").unlink()
    publisher.files[PATH] = b"other"
    with pytest.raises(InputError, match=f"expected {SHA256}: the publisher changed it"):
        bring(tmp_path, "file.txt", WEB, None)


def test_a_file_that_was_edited_is_named_and_stays(publisher, tmp_path):
    bring(tmp_path, "file.txt", WEB, None)
    (tmp_path / "file.txt").write_bytes(b"mine")
    with pytest.raises(InputError, match=f"file.txt has SHA-256 .*, expected {SHA256}: move it away"):
        bring(tmp_path, "file.txt", WEB, None)
    assert (tmp_path / "file.txt").read_bytes() == b"mine"


def test_the_hub_states_the_checksum_of_a_large_file(publisher, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    path = f"/datasets/o/n/resolve/{'a' * 40}/f.parquet"
    publisher.files[path] = CONTENT
    url = f"hf://datasets/o/n@{'a' * 40}/f.parquet"
    assert bring(tmp_path, "f.parquet", url, None).known_from == "hub"
    assert publisher.headers[-1]["Accept-Encoding"] == "identity"
    bring(tmp_path, "file.txt", WEB, None)
    assert not any("Authorization" in headers for headers in publisher.headers)


def test_the_hub_gets_the_users_token_and_no_other_host_does(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert downloading.headers("hf://datasets/o/n@c/f")["Authorization"] == "Bearer secret"
    assert "Authorization" not in downloading.headers(WEB)
    assert "Authorization" not in downloading.headers("https://huggingface.co.example/f")


def test_a_missing_file_is_one_line(publisher, tmp_path):
    with pytest.raises(InputError, match=r"cannot fetch https://raw.*none.txt \(404"):
        bring(tmp_path, "none.txt", "https://raw.githubusercontent.com/none.txt", None)


def test_offline_nothing_is_asked_for(publisher, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match=r"cannot fetch .* \(HF_HUB_OFFLINE is set\)"):
        bring(tmp_path, "file.txt", WEB, None)
    assert publisher.asked == []


def test_an_archive_is_fetched_once_for_all_its_files(publisher, tmp_path, monkeypatch):
    url = "https://data.statmt.org/wmt20/task/test.tgz"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("sgm/a.sgm", "sgm/b.sgm"):
            member = tarfile.TarInfo(name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    publisher.files["/data.statmt.org/wmt20/task/test.tgz"] = packed.getvalue()
    monkeypatch.setitem(fetching.ARCHIVES, url, hashlib.md5(packed.getvalue()).hexdigest())
    for name in ("a", "b"):
        assert bring(tmp_path, f"wmt/{name}.sgm", f"{url}#sgm/{name}.sgm", None).path.read_text() == f"sgm/{name}.sgm"
    assert len(publisher.asked) == 1
    with pytest.raises(InputError, match=r"no file sgm/c.sgm in it"):
        bring(tmp_path, "wmt/c.sgm", f"{url}#sgm/c.sgm", None)
    monkeypatch.setitem(fetching.ARCHIVES, url, "0" * 32)
    with pytest.raises(InputError, match=r"expected 0{32}: the publisher changed it"):
        bring(tmp_path / "other", "a.sgm", f"{url}#sgm/a.sgm", None)


@pytest.fixture
def gsm8k(publisher: Publisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Publisher:
    """The project's own items, as if they were published."""
    monkeypatch.setenv("OBSERVATORY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(files.DATA_DIR_VARIABLE, raising=False)
    own = []
    for source in sources.SOURCES["gsm8k"]:
        content = (ITEMS / source.name).read_bytes()
        own.append(sources.Source(source.key, source.name, source.url, hashlib.sha256(content).hexdigest()))
        publisher.files[f"/{source.url.partition('://')[2]}"] = content
    monkeypatch.setitem(sources.SOURCES, "gsm8k", tuple(own))
    return publisher


def test_a_folder_may_hold_some_benchmarks_while_others_are_fetched(gsm8k, tmp_path, monkeypatch):
    shutil.copytree(ITEMS / "xwino", tmp_path / "mine/xwino")
    assert data.load("xwino", tmp_path / "mine").record.source == str(tmp_path / "mine")
    loaded = data.load("gsm8k", tmp_path / "mine")
    assert loaded.record.revision.startswith("https://raw.githubusercontent.com/openai/grade-school-math/")
    assert loaded.test == data.load("gsm8k", ITEMS).test
    asked = len(gsm8k.asked)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert data.load("gsm8k", tmp_path / "mine").record == loaded.record
    assert len(gsm8k.asked) == asked


def test_a_folder_with_a_part_of_a_benchmark_is_not_filled_up_from_elsewhere(gsm8k, tmp_path):
    (tmp_path / "mine/gsm8k").mkdir(parents=True)
    shutil.copy(ITEMS / "gsm8k/test.jsonl", tmp_path / "mine/gsm8k")
    with pytest.raises(InputError, match=r"gsm8k: gsm8k/train.jsonl is missing in .*mine, where other files"):
        data.load("gsm8k", tmp_path / "mine")
    assert gsm8k.asked == []


def test_a_host_that_does_not_answer_is_waited_for_once(gsm8k, tmp_path, monkeypatch):
    monkeypatch.setenv("OBSERVATORY_MIRROR", "http://127.0.0.1:9")
    with pytest.raises(InputError) as caught:
        files.locate("gsm8k", tmp_path)
    (told,) = caught.value.problems
    assert f"gsm8k: gsm8k/train.jsonl is missing in {tmp_path}; cannot fetch https://raw" in told
    assert "put it at gsm8k/train.jsonl in a folder and name that folder by evaluate.data_dir" in told
    assert told.endswith("; 1 more of this kind: gsm8k/test.jsonl")
    assert len(downloading._unreachable) == 1
