"""A study of five benchmarks whose items are the project's own, with a published row for six models."""

import csv
import json
from pathlib import Path

import yaml

from stages.tasks import data
from tests.evaluation.own import SUMS, write_tasks
from tests.repository import Repository, new_repository
from tests.tasks.places import ITEMS
from tests.tasks.tiny import save

MODEL = "x/tiny"
SECOND = "x/second"
THREE = (MODEL, SECOND, "org/model-0")
BENCHMARKS = ("jemhopqa", "openbookqa", "triviaqa", "squad2", "mmlu")
OWN = "sampled"
"""A benchmark whose task the study brings itself; its answers are sampled."""
FACTS = {
    "jemhopqa": ("char F1", 4, "generation"),
    "openbookqa": ("accuracy", 4, "loglikelihood"),
    "triviaqa": ("exact match", 4, "generation"),
    "squad2": ("exact match", 4, "generation"),
    "mmlu": ("accuracy", 5, "loglikelihood"),
    OWN: ("right", 2, "generation"),
}


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def model_row(model_id: str, place: int) -> dict[str, object]:
    return {
        "model_id": model_id, "name": model_id, "active_params_b": 1 + place, "construction": "scratch",
        "base_model_id": "", "corpus": "", "tokens_total_b": 100 + 10 * place, "tokens_en_b": 50 + 10 * place,
        "tokens_ja_b": 50, "group": "all_of_them", "family": f"family-{place}", "reference": "", "revision": "",
        "trust_remote_code": "", "trust_reason": "",
    }  # fmt: skip


def write_study(folder: Path, benchmarks: tuple[str, ...]) -> None:
    folder.mkdir(parents=True)
    published = [f"org/model-{i}" for i in range(6)]
    write(folder / "models.csv", [model_row(name, i) for i, name in enumerate([*published, MODEL, SECOND])])
    facts = []
    for name in benchmarks:
        own = name == OWN
        metric, shots, answer = FACTS[name]
        facts.append({
            "benchmark": name, "label": name, "language": "ja" if name == "jemhopqa" else "en", "ability": "any",
            "counterpart": "", "metric": metric, "max_score": 1, "chance": 0,
            "n_items": len(SUMS) if own else len(data.load(name, ITEMS).test), "n_shots": shots, "answer": answer,
            "reference": "", "task": OWN * own, "task_metric": "right" * own, "task_filter": "number" * own,
        })  # fmt: skip
    write(folder / "benchmarks.csv", facts)
    scores = [
        {
            "model_id": name,
            **{b: round(0.1 + 0.1 * i + 0.03 * ((i * (j + 2)) % 7), 4) for j, b in enumerate(benchmarks)},
        }
        for i, name in enumerate(published)
    ]
    write(folder / "scores.csv", [*scores, {"model_id": SECOND, **dict.fromkeys(benchmarks, 0.25)}])
    info = {
        "title": "Mini", "citation": "Made for a test", "licence": "none",
        "languages": {"ja": "Japanese", "en": "English"},
        "groups": {"all_of_them": "All"},
    }  # fmt: skip
    (folder / "study.yaml").write_text(yaml.safe_dump(info), encoding="utf-8")


def mini_repository(path: Path, *, own: bool = False) -> Repository:
    """Make a repository of the mini study in which `x/tiny` waits for its evaluation; perhaps with an own task."""
    repository = new_repository(path)
    write_study(path / "metadata/mini", (*BENCHMARKS, OWN) if own else BENCHMARKS)
    if own:
        write_tasks(path / "metadata/mini/tasks", "metadata/mini/tasks")
    for model_id in (MODEL, SECOND):
        save(path / "models" / model_id)
    params = yaml.safe_load((path / "params.yaml").read_text(encoding="utf-8"))
    params["study"] = "mini"
    params["evaluate"] |= {
        "models": [MODEL], "data_dir": str(ITEMS), "model_dir": "models", "device": "cpu", "batch_size": 4
    }  # fmt: skip
    params["factorize"] |= {"n_factors": 1, "shown": 1}
    (path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    with (path / ".gitignore").open("a", encoding="utf-8") as file:
        file.write("/models/\n")
    repository.commit("Mini study")
    return repository


def three_models(path: Path) -> Repository:
    """Make a repository of the mini study in which three models wait for their evaluation."""
    repository = mini_repository(path)
    for seed, model_id in enumerate(THREE):
        save(path / "models" / model_id, seed)
    change_params(repository, "evaluate", models=list(THREE), workers=2)
    repository.commit("Three models")
    return repository


def change_params(repository: Repository, section: str, **values: object) -> None:
    path = repository.path / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    params[section] |= values
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
