"""DVC's files read directly: hashes of files and folders, the cache, the run cache.

DVC itself takes a second to import and to build its index, which every `observatory trace` would wait for.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pathspec import GitIgnoreSpec

from stages.lineage.pipeline import Entry, load_yaml

ALWAYS_IGNORED = (".hg/", ".git/", ".git", ".dvc/")
NOT_HASHED = {"size", "nfiles"}
"""Keys of a run cache entry that its name does not depend on."""


def md5_of(data: bytes) -> str:
    """Return the md5 of a content."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def file_md5(path: Path) -> str:
    """Return the md5 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def folder_md5(files: Mapping[str, str]) -> str:
    """Return DVC's hash of a folder: that of the list of its files, sorted by path, followed by `.dir`.

    Args:
        files: Path relative to the folder to md5.
    """
    return md5_of(manifest_bytes(files)) + ".dir"


def manifest_bytes(files: Mapping[str, str]) -> bytes:
    """Return the list of a folder's files as DVC keeps it in its cache."""
    listed = [{"md5": files[path], "relpath": path} for path in sorted(files)]
    return json.dumps(listed, sort_keys=True).encode()


class Tree:
    """The files under a root, hashed once each.

    Args:
        root: Folder that paths are relative to; its .dvcignore says what folders do not count.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        ignored = root / ".dvcignore"
        lines = ignored.read_text(encoding="utf-8").splitlines() if ignored.is_file() else []
        self._ignored = GitIgnoreSpec.from_lines([*ALWAYS_IGNORED, *lines])
        self._known: dict[str, str] = {}

    def exists(self, path: str) -> bool:
        """Return whether there is a file or folder at a path."""
        return (self.root / path).exists()

    def is_folder(self, path: str) -> bool:
        """Return whether a path is a folder."""
        return (self.root / path).is_dir()

    def files(self, path: str) -> list[str]:
        """Return the path of every file in a folder that DVC counts, or the path itself for a file; sorted."""
        top = self.root / path
        if not top.is_dir():
            return [path] if top.is_file() else []
        found = []
        for folder, folders, names in os.walk(top, followlinks=True):
            base = Path(folder).relative_to(self.root).as_posix()
            folders[:] = [name for name in folders if not self._ignored.match_file(f"{base}/{name}/")]
            found += [f"{base}/{name}" for name in names if not self._ignored.match_file(f"{base}/{name}")]
        return sorted(found)

    def hash_all(self, paths: Iterable[str]) -> None:
        """Hash the files at and under the paths, on all cores."""
        wanted = sorted({file for path in paths for file in self.files(path)} - self._known.keys())
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self._known |= dict(zip(wanted, pool.map(lambda file: file_md5(self.root / file), wanted), strict=True))

    def md5(self, path: str) -> str:
        """Return the md5 of a file or folder as dvc.lock would have it.

        Raises:
            FileNotFoundError: There is nothing at the path.
        """
        if self.is_folder(path):
            return folder_md5(self.manifest(path))
        if path not in self._known:
            self._known[path] = file_md5(self.root / path)
        return self._known[path]

    def manifest(self, path: str) -> dict[str, str]:
        """Return path within a folder to md5, for each file in it."""
        return {file.removeprefix(f"{path}/"): self.md5(file) for file in self.files(path)}

    def size(self, path: str) -> int:
        """Return the bytes of a file, or of all files in a folder."""
        return sum((self.root / file).stat().st_size for file in self.files(path))


def cache_folder(root: Path) -> Path:
    """Return the folder of DVC's cache, as its configuration states."""
    # reads configuration of project, user and system; a third of a second that only a revision or verify pays
    from dvc.config import Config

    configured = Config(dvc_dir=str(root / ".dvc")).get("cache", {}).get("dir")
    return Path(configured) if configured else root / ".dvc" / "cache"


