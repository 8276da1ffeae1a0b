"""Where tests find items: the project's own, and the real files where they are."""

import os
from pathlib import Path

import pytest

ITEMS = Path(__file__).parent / "items"
"""Small items written for the project, in the publishers' file formats."""

_REPOSITORY = Path(__file__).parents[2]

REAL = Path(os.environ.get("OBSERVATORY_DATASETS", _REPOSITORY.parent / "shared" / "datasets"))
"""Real files of ten benchmarks, without the training files of JSQuAD and MGSM.

They are their publishers', not the project's, and are not distributed with it.
"""

BOTH = os.pathsep.join([str(REAL), str(ITEMS)])
"""The real files, and the project's own where there are none."""

needs_real_files = pytest.mark.skipif(
    not REAL.is_dir(),
    reason=f"real files are not part of the project, and {REAL} is no folder: name one by OBSERVATORY_DATASETS",
)
