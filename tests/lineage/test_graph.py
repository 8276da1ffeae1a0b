"""Graphs of files and stages, their causes and chains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.analysis.claims import RULES
from stages.lineage.causes import causes
from stages.lineage.graph import Branch, Graph, as_json, chain, downstream_tree, render, upstream_tree
from stages.lineage.pipeline import Entry, LockedStage
from stages.lineage.sources import claim_sources, figure_sources


def entry(path: str, digit: str = "0") -> Entry:
    return Entry(path, digit * 32)


def study(**md5s: str) -> Graph:
    """facts -> read -> table -> fit -> number; another reads the folder of the table."""

    def of(path: str) -> Entry:
        return entry(path, md5s.get(path.rpartition("/")[2], "0"))

    stages = [
        LockedStage("read", "read it", (of("metadata"), of("stages/read.py")), {}, (of("data/table"),)),
        LockedStage(
            "fit",
            "fit it",
            (of("data/table"), of("stages/fit.py")),
            {"params.yaml": {"fit": {"k": 4}}},
            (of("number"),),
        ),
        LockedStage("show", "show it", (of("data"), of("number")), {}, (of("page"),)),
    ]
    return Graph({stage.name: stage for stage in stages}, {})


def test_upstream_ends_at_the_facts_and_downstream_at_the_page():
    graph = study()
    found = list(graph.upstream(["number"]))
    assert found[:3] == ["number", "stage:fit", "data/table"]
    assert set(found[3:]) == {"stages/fit.py", "stage:read", "metadata", "stages/read.py"}
    assert len(found) == 7
    assert set(graph.downstream(["metadata"])) == {
        "metadata", "stage:read", "data/table", "stage:fit", "number", "stage:show", "page",
    }  # fmt: skip


def test_a_folder_stands_for_the_outputs_of_other_stages_in_it():
    assert [item.path for item in study().inputs("show")] == ["data/table", "number"]


@given(st.sampled_from(["metadata", "stages/read.py", "data/table", "stages/fit.py", "number", "page"]))
def test_whatever_is_upstream_of_a_node_has_it_downstream(node: str):
    graph = study()
    for other in graph.upstream([node]):
        if not other.startswith("stage:"):
            assert node in set(graph.downstream([other]))


def test_a_tree_spells_a_stage_out_once():
    (tree,) = upstream_tree(study(), ["page"])
    lines = list(render(tree))
    assert sum("stage read: read it" in line for line in lines) == 1
    assert sum("stage read (above)" in line for line in lines) == 1
    assert any("params: fit.k=4" in line for line in lines)
    assert any("code: stages/fit.py 00000000" in line for line in lines)


def test_only_what_a_figure_shows_is_followed():
    (tree,) = upstream_tree(study(), ["page"], only=["number"])
    assert [branch.title.split()[0] for branch in tree.branches[0].branches] == ["number"]


def test_downstream_tree_leads_to_the_page():
    (tree,) = downstream_tree(study(), ["stages/fit.py"])
    lines = list(render(tree))
    assert lines[0].startswith("stages/fit.py")
    assert any("page" in line for line in lines)
    assert not any("data/table" in line for line in lines)


def test_notes_are_shown_where_a_file_is_used():
    graph = Graph(study().stages, {entry("stages/fit.py"): "changed since"})
    text = "\n".join(render(upstream_tree(graph, ["number"])[0]))
    assert "stages/fit.py 00000000 (changed since)" in text
    noted = [node for node in as_json(graph, ["stages/fit.py"])["nodes"] if node.get("note")]
    assert [node["id"] for node in noted] == ["stages/fit.py"]


def test_what_a_stage_read_that_has_not_run_since_does_not_concern_the_chain_of_another():
    """After a closed gate the later stages still say what they read for an earlier state."""
    stages, stale = study().stages, {entry(path, "5"): "changed since" for path in ("data/table", "metadata")}
    late = LockedStage("late", "late", (*stale,), {}, (entry("later"),))
    graph = Graph({**stages, "late": late}, stale)
    text = "\n".join(render(upstream_tree(graph, ["number"])[0]))
    assert f"data/table  md5 {'0' * 32}\n" in text
    assert f"metadata  md5 {'0' * 32}" in text
    assert "changed since" not in text
    text = "\n".join(render(upstream_tree(graph, ["later"])[0]))
    assert f"data/table  md5 {'5' * 32} (changed since)\n" in text


def test_render_draws_branches_in_order():
    tree = Branch("a", ("about a",), (Branch("b", (), (Branch("c"),)), Branch("d", ("about d",))))
    assert list(render(tree)) == ["a", "│  about a", "├─ b", "│  └─ c", "└─ d", "      about d"]


def test_causes_are_what_changed_upstream():
    found = causes(study(), study(**{"fit.py": "1", "number": "2", "page": "3"}))
    assert found == {"number": ("stages/fit.py",), "page": ("stages/fit.py",)}


def test_a_file_made_anew_with_the_same_contents_passes_nothing_on():
    found = causes(study(), study(**{"read.py": "1", "fit.py": "1", "number": "2", "page": "3"}))
    assert found["number"] == ("stages/fit.py",)


def test_a_changed_fact_is_the_cause_of_everything_after_it():
    found = causes(study(), study(metadata="1", table="2", number="3", page="4"))
    assert found == {"data/table": ("metadata",), "number": ("metadata",), "page": ("metadata",)}


def test_a_changed_parameter_is_a_cause():
    before, after = study(), study(number="1")
    fit = after.stages["fit"]
    changed = {
        **after.stages,
        "fit": LockedStage("fit", fit.cmd, fit.deps, {"params.yaml": {"fit": {"k": 5}}}, fit.outs),
    }
    assert causes(before, Graph(changed, {}))["number"] == ("fit.k",)


def test_the_chain_of_a_file_is_the_tree_that_leads_to_it():
    lines = chain(study(), "number").splitlines()
    assert lines == [line for branch in upstream_tree(study(), ["number"]) for line in render(branch)]
    assert lines[0].startswith("number  md5 ")
    assert any("stage fit: fit it" in line for line in lines)


@pytest.mark.parametrize("kind", RULES)
def test_every_kind_of_claim_has_a_source(kind: str):
    assert claim_sources(f"{kind}.x.y.z")


def test_loadings_and_shares_come_from_different_files():
    assert claim_sources("pca.all.evr.pc1") == ("reports/tables/explained_variance.csv",)
    assert claim_sources("pca.all.loading.pc1.x") == ("reports/tables/pca_loadings.csv",)
    assert claim_sources("fa.all.contribution.factor1") == ("reports/tables/fa_summary.csv",)
    assert claim_sources("corr.spearman.a.b") == ("reports/tables/correlation_spearman.csv",)
    assert claim_sources("invented.x") == ()


def test_scaling_figures_of_components_and_factors_show_different_scores():
    assert "reports/tables/pca_scores.csv" in figure_sources("scaling_pc1")
    assert "reports/tables/fa_scores.csv" in figure_sources("scaling_factor2")
    assert "data/score_matrix.parquet" in figure_sources("pc2_raw")
    assert figure_sources("unknown") == ()
