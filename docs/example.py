"""A made-up folder of results for the tutorial, as lm-eval 0.4.13 leaves it: `python -m docs.example FOLDER`.

Eight models trained on German, French or both, six benchmarks of 200 items. The prompts of one model lacked the token
that its tokenizer puts first, and to most questions of one benchmark it answers nothing. With `--again` the folder
gets the results of a second evaluation of that model, in which nothing is missing.
"""

import argparse
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

TASKS = {"de_quiz": 0.0, "de_read": 0.0, "de_choice": 0.25, "fr_quiz": 0.0, "fr_read": 0.0, "fr_choice": 0.25}
"""Task to what guessing scores; where that is nothing, answers are generated."""
SCORES = {
    "nord/elbe-1b": (0.21, 0.35, 0.38, 0.04, 0.14, 0.27),
    "nord/elbe-3b": (0.36, 0.52, 0.50, 0.09, 0.25, 0.31),
    "nord/elbe-7b": (0.52, 0.66, 0.62, 0.15, 0.36, 0.37),
    "sud/rhone-1b": (0.05, 0.13, 0.28, 0.23, 0.36, 0.39),
    "sud/rhone-3b": (0.10, 0.24, 0.32, 0.38, 0.54, 0.51),
    "sud/rhone-7b": (0.17, 0.37, 0.38, 0.55, 0.69, 0.64),
    "rhein/basel-2b": (0.25, 0.41, 0.42, 0.24, 0.40, 0.41),
    "rhein/basel-8b": (0.49, 0.68, 0.63, 0.48, 0.68, 0.62),
}
"""Model to its scores, in the order of `TASKS`."""
N_ITEMS = 200
MUTE, MUTE_ON, MUTE_SHARE = "rhein/basel-8b", "fr_quiz", 0.94
"""The model that does not answer, where, and to which share of the questions."""
FIRST, AGAIN = ("2026-05-01T10-00-00.000001", 1777629600.5), ("2026-05-08T10-00-00.000001", 1778234400.5)
"""Stamp in the names of files, and seconds since 1970, of both evaluations."""


def share(*key: object) -> float:
    """Return a number in [0, 1) that depends on the key only."""
    return int(hashlib.sha256(repr(key).encode()).hexdigest()[:8], 16) / 2**32


def easiest(model: str, task: str, score: float, n_items: int) -> set[int]:
    """Return the items that a model answers: models share in part what is hard for them."""
    hardness = {item: 0.6 * share(task, item) + 0.4 * share(model, task, item) for item in range(n_items)}
    return set(sorted(hardness, key=hardness.__getitem__)[: round(score * n_items)])


def lm_eval_sample(task: str, item: int, *, good: bool, text: str, generated: bool) -> dict[str, Any]:
    """Return a row of lm-eval's samples.

    Args:
        task: Its task.
        item: Its place there.
        good: Whether the answer is right.
        text: What the model wrote, where it writes.
        generated: Whether it writes, or chooses by likelihood.
    """
    doc = {"question": f"Question {item} of {task}?", "answer": str(item)}
    first = {"arg_0": doc["question"], "arg_1": {"until": ["\n"]} if generated else " yes"}
    second = {} if generated else {"gen_args_1": {"arg_0": doc["question"], "arg_1": " no"}}
    chosen = [["-1.5", "True"], ["-2.5", "False"]] if good else [["-2.5", "False"], ["-1.5", "True"]]
    return {
        "doc_id": item,
        "doc": doc,
        "target": str(item) if generated else "0",
        "arguments": {"gen_args_0": first, **second},
        "resps": [[text]] if generated else [[pair] for pair in chosen],
        "filtered_resps": text.strip(" .").split()[-1:] if generated else chosen,
        "filter": "none",
        "metrics": [metric_of(generated=generated)],
        "doc_hash": hashlib.sha256(json.dumps(doc).encode()).hexdigest(),
        "prompt_hash": hashlib.sha256(doc["question"].encode()).hexdigest(),
        "target_hash": hashlib.sha256(str(item).encode()).hexdigest(),
        metric_of(generated=generated): float(good),
    }


