"""The files of a benchmark on this machine: from local folders, from what was fetched, or from their publishers."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stages.contracts.errors import InputError, raise_all
from stages.contracts.kinds import OfKind, one_line_each
from stages.tasks.checksums import cache_folder, sha256_of
from stages.tasks.fetching import bring, sums
from stages.tasks.sources import SOURCES, UNFETCHED, Source

DATA_DIR_VARIABLE = "OBSERVATORY_DATA_DIR"
"""Names the local folder for the plain `lm_eval` command."""


@dataclass(frozen=True)
class File:
    """A file that is read.

    Attributes:
        source: What it stands for.
        path: Where it lies now.
        sha256: SHA-256 of its bytes; "" where nobody looked.
        origin: The folder or the address it was taken from.
        published: Whether the content is known to be the publisher's.
    """

    source: Source
    path: Path
    sha256: str
    origin: str
    published: bool = False

    @property
    def name(self) -> str:
        """Path below the folder it was taken from."""
        return str(PurePosixPath(self.source.name).with_name(self.path.name))


def folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """Return the local folders, in order of preference.

    Args:
        data_dir: Folders joined by `os.pathsep`; None reads the environment variable `OBSERVATORY_DATA_DIR`.
    """
    named = os.environ.get(DATA_DIR_VARIABLE, "") if data_dir is None else os.fspath(data_dir)
    return [Path(part).expanduser() for part in named.split(os.pathsep) if part]


def fetched_folder() -> Path:
    """Return where files are kept that were fetched for no folder in particular."""
    return cache_folder() / "benchmarks"


def here(benchmark: str, data_dir: str | os.PathLike[str] | None) -> list[File] | None:
    """Return the files of a benchmark that is on this machine, None where it is not.

    Raises:
        InputError: The benchmark is not known, or a local folder has only some of its files.
    """
    if benchmark not in SOURCES:
        raise InputError([f"benchmark {benchmark!r} is not known, expected one of {', '.join(SOURCES)}"])
    roots, sources = folders(data_dir), SOURCES[benchmark]
    found = [next(filter(None, (_within(root, source) for root in roots)), None) for source in sources]
    if any(found):
        raise_all(_missing(benchmark, [s for s, file in zip(sources, found, strict=True) if file is None], roots))
        return [file for file in found if file is not None]
    if all((fetched_folder() / source.published).is_file() for source in sources):
        return [_fetched(benchmark, source) for source in sources]
    return None


def locate(benchmark: str, data_dir: str | os.PathLike[str] | None) -> list[File]:
    """Return the files of a benchmark: from the first folder that has each, or else all from their publishers.

    Raises:
        InputError: The benchmark is not known, files are missing, or a published file has other content.
    """
    found = here(benchmark, data_dir)
    if found is not None:
        return found
    problems: list[OfKind] = []
    files = []
    for source in SOURCES[benchmark]:
        try:
            files.append(_fetched(benchmark, source))
        except InputError as error:
            where = " or ".join(str(root) for root in folders(data_dir))
            missing = f"{source.name} is missing in {where}; " if where else ""
            unfetched = error.problems[0].startswith(UNFETCHED)
            problems += [
                OfKind(f"{benchmark}: {missing}{problem}", UNFETCHED if unfetched else problem, source.name)
                for problem in error.problems
            ]
    raise_all(one_line_each(problems))
    return files


def _missing(benchmark: str, sources: Sequence[Source], roots: Sequence[Path]) -> list[str]:
    where = " or ".join(str(root) for root in roots)
    return one_line_each(
        OfKind(
            f"{benchmark}: {source.name} is missing in {where}, where other files of it are; it is published at"
            f" {source.url}",
            "missing",
            source.name,
        )
        for source in sources
    )


def _within(root: Path, source: Source) -> File | None:
    """Return the file of a source in a folder: the publisher's, or that in another format."""
    for name in (source.published, source.name):
        path = root / name
        if path.is_file():
            digest = sha256_of(path)
            return File(source, path, digest, str(root), digest in {source.sha256, sums(root).get(name)})
    return None


def _fetched(benchmark: str, source: Source) -> File:
    try:
        found = bring(fetched_folder(), source.published, source.url, source.sha256)
    except InputError as error:
        if not error.problems[0].startswith(UNFETCHED):
            raise
        hint = f"put it at {source.name} in a folder and name that folder by evaluate.data_dir or {DATA_DIR_VARIABLE}"
        raise InputError([f"{error.problems[0]}; {hint}"]) from None
    except OSError as error:
        raise InputError([f"{source.url}: {error.strerror or error}: {error.filename}"]) from error
    return File(source, found.path, found.sha256, source.url, published=True)
