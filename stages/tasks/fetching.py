"""Files from their publishers into a folder: resumed after a cut, checked, with their checksums beside them.

`SHA256SUMS` lies in the folder, in the format of `sha256sum --check`. A file whose checksum is known is compared with
it. Of the others that of the first fetch is recorded there, and every later fetch has to agree.
"""

import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from stages.contracts.errors import InputError
from stages.tasks.checksums import sha256_of
from stages.tasks.sources import ARCHIVES

SUMS = "SHA256SUMS"


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
    # what is here already is read without the libraries that fetch
    from stages.tasks.downloading import download

    target, recorded = folder / name, sums(folder).get(name)
    part = target.with_name(f".{target.name}.part")
    archive, _, member = url.partition("#")
    stated = None
    if member:
        _unpack(folder, archive, member, part)
    else:
        stated = download(url, part)
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
    from stages.tasks.downloading import download

    archive = folder / Path(urlsplit(url).path).parent.name / Path(url).name
    if not archive.is_file():
        archive.parent.mkdir(parents=True, exist_ok=True)
        packed = archive.with_name(f".{archive.name}.part")
        download(url, packed)
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
