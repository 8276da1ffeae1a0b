"""SHA-256 of files, computed again only where a file may have changed.

A checksum is remembered with size, times and inode of its file, for this user and beyond this process.
"""

import hashlib
import json
import os
import time
from io import BufferedReader
from pathlib import Path

from stages.contracts.errors import InputError

CACHE_VARIABLE = "OBSERVATORY_CACHE"
"""Names the folder for what was fetched and computed, instead of ~/.cache/local-llm-observatory."""
REMEMBERED = 2**20
"""Bytes from which a checksum is remembered: smaller files are read faster than looked up."""
SHOWN = 2**30
"""Bytes from which reading a file is worth a progress bar."""
SETTLED_NS = 2_000_000_000
"""A file that changed this recently may change again without a change of its times."""

Stamp = list[int]
_known: dict[str, tuple[Stamp, str]] = {}
"""What this process knows, also where nothing can be written."""


def cache_folder() -> Path:
    """Return where fetched files and checksums are kept for this user."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "local-llm-observatory"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        InputError: The file is written to meanwhile.
        OSError: It cannot be read.
    """
    place, stamp = str(path.resolve()), _stamp(path)
    if stamp[0] >= REMEMBERED:
        for known in (_known, _remembered()):
            if place in known and known[place][0] == stamp:
                return known[place][1]
    now = time.time_ns()
    with path.open("rb") as file:
        digest = _digest(file, stamp[0], path.name)
    if _stamp(path) != stamp:
        raise InputError([f"{path} is being written to: wait until it is complete"])
    if stamp[0] >= REMEMBERED and now - max(stamp[1:3]) > SETTLED_NS:
        _known[place] = (stamp, digest)
        _remember(place)
    return digest


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _digest(file: BufferedReader, size: int, name: str) -> str:
    if size < SHOWN:
        return hashlib.file_digest(file, "sha256").hexdigest()
    # whoever wants no bars says so before tqdm is first imported
    from tqdm import tqdm

    digest = hashlib.sha256()
    with tqdm(total=size, unit="B", unit_scale=True, desc=f"checksum of {name}") as bar:
        while block := file.read(2**24):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()


def _file() -> Path:
    return cache_folder() / "checksums.json"


def _remembered() -> dict[str, tuple[Stamp, str]]:
    try:
        content = json.loads(_file().read_text(encoding="utf-8"))
        return {place: (stamp, digest) for place, (stamp, digest) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        # it only saves time
        return {}


def _remember(place: str) -> None:
    path = _file()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    kept = {name: entry for name, entry in _remembered().items() if Path(name).exists()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({**kept, place: _known[place]}, indent=0), encoding="utf-8")
        beside.replace(path)
    except OSError:
        # a full or read-only disk costs the time to read the file again, nothing else
        beside.unlink(missing_ok=True)
