"""`observatory import` of a large folder of lm-eval results with samples, and of the same folder again."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from docs import example
from tests.intake import made
from tests.repository import Repository, new_repository

MODELS, TASKS, ITEMS = 100, 60, 1_000_000
PROMPT = "A question of some length, as benchmarks ask it, with a passage before it. " * 6
STEP = 0.1
"""Seconds between two looks at the memory."""


def write_results(folder: Path) -> int:
    """Write results and samples of made-up models, and return the bytes of all."""
    per_file = ITEMS // (MODELS * TASKS)
    for m in range(MODELS):
        model = f"org/model-{m:03d}-{1 + m % 70}b"
        place = folder / model.replace("/", "__")
        place.mkdir(parents=True)
        means = {}
        for t in range(TASKS):
            rows = [sample(f"task{t:02d}", i, (m * 7 + t * 3 + i) % 100 < 20 + m % 60) for i in range(per_file)]
            means[f"task{t:02d}"] = [row for row, _ in rows]
            lines = "".join(line for _, line in rows)
            (place / f"samples_task{t:02d}_{made.STAMP}.jsonl").write_text(lines, encoding="utf-8")
        (place / f"results_{made.STAMP}.json").write_text(
            json.dumps(example.lm_eval_results(model, means, made.DATE, means))
        )
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def sample(task: str, item: int, right: bool) -> tuple[dict[str, float], str]:
    """Return the score of an item, and its line."""
    name = f"{task}-{item}"
    row = {
        "doc_id": item,
        "doc": {"question": PROMPT + name, "answer": str(item)},
        "target": str(item),
        "arguments": {"gen_args_0": {"arg_0": PROMPT + name, "arg_1": {"until": ["\n"]}}},
        "resps": [[f" The answer is {item if right else -1}."]],
        "filtered_resps": [str(item if right else -1)],
        "filter": "none",
        "metrics": ["exact_match"],
        "doc_hash": hashlib.sha256(name.encode()).hexdigest(),
        "prompt_hash": hashlib.sha256(name.encode()).hexdigest(),
        "target_hash": hashlib.sha256(name.encode()).hexdigest(),
        "exact_match": float(right),
    }
    return {"exact_match": row["exact_match"]}, json.dumps(row) + "\n"


def measured(repository: Repository, folder: Path) -> tuple[float, float]:
    """Import, and return seconds and the largest memory of all processes together, in GiB."""
    command = [sys.executable, "-m", "stages.cli", "import", str(folder), "--study", "large"]
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(
        command, cwd=repository.path, env={**os.environ, "PYTHONPATH": ""}, stdout=subprocess.PIPE
    )
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, memory(watched))
        time.sleep(STEP)
    if process.returncode:
        raise SystemExit("the import failed")
    return time.perf_counter() - start, peak / 2**30


def memory(process: psutil.Process) -> int:
    """Return the bytes that a process and its children hold, what they share counted once."""
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_full_info().pss
    except psutil.Error:
        return total
    return total


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_results(folder / "results")
        repository = new_repository(folder / "repository")
        rows = [(what, *measured(repository, folder / "results")) for what in ("first", "again")]
    print(f"{MODELS} models x {TASKS} tasks, {ITEMS:,} samples, {size / 2**30:.2f} GiB, {os.cpu_count()} cores\n")
    print("| import | s | peak, GiB |\n|---|---|---|")
    for what, seconds, peak in rows:
        print(f"| {what} | {seconds:.1f} | {peak:.2f} |")
