"""The reference in docs/: pages made from the code, and the tables and metrics that the stages really write."""

import csv
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from PIL import Image

from docs import generate, pictures
from stages.analysis import claims
from stages.contracts.params import section_rows
from stages.gate.findings import MATRIX_CHECKS, MODEL_CHECKS
from tests.repository import ROOT, Repository

RESULTS = (ROOT / "docs/reference/results.md").read_text(encoding="utf-8")
LARGEST_PICTURE = 300_000


def names_in(cell: str) -> list[str]:
    """Return the names in a cell of a table, as patterns of the shell."""
    return [re.sub(r"<[^>]+>", "*", name) for name in re.findall(r"`([^`]+)`", cell)]


def rows_of(section: str) -> list[str]:
    return [name for cell in re.findall(r"^\| (`[^|]+) \|", section, flags=re.MULTILINE) for name in names_in(cell)]


def flat(value: object, within: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from flat(item, f"{within}.{name}")
    else:
        yield within


def matches(name: str, pattern: str) -> bool:
    """Return whether a name fits a pattern, a star of which stands for no dot unless it is all."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^.]+"), name) is not None


def test_every_metric_is_explained_and_no_other(shipped: Repository):
    explained = rows_of(RESULTS.split("## Metrics")[1].split("\n## ")[0])
    found = []
    for path in (shipped.path / "reports/metrics").glob("*.json"):
        values = json.loads(path.read_text(encoding="utf-8"))
        # names of pairs hold a dot of their own, as those of the pattern do
        found += list(flat(values, path.stem))
    assert found
    assert [name for name in found if sum(matches(name, pattern) for pattern in explained) != 1] == []
    assert [pattern for pattern in explained if not any(matches(name, pattern) for name in found)] == []


def test_every_column_of_every_table_is_explained_and_no_other(shipped: Repository):
    sections = dict(part.split("\n", 1) for part in RESULTS.split("\n### ")[1:])
    explained = {name: rows_of(text) for title, text in sections.items() for name in title.split(", ")}
    tables = sorted((shipped.path / "reports/tables").glob("*.csv"))
    seen = set()
    for path in tables:
        names = [name for name in explained if fnmatch(path.name, name)]
        assert len(names) == 1, (path.name, names)
        name = names[0]
        seen.add(name)
        with path.open(encoding="utf-8") as file:
            header = next(csv.reader(file))
        for column in header:
            assert any(fnmatch(column, pattern) for pattern in explained[name]), (path.name, column)
        for pattern in explained[name]:
            assert any(fnmatch(column, pattern) for column in header), (path.name, pattern)
    assert seen == set(explained)


def test_every_parameter_has_its_row_with_its_bounds():
    page = "\n".join(generate.parameter_lines())
    assert len(section_rows()) > 40
    for name, meaning in section_rows():
        assert re.search(rf"^\| `{re.escape(name)}` \| \S[^|]* \| {re.escape(meaning)} \|$", page, re.MULTILINE), name
    assert "| `validate.suspicion.far_z` | number > 0 |" in page
    assert "| `evaluate.limit` | integer ≥ 1 or `null` |" in page
    assert "| `report.dpi` | integer ≥ 50, ≤ 600 |" in page


def test_every_column_of_a_study_has_its_contract_and_its_meaning():
    page = "\n".join(generate.table_lines())
    for table in generate.tables():
        section = page.split(f"## {table.file}\n")[1].split("\n## ")[0]
        assert [name for name in re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)] == table.names
    assert "| `active_params_b` | number > 0 | cell | Parameters active per token, in billions" in page
    assert "| `construction` | `scratch`, `continual` |" in page


def test_the_guide_to_a_closed_gate_has_every_check_that_closes_it():
    guide = (ROOT / "docs/how-to/read-a-closed-gate.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+):", guide, flags=re.MULTILINE)
    assert {name for row in rows for name in names_in(row)} == {*MODEL_CHECKS, *MATRIX_CHECKS}


def test_every_command_stage_and_task_is_on_its_page():
    commands, stages = "\n".join(generate.command_lines()), "\n".join(generate.pipeline_lines())
    assert "observatory diff [OPTIONS] REV1 [REV2]" in commands
    assert "| `--samples K` | Show K answers behind a cell." in commands
    assert "observatory diff HEAD workspace" in commands
    assert "- Writes: `data/score_cells.parquet`, `data/score_matrix.parquet`" in stages
    assert "| `jemhopqa` | `char_f1` | generation | 4 | 15 | 1 |" in "\n".join(generate.benchmark_lines())
    grammar = "\n".join(generate.grammar_lines())
    assert all(f"`{form}`" in grammar for forms in claims.FORMS.values() for form in forms)
    assert "| `share.COMPONENT` | yes |" in grammar


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("[tasks](../../stages/tasks/README.md#data)", "[tasks](../reference/tasks.md#data)"),
        ("[gate](../explanation/gate.md)", "[gate](../explanation/gate.md)"),
        ("![report](../pictures/report.png)", "![report](../pictures/report.png)"),
        ("[licence](../../LICENSE)", "licence"),
        ("[arXiv](https://arxiv.org/abs/2412.14471)", "[arXiv](https://arxiv.org/abs/2412.14471)"),
    ],
)
def test_links_out_of_docs_lead_to_the_page_that_shows_the_file(link: str, shown: str):
    assert generate.relinked_all(link, "docs/how-to/add-a-model.md", "how-to/add-a-model.md") == shown


def test_the_picture_is_small_and_shows_the_report_of_today(shipped: Repository):
    assert pictures.PICTURE.stat().st_size < LARGEST_PICTURE
    with Image.open(pictures.PICTURE) as image:
        assert image.size == (pictures.WIDTH, pictures.HEIGHT)
    assert pictures.recorded() == pictures.digest(shipped.path / "reports"), "run `dvc repro` and `make pictures`"


def test_a_figure_that_changes_makes_the_picture_old_and_another_name_of_the_state_does_not(tmp_path: Path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "index.html").write_text("state 0123456789abcdef code 01234567", encoding="utf-8")
    (tmp_path / "figures/a.png").write_bytes(b"a")
    first = pictures.digest(tmp_path)
    (tmp_path / "index.html").write_text("state fedcba9876543210 code fedcba98", encoding="utf-8")
    assert pictures.digest(tmp_path) == first
    (tmp_path / "figures/a.png").write_bytes(b"b")
    assert pictures.digest(tmp_path) != first
