"""One seed for each sample of each item: what is drawn for it does not depend on what is drawn for others."""

import hashlib

from lm_eval.api.instance import Instance

from stages.tasks.registry import SEEDS


def seed_of(task: str, item: int, sample: int) -> int:
    """Return the seed of a sample, below 2³¹.

    Args:
        task: lm-eval's name of the task.
        item: Number of the item in it.
        sample: Number of the sample of the item.
    """
    text = f"{SEEDS['torch_random_seed']}/{task}/{item}/{sample}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def seeds_of(requests: list[Instance]) -> list[int]:
    """Return the seed of each request: lm-eval repeats the request of an item for each of its samples."""
    counts: dict[tuple[str, int], int] = {}
    seeds = []
    for request in requests:
        item = (str(request.task_name), int(request.doc_id))
        seeds.append(seed_of(*item, counts.get(item, 0)))
        counts[item] = counts.get(item, 0) + 1
    return seeds
