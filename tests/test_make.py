"""`make repro` on a fresh clone: nothing installed before, the same bytes as elsewhere, a second time does nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.pipeline.test_bad_input import fingerprint
from tests.repository import ROOT, Repository


@pytest.mark.states
def test_make_repro_in_a_fresh_clone(shipped: Repository, tmp_path: Path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(shipped.path), str(clone)], check=True)
    for name in ("Makefile", "requirements.lock", "README.md"):
        (clone / name).write_bytes((ROOT / name).read_bytes())
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "MLFLOW_", "VIRTUAL_ENV", "PYTHON"))}
    env |= {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    env["PATH"] = ":".join(p for p in env["PATH"].split(":") if p != str(Path(sys.executable).parent))
    base = Path(sys.base_prefix) / f"bin/python{sys.version_info.major}.{sys.version_info.minor}"

    def make(*arguments: str) -> str:
        done = subprocess.run(
            ["make", f"PYTHON={base}", *arguments], cwd=clone, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    first = make("repro")
    assert "minutes" in first.partition("dvc repro: ")[0]
    assert f"{len(yaml.safe_load((ROOT / 'dvc.yaml').read_text())['stages'])} stages" in first
    follow = first.partition("\nnext, after `source .venv/bin/activate`:\n")[2].splitlines()[:3]
    assert [line.split()[0] for line in follow] == ["observatory", "dvc", "mlflow"]
    assert "published vs. reproduced" in first
    assert "scaling.all.pc1.en.rho" in first
    assert "report: reports/index.html" in first
    here, there = fingerprint(shipped), fingerprint(Repository(clone))
    assert set(here) == set(there)
    assert [name for name in here if here[name] != there[name]] == []
    assert len([name for name in here if name.startswith("reports/figures/")]) > 20
    assert "Data and pipelines are up to date." in make("repro")
    # torch, transformers and lm-eval are not needed for the analysis
    installed = subprocess.run([clone / ".venv/bin/pip", "list"], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "transformers", "lm_eval"} & {line.split()[0] for line in installed.splitlines()}
    activated = subprocess.run(
        ["bash", "-c", "source .venv/bin/activate && observatory summary"], cwd=clone, env=env, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert "published vs. reproduced" in activated.stdout
