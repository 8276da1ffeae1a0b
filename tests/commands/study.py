"""A small study with an evaluated model, for tests of lineage."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import yaml

from tests.planted import write_study
from tests.repository import Repository, new_repository

STUDY = "tiny"
MODEL = "org/model-07"
OTHER = "org/model-06"
BENCHMARKS = [f"task_{j}" for j in range(5)]
N_ITEMS = 20

EVALUATE = '''"""Stands in for the stage `evaluate`: answers without a model, the same every time."""

import hashlib, json, sys
from pathlib import Path
import numpy as np
import pandas as pd

model = sys.argv[1]
folder = Path("data/evaluations") / model
(folder / "samples").mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(int(hashlib.sha256(model.encode()).hexdigest()[:8], 16))
scores = {}
for j in range(5):
    name = f"task_{j}"
    value = (rng.uniform(size=20) < 0.3 + 0.08 * j).astype(float)
    table = pd.DataFrame({
        "item": [f"{name}-{i}" for i in range(20)],
        "prompt_hash": [hashlib.sha256(f"{name} {i}".encode()).hexdigest() for i in range(20)],
        "prompt": [f"Question {i} of {name}?" for i in range(20)],
        "raw": [f" answer {int(v)}" for v in value],
        "filtered": [f"answer {int(v)}" for v in value],
        "target": "answer 1",
        "value": value,
        "empty": 0.0,
        "failed": 0.0,
    })
    table.to_parquet(folder / "samples" / f"{name}.parquet", index=False)
    scores[name] = {
        "score": value.mean(), "stderr": value.std(ddof=1) / 20**0.5, "n_items": 20, "metric": "accuracy",
        "protocol": "accuracy, 0-shot, generation", "empty_rate": 0.0, "failed_rate": 0.0, "capped_rate": 0.0,
    }
(folder / "scores.json").write_text(json.dumps(scores, indent=1))
(folder / "provenance.json").write_text(json.dumps({
    "model": model, "commit": "c" * 40, "weights": {"model.safetensors": "w" * 64}, "workaround": {},
    "data": {f"task_{j}": {"revision": f"r{j}", "sha256": "d" * 64} for j in range(5)},
    "task_hash": {f"task_{j}": f"t{j}" * 8 for j in range(5)},
    "benchmarks": {f"task_{j}": {"mlflow_run": "f" * 32} for j in range(5)},
    "device": "cpu", "libraries": {"lm_eval": "0.4.13"}, "code": "1" * 40, "dirty": False,
}, indent=1))
'''


def write_tiny(folder: Path) -> None:
    """Write the planted study with claims, a correction and a waiver."""
    write_study(folder, n_models=12, n_benchmarks=5)
    info = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    info["citation"] = "Nobody (2024). A planted study."
    info["licence"] = "CC0"
    (folder / "study.yaml").write_text(yaml.safe_dump(info), encoding="utf-8")
    benchmarks = pd.read_csv(folder / "benchmarks.csv", keep_default_na=False)
    benchmarks.assign(n_items=N_ITEMS).to_csv(folder / "benchmarks.csv", index=False)
    scores = pd.read_csv(folder / "scores.csv", index_col="model_id")
    scores.loc["org/model-01", "task_1"] = 0.0
    scores.round(6).to_csv(folder / "scores.csv")
    corrected = round(float(scores["task_2"].iloc[2]) + 1, 6)
    published = round(float(scores["task_2"].iloc[2]), 6)
    (folder / "corrections.csv").write_text(
        f"model_id,benchmark,published,corrected,reason,source\n"
        f"org/model-02,task_2,{published},{corrected},misprint,A later table\n",
        encoding="utf-8",
    )
    (folder / "waivers.csv").write_text(
        "model_id,benchmark,check,reason,source\norg/model-01,task_1,zero,planted,Made for a test\n", encoding="utf-8"
    )
    (folder / "conclusions.yaml").write_text(
        "subsets: [even]\nconclusions:\n- id: general\n  statement: One ability explains most\n  source: Table 1\n"
        "  criteria:\n  - {statistic: evr.PC1, holds: 0.5, weakens: 0.4}\n",
        encoding="utf-8",
    )
    rows = [
        ("models.n", "number of models", 12),
        ("benchmarks.n", "number of benchmarks", 5),
        ("models.even.n", "number of even models", 6),
        ("corr.pearson.task_0.task_1", "Pearson r", 0.5),
        ("corr.spearman.task_0.task_2", "Spearman rho", 0.5),
        ("std.task_1", "standard deviation", 0.2),
        ("se.task_1", "standard error", 0.1118),
        ("pca.all.evr.pc1", "% of variance", 60),
        ("pca.all.evr.top2", "% of variance", 90),
        ("pca.all.loading.pc1.task_3", "loading", 0.4),
        ("fa.all.loading.factor1.task_3", "loading", 0.9),
        ("fa.all.contribution.factor1", "% of variance", 60),
        ("scaling.all.pc1.de.rho", "Pearson r", 0.9),
        ("range.task_0.pc1", "score range", 0.3),
    ]
    lines = [f"{name},Table 1,{quantity},all,{value},0.5," for name, quantity, value in rows]
    header = "claim_id,location,quantity,subset,published,tolerance,note"
    (folder / "claims.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def set_params(repository: Repository, **sections: object) -> None:
    """Change params.yaml: `subset="odd"`, `evaluate={"models": [...]}`."""
    path = repository.path / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, value in sections.items():
        params[name] = {**params[name], **value} if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def new_study(path: Path) -> Repository:
    """Make a repository of the small study, with a stage that stands in for `evaluate`."""
    repository = new_repository(path)
    write_tiny(path / "metadata" / STUDY)
    (path / "evaluation.py").write_text(EVALUATE, encoding="utf-8")
    pipeline = yaml.safe_load((path / "dvc.yaml").read_text(encoding="utf-8"))
    # the model that it evaluates has no weights
    del pipeline["stages"]["lock"]
    pipeline["stages"]["evaluate"] = {
        "foreach": "${evaluate.models}",
        "do": {
            "cmd": "python evaluation.py ${item}",
            "deps": ["evaluation.py"],
            "outs": ["data/evaluations/${item}"],
        },
    }
    (path / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    set_params(
        repository,
        study=STUDY,
        factorize={"n_factors": 2, "shown": 2},
        stability={"draws": 100, "parallel_draws": 100},
        report={"dpi": 50},
    )
    repository.commit("A small study")
    return repository


def flip(path: Path, position: int, bit: int = 0) -> bytes:
    """Flip one bit of a file and return what it held before."""
    before = path.read_bytes()
    position %= len(before)
    changed = bytearray(before)
    changed[position] ^= 1 << bit
    path.write_bytes(bytes(changed))
    return before


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def metric(repository: Repository, name: str) -> dict:
    return json.loads((repository.path / f"reports/metrics/{name}.json").read_text(encoding="utf-8"))
