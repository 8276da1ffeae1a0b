"""Files from their publishers into a folder: resumed after a cut, checked, with their checksums beside them.

`SHA256SUMS` lies in the folder, in the format of `sha256sum --check`. A file whose checksum is known is compared with
it. Of the others that of the first fetch is recorded there, and every later fetch has to agree.
"""

import hashlib
import os
import re
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from filelock import FileLock

from stages.contracts.errors import InputError
from stages.tasks.checksums import sha256_of
from stages.tasks.sources import ARCHIVES

SUMS = "SHA256SUMS"
MIRROR_VARIABLE = "OBSERVATORY_MIRROR"
"""Address below which a mirror has the files of other hosts than the Hub: MIRROR/raw.githubusercontent.com/..."""
HUB_VARIABLE = "HF_ENDPOINT"
OFFLINE_VARIABLE = "HF_HUB_OFFLINE"
UNFETCHED = "cannot fetch"
"""How a problem begins that an available file would solve."""

_WAITS = (1, 2, 4, 8)
"""Seconds between attempts that brought nothing."""
_TIMEOUT = (10, 60)
"""Seconds for a connection, and between two pieces of an answer."""
_AGAIN = {408, 429, 500, 502, 503, 504}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_unreachable: set[str] = set()
"""Hosts that did not answer: seventy files of one host wait for it once."""


@dataclass(frozen=True)
class Fetched:
    """A file in a folder.

    Attributes:
        name: Below the folder.
        path: The file.
        sha256: Its SHA-256.
        known_from: What it was compared with: "published", a checksum stated for this commit; "hub", what the Hub
            states; "first fetch", what stood in SHA256SUMS, or stands there now.
        new: Whether it was fetched just now.
    """

    name: str
    path: Path
    sha256: str
    known_from: str
    new: bool


def hub() -> str:
    """Return the address of the Hub."""
    return os.environ.get(HUB_VARIABLE, "https://huggingface.co").rstrip("/")


def offline() -> bool:
    """Return whether nothing may be fetched, as the Hub's own library reads it."""
    return os.environ.get(OFFLINE_VARIABLE, "").upper() in {"1", "ON", "YES", "TRUE"}


def bring(folder: Path, name: str, url: str, sha256: str | None) -> Fetched:
    """Return a file of a folder, fetched unless it is there.

    Args:
        folder: Made when it is missing.
        name: Below the folder.
        url: "https://...", "hf://datasets/OWNER/NAME@COMMIT/PATH", or that of an archive with "#" and a name in it.
        sha256: SHA-256 of the content; None where it is not known.

    Raises:
        InputError: The publisher cannot be reached, or the content is another one. What was fetched so far stays
            for the next attempt.
    """
    target, recorded = folder / name, sums(folder).get(name)
    if target.is_file():
        found, expected = sha256_of(target), sha256 or recorded
        if expected not in {None, found}:
            raise InputError([f"{target} has SHA-256 {found}, expected {expected}: move it away, then fetch it again"])
        if recorded != found:
            with FileLock(folder / ".lock"):
                _record(folder, name, found)
        return Fetched(name, target, found, "published" if sha256 else "first fetch", new=False)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        return _fetch(folder, name, url, sha256)


def _fetch(folder: Path, name: str, url: str, sha256: str | None) -> Fetched:
    target, recorded = folder / name, sums(folder).get(name)
    part = target.with_name(f".{target.name}.part")
    archive, _, member = url.partition("#")
    stated = None
    if member:
        _unpack(folder, archive, member, part)
    else:
        stated = _download(url, part)
    found, expected = sha256_of(part), sha256 or stated or recorded
    if expected not in {None, found}:
        part.unlink()
        raise InputError([f"{url} has SHA-256 {found}, expected {expected}: the publisher changed it"])
    part.replace(target)
    _record(folder, name, found)
    known_from = "published" if sha256 else "hub" if stated else "first fetch"
    return Fetched(name, target, found, known_from, new=True)


def sums(folder: Path) -> dict[str, str]:
    """Return name to SHA-256 of the files that were fetched into a folder."""
    path = folder / SUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _record(folder: Path, name: str, digest: str) -> None:
    beside = folder / f".{SUMS}"
    lines = [f"{digest}  {name}\n" for name, digest in sorted({**sums(folder), name: digest}.items())]
    beside.write_text("".join(lines), encoding="utf-8")
    beside.replace(folder / SUMS)


