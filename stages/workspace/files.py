"""Files, read and written as a whole or not at all."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stages.contracts.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def read_text(path: Path) -> str:
    """Read a UTF-8 text file.

    Raises:
        InputError: It does not exist or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError([f"{path}: the file is missing"]) from None
    except UnicodeDecodeError:
        raise InputError([f"{path}: not UTF-8 text: save it as UTF-8"]) from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside the target that replaces it when the block succeeds and vanishes when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        # mkstemp makes the file private; an output is as readable as any other file
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of the target when the block succeeds; see `move_folder`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
        new = Path(beside, "new")
        new.mkdir()
        yield new
        move_folder(new, path)


def move_folder(source: Path, target: Path) -> None:
    """Put a folder in the place of another, which is removed only when the new one stands there.

    Killed in between, the old folder is beside the target, in a folder whose name begins with a dot.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
        old = Path(beside, "old")
        if target.exists():
            target.replace(old)
        try:
            source.replace(target)
        except BaseException:
            if old.exists():
                old.replace(target)
            raise


def restore_folder(path: Path) -> None:
    """Clear up after a process that was killed while it replaced a folder: the old one stands there again."""
    # the end of a name is `tempfile`'s: that of another folder may begin with this one's and a dot
    temporary = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
    for beside in [each for each in path.parent.glob(".*") if temporary.fullmatch(each.name)]:
        old = beside / "old"
        if old.exists() and not path.exists():
            old.replace(path)
        shutil.rmtree(beside)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as a whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_parquet(path: Path, frame: "pd.DataFrame") -> None:
    """Write a frame with its index as parquet."""
    with replacing(path) as beside:
        frame.to_parquet(beside)


def read_parquet(path: Path) -> "pd.DataFrame":
    """Read a frame that `write_parquet` wrote."""
    # most of what imports this module reads no frame, and pandas takes longer than many a stage
    import pandas as pd

    return pd.read_parquet(path)
