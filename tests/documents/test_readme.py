"""README.md: one screen, and the pipeline that dvc.yaml has."""

import re
from collections.abc import Set

import pytest
import yaml

from tests.documents.pages import blocks
from tests.repository import ROOT, Repository

README = (ROOT / "README.md").read_text(encoding="utf-8")
LONGEST = 120
MODEL = "MODEL"
Edges = Set[tuple[str, str]]


def test_it_is_short():
    assert len(README.splitlines()) <= LONGEST
    shown = [line for block in blocks(README) if block.language == "text" for line in block.text.splitlines()]
    assert len([line for line in shown if line.strip() != "..."]) <= 10


def test_every_link_leads_to_a_file_of_the_repository():
    targets = [link for link in re.findall(r"\]\(([^)#]+)", README) if ":" not in link]
    assert len(targets) > 10
    for target in targets:
        assert (ROOT / target).is_file(), target


@pytest.fixture(scope="module")
def dag(tmp_path_factory: pytest.TempPathFactory) -> tuple[Set[str], Edges]:
    """Stages and arrows as `dvc dag` has them, with a model to evaluate."""
    folder = tmp_path_factory.mktemp("dag")
    (folder / "dvc.yaml").write_bytes((ROOT / "dvc.yaml").read_bytes())
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["evaluate"]["models"] = [MODEL]
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    repository = Repository(folder)
    repository.dvc("init", "--no-scm", "-q")
    drawn = repository.dvc("dag", "--mermaid")
    names = {node: name.partition("@")[0] for node, name in re.findall(r'(node\d+)\["(.+?)"\]', drawn)}
    return set(names.values()), {(names[a], names[b]) for a, b in re.findall(r"(node\d+)-->(node\d+)", drawn)}


def reduced(edges: Edges) -> Edges:
    """Return the arrows that no other path implies."""

    def reach(start: str, without: tuple[str, str]) -> set[str]:
        seen, todo = set(), [start]
        while todo:
            here = todo.pop()
            new = {b for a, b in edges if a == here and (a, b) != without} - seen
            seen |= new
            todo += new
        return seen

    return {(a, b) for a, b in edges if b not in reach(a, (a, b))}


def test_the_graph_is_that_of_dvc(dag: tuple[Set[str], Edges]):
    (graph,) = [block.text for block in blocks(README) if block.language == "mermaid"]
    edges = set(re.findall(r"(\w+) --> (\w+)", graph))
    nodes, arrows = dag
    assert edges == reduced(arrows)
    assert {name for edge in edges for name in edge} | set(re.findall(r"^    (\w+)$", graph, re.MULTILINE)) == nodes


def test_every_folder_of_the_architecture_exists():
    tree = (ROOT / "docs/explanation/architecture.md").read_text(encoding="utf-8").split("```")[1]
    for line in tree.partition("\n")[2].strip().splitlines():
        for name in line.split("  ")[0].split():
            if "<" not in name:
                assert (ROOT / name).exists() or name in {"mlflow.db", "data/"}, name


def test_one_version_everywhere():
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert citation["version"] == version
    assert re.search(rf"^## {re.escape(version)} \({citation['date-released']}\)$", changelog, re.MULTILINE)


def test_continuous_integration_runs_what_runs_here_on_every_promised_python():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["check-and-test"]
    assert job["steps"][-1] == {"run": ".ci/run"}
    (later,) = re.findall(r"^LATER_PYTHONS := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert job["strategy"]["matrix"]["python"] == ["3.11", *later.split()]