def _unpack(folder: Path, url: str, member: str, part: Path) -> None:
    """Write a file of an archive, which is fetched unless it is there."""
    archive = folder / Path(urlsplit(url).path).parent.name / Path(url).name
    if not archive.is_file():
        archive.parent.mkdir(parents=True, exist_ok=True)
        packed = archive.with_name(f".{archive.name}.part")
        _download(url, packed)
        with packed.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        if found != ARCHIVES[url]:
            packed.unlink()
            raise InputError([f"{url} has MD5 {found}, expected {ARCHIVES[url]}: the publisher changed it"])
        packed.replace(archive)
    try:
        with tarfile.open(archive) as opened:
            content = opened.extractfile(member)
            if content is None:
                raise KeyError(member)
            part.write_bytes(content.read())
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise InputError([f"{archive}: no file {member} in it ({error}): move it away, then fetch it again"]) from None


def address(url: str) -> str:
    """Return where a file is asked for: on the Hub, on its host, or on a mirror of that."""
    if url.startswith("hf://"):
        name, _, at = url.removeprefix("hf://").partition("@")
        commit, _, path = at.partition("/")
        return f"{hub()}/{name}/resolve/{commit}/{path}"
    mirror = os.environ.get(MIRROR_VARIABLE, "").rstrip("/")
    return f"{mirror}/{url.partition('://')[2]}" if mirror and not url.startswith(hub()) else url


def headers(url: str) -> dict[str, str]:
    """Return what a request for a file carries: the user's token for the Hub, and that nothing is to be compressed."""
    token = _token() if url.startswith(("hf://", f"{hub()}/")) else None
    return {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}


def _token() -> str | None:
    try:
        from huggingface_hub import get_token
    except ImportError:
        return os.environ.get("HF_TOKEN")
    return get_token()  # type: ignore[no-any-return]  # it has no types here


def _download(url: str, part: Path) -> str | None:
    """Fetch a file, from where an earlier attempt ended; return the SHA-256 that the Hub states of it."""
    asked = address(url)
    host = urlsplit(asked).netloc
    if offline():
        raise InputError([f"{UNFETCHED} {url} ({OFFLINE_VARIABLE} is set)"])
    if host in _unreachable:
        raise InputError([f"{UNFETCHED} {url} ({host} was not reached before)"])
    waits = list(_WAITS)
    while True:
        before = _size(part)
        try:
            return _get(asked, part, headers(url))
        except requests.RequestException as error:
            answer = error.response
            reason = " ".join(str(error).split())[:160]
            if answer is not None and answer.status_code not in _AGAIN:
                raise InputError([f"{UNFETCHED} {url} ({reason})"]) from None
            if _size(part) > before:
                # a server that goes on sending is asked for the rest as long as it does
                waits = list(_WAITS)
            if not waits or (answer is None and before == _size(part) == 0 and len(waits) < len(_WAITS)):
                if before == _size(part) == 0:
                    _unreachable.add(host)
                raise InputError([f"{UNFETCHED} {url} ({reason}); {_size(part)} bytes are kept"]) from None
            time.sleep(waits.pop(0))


def _get(url: str, part: Path, carried: Mapping[str, str]) -> str | None:
    # whoever wants no bars says so before tqdm is first imported
    from tqdm import tqdm

    start = _size(part)
    asked = {**carried, **({"Range": f"bytes={start}-"} if start else {})}
    with requests.get(url, headers=asked, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == 416:
            # the part is no beginning of the file, or all of it: the checksum decides
            if answer.headers.get("Content-Range", "").rpartition("/")[2] != str(start):
                part.unlink()
                return _get(url, part, carried)
            return _stated(answer)
        answer.raise_for_status()
        goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        length = int(answer.headers.get("Content-Length", 0)) + (start if goes_on else 0)
        with (
            part.open("ab" if goes_on else "wb") as file,
            tqdm(total=length or None, initial=_size(part), unit="B", unit_scale=True, desc=part.name[1:-5]) as bar,
        ):
            for block in answer.iter_content(2**16):
                file.write(block)
                bar.update(len(block))
        return _stated(answer)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _stated(answer: requests.Response) -> str | None:
    """Return the SHA-256 that the Hub names a large file by; it redirects to where the bytes are."""
    for each in (*answer.history, answer):
        tag = each.headers.get("X-Linked-ETag", "").strip('"')
        if _SHA256.fullmatch(tag):
            return tag
    return None
