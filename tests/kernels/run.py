"""Run the pipeline of some repositories in one process, and print which BLAS kernels served it.

`python -m tests.kernels.run [--undrawn] FOLDER...`: every folder is the root of a repository; its outputs are written
in place. With `--undrawn` only the first gets its report.
"""

import importlib
import json
import os
import sys
from collections.abc import Sequence

from threadpoolctl import threadpool_info

STAGES = (
    "ingest", "budget", "assemble", "validate", "correlate", "decompose", "factorize", "scale", "stability",
    "robustness", "retest", "compare", "report",
)  # fmt: skip


def main(folders: Sequence[str]) -> None:
    """Run the stages in every folder."""
    undrawn = folders[0] == "--undrawn"
    for i, folder in enumerate(folders[undrawn:]):
        os.chdir(folder)
        for name in STAGES[: -1 if undrawn and i else None]:
            importlib.import_module(f"stages.{name}").main()
    # asked at the end, when every library has loaded its BLAS
    print(json.dumps(sorted({lib["architecture"] for lib in threadpool_info() if lib["user_api"] == "blas"})))


if __name__ == "__main__":
    main(sys.argv[1:])
