"""Run every benchmark, or those named: `python -m bench pipeline page`."""

import importlib
import sys
from collections.abc import Sequence

NAMES = (
    "pipeline",
    "stability",
    "verify",
    "evaluate",
    "page",
    "scale",
    "team",
    "engines",
    "import",
    "hour",
)
MODULES = {"import": "importing"}
"""Name to the module that has another: Python keeps some words for itself."""


def main(names: Sequence[str]) -> None:
    """Print one Markdown table per benchmark."""
    for name in names or NAMES:
        if name not in NAMES:
            raise SystemExit(f"{name}: no such benchmark; known: {', '.join(NAMES)}")
        print(f"\n## {name}\n")
        importlib.import_module(f"bench.{MODULES.get(name, name)}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