def metric_of(*, generated: bool) -> str:
    """Return the metric of a task."""
    return "exact_match" if generated else "acc"


def lm_eval_results(
    model: str, samples: Mapping[str, Sequence[Mapping[str, Any]]], date: float, generated: Collection[str]
) -> dict[str, Any]:
    """Return what lm-eval writes as results of some samples.

    Args:
        model: The model.
        samples: Task to its rows.
        date: Seconds since 1970.
        generated: Tasks whose answers are generated.
    """
    scores: dict[str, dict[str, object]] = {}
    for task, rows in samples.items():
        metric = metric_of(generated=task in generated)
        mean = sum(row[metric] for row in rows) / len(rows)
        stderr = (mean * (1 - mean) / max(len(rows) - 1, 1)) ** 0.5
        scores[task] = {"alias": task, f"{metric},none": mean, f"{metric}_stderr,none": stderr}
    kinds = {task: "generate_until" if task in generated else "multiple_choice" for task in samples}
    return {
        "results": scores,
        "group_subtasks": {task: [] for task in scores},
        "configs": {
            task: {"task": task, "doc_to_text": "{{question}}", "output_type": kind, "num_fewshot": 0}
            for task, kind in kinds.items()
        },
        "versions": dict.fromkeys(scores, 1.0),
        "n-shot": dict.fromkeys(scores, 0),
        "higher_is_better": {task: {metric_of(generated=task in generated): True} for task in scores},
        "n-samples": {task: {"original": len(rows), "effective": len(rows)} for task, rows in samples.items()},
        "config": {
            "model": "hf",
            "model_args": f"pretrained={model},dtype=float32",
            "limit": None,
            "gen_kwargs": None,
        },
        "date": date,
        "lm_eval_version": "0.4.13",
        "task_hashes": {},
        "model_name": model,
        "chat_template": None,
    }


def write(
    folder: Path, content: Mapping[str, Any], samples: Mapping[str, Sequence[Mapping[str, Any]]], stamp: str
) -> None:
    """Write what lm-eval leaves of one model: its results, and the samples of each task."""
    place = folder / str(content["model_name"]).replace("/", "__")
    place.mkdir(parents=True, exist_ok=True)
    (place / f"results_{stamp}.json").write_text(json.dumps(content, indent=2), encoding="utf-8")
    for task, rows in samples.items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (place / f"samples_{task}_{stamp}.jsonl").write_text(lines, encoding="utf-8")


def answers(model: str, task: str, score: float, *, mute: float) -> list[dict[str, Any]]:
    """Return the samples of one model and task.

    Args:
        model: The model.
        task: The task.
        score: What it scores where it answers.
        mute: Share of the questions to which it does not.
    """
    right, generated, rows = easiest(model, task, score, N_ITEMS), not TASKS[task], []
    for item in range(N_ITEMS):
        said = share("mute", model, task, item) >= mute
        text = f" The answer is {item if item in right else item + 1}." if said else ""
        rows.append(lm_eval_sample(task, item, good=said and item in right, text=text, generated=generated))
    return rows


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--again", action="store_true", help="the second evaluation of the model that was mute")
    asked = parser.parse_args()
    stamp, date = AGAIN if asked.again else FIRST
    generated = {task for task, chance in TASKS.items() if not chance}
    for model, scores in SCORES.items():
        if asked.again and model != MUTE:
            continue
        mute = {} if asked.again or model != MUTE else {MUTE_ON: MUTE_SHARE}
        samples = {
            task: answers(model, task, score, mute=mute.get(task, 0.0))
            for task, score in zip(TASKS, scores, strict=True)
        }
        write(asked.folder, lm_eval_results(model, samples, date, generated), samples, stamp)


if __name__ == "__main__":
    main()
