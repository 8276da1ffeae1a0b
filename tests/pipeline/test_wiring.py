"""dvc.yaml against the code: what a stage imports, it depends on."""

import subprocess
import sys

import grimp
import pytest
import yaml

from tests.repository import ROOT

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
GRAPH = grimp.build_graph("stages", cache_dir=None)  # two workers would write one cache
ONLY_FOR_A_REFUSAL = ("stages/lineage/", "stages/tracking/")
"""What the gate imports to log a failure; it changes no output of a stage that passes."""
GATES = ("budget", "validate")
READ_FOR_DIGESTS = {"stages/evaluation", "stages/sandbox", "stages/tasks"}
"""Code of which `ingest` writes digests, whether it imports it or not."""


def definition(name: str) -> dict:
    return PIPELINE[name].get("do", PIPELINE[name])


def path_of(module: str) -> str:
    """Return the file of a module, as dvc.yaml writes it."""
    path = module.replace(".", "/")
    return f"{path}/__init__.py" if (ROOT / path).is_dir() else f"{path}.py"


@pytest.mark.parametrize("name", [name for name in PIPELINE if name != "evaluate"])
def test_dependencies_cover_the_import_closure(name: str):
    deps = definition(name)["deps"]
    module = f"stages.{name}"
    closure = {module} | GRAPH.find_upstream_modules(module)
    # packages' __init__ files hold a docstring each and nothing that could change a result
    files = {path_of(m) for m in closure if not path_of(m).endswith("__init__.py")}
    if name in GATES:
        files = {file for file in files if not file.startswith(ONLY_FOR_A_REFUSAL)}
    uncovered = {f for f in files if not any(f == dep or f.startswith(f"{dep}/") for dep in deps)}
    assert not uncovered, f"add to deps of {name}: {sorted(uncovered)}"


def test_an_evaluation_depends_on_digests_of_its_code_its_model_and_its_data():
    """Hours on a GPU are not spent again for a comment: `ingest` writes what the code of each task means."""
    assert definition("evaluate")["deps"] == ["data/study/records/${item}.json", "data/locks/${item}.json"]
    assert definition("lock")["always_changed"]
    assert READ_FOR_DIGESTS <= set(definition("ingest")["deps"])


@pytest.mark.parametrize("name", PIPELINE)
def test_code_that_a_stage_does_not_import_is_no_dependency(name: str):
    closure = {path_of(m) for m in {f"stages.{name}"} | GRAPH.find_upstream_modules(f"stages.{name}")}
    code = [dep for dep in definition(name)["deps"] if dep.startswith("stages/")]
    code = [dep for dep in code if name != "ingest" or dep not in READ_FOR_DIGESTS]
    assert [dep for dep in code if not any(f == dep or f.startswith(f"{dep}/") for f in closure)] == []


@pytest.mark.parametrize("name", PIPELINE)
def test_stage_files_are_thin(name: str):
    lines = (ROOT / f"stages/{name}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60
    assert definition(name)["cmd"].startswith(f"python -m stages.{name}")


def test_stages_are_in_the_order_of_their_work():
    assert list(PIPELINE)[:2] == ["select", "ingest"]
    assert list(PIPELINE)[-1] == "track"
    assert all(stage.get("desc") or stage.get("do", {}).get("desc") for stage in PIPELINE.values())


@pytest.mark.parametrize("name", ["lock", "select"])
def test_what_runs_for_each_model_or_in_every_run_waits_for_no_library_of_tables(name: str):
    """With forty evaluated models `dvc repro` starts `lock` forty times to find that nothing changed."""
    heavy = ("pandas", "pyarrow", "requests", "scipy", "lm_eval", "torch", "great_expectations", "mlflow", "dvc")
    code = f"import sys, stages.{name}\nprint([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
