"""Raw files of imported scores, kept under DVC."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from stages.contracts.errors import InputError
from stages.workspace.imports import dvc_file, imports_folder, keep
from stages.workspace.progress import each, working


def keep_all(study: str, places: Mapping[Path, Path]) -> int:
    """Copy raw files to their places and hand the folder to DVC, unless all of it is there; return how many are new.

    Args:
        study: Study of the files.
        places: File to where it is kept.

    Raises:
        InputError: DVC does not take them.
    """
    copied = sum(keep(file, place) for file, place in each(places.items(), "copying", lambda pair: pair[0].name))
    if copied or not dvc_file(study).is_file():
        command = [sys.executable, "-m", "dvc", "add", str(imports_folder(study))]
        with working("handing raw files to DVC"):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "no reason given")
            raise InputError([f"{imports_folder(study)}: `dvc add` fails ({reason}): nothing was imported"])
    return copied
