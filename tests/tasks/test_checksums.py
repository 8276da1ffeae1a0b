"""A checksum is that of the file as it is, and large files are read again only when they may have changed."""

import hashlib
import os
from pathlib import Path

import pytest

from stages.contracts.errors import InputError
from stages.tasks import checksums
from stages.tasks.checksums import REMEMBERED, sha256_of

CONTENT = b"weights" * (REMEMBERED // 7 + 1)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A large file of which the checksum was taken long after it was written."""
    monkeypatch.setenv("OBSERVATORY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(checksums, "_known", {})
    monkeypatch.setattr(checksums, "SETTLED_NS", -1)
    path = tmp_path / "model.safetensors"
    path.write_bytes(CONTENT)
    assert sha256_of(path) == hashlib.sha256(CONTENT).hexdigest()
    return path


def not_read(*_: object) -> str:
    raise AssertionError("was read")


def test_a_large_file_is_read_once_also_by_the_next_process(large, monkeypatch):
    monkeypatch.setattr(checksums, "_digest", not_read)
    monkeypatch.setattr(checksums, "_known", {})
    assert sha256_of(large) == hashlib.sha256(CONTENT).hexdigest()


def test_other_content_of_the_same_size_and_time_is_seen(large):
    before = large.stat()
    large.write_bytes(CONTENT.replace(b"weights", b"WEIGHTS"))
    os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert sha256_of(large) == hashlib.sha256(large.read_bytes()).hexdigest()


def test_another_file_at_the_same_place_is_seen(large, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(CONTENT.replace(b"weights", b"WEIGHTS"))
    before = large.stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(large)
    assert sha256_of(large) == hashlib.sha256(large.read_bytes()).hexdigest()


def test_a_file_that_just_changed_is_not_trusted_to_stay(large, monkeypatch):
    monkeypatch.setattr(checksums, "SETTLED_NS", 3_600_000_000_000)
    large.write_bytes(CONTENT + b".")
    sha256_of(large)
    monkeypatch.setattr(checksums, "_digest", not_read)
    with pytest.raises(AssertionError, match="was read"):
        sha256_of(large)


def test_a_file_that_is_being_written_is_refused(large, monkeypatch):
    large.write_bytes(CONTENT + b".")

    def slow(file, *_):
        large.write_bytes(CONTENT + b"..")
        return "0" * 64

    monkeypatch.setattr(checksums, "_digest", slow)
    with pytest.raises(InputError, match=r"model.safetensors is being written to: wait until it is complete"):
        sha256_of(large)


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "no json"])
def test_a_damaged_memory_costs_time_only(large, tmp_path, monkeypatch, content):
    (tmp_path / "cache/checksums.json").write_text(content)
    monkeypatch.setattr(checksums, "_known", {})
    assert sha256_of(large) == hashlib.sha256(CONTENT).hexdigest()
