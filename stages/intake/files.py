"""Which files are results of which tool, and what is in them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.contracts.errors import InputError
from stages.contracts.names import listed
from stages.intake import euroeval, every_eval_ever, inspect_logs, lighteval, lm_eval
from stages.intake.archives import SUFFIX, read_log
from stages.intake.jsons import read_lines
from stages.intake.results import Found

SAMPLES = ("samples_", "_samples")
"""Beginning or end of the name of a file of samples: it is read with the results that it belongs to."""
LINES = ".jsonl"
SUFFIXES = (".json", LINES, SUFFIX)


@dataclass(frozen=True)
class Format:
    """A kind of result files.

    Attributes:
        title: Name shown to a person.
        is_one: Returns whether a JSON object, the first of a file with several, is of this kind.
        read: Reads a file of it.
    """

    title: str
    is_one: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Path], Found]


FORMATS: Mapping[str, Format] = {
    lm_eval.NAME: Format("results of lm-eval", lm_eval.is_results, lm_eval.read),
    every_eval_ever.NAME: Format("records of Every Eval Ever", every_eval_ever.is_record, every_eval_ever.read),
    lighteval.NAME: Format("results of lighteval", lighteval.is_results, lighteval.read),
    euroeval.NAME: Format("lines of EuroEval", euroeval.is_line, euroeval.read),
    inspect_logs.NAME: Format("logs of inspect", inspect_logs.is_log, inspect_logs.read),
}
"""Name of a format, as `--format` takes it, in the order in which they are tried."""


def result_files(given: Sequence[Path]) -> list[Path]:
    """Return the files that may hold results, of folders all within them, sorted and each once.

    Raises:
        InputError: A path does not exist, or holds no result files.
    """
    problems = [f"{path}: no such file or folder" for path in given if not path.exists()]
    found: dict[Path, None] = {}
    for path in given:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        mine = [
            each for each in inside if each.is_file() and (each == path or _may_be_results(each.relative_to(path)))
        ]
        if path.is_dir() and not mine:
            problems.append(f"{path}: no result files in this folder: expected {_expected()}")
        found |= dict.fromkeys(mine)
    if problems:
        raise InputError(problems)
    return list(found)


def _may_be_results(path: Path) -> bool:
    """Return whether a file may hold results, by its path within the folder that was given."""
    stem = path.stem
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix in SUFFIXES and not hidden and not stem.startswith(SAMPLES[0]) and not stem.endswith(SAMPLES[1])


def _expected() -> str:
    return listed([form.title for form in FORMATS.values()])


def read_files(files: Iterable[Path], given: Collection[Path], name: str | None = None) -> Found:
    """Read files of results.

    Args:
        files: From `result_files`.
        given: Those that the user named; others that are not recognised are skipped with a note.
        name: A key of `FORMATS` that all are; None to recognise each.
    """
    found = Found()
    for path in files:
        try:
            found.add(FORMATS[name].read(path) if name else _recognised(path).read(path))
        except NotRecognisedError as error:
            (found.refused if path in given else found.notes).extend(error.problems)
        except InputError as error:
            found.refused += error.problems
    return found


class NotRecognisedError(InputError):
    """A file is not of a known format."""


def _recognised(path: Path) -> Format:
    """Return the format of a file.

    Raises:
        InputError: It cannot be read, or its format is not known.
    """
    content = next(read_lines(path), {}) if path.suffix == LINES else read_log(path)
    for form in FORMATS.values():
        if form.is_one(content):
            return form
    keys = listed(list(content)) or "none"
    raise NotRecognisedError([f"{path}: not recognised: expected {_expected()}; its keys are {keys}: skipped"])


def unique(found: Found, digests: Mapping[Path, str]) -> Iterator[str]:
    """Drop the numbers of files that are copies of others, byte by byte; yield a line for each such file.

    Args:
        found: What was read; changed.
        digests: File to its SHA-256.
    """
    first: dict[str, Path] = {}
    answered = {result.file for result in found.results if result.samples}
    # of copies that with its answers beside it is read
    paths = sorted(digests, key=lambda path: path not in answered)
    copies = {path: first[digests[path]] for path in paths if first.setdefault(digests[path], path) != path}
    found.results = [result for result in found.results if result.file not in copies]
    yield from (f"{path} is a copy of {other}: read once" for path, other in copies.items())
