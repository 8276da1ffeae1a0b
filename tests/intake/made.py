"""Result files of other tools, of made-up models: ability decides each answer, the same every time."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from docs import example
from docs.example import share

STAMP = "2026-05-01T10-00-00.000001"
DATE = 1777629600.5
TASKS = {"arc": 0.25, "copa": 0.5, "gsm": 0.0, "nq": 0.0}
"""Task to what guessing scores; tasks of zero are generated."""
MODELS = {"org/small-1b": 0.5, "org/medium-7b": 0.6, "org/large-13b": 0.75}
N_ITEMS = 40


def right(model: str, ability: float, task: str, item: int) -> bool:
    """Return whether a model answers an item: models share how hard it is."""
    chance = TASKS.get(task, 0.0)
    level = chance + (1 - chance) * min(max(ability + 0.25 * (share(model, task) - 0.5), 0.02), 0.98)
    return 0.6 * share(task, item) + 0.4 * share(model, task, item) < level


def generated(task: str) -> bool:
    return TASKS.get(task, 0.0) == 0


def lm_eval_sample(model: str, ability: float, task: str, item: int) -> dict:
    """Return a row of lm-eval's samples."""
    good = right(model, ability, task, item)
    text = f" The answer is {item if good else item + 1}."
    return example.lm_eval_sample(task, item, good=good, text=text, generated=generated(task))


def write_lm_eval(
    folder: Path,
    models: Mapping[str, float] = MODELS,
    tasks: Sequence[str] = tuple(TASKS),
    n_items: int = N_ITEMS,
    *,
    with_samples: bool = True,
    stamp: str = STAMP,
) -> Path:
    """Write a folder of results as lm-eval does with --output_path and --log_samples."""
    for model, ability in models.items():
        samples = {task: [lm_eval_sample(model, ability, task, i) for i in range(n_items)] for task in tasks}
        results = example.lm_eval_results(model, samples, DATE, set(filter(generated, tasks)))
        example.write(folder, results, samples if with_samples else {}, stamp)
    return folder


def change(path: Path, edit) -> None:
    """Change the JSON of a file by a function."""
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def eee_record(model: str, samples: Mapping[str, Sequence[Mapping]], **changes: object) -> dict:
    """Return a record of Every Eval Ever 0.3.0."""
    results = []
    for task, rows in samples.items():
        values = [row["evaluation"]["score"] for row in rows]
        mean = sum(values) / len(values)
        results.append(
            {
                "evaluation_result_id": f"{task}.accuracy",
                "evaluation_name": task,
                "source_data": {"dataset_name": task, "source_type": "other"},
                "metric_config": {
                    "metric_id": "accuracy",
                    "metric_unit": "proportion",
                    "lower_is_better": False,
                    "score_type": "continuous",
                    "min_score": 0.0,
                    "max_score": 1.0,
                },
                "score_details": {
                    "score": mean,
                    "uncertainty": {
                        "standard_error": {"value": (mean * (1 - mean) / len(values)) ** 0.5},
                        "num_samples": len(values),
                    },
                },
                "generation_config": {"generation_args": {"max_tokens": 100}},
            }
        )
    record = {
        "schema_version": "0.3.0",
        "evaluation_id": f"made/{model}/1",
        "evaluation_timestamp": str(int(DATE)),
        "retrieved_timestamp": str(int(DATE) + 1),
        "source_metadata": {
            "source_type": "evaluation_run",
            "source_organization_name": "Nobody",
            "evaluator_relationship": "third_party",
        },
        "eval_library": {"name": "made_up", "version": "1.0"},
        "model_info": {"name": model.rpartition("/")[2], "id": model},
        "evaluation_results": results,
    }
    return record | changes


def eee_sample(model: str, ability: float, task: str, item: int) -> dict:
    """Return a row of samples of Every Eval Ever."""
    good = right(model, ability, task, item)
    text = f"The answer is {item if good else item + 1}."
    return {
        "schema_version": "0.3.0",
        "evaluation_id": f"made/{model}/1",
        "model_id": model,
        "evaluation_name": task,
        "evaluation_result_id": f"{task}.accuracy",
        "sample_id": f"{task}-{item}",
        "sample_hash": hashlib.sha256(f"{task} {item}".encode()).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": f"Question {item} of {task}?", "reference": [str(item)]},
        "output": {"raw": [text]},
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": text.strip(".").split()[-1],
                "extraction_method": "regex",
                "is_terminal": True,
            }
        ],
        "evaluation": {"score": float(good), "is_correct": good},
        "token_usage": {"input_tokens": 8, "output_tokens": 5, "total_tokens": 13},
    }


def write_eee(
    folder: Path, models: Mapping[str, float] = MODELS, tasks: Sequence[str] = tuple(TASKS), n_items: int = N_ITEMS
) -> Path:
    """Write records of Every Eval Ever with their samples."""
    for model, ability in models.items():
        place = folder / "data/made" / model
        place.mkdir(parents=True, exist_ok=True)
        samples = {task: [eee_sample(model, ability, task, i) for i in range(n_items)] for task in tasks}
        name = hashlib.sha256(model.encode()).hexdigest()[:32]
        lines = "".join(json.dumps(row) + "\n" for rows in samples.values() for row in rows)
        (place / f"{name}_samples.jsonl").write_text(lines, encoding="utf-8")
        record = eee_record(model, samples)
        record["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": f"data/made/{model}/{name}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(lines.encode()).hexdigest(),
        }
        (place / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def write_leaderboard(path: Path, ending: str = "", n_models: int = 60) -> Path:
    """Write a table of models as leaderboards are published: scores in percent, their average, no sizes."""
    columns = ["MMLU", "GSM8K", "ARC", "Hella", "IFEval"]
    lines = [",".join(["Model", *columns, "Average"])]
    for i in range(n_models):
        ability = share("model", i)
        scores = [round(100 * (0.1 + 0.6 * ability + 0.25 * share(i, name)), 2) for name in columns]
        name = f"lab{i % 7}/chat-{'abcdefghij'[i % 10]}-v{i}{ending}"
        lines.append(",".join(map(str, [name, *scores, round(sum(scores) / len(scores), 2)])))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
