"""The zip file of an exported state: packed with the hashes of its files, unpacked and checked against them."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

METADATA = "ro-crate-metadata.json"
MANIFEST = "manifest-sha256.txt"
"""sha256 of every other file of the crate, the metadata included, as sha256sum writes it."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the zip: when it was packed is not part of the state."""


def pack(folder: Path, target: Path) -> None:
    """Pack a folder with its manifest, the metadata first, everything else sorted, folders as entries of their own."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    hashes = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in files}
    manifest = "".join(f"{digest}  {file}\n" for file, digest in hashes.items())
    beside = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(files, key=lambda name: (name != METADATA, name)):
                archive.writestr(_member(file), (folder / file).read_bytes())
            archive.writestr(_member(MANIFEST), manifest)
            for path in sorted(path for path in folder.rglob("*") if path.is_dir()):
                archive.writestr(zipfile.ZipInfo(f"{path.relative_to(folder).as_posix()}/", EPOCH), b"")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member


@dataclass(frozen=True)
class Unpacked:
    """A crate laid out in a folder.

    Attributes:
        files: Path to sha256 of each file that the manifest lists.
        problems: One line for each file that is not as the manifest or the metadata say.
    """

    files: Mapping[str, str]
    problems: Sequence[str]


def unpack(source: Path, folder: Path) -> Unpacked:
    """Unpack a crate and check each of its files.

    Args:
        source: Zip file that `write_crate` wrote.
        folder: Empty folder.

    Raises:
        zipfile.BadZipFile: It is not a zip file, or a damaged one.
    """
    problems = []
    here: dict[str, str] = {}
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            name = member.filename
            if member.is_dir():
                continue
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                problems.append(f"{name!r} leads out of the crate: do not unpack it")
                continue
            try:
                data = archive.read(member)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                problems.append(f"{name}: damaged in the zip file ({error})")
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            here[name] = hashlib.sha256(data).hexdigest()
    listed = dict(_manifest(folder / MANIFEST))
    for name in sorted({*here, *listed} - {MANIFEST}):
        if here.get(name) != listed.get(name):
            problems.append(
                f"{name}: sha256 {here.get(name, 'missing')}, {MANIFEST} has {listed.get(name, 'no such file')}"
            )
    problems += _metadata_problems(folder / METADATA, here)
    return Unpacked(listed, problems)


def _manifest(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        yield name, digest


def _metadata_problems(path: Path, here: Mapping[str, str]) -> Iterator[str]:
    """Yield the files whose hash or presence is not as the metadata say."""
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))["@graph"]
        described = {unquote(item["@id"]): item["sha256"] for item in graph if "sha256" in item}
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{METADATA} cannot be read: {error}"
        return
    for name in sorted({*described, *here} - {METADATA, MANIFEST}):
        if described.get(name) != here.get(name):
            yield (f"{name}: sha256 {here.get(name, 'missing')}, {METADATA} has {described.get(name, 'no such file')}")
