"""The pages of the Data Docs as a person gets them, to the byte.

Great Expectations' templates change between releases: after an upgrade the difference is read here and, where it is
fine, `python -m tests.gate.test_golden_page` writes the pages anew.
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from stages.gate.data_docs import Suite, run_suites
from stages.gate.expectations import matrix_expectations

GOLDEN = Path(__file__).parent / "golden"
PAGES = {
    "index.html": "index.html",
    "validation.html": "validations/matrix/gate/20000101T000000.000000Z/matrix-matrix.html",
    "expectations.html": "expectations/matrix.html",
}


def written(folder: Path) -> dict[str, str]:
    frame = pd.DataFrame({"model_id": ["日本/模型", "<b>b</b>"], "mmlu": [0.5, 1.5], "niilc": [float("nan"), 0.25]})
    ranges = dict.fromkeys(["mmlu", "niilc"], (0.0, 1.0))
    suite = Suite("matrix", frame, matrix_expectations(ranges, list(frame["model_id"]), False))
    run_suites([suite], folder / "docs", "The gate on a planted matrix")
    return {name: (folder / "docs" / path).read_text(encoding="utf-8") for name, path in PAGES.items()}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return written(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_the_golden_one(pages: dict[str, str], name: str):
    assert pages[name] == (GOLDEN / name).read_text(encoding="utf-8")


def main() -> int:
    """Write the golden pages."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in written(Path(folder)).items():
            (GOLDEN / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