@dataclass(frozen=True)
class Cache:
    """DVC's cache.

    Attributes:
        folder: Its place.
    """

    folder: Path

    def path(self, md5: str) -> Path:
        """Return where the content with an md5 is or would be."""
        return self.folder / "files" / "md5" / md5[:2] / md5[2:]

    def manifest(self, md5: str) -> dict[str, str] | None:
        """Return path to md5 of the files in a folder, or None when its list is missing or damaged."""
        try:
            content = self.path(md5).read_bytes()
        except OSError:
            return None
        if md5_of(content) + ".dir" != md5:
            return None
        return {item["relpath"]: item["md5"] for item in json.loads(content)}

    def contents(self, entry: Entry) -> tuple[dict[str, str], list[str]]:
        """Return what an output consists of.

        Returns:
            Path to md5 of each of its files, and the md5s of what the cache lacks, among them the entry's own when
            the list of a folder is missing.
        """
        if not entry.is_folder:
            return {entry.path: entry.md5}, [] if self.path(entry.md5).is_file() else [entry.md5]
        manifest = self.manifest(entry.md5)
        if manifest is None:
            return {}, [entry.md5]
        files = {f"{entry.path}/{name}": md5 for name, md5 in manifest.items()}
        return files, [md5 for md5 in files.values() if not self.path(md5).is_file()]

    def put(self, entry: Entry, root: Path) -> list[str]:
        """Link an output from the cache into a folder.

        Args:
            entry: Output of a stage.
            root: Where paths of outputs start.

        Returns:
            The md5s that the cache lacks.
        """
        files, missing = self.contents(entry)
        for path, md5 in files.items():
            if md5 not in missing:
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                target.symlink_to(self.path(md5))
        return missing

    def damaged(self, known: Iterable[Entry] = ()) -> Iterator[str]:
        """Yield one line for each file in the cache whose content is not what its name says.

        Args:
            known: Entries whose size is certain: the names of runs do not depend on the sizes that these state.
        """
        objects = sorted(p for p in (self.folder / "files" / "md5").glob("??/*") if p.is_file())
        sizes = {entry.md5: (entry.size, entry.nfiles, "dvc.lock") for entry in known}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for path, md5 in zip(objects, pool.map(file_md5, objects), strict=True):
                named = path.parent.name + path.name
                if named.removesuffix(".dir") != md5:
                    yield f"cache: {named} holds content with md5 {md5}: delete {_shown(path)}, then `dvc fetch`"
                elif not named.endswith(".dir"):
                    sizes[named] = (path.stat().st_size, None, "its content")
        for path in sorted((self.folder / "runs").glob("??/*/*")):
            for problem in _run_problems(path, sizes):
                yield f"cache: run {_shown(path)}: {problem}: delete it"


def _shown(path: Path) -> str:
    return "/".join(path.parts[-5:])


def _run_problems(path: Path, sizes: dict[str, tuple[int | None, int | None, str]]) -> Iterator[str]:
    """Yield what is wrong with an entry of the run cache, whose folder and file names are digests of its content.

    Args:
        path: Its place.
        sizes: md5 to size, number of files and which entry states them; what this entry states first is added.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    content, canonical = _read_run(text, path.name)
    if not isinstance(content, dict) or not isinstance(content.get("outs"), list):
        yield "no run of a stage"
        return
    if value := _difference(content, path.name):
        yield f"holds content with sha256 {value}"
        return
    paths = [out.get("path") for out in content["outs"]]
    if key := _difference({**content, "outs": paths}, path.parent.name):
        yield f"lies in the folder of another stage, expected {key}"
    if canonical != text:
        yield "not as DVC writes it"
    for item in (*content.get("deps", []), *content["outs"]):
        size, nfiles = item.get("size"), item.get("nfiles")
        told = sizes.setdefault(item["md5"], (size, nfiles, f"run {_shown(path)}"))
        if (size, nfiles) != told[:2]:
            yield f"{item['path']} has size {size}, files {nfiles}; {told[2]} has {told[0]}, {told[1]}"


def _read_run(text: str, name: str) -> tuple[Any, str]:
    """Return the content of an entry of the run cache and the text that DVC writes for it; None if it is not YAML."""
    try:
        content = load_yaml(text)
    except yaml.YAMLError:
        return None, ""
    canonical = yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False, width=80)
    if canonical == text and not _difference(content, name):
        return content, canonical
    # the YAML of DVC differs in numbers such as 1e-05; it takes thirty times as long
    from dvc.utils.serialize import dumps_yaml, loads_yaml
    from ruamel.yaml.error import YAMLError

    try:
        content = loads_yaml(text)
    except YAMLError:
        return None, ""
    return content, dumps_yaml(content)


def _difference(content: object, name: str) -> str:
    """Return the digest of a content when it is not the name, else ""."""
    digest = _digest(content)
    return "" if digest == name else digest


def _digest(content: object) -> str:
    """Return the sha256 by which DVC names a run."""
    return hashlib.sha256(json.dumps(_without(content), sort_keys=True).encode()).hexdigest()


def _without(content: object) -> object:
    if isinstance(content, Mapping):
        return {key: _without(value) for key, value in content.items() if key not in NOT_HASHED}
    if isinstance(content, Sequence) and not isinstance(content, str):
        return [_without(item) for item in content]
    return content
