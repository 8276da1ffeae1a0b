"""HumanEval: run the samples of a problem and estimate how often k tries would do."""

from collections.abc import Mapping, Sequence
from math import comb

from stages.sandbox.run import Program, run_programs


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return 1 - C(n - c, k) / C(n, k), unbiased; Chen et al. (2021), arXiv:2107.03374, equation 1.

    Args:
        n: Samples.
        c: Those that passed.
        k: Tries, at most n.
    """
    return 1 - comb(n - c, k) / comb(n, k)


def passed(doc: Mapping[str, str], completions: Sequence[str]) -> list[bool]:
    """Return which completions of a problem pass its test, each run in the sandbox.

    Args:
        doc: With "prompt", "test" and "entry_point".
        completions: Generated text, cut at the stop strings.

    Raises:
        InputError: There is no sandbox on this machine.
    """
    jobs = [Program(doc["prompt"], completion, doc["test"], doc["entry_point"]) for completion in completions]
    return [verdict.passed for verdict in run_programs(jobs)]
