"""The raw files of imported scores: kept below data/imports/<study>/, each under the hash of its bytes."""

import re
import shutil
from pathlib import Path

from stages.workspace.files import replacing
from stages.workspace.paths import IMPORTS

DIGITS = 16
"""Hexadecimal digits of the SHA-256 that name the folder of a file."""
UNSAFE = re.compile(r"[^\w.+=@-]", re.ASCII)
SEPARATOR = " "
"""Between the files of samples of one row of imports.csv."""


def imports_folder(study: str) -> Path:
    """Return the folder of a study's raw files."""
    return IMPORTS / study


def dvc_file(study: str) -> Path:
    """Return DVC's record of that folder, which git holds."""
    return IMPORTS / f"{study}.dvc"


def place_of(study: str, file: Path, sha256: str) -> Path:
    """Return where a raw file is kept: its name, below a folder named by its hash."""
    return imports_folder(study) / sha256[:DIGITS] / UNSAFE.sub("_", file.name)


def keep(file: Path, place: Path) -> bool:
    """Copy a raw file to its place unless it is there; return whether it was copied."""
    if place.is_file() and place.stat().st_size == file.stat().st_size:
        return False
    with replacing(place) as beside:
        shutil.copyfile(file, beside)
    return True
